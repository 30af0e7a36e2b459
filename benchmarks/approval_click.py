"""A click on Approve, as Slack sends it: the same for every subject."""

from time import perf_counter
from typing import Any

ALICE, BOB, CHANNEL = "U0ALICE", "U0BOB", "C0OPS"
APPROVE = "approval.approve"


def a_click(channel: str, thread_ts: str, message_ts: str, value: str) -> dict[str, Any]:
    """Return the payload of Alice's click on the button of that message."""
    action_ts = f"{perf_counter():.6f}"
    container = {"type": "message", "message_ts": message_ts, "channel_id": channel, "thread_ts": thread_ts}
    button = {"type": "button", "action_id": APPROVE, "block_id": "approval.decide", "value": value}
    return {
        "type": "block_actions",
        "team": {"id": "T0LOCAL"},
        "user": {"id": ALICE, "team_id": "T0LOCAL"},
        "api_app_id": "A0LOCAL",
        "trigger_id": f"1.2.{action_ts}",
        "container": container,
        "channel": {"id": channel},
        "actions": [{**button, "action_ts": action_ts}],
    }
