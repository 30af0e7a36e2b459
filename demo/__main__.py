"""`python -m demo`: a Slack workspace, a small patient and the bot, on this machine alone."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time

from demo.rehearsal import rehearse
from demo.stage import HINTS, StageError, open_stage


def _say(text: str) -> None:
    print(text, flush=True)


async def _open_page(port: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    play = asyncio.create_task(_play(port))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({told, play}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if play.done():
        play.result()
    else:
        _say("\nstopping ...")
        play.cancel()  # unwinds the stage, whichever step it had reached
        with contextlib.suppress(asyncio.CancelledError):
            await play
    return 0


async def _play(port: int) -> None:
    started = time.monotonic()
    async with open_stage(port=port, say=_say) as stage:
        _say(f"ready: {stage.url}")
        _say(f"\nUp in {time.monotonic() - started:.0f} s. Open the address above in a browser, then:")
        for number, hint in enumerate(HINTS, 1):
            _say(f"  {number}. {hint}")
        _say(f"\nThe bot's log: {stage.bot.log}   End with Ctrl-C.")
        await asyncio.Event().wait()


def main() -> int:
    """Parse the command line and return the exit status: 0 all right, 1 a wrong row or a part that did not come up."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("DEMO_PORT", "8040")), help="of the page (8040)")
    parser.add_argument("--faults", metavar="all|NAME,...", help="play faults without a page, print a table, end")
    options = parser.parse_args()
    try:
        if options.faults:
            return asyncio.run(rehearse(options.faults, say=_say))
        return asyncio.run(_open_page(options.port))
    except StageError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"demo: {error}; is port {options.port} taken? Choose another with DEMO_PORT=8041 make demo",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
