"""The rows in SQL, as both roles use them."""

from dataclasses import dataclass
from typing import Self

from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.effect_store import SqlEffects
from bot.adapters.database.engine import Database
from bot.adapters.database.freeze_store import SqlSwitches
from bot.adapters.database.grant_store import SqlGrants
from bot.adapters.database.incident_store import SqlIncidents
from bot.adapters.database.reminder_store import SqlReminders
from bot.adapters.database.report_store import SqlReports
from core.ports import Clock


@dataclass(frozen=True, slots=True)
class Stores:
    """Each implements the port of its name; `approvals` is also the approval queue, `deliveries` the dead letters."""

    incidents: SqlIncidents
    reports: SqlReports
    approvals: SqlApprovals
    effects: SqlEffects
    audit: SqlAudit
    deliveries: SqlDeliveries
    reminders: SqlReminders
    switches: SqlSwitches
    grants: SqlGrants

    @classmethod
    def of(cls, database: Database, clock: Clock) -> Self:
        """Return all stores of one database."""
        return cls(
            incidents=SqlIncidents(database),
            reports=SqlReports(database),
            approvals=SqlApprovals(database, clock),
            effects=SqlEffects(database),
            audit=SqlAudit(database),
            deliveries=SqlDeliveries(database),
            reminders=SqlReminders(database),
            switches=SqlSwitches(database),
            grants=SqlGrants(database),
        )
