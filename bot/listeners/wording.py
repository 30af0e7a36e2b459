"""Slack's message text as the words that a person wrote."""

import html
import re

_LABELLED = re.compile(r"<(?:(?P<link>(?:https?|mailto):[^|>]+)|[#!][^|>]+)\|(?P<label>[^>]*)>")
_PLAIN = re.compile(r"<(?P<link>(?:https?|mailto):[^|>]+)>")
_OTHERS = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


def written(text: str, bot_user_id: str) -> str:
    """Return the text without mentions of the bot, links as their address or label, entities decoded."""
    text = re.sub(rf"<@{re.escape(bot_user_id)}(?:\|[^>]*)?>", " ", text)
    text = _LABELLED.sub(lambda found: found["label"] or found["link"] or "", text)
    text = _PLAIN.sub(lambda found: found["link"], text)
    return html.unescape(text).strip()


def mentioned(text: str) -> set[str]:
    """Return the ids of the users that the text mentions."""
    return set(_OTHERS.findall(text))
