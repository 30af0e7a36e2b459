"""service_status: what the supervisor says about a service now."""

from core.risk import Risk
from core.tool_call import ToolResult
from tools.environment import Environment
from tools.spec import ServiceArguments, ToolSpec
from tools.supervisor.client import SupervisorClient


class ServiceStatus(ServiceArguments):
    """Which service."""


def service_status(environment: Environment, client: SupervisorClient) -> ToolSpec[ServiceStatus]:
    """Return the supervisor's state, with the services that it calls as the catalogue has them."""

    async def read(args: ServiceStatus) -> ToolResult:
        entry = environment.service(args.service)
        state = await client.service(args.service)
        facts = ", ".join(f"{name} {state[name]}" for name in ("version", "workers", "restarts") if name in state)
        return ToolResult(
            status="ok",
            text=f"{args.service} is {state.get('status', 'in an unknown state')}: {facts}",
            data={**state, "depends_on": [*entry.depends_on], "dependents": [*environment.dependents(args.service)]},
        )

    return ToolSpec(
        name="service_status",
        description="Tells a service's status, version, workers, restarts, configuration and dependencies.",
        args=ServiceStatus,
        risk=Risk.READ,
        timeout=7,
        read=read,
    )
