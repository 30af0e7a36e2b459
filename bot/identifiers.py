"""Every name that Slack sends back to us, each written once: actions, views, commands, shortcuts, events, metadata."""

from typing import Final

APPROVE: Final = "approval.approve"
REJECT: Final = "approval.reject"
DETAILS: Final = "approval.details"
EDIT: Final = "approval.edit"
UNDO: Final = "approval.undo"
ASK_AGAIN: Final = "approval.ask_again"
GRANT: Final = "approval.grant"
GRANT_REVOKE: Final = "grant.revoke"
DECIDE_BLOCK: Final = "approval.decide"

BULK_REJECT: Final = "home.reject"
BULK_PICK: Final = "home.reject.which"
BULK_REASON: Final = "home.reject.reason"

DEAD_RETRY: Final = "dead_letter.retry"
DEAD_DISCARD: Final = "dead_letter.discard"
DEAD_BLOCK: Final = "dead_letter.decide"

REJECT_VIEW: Final = "approval.reject_reason"
DETAILS_VIEW: Final = "approval.details_view"
EDIT_VIEW: Final = "approval.edited"
CONFIRM_VIEW: Final = "approval.confirmed"
GRANT_VIEW: Final = "grant.wished"
GRANT_CONFIRM_VIEW: Final = "grant.given"
ANSWERED_VIEWS: Final = (EDIT_VIEW, CONFIRM_VIEW, GRANT_VIEW)
"""Forms that stay open with what is wrong in them: whoever sends one waits for the worker's answer."""
FIELD_BLOCK: Final = "argument."
EDIT_VALUE: Final = "edit.value"
NOTE_BLOCK: Final = "note"
CONFIRM_BLOCK: Final = "confirm"
CONFIRM_INPUT: Final = "confirm.typed"
GRANT_FIELD: Final = "grant.argument."
GRANT_USES: Final = "grant.uses"
GRANT_LASTS: Final = "grant.lasts"
GRANT_REASON: Final = "grant.reason"
GRANT_VALUE: Final = "grant.value"
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
