"""Turns what a person typed into Slack's escaped text and into a rich_text block."""

import re

from demo.slack.ids import short_id
from demo.slack.state import Json, State

_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9_.-]*[A-Za-z0-9_-])")
_CHANNEL = re.compile(r"(?<![\w#&])#([a-z0-9_-]+)")
_URL = re.compile(r"(?<![<|])https?://[^\s<>|]+")
_KNOWN = re.compile(r"<(@U[A-Z0-9]+|#C[A-Z0-9]+)(\|[^>]*)?>")
_TOKEN = re.compile(
    r"```\n?(?P<pre>.*?)\n?```|`(?P<code>[^`\n]+)`|\*(?P<bold>[^*\n]+)\*|<(?P<angle>[^<>\s][^<>]*)>|:(?P<emoji>[a-z0-9_+-]+):",
    re.S,
)


def escape(text: str) -> str:
    """Escape the three characters that carry meaning in Slack's text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The opposite of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed_text(state: State, typed: str, with_names: bool = False) -> str:
    """Text as a message event carries it: mentions and channels as ids, links in angle brackets, the rest escaped.

    `with_names` adds the handle to users too (`<@U0ALICE|alice>`), as slash commands with escaping do.
    """
    kept: list[str] = []

    def keep(token: str) -> str:
        kept.append(token)
        return f"\x00{len(kept) - 1}\x00"

    def person(match: re.Match[str]) -> str:
        token = _mention_token(state, match[1], with_names)
        return keep(token) if token else match[0]

    def room(match: re.Match[str]) -> str:
        channel = state.channel_named(match[1])
        return keep(f"<#{channel.id}|{channel.name}>") if channel else match[0]

    text = _KNOWN.sub(lambda m: keep(m[0]) if m[1][1:] in {*state.users, *state.channels} else m[0], typed)
    text = escape(text)
    text = _URL.sub(lambda m: keep(f"<{m[0]}>"), text)
    text = _CHANNEL.sub(room, _MENTION.sub(person, text))
    return re.sub("\x00(\\d+)\x00", lambda m: kept[int(m[1])], text)


def _mention_token(state: State, name: str, with_names: bool) -> str:
    if name in ("here", "channel", "everyone"):
        return f"<!{name}>"
    user = state.user_named(name)
    if user:
        return f"<@{user.id}|{user.name}>" if with_names else f"<@{user.id}>"
    group = next((g for g in state.usergroups.values() if g["handle"] == name), None)
    return f"<!subteam^{group['id']}|@{name}>" if group else ""


def rich_text_block(text: str) -> Json:
    """The rich_text block Slack builds for a person's message, from its escaped text."""
    parts: list[Json] = []
    line: list[Json] = []
    position = 0

    def close_line() -> None:
        if line:
            parts.append({"type": "rich_text_section", "elements": list(line)})
            line.clear()

    for match in _TOKEN.finditer(text):
        if match.start() > position:
            line.append({"type": "text", "text": unescape(text[position : match.start()])})
        position = match.end()
        if match["pre"] is not None:
            close_line()
            preformatted = {"type": "text", "text": unescape(match["pre"])}
            parts.append({"type": "rich_text_preformatted", "elements": [preformatted], "border": 0})
        else:
            line.append(_inline(match))
    if text[position:]:
        line.append({"type": "text", "text": unescape(text[position:])})
    close_line()
    return {"type": "rich_text", "block_id": short_id(), "elements": parts}


def _inline(match: re.Match[str]) -> Json:
    if match["code"] is not None:
        return {"type": "text", "text": unescape(match["code"]), "style": {"code": True}}
    if match["bold"] is not None:
        return {"type": "text", "text": unescape(match["bold"]), "style": {"bold": True}}
    if match["emoji"] is not None:
        return {"type": "emoji", "name": match["emoji"]}
    inner, _, label = match["angle"].partition("|")
    if inner.startswith("@"):
        return {"type": "user", "user_id": inner[1:]}
    if inner.startswith("#"):
        return {"type": "channel", "channel_id": inner[1:]}
    if inner.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": inner.removeprefix("!subteam^")}
    if inner.startswith("!"):
        return {"type": "broadcast", "range": inner[1:]}
    return {"type": "link", "url": unescape(inner), **({"text": unescape(label)} if label else {})}


def text_of_blocks(blocks: list[Json]) -> str:
    """The fallback text Slack composes for a message of blocks without text."""
    found: list[str] = []
    for block in blocks:
        content = block.get("text")
        if isinstance(content, dict):
            found.append(str(content.get("text", "")))
        elif isinstance(content, str):
            found.append(content)
    return " ".join(found)[:3000]
