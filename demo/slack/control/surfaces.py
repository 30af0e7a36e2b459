"""What a person sets in motion through an app's surfaces: commands, buttons, modals, shortcuts, Home."""

from typing import TYPE_CHECKING

from ..errors import ControlError
from ..state import Json

if TYPE_CHECKING:
    from ..workspace import Workspace


async def _soon(ws: "Workspace", body: Json) -> Json:
    raise ControlError("not_implemented", "Not built yet.", 501)


run_slash = click = submit_view = close_view = run_shortcut = open_home = _soon
