"""What a person wants: an instruction, a question about a service, or a follow-up on what was said before."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.tool_call import ToolCall
from graphs.context import KnownService

Kind = Literal["why", "status", "since", "reasons", "changes", "incidents", "proposal", "instruct", "unclear", "lost"]

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
_VERB = r"(?:restart|bounce|reboot|roll ?back|revert|scale)"
_BARE = re.compile(rf"{_OPENING}(?P<verb>{_VERB}|set){_CLOSING}", re.IGNORECASE)
_BEGUN = re.compile(rf"{_OPENING}{_VERB}\b(?P<rest>.*)", re.IGNORECASE)
_SEVERAL = re.compile(rf",|;|&|\b(?:and|then|both|all|everything)\b|\b{_VERB}\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|when|unless|until|once|after|before)\b", re.IGNORECASE)
_ROLL_IT_BACK = re.compile(r"\broll ([\w.-]+) back\b", re.IGNORECASE)
_POINTING = frozenset(("it", "this", "that"))
_CHANGES = re.compile(
    r"\b(?:what|which|who|any|list|show)\b.*\b(?:deploy\w*|re-?configur\w*|config\w* changes?|chang\w+|releas\w+)\b",
    re.IGNORECASE,
)
_AILING = re.compile(r"\b(?:why|wrong|broken?|slow\w*|fail\w*)\b", re.IGNORECASE)
_INCIDENTS = re.compile(
    r"\b(?:how many|which|what|list|show|any)\b(?! caused).*\bincidents\b|\bopen incidents\b", re.IGNORECASE
)
_REASONS = re.compile(
    r"\b(?:why do you|how do you know|what makes you|how sure|are you sure|what evidence|which evidence)\b",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:why|wrong|broken?|slow\w*|fail\w*|down|errors?|timeouts?|latency|investigat\w*|diagnos\w*|happen\w*|"
    r"going on|problems?|trouble\w*|alerts?|incident|outage|issues?|unwell|sick|crash\w*|cause[ds]?|"
    r"what(?:'s| is) up)\b",
    re.IGNORECASE,
)
_NOT_OURS = re.compile(
    rf"{_OPENING}(?:do not|don't|never|delete|drop|destroy|remove|kill|stop|shut|start|deploy|install|disable"
    r"|enable)\b",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\b(?:last|past) (?:(?P<count>\d{1,4}) ?)?(?P<unit>minute|min|hour|day|week)s?\b", re.IGNORECASE)
_SECONDS = {"min": 60, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_PROPOSAL = re.compile(r"\b(what|which|why)\b.*\b(propos\w*|suggest\w*|recommend\w*|fix)\b", re.IGNORECASE)
_SINCE = re.compile(r"\b(since when|when did|how long|when was|started when)\b", re.IGNORECASE)
_STATUS = re.compile(r"\b(status|state|health\w*|how is|how are|how's|is .* (up|down|ok|okay|fine))\b", re.IGNORECASE)
_SMALL_TALK = re.compile(r"(help|hi|hello|hey|thanks?|thank you|ok|okay|test)( there| you)?[.!?]*", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")
_WORD = re.compile(r"[\w.-]+")
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("reasons", _REASONS),
    ("incidents", _INCIDENTS),
    ("proposal", _PROPOSAL),
    # "What is broken, and since when?" wants the whole diagnosis, which says since when.
    ("why", re.compile(r"\b(?:what|why)\b.*\band since when\b", re.IGNORECASE)),
    ("since", _SINCE),
    ("status", _STATUS),
    ("why", _TROUBLE),
)


@dataclass(frozen=True, slots=True)
class Intent:
    """`service` is empty when the question names none; `call` is set for an instruction, `within` (s) for changes."""

    kind: Kind
    service: str = ""
    call: ToolCall | None = None
    trouble: str = ""
    within: int = 0


def parse(question: str, services: Mapping[str, KnownService], remembered: str = "") -> Intent:
    """Read a question by fixed rules. Only a whole sentence of a known form is an instruction.

    `remembered` is the service that "it" means; "lost" is what no rule understands.
    """
    text = " ".join(_MENTION.sub(" ", question).split())
    if (instruction := _instruction(text, services, remembered)) is not None:
        return instruction
    named = mentioned(text, services)
    service = named[0] if named else ""
    if not text or (not service and _SMALL_TALK.fullmatch(text)):
        return Intent("unclear")
    if _NOT_OURS.match(text):
        return Intent("lost", service)
    if _CHANGES.search(text) and not _AILING.search(text):
        return Intent("changes", service, within=_span(text))
    otherwise: Kind = "why" if service else "lost"
    kinds: list[Kind] = [kind for kind, pattern in _KINDS if pattern.search(text)]
    return Intent(kinds[0] if kinds else otherwise, service)


def _span(text: str) -> int:
    """Return the seconds of "the last two hours"; 0 when the question names no span."""
    found = _SPAN.search(text)
    return int(found["count"] or 1) * _SECONDS[found["unit"].lower()] if found else 0


def mentioned(text: str, services: Mapping[str, KnownService]) -> list[str]:
    """Return the known services that a text names, in its order; a slip of the pen still counts."""
    names = {name.lower(): name for name in services}
    found = [names[word] for word in (w.lower().strip(".") for w in _WORD.findall(text)) if word in names]
    if not found:
        long_words = [word.lower() for word in _WORD.findall(text) if len(word) >= 5]
        close = (difflib.get_close_matches(word, names, n=1, cutoff=0.84) for word in long_words)
        found = [names[match[0]] for match in close if match]
    return list(dict.fromkeys(found))


def _instruction(text: str, services: Mapping[str, KnownService], remembered: str) -> Intent | None:
    text = _ROLL_IT_BACK.sub(r"roll back \1", text)
    if bare := _BARE.fullmatch(text):
        return _refused(f"{bare['verb'].capitalize()} what? {_known(services)}")
    for tool, pattern in _PATTERNS:
        if (match := pattern.fullmatch(text)) is None:
            continue
        groups = {key: value for key, value in match.groupdict().items() if value is not None}
        name, env = groups.pop("service"), groups.pop("env", "")
        known = mentioned(name, services)
        if name.lower() in _POINTING:
            known = [remembered] if remembered else []
        if not known:
            what = (
                f"I do not know what “{name}” is here." if name.lower() in _POINTING else f"I know no service {name}."
            )
            return _refused(f"{what} {_known(services)}")
        service = known[0]
        if name.lower() not in _POINTING and service.lower() not in _WORD.findall(name.lower()):
            return _refused(f"I know no service {name}. Did you mean {service}? Write it out, as this changes things.")
        if env and services[service].env and env.lower() not in _env_names(services[service].env):
            return _refused(f"I know {service} only in {services[service].env}, not in {env}.", service)
        return Intent("instruct", service, ToolCall(name=tool, args={"service": service, **_typed(groups)}))
    return _half_instruction(text, services)


def _half_instruction(text: str, services: Mapping[str, KnownService]) -> Intent | None:
    """Say why what begins like an instruction is none; a guess at what was meant could do harm."""
    begun = _BEGUN.fullmatch(text)
    if begun is None:
        return None
    if len(mentioned(begun["rest"], services)) > 1 or (
        _SEVERAL.search(begun["rest"]) and not _CONDITION.search(begun["rest"])
    ):
        return _refused(f"One instruction at a time, for one service, please. {_known(services)}")
    return _refused(
        "I take whole, plain instructions only: “restart checkout”, “roll back checkout to 1.8.1”,"
        " “scale payments to 6”, “set max_items of checkout to 60”."
    )


def _refused(trouble: str, service: str = "") -> Intent:
    return Intent("instruct", service, trouble=trouble)


def _known(services: Mapping[str, KnownService]) -> str:
    return f"I know: {', '.join(services)}." if services else "I know no service at all."


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
