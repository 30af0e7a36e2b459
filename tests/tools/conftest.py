"""One guard over one misbehaving supervisor, with ports in memory and a clock that stands still."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.tampering import ASKED, CAST, DECIDED
from core.tool_call import Plan, ToolCall, plan_digest
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import FakeClock
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_request
from tests.tools.peer import FaultySupervisor
from tools.environment import Environment, Service
from tools.guard import Guard
from tools.registry import Registry, build_registry
from tools.secrets import SecretFilter


@dataclass
class Bench:
    """Everything around one guard; `frozen` is the freeze switch, `policy` the hash of the file that holds."""

    peer: FaultySupervisor
    http: httpx.AsyncClient
    log: Path
    clock: FakeClock = field(default_factory=FakeClock)
    approvals: InMemoryApprovals = field(default_factory=InMemoryApprovals)
    effects: InMemoryEffects = field(default_factory=InMemoryEffects)
    audit: InMemoryAudit = field(default_factory=InMemoryAudit)
    frozen: bool = False
    policy: str = "0" * 64

    def services(self) -> list[Service]:
        url = self.peer.url
        calls = {"front": ("checkout",), "checkout": ("payments",), "payments": ()}
        return [
            Service(
                name=name,
                env="prod",
                url=url,
                health_url=f"{url}/healthz",
                metrics_url=f"{url}/metrics",
                log_files=(self.log,),
                depends_on=depends,
            )
            for name, depends in calls.items()
        ]

    def environment(self, **changes: Any) -> Environment:
        given: dict[str, Any] = {
            "services": self.services(),
            "prometheus_url": self.peer.url,
            "supervisor_url": self.peer.url,
            "supervisor_token": self.peer.token,
            "http": self.http,
            "clock": self.clock,
        }
        return Environment(**(given | changes))

    def registry(self, *, timeout: float = 10.0, **changes: Any) -> Registry:
        built = build_registry(self.environment(**changes))
        return Registry(built.environment, [replace(spec, timeout=min(timeout, spec.timeout)) for spec in built])

    def guard(
        self,
        kind: type[Guard] = Guard,
        *,
        settle_seconds: float = 0.3,
        skew_seconds: float = 0.0,
        timeout: float = 10.0,
    ) -> Guard:
        self.effects.audit = self.audit  # whatever a test has put in its place: one database holds all three
        self.effects.bind(self.approvals)
        return kind(
            self.registry(timeout=timeout),
            self.approvals,
            self.effects,
            self.audit,
            self.clock,
            lambda: self.frozen,
            settle_seconds=settle_seconds,
            skew_seconds=skew_seconds,
            in_force=lambda sha256: sha256 == self.policy,
        )

    def guard_with(self, secrets: SecretFilter) -> Guard:
        """Return a guard over another secret filter."""
        registry = self.registry(secrets=secrets)
        return Guard(registry, self.approvals, self.effects, self.audit, self.clock, lambda: self.frozen)

    async def approved(self, name: str, **args: Any) -> tuple[ApprovalRequest, Grant]:
        """Plan the call, and have BOB approve it now."""
        return await self.approve(await self.guard().plan(ToolCall(name=name, args=args)))

    async def approve(self, plan: Plan) -> tuple[ApprovalRequest, Grant]:
        """Return the approved row of a plan and the grant that goes with it."""
        row = await self.approvals.create(a_request(plan=plan, created_at=self.clock.now()))
        now = self.clock.now()
        await self.approvals.vote(Vote(approval_id=row.id, person="U0BOB", choice="approve", at=now))
        until = now + row.requirement.execute_within
        await self.approvals.claim(row.id, digest=row.digest, status=ApprovalStatus.APPROVED, now=now, execute_by=until)
        row = await self.approvals.load(row.id)
        await self.audit.record(row)
        return row, Grant(approval_id=row.id, action_id=row.action_id, digest=row.digest, until=until)

    @property
    def kinds(self) -> list[str]:
        """What the history tells of attempts, in order."""
        return [event.kind for event in self.audit.events if event.kind not in {ASKED, CAST, DECIDED}]

    def forge(self, row: ApprovalRequest, **changes: Any) -> None:
        """Write into the approvals table behind everybody's back."""
        self.approvals.rows[row.id] = self.approvals.rows[row.id].model_copy(update=changes)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    # The peer speaks plain HTTP: reading the trust store for each of 200 tests would take longer than the tests.
    client = httpx.AsyncClient(trust_env=False, verify=False)
    async with FaultySupervisor().serving() as peer, client as http:
        yield Bench(peer, http, tmp_path / "checkout.log")


def digest_of(plan: Plan, row: ApprovalRequest) -> str:
    return plan_digest(plan, requester=row.requester, requirement=row.requirement)
