"""One process that appends to the history: `python -m tests.contracts.audit_writer URL KIND COUNT`.

Each line it prints is the subject of an event that it was told is kept; at `half` it waits for a line, or for its end.
KIND: sound; torn (reads the chain's head before its turn); early (acknowledges before the commit); late (fills the hash
in afterwards).
"""

import asyncio
import os
import sys

from sqlalchemy import text

from bot.adapters.database import audit_log
from bot.adapters.database.audit_log import SqlAudit, append_events
from bot.adapters.database.engine import Database, open_database
from core.audit import AuditEvent
from core.audit_chain import START, Head, content_of, next_head
from tests.fakes.examples import an_audit_event


async def torn(database: Database, event: AuditEvent) -> None:
    async with database.reading() as connection:
        last = (await connection.execute(audit_log._LAST)).first()
    await asyncio.sleep(0.001)
    content = content_of(event)
    head = START if last is None else Head(last.sequence, last.hash)
    sequence, own = next_head(head, content)
    links = {"sequence": sequence, "previous_hash": head.hash, "hash": own, "details": content.details.decode()}
    async with database.writing() as connection:
        await connection.execute(audit_log._INSERT, event.model_dump() | links)


async def early(database: Database, event: AuditEvent) -> None:
    async with database.writing() as connection:
        await append_events(connection, event)
        print(event.subject, flush=True)
        await half()


async def late(database: Database, event: AuditEvent) -> None:
    async with database.writing() as connection:
        await append_events(connection, event)
        found = await connection.execute(text("SELECT hash FROM audit_events ORDER BY sequence DESC LIMIT 1"))
        right = {"hash": found.scalar()}
        await connection.execute(text("UPDATE audit_events SET hash = '' WHERE hash = :hash"), right)
    await half()
    async with database.writing() as connection:
        await connection.execute(text("UPDATE audit_events SET hash = :hash WHERE hash = ''"), right)


async def half() -> None:
    print("half", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def main(url: str, kind: str, count: int) -> None:
    """Append that many events, one after the other."""
    database = open_database(url)
    append = {"sound": lambda _, event: SqlAudit(database).append(event), "torn": torn, "early": early, "late": late}[
        kind
    ]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for number in range(count):
        event = an_audit_event(subject=f"{os.getpid()}-{number}", details={"number": number})
        await append(database, event)
        print(event.subject, flush=True)
        await asyncio.sleep(0.001)  # SQLite gives its lock to whoever asks next, which would be us again
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
