"""Fixtures of the contract suites: each port's fake, and its real forms on every engine there is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.effect_store import SqlEffects
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.incident_store import SqlIncidents
from bot.adapters.database.report_store import SqlReports
from core.ports import Audit, Effects, Incidents, Reports
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import FakeClock
from tests.fakes.databases import *
from tests.fakes.effects import InMemoryEffects
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.reports import InMemoryReports
from tests.fakes.servers import *


@dataclass(frozen=True)
class Stores:
    """The SQL ports in one form."""

    incidents: Incidents
    reports: Reports
    approvals: InMemoryApprovals | SqlApprovals
    effects: Effects
    audit: Audit


def sql_stores(database: Database) -> Stores:
    """Return the stores over a database."""
    return Stores(
        incidents=SqlIncidents(database),
        reports=SqlReports(database),
        approvals=SqlApprovals(database, FakeClock()),
        effects=SqlEffects(database),
        audit=SqlAudit(database),
    )


@pytest.fixture
async def database(any_database_url: str) -> AsyncIterator[Database]:
    """Yield a fresh database of each engine."""
    opened = open_database(any_database_url)
    yield opened
    await opened.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Return where the stores are kept; None stands for memory."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql").migrated()
    return request.getfixturevalue("database_url") if request.param == "sqlite" else None


@pytest.fixture
async def stores(store_url: str | None) -> AsyncIterator[Stores]:
    """Yield the stores in every form."""
    if store_url is None:
        audit = InMemoryAudit()
        approvals = InMemoryApprovals(audit)
        yield Stores(
            incidents=InMemoryIncidents(),
            reports=InMemoryReports(),
            approvals=approvals,
            effects=InMemoryEffects(audit, approvals),
            audit=audit,
        )
        return
    opened = open_database(store_url)
    yield sql_stores(opened)
    await opened.close()
