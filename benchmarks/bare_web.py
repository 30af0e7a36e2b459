"""What our web role is held against, each on the server stack that it uses itself: `python -m benchmarks.bare_web bolt
PORT` acknowledges events with a stock async Bolt app (its own signature check, nothing stored), `... floor PORT` says
200 to anything, `... import` loads what a bare worker would, and waits."""

import asyncio
import sys

SECRET = "signing-for-tests"


def bolt() -> object:
    """Return a stock Bolt app behind its own adapter."""
    from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def authorize(**_: object) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="U1", bot_id="B1")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize)

    @app.event("message")
    async def heard() -> None: ...

    handler = AsyncSlackRequestHandler(app)

    async def receive(request: Request) -> Response:
        return await handler.handle(request)

    return Starlette(routes=[Route("/slack/events", receive, methods=["POST"])])


def floor() -> object:
    """Return an app that reads the body and says yes."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def receive(request: Request) -> Response:
        await request.body()
        return Response()

    return Starlette(routes=[Route("/slack/events", receive, methods=["POST"])])


def serve(app: object, port: int) -> None:
    """Serve as the web role does."""
    import uvicorn
    import uvloop

    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off", http="httptools",
        ws="none", server_header=False,
    )  # fmt: skip
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


def bare_worker() -> None:
    """Load LangGraph, Redis and Bolt, say so, and wait to be ended."""
    import langgraph.graph
    import langgraph.prebuilt
    import redis.asyncio
    import slack_bolt.async_app

    print("ready", langgraph.graph.__name__, redis.asyncio.__name__, slack_bolt.async_app.__name__, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1] == "import":
        bare_worker()
    else:
        serve({"bolt": bolt, "floor": floor}[sys.argv[1]](), int(sys.argv[2]))
