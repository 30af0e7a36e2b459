"""What Slack listeners may ask for: use cases and stores, assembled once by bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass

from core.ports import ApprovalQueue, Approvals, Audit, Cards, Clock, Directory, Incidents, Queue, Reports
from core.services.alert_intake import AlertIntake
from core.services.approval_desk import ApprovalDesk
from core.services.dead_letters import DeadLetterDesk
from core.services.editing import Editing
from core.services.freeze import FreezeSwitch
from core.services.granting import Granting
from core.services.investigation import Investigation
from core.services.reconsideration import Reconsideration
from core.services.remediation import Remediation


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a listener needs; `links` is the public address of the web side, without a trailing slash.

    `approvers` gives the user groups and users that the policy names now, `unfit` why nothing can be changed, `notes`
    what is amiss and stops nothing.
    """

    desk: ApprovalDesk
    investigation: Investigation
    remediation: Remediation
    intake: AlertIntake
    incidents: Incidents
    reports: Reports
    approvals: Approvals
    approval_queue: ApprovalQueue
    cards: Cards
    directory: Directory
    audit: Audit
    queue: Queue
    clock: Clock
    dead_letters: DeadLetterDesk
    freeze: FreezeSwitch
    editing: Editing
    granting: Granting
    links: str = ""
    incident_channel: str = "#incidents"
    approvers: Callable[[], tuple[str, ...]] = tuple
    unfit: Callable[[], str] = str
    notes: Callable[[], tuple[str, ...]] = tuple

    @property
    def reconsideration(self) -> Reconsideration:
        """What follows from a rejection."""
        return Reconsideration(self.investigation, self.approvals, self.reports, self.cards, self.clock)
