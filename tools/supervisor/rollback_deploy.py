"""rollback_deploy: run a version of a service again that was deployed before."""

from pydantic import Field

from core.risk import Risk
from core.tool_call import ToolCall
from tools.spec import ActArguments, Preview, ToolSpec
from tools.supervisor.client import SupervisorClient
from tools.supervisor.operation import TIMEOUT, build_action


class RollbackDeploy(ActArguments):
    """Which service, and which of the versions that it had."""

    to_version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$", description="A version deployed before")


def rollback_deploy(client: SupervisorClient) -> ToolSpec[RollbackDeploy]:
    """Its rollback is the deploy of the version that ran before."""
    return ToolSpec(
        name="rollback_deploy",
        description="Deploys a version of a service again that was deployed before; its process is restarted.",
        args=RollbackDeploy,
        risk=Risk.DISRUPTIVE,
        timeout=TIMEOUT,
        wrapper=False,
        action=build_action(
            client,
            "rollback",
            impact="Its process is replaced by one of the other version; requests in flight fail for some seconds.",
            precondition=lambda args, preview: {"version": preview.before.get("version")},
            rollback=_rollback,
        ),
    )


def _rollback(args: RollbackDeploy, preview: Preview) -> ToolCall | None:
    version = preview.before.get("version")
    if not isinstance(version, str) or version == args.to_version:
        return None
    return ToolCall(name="rollback_deploy", args={"service": args.service, "to_version": version})
