"""Where no bot has ever run, a command that only reads makes nothing, and says that there is nothing yet."""

from pathlib import Path

import pytest

from bot.__main__ import main
from tests.bot.test_policy_command import SERVICES


@pytest.mark.parametrize(
    "verb", [("dead", "list"), ("dead", "retry", "evt_1"), ("audit", "verify"), ("audit", "export")]
)
@pytest.mark.parametrize("there", [None, b""])
def test_there_is_nothing_yet(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: tuple[str, ...],
    there: bytes | None,
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("DATA_DIR", str(data))
    if there is not None:
        data.mkdir()
        (data / "watchkeeper.db").write_bytes(there)
    assert main(["--env-file", "/nowhere", *verb]) == 2
    told = capsys.readouterr().err
    assert "there is nothing yet" in told or "run `python -m bot migrate`" in told
    assert "cannot be reached" not in told
    if there is None:
        assert not data.exists()


def test_the_list_of_tools_makes_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "services.yaml").write_text(SERVICES)
    monkeypatch.setenv("SERVICES_FILE", str(tmp_path / "services.yaml"))
    monkeypatch.setenv("SUPERVISOR_TOKEN", "a-token-of-this-test")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert main(["--env-file", "/nowhere", "tools"]) == 0
    assert not (tmp_path / "data").exists()
