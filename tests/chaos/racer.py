"""One side of a race between processes: `python -m tests.chaos.racer vote|graph URL PERSON CHOICE`, driven over pipes.

It says `ready`, waits for a line with what to decide, decides at once, and prints what came of it as JSON."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import Database, open_database
from core.errors import RefusedError
from core.person import Person
from core.policy import Policy, PolicyFile
from core.services.approval_desk import ApprovalDesk
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.queue import InMemoryQueue

ALICE, CAROL, BOB = "U0ALICE", "U0CAROL", "U0BOB"
RULES = {
    "version": 1,
    "groups": {"sre": ["S0SRE"]},
    "rules": [{"name": "any", "effect": "approve", "groups": ["sre"]}],
}
POLICY = Policy(PolicyFile.model_validate(RULES), "0" * 64)
Decide = Callable[[str], Awaitable[list[str]]]


def desk_over(database: Database) -> ApprovalDesk:
    """Return the desk of a process of its own."""
    clock = SystemClock()
    people = [Person(id=each, name=each) for each in (ALICE, CAROL, BOB)]
    directory = InMemoryDirectory(people, {"S0SRE": {ALICE, CAROL, BOB}})
    return ApprovalDesk(SqlApprovals(database, clock), directory, POLICY, InMemoryQueue(), SqlAudit(database), clock)


def voting(url: str, person: str, choice: Any, clicks: int) -> Decide:
    """Decide as the product does: so many clicks at once, each of which says what it came to."""
    desk = desk_over(open_database(url))

    async def click(approval_id: str) -> str:
        try:
            return (await desk.vote(approval_id, person, choice)).status.value
        except RefusedError as refusal:
            return str(refusal)

    async def decide(approval_id: str) -> list[str]:
        return await asyncio.gather(*(click(approval_id) for _ in range(clicks)))

    return decide


def deciding_in_state(url: str, choice: str) -> Decide:
    """Decide in a graph's state, as the product does not."""
    from tests.chaos.gated import decide_in_state  # late: langgraph takes its time to be imported

    return partial(decide_in_state, url, choice)


async def main(kind: str, url: str, person: str, choice: str, clicks: str = "1") -> None:
    """Take part in every round until the pipe is closed."""

    decide = voting(url, person, choice, int(clicks)) if kind == "vote" else deciding_in_state(url, choice)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await decide(line.strip())), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
