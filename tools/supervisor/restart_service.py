"""restart_service: stop a service's process and start it again."""

from core.risk import Risk
from tools.spec import ActArguments, ToolSpec
from tools.supervisor.client import SupervisorClient
from tools.supervisor.operation import TIMEOUT, build_action


class RestartService(ActArguments):
    """Which service."""


def restart_service(client: SupervisorClient) -> ToolSpec[RestartService]:
    """A restart cannot be undone, so it has no rollback."""
    return ToolSpec(
        name="restart_service",
        description="Stops a service and starts it again with the same version and configuration.",
        args=RestartService,
        risk=Risk.DISRUPTIVE,
        timeout=TIMEOUT,
        wrapper=False,
        action=build_action(
            client,
            "restart",
            impact="Its process is stopped and started; requests in flight fail for some seconds.",
            precondition=lambda args, preview: {"version": preview.before.get("version")},
            rollback=lambda args, preview: None,
        ),
    )
