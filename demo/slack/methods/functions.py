"""functions.complete* and entity.presentDetails, as far as a local workspace needs them."""

from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.methods.registry import method
from demo.slack.rates import TIER_3
from demo.slack.state import Json


def _finish(call: Call, result: Json) -> None:
    execution = call.ws.state.executions.get(str(call.require("function_execution_id")))
    if execution is None:
        raise SlackError("function_execution_not_found")
    if execution["status"] != "running":
        raise SlackError("execution_not_in_running_state")
    execution |= result


@method("functions.completeSuccess", TIER_3)
async def functions_complete_success(call: Call) -> None:
    """A custom step is done."""
    outputs = call.args.get("outputs") or {}
    if not isinstance(outputs, dict):
        raise SlackError("parameter_validation_failed")
    _finish(call, {"status": "completed", "outputs": outputs})


@method("functions.completeError", TIER_3)
async def functions_complete_error(call: Call) -> None:
    """A custom step failed."""
    _finish(call, {"status": "failed", "error": str(call.require("error"))})


@method("entity.presentDetails", TIER_3)
async def entity_present_details(call: Call) -> None:
    """Accepts the details of a work object for the user behind a trigger_id."""
    call.ws.triggers.exchange(str(call.require("trigger_id")), call.app.id)
    if not isinstance(call.args.get("metadata"), dict) and not call.text("error"):
        raise SlackError("invalid_metadata")
