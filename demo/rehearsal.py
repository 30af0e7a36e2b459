"""`--faults`: plays each fault end to end without a page and prints what the bot made of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from demo.stage import Say, Stage, StageError, open_stage

INCIDENTS = "C0INCIDENTS"
APPROVER = "U0ALICE"
SIGNERS = (APPROVER, "U0DANA")
"""One of sre, and the owner of payments, whose word that service needs as well."""
_QUIET = 4.0
_TOO_LONG = 60.0

Message = dict[str, Any]


@dataclass
class Row:
    """What one fault led to; seconds count from the injection."""

    fault: str
    expected: Mapping[str, Any]
    cause: str = ""
    service: str = ""
    tool: str = ""
    ran: Sequence[Mapping[str, Any]] = ()
    card_after: float | None = None
    proposal_after: float | None = None
    ended: str = ""

    @property
    def right(self) -> bool:
        """True when cause, service, remedy with its arguments, one effect and the end are what they should be."""
        if not self.expected.get("tool"):
            return self.card_after is not None and not self.tool and not self.ran
        named = (self.cause, self.service, self.tool) == (
            self.expected["cause"],
            self.expected["service"],
            self.expected["tool"],
        )
        effects = [{"service": effect["service"], **effect["args"]} for effect in self.ran]
        return named and effects == [self.expected["args"]] and self.ended == "executed"


class Rehearsal:
    """Plays faults one after another against a running stage, seeing only what Slack and the patient show."""

    def __init__(self, stage: Stage, http: httpx.AsyncClient) -> None:
        self._stage = stage
        self._http = http

    async def play(self, fault: Mapping[str, Any]) -> Row:
        """Inject one fault, countersign what is proposed, wait for the end, heal."""
        row = Row(fault["name"], fault["expected"])
        before = len(await self._ledger())
        known = frozenset(card["ts"] for card in await self._cards("incident"))
        started = time.monotonic()
        await self._stage.shop.inject(fault["name"])
        await self._until(lambda: self._first("incident", known), "an incident card")
        row.card_after = time.monotonic() - started
        report = await self._until(lambda: self._first("report", known), "a report")
        if _payload(report)["tool"]:
            report = await self._countersign(row, known, started)
        row.cause, row.service = _payload(report)["cause"], _payload(report)["service"]
        await asyncio.sleep(_QUIET)
        if not row.tool and (late := await self._first("approval", known)) is not None:
            row.tool = _payload(late)["tool"]
        row.ran = (await self._ledger())[before:]
        await self._stage.shop.clear()
        await self._until(lambda: self._all_resolved(known), "the resolution of every incident")
        await asyncio.sleep(_QUIET)
        return row

    async def _countersign(self, row: Row, known: frozenset[str], started: float) -> Message:
        """Approve the request as everybody who has to; returns the report that led to it."""
        request = await self._until(lambda: self._first("approval", known), "an approval card")
        row.proposal_after = time.monotonic() - started
        row.tool = _payload(request)["tool"]
        click = {"channel": INCIDENTS, "ts": request["ts"], "action_id": "approval.approve", "confirmed": True}
        for signer in SIGNERS[: 2 if _payload(request)["service"] == "payments" else 1]:
            (await self._http.post("/control/click", json=click | {"as": signer})).raise_for_status()
        ended = await self._until(lambda: self._decided(request), "the outcome")
        row.ended = _payload(ended)["status"]
        return await self._until(lambda: self._in_thread(request["thread_ts"], "report"), "the report")

    async def _until(self, look: Callable[[], Awaitable[Message | None]], what: str) -> Message:
        try:
            async with asyncio.timeout(_TOO_LONG):
                while True:
                    if (found := await look()) is not None:
                        return found
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise StageError(
                f"waited {_TOO_LONG:.0f} s for {what}; the bot's last words:\n{self._stage.bot.last_words()}"
            ) from None

    async def _history(self, thread_ts: str | None = None) -> list[Message]:
        params = {"as": APPROVER, "channel": INCIDENTS} | ({"thread_ts": thread_ts} if thread_ts else {})
        return (await self._http.get("/control/history", params=params)).json()["messages"]

    async def _cards(self, kind: str, thread_ts: str | None = None) -> list[Message]:
        return [message for message in await self._history(thread_ts) if _kind(message) == kind]

    async def _first(self, kind: str, known: frozenset[str]) -> Message | None:
        """Return the first card of a kind among the incidents that came after the `known` ones."""
        roots = [card for card in await self._cards("incident") if card["ts"] not in known]
        if kind == "incident":
            return next(iter(roots), None)
        found = [await self._in_thread(root["ts"], kind) for root in roots]
        return next((card for card in found if card), None)

    async def _in_thread(self, thread_ts: str, kind: str) -> Message | None:
        cards = await self._cards(kind, thread_ts)
        # While an investigation runs, its progress stands where its report will be.
        return next((card for card in cards if kind != "report" or "cause" in _payload(card)), None)

    async def _decided(self, request: Message) -> Message | None:
        for card in await self._cards("approval", request["thread_ts"]):
            if card["ts"] == request["ts"] and _payload(card)["status"] not in {"pending", "approved"}:
                return card
        return None

    async def _all_resolved(self, known: frozenset[str]) -> Message | None:
        new = [card for card in await self._cards("incident") if card["ts"] not in known]
        return new[0] if all(_payload(card)["status"] == "resolved" for card in new) else None

    async def _ledger(self) -> list[Mapping[str, Any]]:
        return (await self._http.get(f"{self._stage.shop.supervisor_url}/actions")).json()["actions"]


def _kind(message: Message) -> str:
    return message.get("metadata", {}).get("event_type", "").removeprefix("watchkeeper_")


def _payload(message: Message) -> dict[str, Any]:
    return message["metadata"]["event_payload"]


async def rehearse(names: str, *, say: Say) -> int:
    """Play the named faults (comma separated, or `all`), print the table, return 0 only if every row is right."""
    async with open_stage(port=0, say=say) as stage, httpx.AsyncClient(base_url=stage.url, timeout=10) as http:
        faults = stage.shop.faults()
        wanted = [fault for fault in faults if names == "all" or fault["name"] in names.split(",")]
        if not wanted:
            raise StageError(f"no such fault: {names}; choose from {', '.join(fault['name'] for fault in faults)}")
        rehearsal = Rehearsal(stage, http)
        rows: list[Row] = []
        for fault in wanted:
            say(f"playing {fault['name']} ...")
            rows.append(await rehearsal.play(fault))
    say(table(rows))
    return 0 if all(row.right for row in rows) else 1


def table(rows: list[Row]) -> str:
    """Return the rows as aligned text, one line a fault."""
    head = ("fault", "named cause", "service", "verdict", "proposed tool", "card s", "proposal s", "effects", "end")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return f"\n{text}\n\n{sum(row.right for row in rows)} of {len(rows)} right"


def _cells(row: Row) -> tuple[str, ...]:
    seconds = [f"{value:.1f}" if value is not None else "-" for value in (row.card_after, row.proposal_after)]
    verdict = "right" if row.right else f"WRONG (expected {row.expected.get('cause')})"
    return (
        row.fault,
        row.cause or "-",
        row.service or "-",
        verdict,
        row.tool or "none",
        *seconds,
        str(len(row.ran)),
        row.ended or "-",
    )
