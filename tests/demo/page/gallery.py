"""One message of every block type, as an integration would post it: for looking at the page and for testing it."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Json:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def rich(*elements: Json) -> Json:
    """A rich_text block."""
    return {"type": "rich_text", "elements": list(elements)}


def words(text: str, **style: bool) -> Json:
    """A text element of a rich_text section."""
    return {"type": "text", "text": text} | ({"style": style} if style else {})


CONFIRM: Json = {
    "title": plain("Restart checkout in prod?"),
    "text": mrkdwn("This drains *1 of 6* replicas of `checkout`."),
    "confirm": plain("Approve"),
    "deny": plain("Not yet"),
    "style": "danger",
}


def approval_card() -> list[Json]:
    """A card with header, fields, code, buttons with styles and a confirm."""
    return [
        {"type": "header", "text": plain("Approval needed: restart checkout in prod")},
        {
            "type": "section",
            "fields": [
                mrkdwn("*Environment*\n:red_circle: *PROD*"),
                mrkdwn("*Risk*\ndisruptive"),
                mrkdwn("*Asked by*\n<@U0BOB>"),
                mrkdwn("*May approve*\n<!subteam^S0SRE>, 2 of them"),
            ],
        },
        {
            "type": "section",
            "text": mrkdwn('*What will run*\n```restart_service(\n  service="checkout",\n  env="prod"\n)```'),
        },
        {"type": "divider"},
        {
            "type": "actions",
            "block_id": "decision",
            "elements": [
                {
                    "type": "button",
                    "action_id": "approval.approve",
                    "text": plain("Approve"),
                    "style": "primary",
                    "value": "a1",
                    "confirm": CONFIRM,
                },
                {"type": "button", "action_id": "approval.reject", "text": plain("Reject"), "style": "danger"},
                {"type": "button", "action_id": "approval.details", "text": plain("Details")},
            ],
        },
        {
            "type": "context",
            "elements": [mrkdwn("Decide by <!date^1795000000^{date_short_pretty} {time}|soon> | `sha256:4f1c`")],
        },
    ]


def elements_card() -> list[Json]:
    """Every interactive element that may stand in a message."""
    options = [{"text": plain(f"{hours} h"), "value": str(hours)} for hours in (1, 4, 24)]
    menu = [{"text": plain(name), "value": name} for name in ("Silence", "Escalate", "Close")]
    return [
        {
            "type": "section",
            "text": mrkdwn("*Overflow* beside a section"),
            "accessory": {"type": "overflow", "action_id": "more", "options": menu},
        },
        {
            "type": "section",
            "text": mrkdwn("*Select* beside a section"),
            "accessory": {
                "type": "static_select",
                "action_id": "hours",
                "placeholder": plain("For how long"),
                "options": options,
            },
        },
        {
            "type": "actions",
            "elements": [
                {"type": "users_select", "action_id": "who", "placeholder": plain("Who")},
                {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-22"},
                {"type": "radio_buttons", "action_id": "tier", "options": options, "initial_option": options[0]},
                {"type": "checkboxes", "action_id": "boxes", "options": options, "initial_options": [options[1]]},
            ],
        },
    ]


def agent_blocks() -> list[Json]:
    """Plan, task card, context actions."""
    log = rich({"type": "rich_text_section", "elements": [words("p99 rose from 180 ms to 2.4 s at 11:02")]})
    tasks: list[Json] = [
        {"task_id": "t1", "title": "Read metrics", "status": "complete", "output": log},
        {
            "task_id": "t2",
            "title": "Compare deploys",
            "status": "in_progress",
            "details": log,
            "sources": [{"type": "url", "url": "http://127.0.0.1:9090/graph", "text": "Prometheus"}],
        },
        {"task_id": "t3", "title": "Ask the log store", "status": "error", "details": log},
        {"task_id": "t4", "title": "Rank causes", "status": "pending"},
    ]
    feedback: Json = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": {"text": plain("Helpful"), "value": "up"},
        "negative_button": {"text": plain("Not helpful"), "value": "down"},
    }
    return [
        {
            "type": "plan",
            "title": "Investigating checkout latency",
            "tasks": [{"type": "task_card", **t} for t in tasks],
        },
        {
            "type": "task_card",
            "task_id": "t9",
            "title": "Check the change calendar",
            "status": "complete",
            "output": log,
        },
        {
            "type": "context_actions",
            "elements": [
                feedback,
                {"type": "icon_button", "action_id": "drop", "icon": "trash", "text": plain("Remove")},
            ],
        },
    ]


def text_blocks() -> list[Json]:
    """rich_text with every kind of element, Markdown with a table, and a table block."""
    section: Json = {
        "type": "rich_text_section",
        "elements": [
            words("bold", bold=True),
            words(", "),
            words("italic", italic=True),
            words(", "),
            words("gone", strike=True),
            words(", "),
            words("code < & >", code=True),
            words(" by "),
            {"type": "user", "user_id": "U0ALICE"},
            words(" in "),
            {"type": "channel", "channel_id": "C0OPS"},
            words(" for "),
            {"type": "usergroup", "usergroup_id": "S0SRE"},
            words(" "),
            {"type": "emoji", "name": "eyes"},
            words(" see "),
            {"type": "link", "url": "https://example.com/run?a=1&b=2", "text": "the run"},
            words(" "),
            {"type": "broadcast", "range": "here"},
            words(" "),
            {"type": "date", "timestamp": 1795000000, "format": "{date_short} {time}", "fallback": "then"},
            words(" "),
            {"type": "color", "value": "#c22f3d"},
        ],
    }
    items: list[Json] = [{"type": "rich_text_section", "elements": [words(name)]} for name in ("first", "second")]
    table: Json = {
        "type": "table",
        "column_settings": [{"align": "left"}, {"align": "right"}],
        "rows": [
            [{"type": "raw_text", "text": "Route"}, {"type": "raw_text", "text": "p99 (ms)"}],
            [{"type": "raw_text", "text": "/checkout"}, {"type": "raw_text", "text": "2410"}],
            [{"type": "raw_text", "text": "/cart"}, {"type": "raw_text", "text": "180"}],
        ],
    }
    return [
        rich(
            section,
            {"type": "rich_text_list", "style": "bullet", "elements": items},
            {"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": items},
            {"type": "rich_text_quote", "elements": [words("It was the pool size.")]},
            {"type": "rich_text_preformatted", "elements": [words("ERROR pool exhausted (20/20)\n  at db.acquire")]},
        ),
        table,
    ]


MARKDOWN = """## Verdict: connection pool exhausted

