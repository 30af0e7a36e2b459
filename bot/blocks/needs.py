"""Who is needed, who has spoken and why it is you, in words: the same on card, reminder, queue and App Home."""

from bot.blocks.text import inert, mention
from core.approval import ApprovalRequest
from core.requirement import Requirement

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def needs(needed: Requirement) -> str:
    """Return who has to approve: `1 of sre and 1 of dba, two different people`."""
    if needed.effect == "allow":
        return "nobody: policy allows it"
    if not needed.seats:
        return f"{needed.quorum} of {_any_of(needed)}" + _different(needed.quorum)
    return _seats(needed.seats) + _beyond(needed.quorum, needed.seats, needed) + _different(needed.quorum)


def still_needs(request: ApprovalRequest) -> str:
    """Return what is missing for an approval: `1 of dba`, `1 more of sre or leads`."""
    people, seats = request.requirement.missing(approvals_of(request))
    if seats:
        return _seats(seats) + _beyond(people, seats, request.requirement) + _different(people)
    more = " more" if any(vote.choice == "approve" for vote in request.votes) else ""
    return f"{people}{more} of {_any_of(request.requirement)}" + _different(people)


def lacking(people: int, seats: dict[str, int]) -> str:
    """Return what a request would lack whoever approved it: `1 of payments`, `2 people`; empty for nothing."""
    if seats:
        return _seats(seats)
    return f"{people} {'person' if people == 1 else 'people'}" if people else ""


def votes_so_far(request: ApprovalRequest) -> str:
    """Return how many have approved and who: `1 of 2 so far: @alice for sre`."""
    needed = request.requirement
    yes = [vote for vote in request.votes if vote.choice == "approve"]
    humans = len({needed.human(vote.person) for vote in yes})
    whom = ", ".join(
        mention(vote.person) + (f" for {inert(' and '.join(vote.groups), 60)}" if vote.groups else "") for vote in yes
    )
    return f"{humans} of {needed.quorum} so far: {whom}" if yes else "nobody has approved yet"


def called_for(request: ApprovalRequest) -> list[str]:
    """Return the ids of users and user groups whose word is missing."""
    needed = request.requirement
    _, seats = needed.missing(approvals_of(request))
    wanted = [member for group in seats for member in needed.members_of.get(group, ())]
    return list(dict.fromkeys(wanted)) or [*needed.members]


def why_you(request: ApprovalRequest, groups: tuple[str, ...]) -> str:
    """Return why a member of these groups is asked."""
    _, seats = request.requirement.missing(approvals_of(request))
    own = [group for group in groups if group in seats] or [*groups]
    return f"you are in {inert(' and '.join(own), 120)}, and this still needs {still_needs(request)}"


def approvals_of(request: ApprovalRequest) -> list[tuple[str, tuple[str, ...]]]:
    """Return the accounts that approved with the groups that they did it for."""
    return [(vote.person, vote.groups) for vote in request.votes if vote.choice == "approve"]


def _seats(seats: dict[str, int]) -> str:
    return _listed([f"{count} of {inert(group, 40)}" for group, count in seats.items()], "and")


def _beyond(people: int, seats: dict[str, int], needed: Requirement) -> str:
    """Whom a second opinion asks for besides the seats."""
    more = people - sum(seats.values())
    return f" and {more} more of {_any_of(needed)}" if more > 0 else ""


def _any_of(needed: Requirement) -> str:
    return _listed([inert(group, 40) for group in needed.groups], "or") or "nobody"


def _different(people: int) -> str:
    if people < 2:
        return ""
    return f", {_WORDS[people] if people < len(_WORDS) else people} different people"


def _listed(parts: list[str], last: str) -> str:
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
