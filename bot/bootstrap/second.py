"""Builds whoever gives the second opinion: a model of its own, or the rules where there is none."""

from contextlib import AsyncExitStack

from bot.bootstrap.stores import Stores
from bot.settings import Settings
from core.runbook import Runbook
from core.services.second_opinion import Review
from graphs.models.second import RULES, ModelJudge, RulesJudge, SecondOpinion
from tools.catalogue import Catalogue


async def build_second(
    settings: Settings, catalogue: Catalogue, runbooks: tuple[Runbook, ...], stores: Stores, stack: AsyncExitStack
) -> Review:
    """Return what the desk asks where policy says `second_model`."""
    second = settings.second
    seconds = second.within_seconds.total_seconds()
    if not second.model:
        depends_on = {row.name: row.depends_on for row in catalogue.services}
        return SecondOpinion(RulesJudge(depends_on, runbooks), RULES, stores.reports, seconds).review
    # Late, as for the first model: its packages are for those who use them.
    from graphs.models.factory import open_chat

    key = second.api_key.get_secret_value()
    chat = await stack.enter_async_context(
        open_chat(second.model, base_url=second.base_url, api_key=key, patience=seconds)
    )
    return SecondOpinion(ModelJudge(second.model, chat), second.model, stores.reports, seconds).review
