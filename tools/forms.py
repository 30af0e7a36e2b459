"""What is wrong with arguments that a person typed, told argument by argument."""

from collections.abc import Mapping

from pydantic import ValidationError

from core.errors import ToolArgumentsError
from core.tool_call import ToolCall
from tools.arguments import accept
from tools.registry import Registry
from tools.spec import ServiceArguments


class ArgumentForms:
    """Implements core.ports.Forms over a registry; asks the same model that the guard asks."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def faults(self, call: ToolCall) -> Mapping[str, str]:
        """Return a sentence for each argument at fault, under an empty name where it is about the whole call."""
        try:
            spec = self._registry.find(call.name)
        except ToolArgumentsError as error:
            return {"": str(error)}
        environment = self._registry.environment
        try:
            args = spec.args.model_validate(call.args)
        except ValidationError as error:
            return _by_argument(error)
        except RecursionError:
            return {"": "The arguments are nested too deeply."}
        where = ""
        try:
            if isinstance(args, ServiceArguments):
                where = "service"
                environment.service(args.service)
                where = ""
            accept(spec, call, environment)
        except ToolArgumentsError as error:
            return {where: str(error)}
        return {}


def _by_argument(error: ValidationError) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        said = fault["msg"].removeprefix("Value error, ").replace("Input should", "This should", 1)
        if said not in found.setdefault(name, []):
            found[name].append(said)
    return {name: "; ".join(said)[:300] for name, said in found.items()}
