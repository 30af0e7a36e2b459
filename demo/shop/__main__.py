"""Runs the shop alone, or talks to one that runs: `python -m demo.shop [run | inject NAME | heal | faults]`."""

import argparse
import asyncio
import json
import signal
from pathlib import Path

import httpx

from demo.shop.embedded import serving
from demo.shop.panel.app import build_panel_app
from demo.shop.shop import Shop

DATA_DIR = Path("data/shop")
PANEL_PORT = 8099


async def run(arguments: argparse.Namespace) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    shop = Shop(arguments.data_dir, webhook_url=arguments.webhook_url, webhook_token=arguments.webhook_token)
    async with shop, serving(build_panel_app(shop), "127.0.0.1", arguments.port) as panel_url:
        print(f"panel       {panel_url}")
        print(f"front       {shop.front_url}")
        print(f"supervisor  {shop.supervisor_url}   token {shop.supervisor_token}")
        print(f"metrics     {shop.metrics_url}")
        print(f"catalogue   {shop.catalogue_path}", flush=True)
        await stop.wait()


async def tell(port: int, method: str, path: str) -> None:
    """Send one request to the panel of a running shop and print the faults."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        response = await client.request(method, path)
    body = response.json()
    if response.status_code != 200:
        raise SystemExit(body.get("detail", response.text))
    for fault in body["faults"]:
        mark = "ACTIVE" if fault["active"] else "-"
        print(f"{fault['name']:<16} {fault['service']:<9} {mark:<7} {json.dumps(fault['expected'])}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.shop", description=__doc__)
    parser.add_argument("--port", type=int, default=PANEL_PORT, help="port of the panel")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--webhook-url")
    parser.add_argument("--webhook-token")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run")
    commands.add_parser("inject").add_argument("name")
    commands.add_parser("heal")
    commands.add_parser("faults")
    arguments = parser.parse_args()
    match arguments.command:
        case "inject":
            asyncio.run(tell(arguments.port, "POST", f"/faults/{arguments.name}"))
        case "heal":
            asyncio.run(tell(arguments.port, "DELETE", "/faults"))
        case "faults":
            asyncio.run(tell(arguments.port, "GET", "/faults"))
        case _:
            asyncio.run(run(arguments))


if __name__ == "__main__":
    main()
