"""`python -m demo`: a Slack workspace, a small patient and the bot, on this machine alone."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time

from demo.guide import STORY
from demo.rehearsal import rehearse
from demo.stage import StageError, open_stage

_HIGHEST_PORT = 65535


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
        _say(f"\nUp in {time.monotonic() - started:.0f} s. Open the address above; its page says what to do:")
        for number, step in enumerate(STORY, 1):
            _say(f"  {number}. {step.text.replace('*', '')}")
        _say("\nIn another terminal, about this bot (so for `audit verify`, `policy check`, `doctor`, ... too):")
        _say(f"  {stage.bot.command('dead list')}")
        _say(f"\nThe bot's log: {stage.bot.log}   End with Ctrl-C.")
        status = await stage.bot.ended()
        _say(f"\nThe bot ended by itself (status {status}); its last words:\n{stage.bot.last_words()}")
        _say("The page stays up without it. End with Ctrl-C, then start again.")
        await asyncio.Event().wait()


def _port(text: str) -> int:
    """Return the port; ValueError for what is none (0 takes any that is free)."""
    if not (text.isascii() and text.isdigit() and int(text) <= _HIGHEST_PORT):
        raise ValueError(f"{text!r} is no port: DEMO_PORT or --port must be a whole number from 0 to {_HIGHEST_PORT}")
    return int(text)


def main() -> int:
    """Parse the command line and return the exit status: 0 all right, 1 a wrong row or a part that did not come up,
    2 a port that is none."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", default=os.environ.get("DEMO_PORT") or "8040", help="of the page (8040)")
    parser.add_argument("--faults", metavar="all|NAME,...", help="play faults without a page, print a table, end")
    options = parser.parse_args()
    try:
        port = _port(options.port)
    except ValueError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    try:
        if options.faults:
            return asyncio.run(rehearse(options.faults, say=_say))
        return asyncio.run(_open_page(port))
    except StageError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"demo: {error}; is port {port} taken? Choose another with DEMO_PORT=8041 make demo",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
