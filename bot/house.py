"""The whole bot on one machine: an embedded Redis when none is given, then both roles as children."""

import sys
from pathlib import Path

from bot.adapters.redis.embedded import embedded_server, keep_on_disk, wait_ready
from bot.processes import Child, Supervisor, stop_on_signals
from bot.settings import Settings, child_environment
from core.errors import ConfigurationError, TransientError


async def run_house(settings: Settings, env_file: Path) -> int:
    """Start everything, print one line per step, keep it running until told to stop; returns the exit status."""
    async with Supervisor() as supervisor:
        stop_on_signals(supervisor.stopping)
        environment = child_environment(REDIS_URL=await _redis(settings, supervisor))
        run = (sys.executable, "-m", "bot", "--env-file", str(env_file), "run", "--role")
        supervisor.keep(*(Child(role, (*run, role), environment) for role in ("web", "worker")))
        await supervisor.stopping.wait()
        _say("stopping")
    _say("stopped")
    return supervisor.status


async def _redis(settings: Settings, supervisor: Supervisor) -> str:
    if settings.redis.url:
        return settings.redis.url
    folder = settings.files.data_dir / "redis"
    server = embedded_server(folder)
    log = folder / "redis.log"
    supervisor.keep(Child("redis", server.command, child_environment(), log))
    supervisor.run(keep_on_disk(folder))
    try:
        await wait_ready(server.url)
    except TransientError as error:
        raise ConfigurationError(f"the embedded Redis does not start ({error}); see {log}") from error
    _say(f"redis: embedded, in {folder}")
    return server.url


def _say(line: str) -> None:
    print(line, flush=True)
