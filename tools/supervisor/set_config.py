"""set_config: change one setting of a service."""

from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from core.risk import Risk
from core.tool_call import ToolCall
from tools.secrets import names_a_secret
from tools.spec import ActArguments, Preview, ToolSpec
from tools.supervisor.client import SupervisorClient
from tools.supervisor.operation import TIMEOUT, build_action

Text = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]


def _harmless(key: str) -> str:
    if names_a_secret(key):
        raise ValueError("secrets are not set through a chat")
    return key


Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$"), AfterValidator(_harmless)]


class SetConfig(ActArguments):
    """Which service, which setting and its new value."""

    key: Key = Field(description="The setting's name")
    value: bool | int | float | Text = Field(description="Its new value, of the type it has now")


def set_config(client: SupervisorClient) -> ToolSpec[SetConfig]:
    """Its rollback is the value before; a setting that did not exist has none."""
    return ToolSpec(
        name="set_config",
        description="Changes one setting of a service.",
        args=SetConfig,
        risk=Risk.DISRUPTIVE,
        timeout=TIMEOUT,
        wrapper=False,
        action=build_action(
            client,
            "config",
            impact="It works with the new value at once, or after its process was restarted.",
            precondition=lambda args, preview: {"value": _present(args, preview)},
            rollback=_rollback,
        ),
    )


def _present(args: SetConfig, preview: Preview) -> JsonValue:
    config = preview.before.get("config")
    return config.get(args.key) if isinstance(config, dict) else None


def _rollback(args: SetConfig, preview: Preview) -> ToolCall | None:
    value = _present(args, preview)
    if not isinstance(value, bool | int | float | str) or value == args.value:
        return None
    return ToolCall(name="set_config", args={"service": args.service, "key": args.key, "value": value})
