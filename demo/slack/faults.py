"""Everything that can be made to go wrong on purpose."""

from dataclasses import dataclass, field

from demo.slack.state import Json


@dataclass
class MethodFault:
    """What the next `times` calls of one method meet."""

    name: str
    status: int = 200
    error: str = ""
    retry_after: int = 1
    times: int = 1
    delay: float = 0.0


@dataclass
class Faults:
    """Switches of /control/faults; the defaults are a healthy workspace."""

    drop_ack: int = 0
    duplicate: int = 1
    reorder: bool = False
    ack_seconds: float = 3.0
    rate_limits: float = 1.0
    methods: list[MethodFault] = field(default_factory=list[MethodFault])

    def set_method(self, spec: Json) -> None:
        """Arm a fault from `{name, status?, retry_after?, times?, delay?, error?}`."""
        known = {k: spec[k] for k in ("name", "status", "error", "retry_after", "times", "delay") if k in spec}
        self.methods.append(MethodFault(**known))

    def take(self, method: str) -> MethodFault | None:
        """The fault this call must suffer, counted down."""
        for fault in self.methods:
            if fault.name in (method, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self.methods.remove(fault)
                return fault
        return None
