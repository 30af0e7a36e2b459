"""Every name that Slack sends back to us, each written once: actions, views, commands, shortcuts, events, metadata."""

from typing import Final

APPROVE: Final = "approval.approve"
REJECT: Final = "approval.reject"
DETAILS: Final = "approval.details"
UNDO: Final = "approval.undo"
DECIDE_BLOCK: Final = "approval.decide"

DEAD_RETRY: Final = "dead_letter.retry"
DEAD_DISCARD: Final = "dead_letter.discard"
DEAD_BLOCK: Final = "dead_letter.decide"

REJECT_VIEW: Final = "approval.reject_reason"
DETAILS_VIEW: Final = "approval.details_view"
REASON_BLOCK: Final = "reason"
REASON_INPUT: Final = "reason.text"

COMMAND: Final = "/ops"
INVESTIGATE_SHORTCUT: Final = "investigate_message"

EVENTS: Final = ("app_home_opened", "app_mention", "message.channels", "message.groups", "message.im")

INCIDENT_CARD: Final = "watchkeeper_incident"
REPORT_CARD: Final = "watchkeeper_report"
APPROVAL_CARD: Final = "watchkeeper_approval"
DEAD_LETTER_CARD: Final = "watchkeeper_dead_letter"
AUDIT_HEAD: Final = "watchkeeper_audit_head"
NOTE: Final = "watchkeeper_note"
REMINDER: Final = "watchkeeper_reminder"
QUESTION: Final = "watchkeeper_question"
