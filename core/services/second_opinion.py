"""Asks for a second opinion before a request is written, and counts who could sign what it asks for."""

from collections.abc import Awaitable, Callable

from core.brief import Proposal
from core.opinion import Opinion, cannot_tell
from core.ports import Directory
from core.requirement import Requirement
from core.tool_call import Plan

Review = Callable[[Plan, str | None], Awaitable[Opinion]]
"""Judges a plan by the evidence of the report with that id; whatever goes wrong, it answers `cannot tell`."""


async def nobody(plan: Plan, report_id: str | None) -> Opinion:
    """Implement Review where there is nobody to ask."""
    return cannot_tell("There is nobody who could give a second opinion.", "nobody")


async def judged(
    review: Review, directory: Directory, needed: Requirement, plan: Plan, proposal: Proposal
) -> Requirement:
    """Return what is needed after a second opinion, where policy wants one."""
    if not needed.second_model:
        return needed
    opinion = await review(plan, proposal.report_id)
    humans = {needed.human(each) for each in await directory.members(needed.members)}
    if needed.exclude_requester:
        humans.discard(needed.human(proposal.requester))
    if needed.exclude_beneficiary:
        humans -= {needed.human(each) for each in plan.beneficiaries}
    return needed.heeding(opinion, len(humans))


def told(opinion: Opinion | None) -> dict[str, str]:
    """Return what the history keeps of it beside the request."""
    if opinion is None:
        return {}
    return {"second_opinion": f"{opinion.by}: {opinion.answer}", "reasons": " ".join(opinion.reasons)}
