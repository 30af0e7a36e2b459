"""scale_workers: change how many requests a service handles at once."""

from pydantic import Field

from core.risk import Risk
from core.tool_call import ToolCall
from tools.spec import ActArguments, Preview, ToolSpec
from tools.supervisor.client import SupervisorClient
from tools.supervisor.operation import TIMEOUT, build_action


class ScaleWorkers(ActArguments):
    """Which service, and how many workers it shall have."""

    workers: int = Field(ge=1, le=16, description="How many workers, 1 to 16")


def scale_workers(client: SupervisorClient) -> ToolSpec[ScaleWorkers]:
    """Its rollback is the number of workers before."""
    return ToolSpec(
        name="scale_workers",
        description="Changes the number of a service's workers (1 to 16).",
        args=ScaleWorkers,
        risk=Risk.REVERSIBLE,
        timeout=TIMEOUT,
        wrapper=False,
        action=build_action(
            client,
            "scale",
            impact="More workers load what it calls; fewer make its callers wait.",
            precondition=lambda args, preview: {"workers": preview.before.get("workers")},
            rollback=_rollback,
        ),
    )


def _rollback(args: ScaleWorkers, preview: Preview) -> ToolCall | None:
    workers = preview.before.get("workers")
    if not isinstance(workers, int) or workers == args.workers or not 1 <= workers <= 16:
        return None
    return ToolCall(name="scale_workers", args={"service": args.service, "workers": workers})
