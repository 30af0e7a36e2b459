"""What the approved action is sent to: a target on loopback that counts, and notes when it has read the request."""

import asyncio
from time import perf_counter
from typing import Any

import httpx

from tests.tools.peer import FaultySupervisor


class Stamps:
    """Named moments of one round, in the order in which they came; each name counts once."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}

    def begin(self) -> None:
        """Forget the last round."""
        self._moments = {}

    def mark(self, name: str) -> None:
        """Note that this moment is now."""
        self._moments.setdefault(name, perf_counter())

    def at(self, name: str) -> float:
        """Return when that was; KeyError when it was not."""
        return self._moments[name]

    def of_round(self) -> list[tuple[str, float]]:
        """Return the moments up to the arrival at the target, which is the last."""
        moments = sorted(self._moments.items(), key=lambda row: row[1])
        return moments[: 1 + next(at for at, (name, _) in enumerate(moments) if name == Target.ARRIVED)]


class Target(FaultySupervisor):
    """Keeps its own ledger; an effect of an action id that came before would be a second line in it."""

    ARRIVED = "the target has read the request"

    def __init__(self) -> None:
        super().__init__(forgiving=False)
        self.arrived = asyncio.Event()
        self._stamps: Any = None
        self._watched = ""
        self.pages["/healthz"] = (200, b"ok")
        self.read_at = 0.0

    def watch(self, action_id: str, stamps: Any) -> None:
        """Note on `stamps` when the request with that id arrives."""
        self._watched, self._stamps = action_id, stamps
        stamps.begin()
        self.arrived.clear()

    async def _act(self, writer: Any, path: list[str], headers: dict[str, str], body: dict[str, Any]) -> bool:
        if not body.get("dry_run") and body.get("action_id") == self._watched:
            self.read_at = perf_counter()
            self._stamps.mark(self.ARRIVED)
            self.arrived.set()
        return await super()._act(writer, path, headers, body)

    async def act(self, http: httpx.AsyncClient, action_id: str) -> None:
        """Send what ours sends."""
        body = {"dry_run": False, "action_id": action_id, "by": "stock", "resource_version": 7}
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await http.post(f"{self.url}/services/checkout/restart", json=body, headers=headers)
        answer.raise_for_status()

    def count(self, action_id: str) -> int:
        """Return how often that action had its effect."""
        return sum(row["action_id"] == action_id for row in self.effects)
