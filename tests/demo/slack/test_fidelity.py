"""What the workspace emits has the keys and JSON types of payloads recorded from Slack."""

import functools
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import LocalWorkspace
from demo.slack.methods import METHODS
from demo.slack.rates import SPECIAL
from tests.demo.slack.everything import act_on_everything, call_everything
from tests.demo.slack.refusals import REFUSALS

CONTRACTS = Path(__file__).resolve().parents[3].parent / "shared" / "contracts"
SAMPLES, TIERS = CONTRACTS / "slack-java-sdk-samples.tar.xz", CONTRACTS / "slack-methods-tiers-errors.tar.xz"
pytestmark = pytest.mark.skipif(not SAMPLES.is_file(), reason="../shared/contracts is not here: no recorded payloads")

Json = dict[str, Any]


@functools.cache
def _archive(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            stream = archive.extractfile(member) if member.name.endswith(".json") else None
            if stream:
                found[member.name.removeprefix("./")] = json.load(stream)
    return found


def sample(name: str) -> Any:
    """One recorded payload."""
    return _archive(SAMPLES)[f"samples/{name}.json"]


def kind(value: Any) -> str:
    """JSON's name for a value's type."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "null")


# Said by the method pages, absent from the recordings.
DOCUMENTED = {
    "chat.stopStream": {"/channel", "/ts", "/message"},
    "pins.list": {"/items[]/channel", "/items[]/message"},
    "message": {"/event/metadata/event_payload"},
    "view_submission": {"/response_urls"},
}
_MESSAGE_KEYS = ("message", "previous_message", "root")
# Apps' own content is echoed as it came; its rules are those of block validation.
_ECHOED = ("blocks", "attachments")
_BY_ID = ("public",)


@functools.cache
def message_sample() -> Json:
    """All that the recordings know of a message: from history, posts and every message event."""
    found = [sample("api/chat.postMessage")["message"], sample("api/reactions.get")["message"]]
    found += sample("api/conversations.history")["messages"] + [sample("rtm/MessageEvent")]
    for name in _archive(SAMPLES):
        if name.startswith("samples/events/Message"):
            event = _archive(SAMPLES)[name]["event"]
            found += [event, *(event[k] for k in _MESSAGE_KEYS if isinstance(event.get(k), dict))]
    return _merged(found)


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Keys that Slack never sent and types it does not use; null and blank samples say nothing."""
    if ours is None or theirs is None:
        return
    if kind(ours) != kind(theirs):
        yield f"{path}: {kind(ours)} instead of {kind(theirs)}"
    elif isinstance(ours, dict) and theirs and path.rpartition("/")[2] not in _BY_ID:
        yield from _fields(ours, theirs, path)
    elif isinstance(ours, list) and theirs:
        merged = _merged(theirs)
        for item in ours:
            yield from differences(item, merged, f"{path}[]")


def _fields(ours: Json, theirs: Json, path: str) -> Iterator[str]:
    is_message = path.rpartition("/")[2] in (*_MESSAGE_KEYS, "messages[]") or ours.get("type") == "message"
    known = message_sample() if is_message and "ts" in {*ours, *theirs} and "item" not in path else theirs
    for key, value in ours.items():
        if key in _ECHOED:
            continue
        if key in known:
            yield from differences(value, known[key], f"{path}/{key}")
        else:
            yield f"{path}/{key}: unknown"


def _merged(items: list[Any]) -> Any:
    """One sample with the keys of all items of a list (samples hold one item a kind)."""
    if not all(isinstance(i, dict) for i in items):
        return items[0]
    merged: Json = {}
    for item in items:
        for key, value in item.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = _merged([merged[key], value]) if both else merged.get(key) or value
    return merged


def undocumented(name: str, ours: Any, theirs: Any) -> list[str]:
    """Differences without those that the documentation explains."""
    known = DOCUMENTED.get(name, set())
    return sorted({d for d in differences(ours, theirs) if d.partition(":")[0] not in known})


async def test_every_response_has_keys_and_types_that_slack_uses(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    answers = await call_everything(slack, client)
    recorded = {m for m in answers if f"samples/api/{m}.json" in _archive(SAMPLES)}
    assert set(answers) - recorded == {"agents.sessions.setStatus", "blocks.validate"}
    assert len(recorded) > 40
    problems = {m: undocumented(m, answers[m], sample(f"api/{m}")) for m in recorded}
    assert {m: p for m, p in problems.items() if p} == {}


EVENTS = {
    "app_mention": "AppMentionPayload",
    "message": "MessageChangedPayload",
    "reaction_added": "ReactionAddedPayload",
    "reaction_removed": "ReactionRemovedPayload",
    "file_shared": "FileSharedPayload",
    "member_joined_channel": "MemberJoinedChannelPayload",
    "app_home_opened": "AppHomeOpenedPayload",
}


async def test_every_event_has_keys_and_types_that_slack_uses(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    await call_everything(slack, client)
    await slack.post("home_open", as_="U0ALICE", app_id="A0WATCH", tab="home")
    events = [d.payload for d in slack.workspace.deliveries.log]
    assert {e["event"]["type"] for e in events} == set(EVENTS)
    subtypes = {e["event"].get("subtype") for e in events}
    assert {"message_changed", "message_deleted", "file_share", "thread_broadcast"} < subtypes
    problems: set[str] = set()
    for event in events:
        kind_of = event["event"]["type"]
        problems |= set(undocumented(kind_of, event, sample(f"events/{EVENTS[kind_of]}")))
    assert problems == set()


async def test_every_interaction_has_keys_and_types_that_slack_uses(
    slack: LocalWorkspace, client: AsyncWebClient
) -> None:
    payloads = await act_on_everything(slack, client)
    names = {
        "block_actions": "interactive-components/BlockActionPayload",
        "message_action": "interactive-components/MessageShortcutPayload",
        "view_submission": "views/ViewSubmissionPayload",
        "view_closed": "views/ViewClosedPayload",
        None: "slash-commands/SlashCommandPayload",
    }
    assert {p.get("type") for p in payloads} == set(names)
    found = {
        n: undocumented(str(n), p, sample(f"app-backend/{names[n]}")) for p in payloads if (n := p.get("type")) or 1
    }
    assert {n: p for n, p in found.items() if p} == {}


def test_a_wrong_key_and_a_wrong_type_are_both_noticed() -> None:
    right = sample("api/chat.delete")
    assert undocumented("chat.delete", {**right, "time": 1}, right) == ["/time: unknown"]
    assert undocumented("chat.delete", {**right, "ts": 1.5}, right) == ["/ts: number instead of string"]


def test_rate_tiers_and_scopes_are_those_of_the_published_table() -> None:
    table = _archive(TIERS)
    wrong: list[str] = []
    for name, method in METHODS.items():
        published = table.get(f"methods/{name}.json")
        if published is None:
            assert name.startswith(("agents.", "blocks."))
            continue
        label = str((published.get("rate_limit") or {}).get("label", ""))
        tier = {"Tier 2": 20, "Tier 3": 50, "Tier 4": 100, "Special": SPECIAL}.get(label[:7].rstrip())
        if tier and tier != method.per_minute:
            wrong.append(f"{name}: {method.per_minute} a minute, {label}")
        scopes = {s["name"] for s in (published.get("scopes") or {}).get("bot", [])}
        if scopes and not set(method.scopes) & scopes:
            wrong.append(f"{name}: {method.scopes}, {sorted(scopes)}")
    assert wrong == []


COMMON_ERRORS = {
    "invalid_arguments",
    "invalid_metadata_format",
    "msg_too_long",
    "message_not_found",
    "is_archived",
    "user_not_found",
    "invalid_blocks",
    "invalid_blocks_format",
    "thread_not_found",
}


@pytest.mark.parametrize(("method", "args", "code"), REFUSALS)
def test_every_refusal_is_one_that_the_method_is_known_to_give(method: str, args: Json, code: str) -> None:
    published = _archive(TIERS).get(f"methods/{method}.json")
    if published is None:
        assert method.startswith(("agents.", "blocks."))
    else:
        assert code in published["errors"] or code in COMMON_ERRORS
