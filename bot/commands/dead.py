"""`dead`: list the events that were given up, and decide about one; the running worker carries that out."""

import asyncio
from argparse import Namespace

from bot.adapters.clock import SystemClock
from bot.adapters.database.audit_check import existing
from bot.adapters.database.engine import open_database
from bot.addresses import shown
from bot.bootstrap.stores import Stores
from bot.settings import Settings
from core.dead_letter import DeadLetter
from core.errors import ConfigurationError, NoDataError, RefusedError, TransientError
from core.services.dead_letters import DeadLetterDesk

NEEDS = ("database", "files")
WHO = "command line"


def run(settings: Settings, options: Namespace) -> int:
    """Print a line for each letter, or what became of the one; 1 when it is unknown or decided already."""
    try:
        return asyncio.run(_run(settings.database_url, options.act, options.id))
    except TransientError as error:
        raise ConfigurationError(f"DATABASE_URL {shown(settings.database_url)} cannot be reached ({error})") from error


async def _run(url: str, act: str, letter_id: str | None) -> int:
    database = open_database(existing(url))
    stores = Stores.of(database, SystemClock())
    desk = DeadLetterDesk(stores.deliveries, stores.audit, SystemClock())
    try:
        if await database.revision() is None:
            raise ConfigurationError(
                f"DATABASE_URL: there is nothing yet at {shown(url)}; `python -m bot run` sets it up"
            )
        if act == "list":
            letters = await stores.deliveries.dead()
            print("\n".join(map(line, letters)) or "no dead letters", flush=True)
            return 0
        if not letter_id:
            raise ConfigurationError(f"dead {act} needs the ID of a letter; `dead list` shows them")
        await (desk.retry if act == "retry" else desk.discard)(letter_id, WHO)
    except (NoDataError, RefusedError) as refusal:
        print(refusal, flush=True)
        return 1
    finally:
        await database.close()
    print(f"{letter_id}: {'goes back into the queue' if act == 'retry' else 'discarded'}", flush=True)
    return 0


def line(letter: DeadLetter) -> str:
    """Return one letter in one line: id, kind, attempts, when it was given up, why."""
    when = f"{letter.ended_at:%Y-%m-%d %H:%M:%S} UTC" if letter.ended_at else "-"
    return f"{letter.id}  {letter.kind}  {letter.attempts} attempts  {when}  {letter.error}"
