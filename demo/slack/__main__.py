"""`python -m demo.slack --port N`: the workspace alone, without the patient."""

import argparse
import asyncio
import contextlib
import json

from demo.slack.app import LocalWorkspace


async def _serve(port: int, host: str, panels: list[dict[str, str]]) -> None:
    async with LocalWorkspace(port=port, host=host, panels=panels) as ws:
        print(f"Slack workspace at {ws.url}", flush=True)
        await ws.serve_forever()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="demo.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--panels", default="[]", help='JSON list of {"title", "url"}')
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options.port, options.host, json.loads(options.panels)))


if __name__ == "__main__":
    main()
