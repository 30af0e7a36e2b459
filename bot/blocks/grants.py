"""Standing grants as people give them, look at them and take them back."""

import json
from collections.abc import Sequence
from datetime import timedelta

from bot.blocks import rich
from bot.blocks.text import Block, clock_time, context, date, inert, mention, one_line, section, span
from bot.blocks.wording import RISK_WORDS, loud_env
from bot.grant_form import GrantField
from bot.identifiers import (
    GRANT_CONFIRM_VIEW,
    GRANT_FIELD,
    GRANT_LASTS,
    GRANT_REASON,
    GRANT_REVOKE,
    GRANT_USES,
    GRANT_VALUE,
    GRANT_VIEW,
)
from core.approval import ApprovalRequest
from core.policy_rules import GrantRight
from core.services.granting import Fit, GrantWish
from core.standing_grant import StandingGrant

_TIMES = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240, 480, 1440))
_SHOWN = 8


def build_grant_form(
    request: ApprovalRequest, fields: Sequence[GrantField], right: GrantRight, *, approve: bool
) -> Block:
    """Return the form; `approve`: sending the next one also approves the request itself."""
    plan = request.plan
    first = "You approve this request, and ahead of time" if approve else "You approve ahead of time"
    blocks: list[Block] = [
        section(
            f"{loud_env(inert(plan.env, 40))} · {inert(plan.service, 80)} · {RISK_WORDS[plan.risk]}\n"
            f"{first} further calls of `{inert(plan.call.name, 60)}` on {inert(plan.service, 80)} in "
            f"{inert(plan.env, 40).upper()}, and nothing else. Next you see what that lets through."
        ),
        *(_input(f"{GRANT_FIELD}{field.name}", field.name, _typed(str(field.value)), _hint(field)) for field in fields),
        _input(
            GRANT_USES,
            f"How often? At most {right.max_uses}",
            {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": str(right.max_uses)}
            | {"initial_value": str(min(5, right.max_uses))},
        ),
        _input(GRANT_LASTS, "For how long?", _lasts(right.max_for)),
        _input(GRANT_REASON, "Why? This stands on every card that it lets through.", _typed("", multiline=True)),
    ]
    return _view(GRANT_VIEW, {"id": request.id, "approve": approve}, "Allow the same", "Preview", blocks)


def build_grant_preview(grant: StandingGrant, wish: GrantWish, fits: Sequence[Fit], *, approve: bool) -> Block:
    """Return what the grant would let through and what not, before it is given."""
    through = [fit for fit in fits if not fit.why_not]
    held = [fit for fit in fits if fit.why_not]
    lasts = f"within {span(wish.lasts)}"
    blocks: list[Block] = [
        section(
            f"*Lets through, {_times(grant.uses)} {lasts}, as your approval:*\n`{inert(grant.tool, 60)}` on "
            f"{inert(grant.service, 80)} in {loud_env(inert(grant.env, 40))}"
        ),
        _shape(grant),
        context(
            "Not: any other tool, service, environment or argument; what you ask for yourself or is for you; anything "
            "while everything is frozen, or once the policy has changed. Where two have to approve, the other one is "
            "still asked."
        ),
    ]
    if through:
        blocks.append(section("*Of these requests it would let through, if they were asked for again:*"))
        blocks.append(_calls([(fit.request, "") for fit in through[:_SHOWN]]))
    if held:
        blocks.append(section("*And not these:*"))
        blocks.append(_calls([(fit.request, fit.why_not) for fit in held[:_SHOWN]]))
    facts = {"wish": wish.model_dump(mode="json"), "approve": approve}
    return _view(GRANT_CONFIRM_VIEW, facts, "Allow the same", "Approve and allow" if approve else "Allow", blocks)


def build_grants(grants: Sequence[StandingGrant], *, frozen: bool = False) -> list[Block]:
    """Return each grant that may still let something through, with its Revoke button."""
    if not grants:
        return [context("No approval is given ahead.")]
    held = [context("🧊 All of them are suspended while everything is frozen.")] if frozen else []
    return [*held, *(section(_line(grant)) | {"accessory": _revoke(grant)} for grant in grants[:20])]


def used_line(grant: StandingGrant, number: int) -> str:
    """Return what stands on the card of a request that a grant has voted on, as mrkdwn."""
    until = clock_time(grant.expires_at, grant.created_at)
    return (
        f"🎫 *Allowed by grant* `{grant.id}` of {mention(grant.by)}, use {number} of {grant.uses}, until {until}: "
        f"{inert(grant.reason, 200)}"
    )


def _line(grant: StandingGrant) -> str:
    shape = "; ".join(f"{name} = {each}" for name, each in sorted(grant.args.items()))
    return (
        f"🎫 `{inert(grant.tool, 60)}` on {inert(grant.service, 80)} · {loud_env(inert(grant.env, 40))} · "
        f"used {grant.used} of {grant.uses} · until {date(grant.expires_at, '{date_short_pretty} {time}')}\n"
        f"{inert(shape, 300)}\nby {mention(grant.by)}: {inert(grant.reason, 200)} · `{grant.id}`"
    )


def _shape(grant: StandingGrant) -> Block:
    lines = [f"{name} = {each}" for name, each in sorted(grant.args.items())]
    return rich.block(rich.preformatted("\n".join(lines)[:2900] or "no arguments"))


def _calls(rows: Sequence[tuple[ApprovalRequest, str]]) -> Block:
    items = [
        rich.line(
            rich.words(one_line(f"{row.plan.call.name} on {row.plan.service} in {row.plan.env}", 150)),
            rich.words(f" ({row.id})", "italic"),
            rich.words(f": {one_line(why, 200)}" if why else ""),
        )
        for row, why in rows
    ]
    return rich.block(rich.bullets(items))


def _times(uses: int) -> str:
    return "once" if uses == 1 else f"{uses} times"


def _hint(field: GrantField) -> str:
    ranges = "" if isinstance(field.value, str) else ", or a range as 2 to 8"
    return f"As it is, only this value. Several: one a line{ranges}."


def _typed(initial: str, *, multiline: bool = True) -> Block:
    element: Block = {"type": "plain_text_input", "multiline": multiline, "max_length": 500}
    return element | ({"initial_value": initial} if initial else {})


def _lasts(most: timedelta) -> Block:
    times = [*(each for each in _TIMES if each < most), most]
    options = [
        {"text": {"type": "plain_text", "text": span(each)}, "value": str(int(each.total_seconds()))} for each in times
    ]
    return {"type": "static_select", "options": options, "initial_option": options[min(2, len(options) - 1)]}


def _input(block_id: str, label: str, element: Block, hint: str = "") -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": one_line(label, 200), "emoji": False},
        "element": element | {"action_id": GRANT_VALUE},
    }
    return block | ({"hint": {"type": "plain_text", "text": hint}} if hint else {})


def _revoke(grant: StandingGrant) -> Block:
    return {
        "type": "button",
        "action_id": GRANT_REVOKE,
        "style": "danger",
        "text": {"type": "plain_text", "text": "Revoke"},
        "value": grant.id,
        "accessibility_label": one_line(f"Revoke the grant for {grant.tool} on {grant.service}", 75),
    }


def _view(callback: str, facts: Block, title: str, submit: str, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": json.dumps(facts),
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": submit},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": blocks,
    }
