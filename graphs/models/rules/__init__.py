"""The rules of the deterministic investigator: each looks at one service's facts and recognises one cause, or none."""

from graphs.models.rules.capacity import connection_pool_exhausted, log_disk_full, memory_leak, slow_dependency
from graphs.models.rules.changes import bad_deploy, crash_loop, wrong_config
from graphs.models.rules.finding import Finding, Rule

RULES: tuple[Rule, ...] = (
    crash_loop,
    bad_deploy,
    wrong_config,
    log_disk_full,
    connection_pool_exhausted,
    memory_leak,
    slow_dependency,
)

__all__ = ["RULES", "Finding", "Rule"]