**Confidence 0.82.** The pool of `checkout` was cut from 50 to *20* in [release 214](https://example.com/214).

| Signal | Before | After |
|:--|--:|--:|
| p99 | 180 ms | 2.4 s |
| errors | 0.1 % | 7.9 % |

1. Deploy at 11:02
2. Pool waits from 11:03
   - all replicas
   - ~~one zone~~

> No change in the database itself.

```sql
select count(*) from pg_stat_activity;
```
"""

MRKDWN = """*bold* _italic_ ~strike~ `a &lt;b&gt; &amp;amp; c` <https://example.com/x?a=1&amp;b=2|the dashboard>
<@U0BOB> <#C0OPS> <!subteam^S0SRE> <!here> <!date^1795000000^{date_short_pretty} at {time}|then> :rotating_light:
snake_case_name 2*3*4 5 &lt; 6 &amp;&amp; 7 &gt; 3
&gt; quoted *line*
&gt; and another
```
if a &lt; b &amp;&amp; c:
    x = `1`
```
last line"""

ALERT: Json = {
    "fallback": "[FIRING:1] CheckoutLatencyHigh checkout (prod critical)",
    "color": "danger",
    "title": "[FIRING:1] CheckoutLatencyHigh checkout (prod critical)",
    "title_link": "http://127.0.0.1:9093/#/alerts",
    "text": "*Summary:* p99 latency of checkout is above 1 s\n*Runbook:* <https://example.com/runbooks/latency|checkout-latency>",
    "fields": [
        {"title": "Service", "value": "checkout", "short": True},
        {"title": "Environment", "value": "prod", "short": True},
    ],
    "footer": "Alertmanager",
    "mrkdwn_in": ["fallback", "pretext", "text"],
}

MESSAGES: list[Json] = [
    {"username": "Alertmanager", "webhook": True, "text": "", "attachments": [ALERT]},
    {"username": "Formatter", "text": MRKDWN},
    {"username": "Writer", "text": "rich text", "blocks": text_blocks()},
    {"username": "Analyst", "text": "verdict", "blocks": [{"type": "markdown", "text": MARKDOWN}]},
    {"username": "Planner", "text": "plan", "blocks": agent_blocks()},
    {"username": "Picker", "text": "choices", "blocks": elements_card()},
    {"username": "Gatekeeper", "text": "Approval needed", "blocks": approval_card()},
]
