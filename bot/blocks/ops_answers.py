"""What /ops answers: personal, short, one line a thing."""

from collections.abc import Sequence

from bot.blocks.freeze import build_freeze_banner
from bot.blocks.home import Linked, incident_line, request_line
from bot.blocks.text import Block, context, inert, section
from bot.blocks.wording import amiss, reads_only
from core.freeze import Freeze
from core.incident import Incident

_MEND = (
    "Whoever runs me mends that (`python -m bot doctor` on my machine says more); I go on looking, and what waits "
    "stays open meanwhile."
)
VERBS = {
    "help": ("what I can do", "/ops help"),
    "ask": ("ask a question; I answer in a thread of this channel", "/ops ask why is checkout slow?"),
    "status": ("what is open, in a few lines", "/ops status"),
    "incidents": ("open incidents", "/ops incidents"),
    "approvals": ("requests that wait, yours first", "/ops approvals"),
    "approve": ("approve a request, as its button does", "/ops approve apr_..."),
    "reject": ("reject a request", "/ops reject apr_... wrong cause"),
    "grants": ("what is approved ahead; allow or revoke", "/ops grants"),
    "freeze": ("stop every change at once, or let them go on", "/ops freeze on moving the database"),
}


def build_help(decides: bool) -> list[Block]:
    """One line for each verb with an example, and what else there is; `decides`: the policy names the reader."""
    lines = [f"*{verb}*  {about}  `{example}`" for verb, (about, example) in VERBS.items()]
    rights = "You may decide requests of your groups." if decides else "You may ask, but not decide requests."
    return [
        section("*What I do here*\n" + "\n".join(lines)),
        context(
            "Slash commands do not work in threads: mention me there, or just go on asking in a thread that is mine.",
            "Any message: ⋮ → Investigate this.",
            rights,
        ),
    ]


def build_did_you_mean(verb: str, nearest: str, rest: str = "") -> list[Block]:
    """For a verb that is none; with more words behind it, it may be a wish, which a mention takes."""
    hint = f"Did you mean `/ops {nearest}`?" if nearest else "See `/ops help`."
    if rest:
        hint = f"To ask for it, write `@watchkeeper {inert(verb, 40)} {inert(rest, 200)}` in a channel. {hint}"
    return [section(f"I know no “{inert(verb, 40)}”. {hint}")]


def build_status(
    incidents: Sequence[Incident],
    pending: int,
    mine: int,
    *,
    freeze: Freeze | None = None,
    unfit: str = "",
    notes: Sequence[str] = (),
) -> list[Block]:
    """The state of things, and first of all whether anything can be changed; `unfit` says why not, `notes` what else is
    amiss."""
    open_ = f"{len(incidents)} open incident{'' if len(incidents) == 1 else 's'}"
    names = ", ".join(inert(incident.service or incident.title, 40) for incident in incidents[:8])
    waiting = f"{pending} request{'' if pending == 1 else 's'} waiting, {mine} for you"
    blocks = build_freeze_banner(freeze)
    if unfit:
        blocks.append(section(f"{reads_only(unfit)}\n{_MEND}"))
    if notes:
        blocks.append(section(amiss(notes)))
    fine = [] if blocks else [context("🟢 Changes run once they are approved.")]
    return [*blocks, section(f"*{open_}*{': ' if names else ''}{names}\n*{waiting}*"), *fine]


def build_incidents(rows: Sequence[tuple[Incident, str]]) -> list[Block]:
    """Open incidents with links to their threads."""
    return [section(incident_line(*row)) for row in rows[:20]] or [section("No incident is open.")]


def build_approvals(mine: Sequence[Linked], others: Sequence[Linked]) -> list[Block]:
    """Pending requests, those of the reader first."""
    blocks = [section(f"🟠 *For you:* {request_line(*row)}") for row in mine[:15]]
    blocks += [section(f"For others: {request_line(*row)}") for row in others[:15]]
    return blocks or [section("No request is waiting.")]
