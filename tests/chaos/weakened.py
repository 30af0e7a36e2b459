"""The durable core with one protection taken out: what the checker has to catch, or it checks nothing."""

# pyright: reportPrivateUsage=false, reportAttributeAccessIssue=false

from collections.abc import Callable
from contextlib import suppress
from typing import Any, get_args, get_type_hints

from langgraph.graph import StateGraph
from sqlalchemy import update


def _no_intent_row() -> None:
    """Every attempt believes that it is the first."""
    import tools.guard
    from bot.adapters.database.effect_store import SqlEffects
    from tools.attempts import Attempts

    async def find(self: Attempts, row: Any) -> None:
        return None

    intend = SqlEffects.intend

    async def always(self: SqlEffects, effect: Any, event: Any) -> bool:
        await intend(self, effect, event)
        return True

    Attempts.find = find
    SqlEffects.intend = always
    tools.guard.of_effect = lambda *_: ()  # the history knows of it as well


def _acknowledged_unwritten() -> None:
    """The web role says 200 without having written anything."""
    from bot.adapters.redis.queue import RedisQueue
    from core.event import Event

    put = RedisQueue.put

    async def pretend(self: RedisQueue, event: Event, signature: str = "") -> bool:
        return True if event.kind == "slack.interactive" else await put(self, event, signature)

    RedisQueue.put = pretend


def _no_de_duplication() -> None:
    """Neither Redis nor SQL knows an event again, and a job is another one each time."""
    from bot.adapters.redis.queue import RedisQueue
    from core.event import Event
    from core.ids import new_id

    put = RedisQueue.put

    async def put_anew(self: RedisQueue, event: Event, signature: str = "") -> bool:
        return await put(self, event.model_copy(update={"id": new_id("twin")}))

    RedisQueue.put = put_anew


def _retries_dropped() -> None:
    """Slack's retries are answered and thrown away, as many bots do."""
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    import bot.bootstrap.web as web

    routes = web.slack_routes

    def dropping(*given: Any) -> list[Route]:
        (route,) = routes(*given)

        async def receive(request: Request) -> Response:
            return Response() if "x-slack-retry-num" in request.headers else await route.endpoint(request)

        return [Route(route.path, receive, methods=["POST"])]

    web.slack_routes = dropping


def _no_look_before_the_claim() -> None:
    """A click counts whatever became of its request: no look before the vote, no WHERE in the claim."""
    import core.services.approval_desk as desk
    from bot.adapters.database.approval_store import SqlApprovals, approvals
    from core.errors import RefusedError

    vote = SqlApprovals.vote

    async def vote_anyway(self: SqlApprovals, one: Any, event: Any = None) -> None:
        with suppress(RefusedError):
            await vote(self, one, event)

    async def claim_anyway(self: SqlApprovals, approval_id: str, *, status: Any, **more: Any) -> bool:
        if more.get("ballot"):
            await vote_anyway(self, *more["ballot"])
        changes = {"status": status.value, "decided_at": more["now"], "execute_by": more["execute_by"]}
        return await self._won(update(approvals).where(approvals.c.id == approval_id).values(**changes))

    async def unchecked(*given: Any) -> None: ...

    SqlApprovals.vote = vote_anyway
    SqlApprovals.claim = claim_anyway
    desk.ApprovalDesk._check = unchecked
    desk._has_cast = lambda *given: False


def _durability_unasked() -> None:
    """The worker starts over a Redis that forgets."""
    import bot.bootstrap.worker as worker

    worker.require_durable = lambda *given: None


def _an_earlier_graph() -> None:
    """The remediation as an earlier version might have drawn it: it waits for people at a step of another name."""
    import graphs.remediation.graph as drawing
    import graphs.remediation.rebuilt as rebuilt
    import graphs.runner as runner

    renamed = {"gate": "people"}

    class Earlier(StateGraph):
        def add_node(self, node: Any, action: Any = None, **more: Any) -> Any:
            return super().add_node(renamed.get(node, node), action, **more)

        def add_conditional_edges(self, source: str, path: Any, *more: Any) -> Any:
            ends = {end: renamed.get(end, end) for end in get_args(get_type_hints(path)["return"])}
            return super().add_conditional_edges(renamed.get(source, source), path, ends)

    drawing.StateGraph = Earlier
    rebuilt.GRAPH_VERSION = runner.GRAPH_VERSION = "remediation/0"


def _versions_unasked() -> None:
    """A run is taken for one of this version, whoever has begun it."""
    import graphs.runner as runner

    runner.of_this_version = lambda snapshot, version: bool(snapshot.values)


WEAKENED: dict[str, Callable[[], None]] = {
    "the intent row": _no_intent_row,
    "the durable write": _acknowledged_unwritten,
    "de-duplication": _no_de_duplication,
    "retries": _retries_dropped,
    "the claim's WHERE": _no_look_before_the_claim,
    "the look at Redis": _durability_unasked,
    "today's graph": _an_earlier_graph,
    "the graph's version": _versions_unasked,
}
