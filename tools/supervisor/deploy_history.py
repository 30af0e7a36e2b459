"""deploy_history: what was changed on a service, by whom and when."""

import asyncio

from pydantic import JsonValue

from core.risk import Risk
from core.tool_call import ToolResult
from tools.environment import Environment
from tools.spec import ServiceArguments, ToolSpec
from tools.supervisor.client import SupervisorClient

MAX_ROWS = 20


class DeployHistory(ServiceArguments):
    """Which service."""


def deploy_history(environment: Environment, client: SupervisorClient) -> ToolSpec[DeployHistory]:
    """Return the last deploys and configuration changes, newest first, at most 20 of each."""

    async def read(args: DeployHistory) -> ToolResult:
        environment.service(args.service)
        deploys, changes = await asyncio.gather(client.deploys(args.service), client.config_changes(args.service))
        changes = [client.secrets.json(change) for change in changes[:MAX_ROWS]]  # before they are put into words
        return ToolResult(
            status="ok",
            text=f"{args.service}: {_deploy(deploys)}; {_change(changes)}",
            data={"deploys": deploys[:MAX_ROWS], "config_changes": changes},
        )

    return ToolSpec(
        name="deploy_history",
        description="Lists a service's deploys and configuration changes, newest first.",
        args=DeployHistory,
        risk=Risk.READ,
        timeout=10,
        read=read,
    )


def _deploy(rows: list[JsonValue]) -> str:
    newest = rows[0] if rows else None
    if not isinstance(newest, dict):
        return "no deploys"
    return f"last deploy {newest.get('version')} at {newest.get('at')} by {_who(newest)} ({newest.get('status')})"


def _who(row: dict[str, JsonValue]) -> str:
    """Return who it was for people to read: of our own acts the row knows ids, which the data beside it keeps."""
    by = str(row.get("by"))
    return "Watchkeeper" if by.startswith("watchkeeper ") else by


def _change(rows: list[JsonValue]) -> str:
    newest = rows[0] if rows else None
    if not isinstance(newest, dict):
        return "no configuration changes"
    values = f"{newest.get('old')} -> {newest.get('new')}"
    return f"last configuration change {newest.get('key')} {values} at {newest.get('at')} by {_who(newest)}"
