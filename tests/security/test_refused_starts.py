"""What is wrong at the start stops the start: one clear line for each fault, exit status 2, nothing left running."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import yaml

import tools.registry
from bot.__main__ import main
from bot.settings import GROUPS
from core.risk import Risk
from tests.fakes.processes import end
from tests.fakes.servers import start_redis

POLICY = {
    "version": 1,
    "groups": {"sre": ["S0SRE"]},
    "rules": [{"name": "all", "match": {"risk": ["disruptive"]}, "effect": "approve", "groups": ["sre"]}],
}


class Operator:
    """Somebody at a shell: sets variables, writes files, starts the bot, reads what it says."""

    def __init__(self, folder: Path, shell: pytest.MonkeyPatch, screen: pytest.CaptureFixture[str]) -> None:
        self._shell, self._screen, self.folder = shell, screen, folder
        for group in GROUPS.values():
            for name in group.model_fields:
                shell.delenv(f"{group.model_config.get('env_prefix', '')}{name}".upper(), raising=False)
        self.write("services.yaml", {"services": [{"name": "checkout", "env": "prod", "url": "http://127.0.0.1:9"}]})
        self.write("policy.yaml", POLICY)
        (folder / "runbooks").mkdir()
        self.set(
            SLACK_BOT_TOKEN="xoxb-1-local",
            SLACK_APP_TOKEN="xapp-1-local",
            SLACK_API_URL="http://127.0.0.1:9/",
            REDIS_URL=f"unix://{folder}/none.sock",
            **{f"{name}_FILE": str(folder / f"{name.lower()}.yaml") for name in ("POLICY", "SERVICES")},
            RUNBOOKS_DIR=str(folder / "runbooks"),
            DATA_DIR=str(folder / "data"),
        )

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._shell.setenv(name, value)

    def write(self, name: str, content: object) -> None:
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (self.folder / name).write_text(text)

    def start(self, *arguments: str) -> tuple[int, list[str]]:
        """Return the exit status and the lines on standard error that are ours."""
        status = main(["--env-file", "/dev/null", *arguments])
        lines = self._screen.readouterr().err.splitlines()
        return status, [line for line in lines if line.startswith("watchkeeper: ")]


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Operator(tmp_path, monkeypatch, capsys)
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


ROLES = [("run",), ("run", "--role", "web"), ("run", "--role", "worker")]


@pytest.mark.parametrize("arguments", ROLES)
def test_a_placeholder_is_refused_by_every_role(operator: Operator, arguments: tuple[str, ...]) -> None:
    operator.set(SLACK_BOT_TOKEN="changeme", WEB_LINK_SECRET="<secret>")
    status, lines = operator.start(*arguments)
    assert status == 2
    assert [line.split()[1] for line in lines] == ["SLACK_BOT_TOKEN", "WEB_LINK_SECRET"]


@pytest.mark.parametrize("arguments", ROLES)
@pytest.mark.parametrize(
    ("policy", "named"),
    [
        (None, "cannot be read"),
        ("rules: [", "not YAML near line"),
        ("- just\n- a list\n", "file"),
        (POLICY | {"rules": []}, "rules"),
        (POLICY | {"rules": [POLICY["rules"][0] | {"groups": ["ops"]}]}, "unknown group 'ops'"),
        (POLICY | {"rules": [POLICY["rules"][0] | {"effect": "perhaps"}]}, "effect"),
        (POLICY | {"comment": "typo"}, "comment"),
    ],
)
def test_an_invalid_policy_is_refused_by_every_role(
    operator: Operator, arguments: tuple[str, ...], policy: object, named: str
) -> None:
    if policy is None:
        (operator.folder / "policy.yaml").unlink()
    else:
        operator.write("policy.yaml", policy)
    status, lines = operator.start(*arguments)
    assert (status, len(lines)) == (2, 1)
    assert named in lines[0]


@pytest.mark.parametrize("arguments", ROLES)
def test_a_wait_that_outlives_its_graph_is_refused_by_every_role(
    operator: Operator, arguments: tuple[str, ...]
) -> None:
    operator.write("policy.yaml", POLICY | {"rules": [POLICY["rules"][0] | {"decide_within": "6d"}]})
    operator.set(CHECKPOINT_TTL_SECONDS="3600", CHECKPOINT_INTERRUPTED_TTL_SECONDS="86400")
    status, lines = operator.start(*arguments)
    assert (status, len(lines)) == (2, 1)
    assert "CHECKPOINT_INTERRUPTED_TTL_SECONDS" in lines[0]


@pytest.mark.parametrize("arguments", [("tools",), ("run", "--role", "worker")])
@pytest.mark.parametrize("risk", [None, "harmless", ""])
def test_an_unrated_tool_is_refused(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], risk: object
) -> None:
    build = tools.registry.probe_http

    def unrated(*given: object) -> object:
        spec = build(*given)  # pyright: ignore[reportArgumentType]
        object.__setattr__(spec, "risk", risk)
        return spec

    monkeypatch.setattr(tools.registry, "probe_http", unrated)
    status, lines = operator.start(*arguments)
    assert (status, len(lines)) == (2, 1)
    assert "probe_http" in lines[0]


def test_a_rated_tool_is_listed(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env-file", "/dev/null", "tools"]) == 0
    listed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert [Risk.READ.value, "probe_http"] in listed


@pytest.mark.parametrize(
    ("option", "value", "mend"),
    [("appendonly", "no", "`appendonly yes`"), ("maxmemory-policy", "allkeys-lru", "`maxmemory-policy noeviction`")],
)
def test_a_redis_that_forgets_is_refused(operator: Operator, option: str, value: str, mend: str) -> None:
    child, url = start_redis(operator.folder / "redis", "valkey", [f"--{option}", value])
    try:
        operator.set(REDIS_URL=url)
        status, lines = operator.start("run", "--role", "worker")
    finally:
        end(child)
    assert (status, len(lines)) == (2, 1)
    assert mend in lines[0]


def test_a_taken_port_is_told_by_its_variable(operator: Operator) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        operator.set(WEB_PORT=str(taken.getsockname()[1]))
        status, lines = operator.start("run", "--role", "web")
    assert (status, len(lines)) == (2, 1)
    assert "WEB_PORT" in lines[0]


def test_a_data_folder_that_cannot_be_used_is_told_by_its_variable(operator: Operator) -> None:
    (operator.folder / "data").write_text("a file where the folder should be")
    status, lines = operator.start("run")
    assert (status, len(lines)) == (2, 1)
    assert "DATA_DIR" in lines[0]
