"""What a person wants: an instruction, a question about a service, or a follow-up on what was said before."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.tool_call import ToolCall
from graphs.context import KnownService

Kind = Literal["why", "status", "since", "proposal", "instruct", "unclear"]

_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")
_OPENING = r"(?:hey |hi |ok(?:ay)?,? |please |pls |can you |could you |would you |will you |now )*"
_CLOSING = r"(?: (?:in|on) (?P<env>[\w-]+))?(?:,? (?:now|please|pls|again|thanks))*[.!?]*"
_NAME, _SERVICE = r"(?:the )?(?:service )?", r"(?P<service>[\w.-]+?)(?: service)?"
_INSTRUCTIONS = (
    ("restart_service", rf"(?:restart|bounce|reboot) {_NAME}{_SERVICE}"),
    (
        "rollback_deploy",
        rf"(?:roll ?back|revert) {_NAME}{_SERVICE}(?: to (?:version )?(?P<to_version>[\w.+-]*\w))?",
    ),
    ("scale_workers", rf"scale {_NAME}{_SERVICE} (?:up |down )?to (?P<workers>\d{{1,3}})(?: workers?)?"),
    (
        "set_config",
        rf"set (?P<key>[\w.-]+) (?:of|on|in|for) {_NAME}{_SERVICE} (?:back )?(?:to|=) ?(?P<value>\S.*?)",
    ),
    ("set_config", rf"set {_NAME}{_SERVICE} (?P<key>[\w.-]+) (?:back )?(?:to|=) ?(?P<value>\S.*?)"),
)
_PATTERNS = tuple((tool, re.compile(rf"{_OPENING}{body}{_CLOSING}", re.IGNORECASE)) for tool, body in _INSTRUCTIONS)
_PROPOSAL = re.compile(r"\b(what|which|why)\b.*\b(propos\w*|suggest\w*|recommend\w*|fix)\b", re.IGNORECASE)
_SINCE = re.compile(r"\b(since when|when did|how long|when was|started when)\b", re.IGNORECASE)
_STATUS = re.compile(r"\b(status|state|health\w*|how is|how are|how's|is .* (up|down|ok|okay|fine))\b", re.IGNORECASE)
_SMALL_TALK = re.compile(r"(help|hi|hello|hey|thanks?|thank you|ok|okay|test)( there| you)?[.!?]*", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")
_WORD = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Intent:
    """`service` is empty when the question names none; `call` is set for an instruction only."""

    kind: Kind
    service: str = ""
    call: ToolCall | None = None
    trouble: str = ""


def parse(question: str, services: Mapping[str, KnownService]) -> Intent:
    """Read a question by fixed rules. Only a whole sentence of a known form is an instruction."""
    text = " ".join(_MENTION.sub(" ", question).split())
    if (instruction := _instruction(text, services)) is not None:
        return instruction
    named = mentioned(text, services)
    service = named[0] if named else ""
    if _PROPOSAL.search(text):
        return Intent("proposal", service)
    if _SINCE.search(text):
        return Intent("since", service)
    if _STATUS.search(text):
        return Intent("status", service)
    small_talk = not service and (not text or _SMALL_TALK.fullmatch(text) is not None)
    return Intent("unclear" if small_talk else "why", service)


def mentioned(text: str, services: Mapping[str, KnownService]) -> list[str]:
    """Return the known services that a text names, in its order; a slip of the pen still counts."""
    names = {name.lower(): name for name in services}
    found = [names[word] for word in (w.lower().strip(".") for w in _WORD.findall(text)) if word in names]
    if not found:
        long_words = [word.lower() for word in _WORD.findall(text) if len(word) >= 5]
        close = (difflib.get_close_matches(word, names, n=1, cutoff=0.84) for word in long_words)
        found = [names[match[0]] for match in close if match]
    return list(dict.fromkeys(found))


def _instruction(text: str, services: Mapping[str, KnownService]) -> Intent | None:
    for tool, pattern in _PATTERNS:
        if (match := pattern.fullmatch(text)) is None:
            continue
        groups = {key: value for key, value in match.groupdict().items() if value is not None}
        known = mentioned(groups.pop("service"), services)
        if not known:
            return None
        service, env = known[0], groups.pop("env", "")
        if env and services[service].env and env.lower() not in _env_names(services[service].env):
            return Intent(
                "instruct", service, trouble=f"I know {service} only in {services[service].env}, not in {env}."
            )
        return Intent("instruct", service, ToolCall(name=tool, args={"service": service, **_typed(groups)}))
    return None


def _env_names(env: str) -> Sequence[str]:
    return (env.lower(), "production") if env.lower() == "prod" else (env.lower(),)


def _typed(groups: Mapping[str, str]) -> dict[str, str | int | float | bool]:
    return {key: value if key in ("key", "to_version") else _scalar(value) for key, value in groups.items()}


def _scalar(value: str) -> str | int | float | bool:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value.strip("`\"'")
