"""The policy verbs as operators use them, through the command line."""

import json
import re
from pathlib import Path

import pytest
import yaml

from bot.__main__ import main
from core.policy_rules import PolicyFile

ROOT = Path(__file__).resolve().parents[2]
SERVICES = """
services:
  - {name: checkout, env: prod, url: "http://127.0.0.1:1"}
supervisor_url: http://127.0.0.1:2
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "services.yaml").write_text(SERVICES)
    (tmp_path / "policy.yaml").write_bytes((ROOT / "policy.yaml").read_bytes())
    monkeypatch.setenv("SERVICES_FILE", str(tmp_path / "services.yaml"))
    monkeypatch.setenv("POLICY_FILE", str(tmp_path / "policy.yaml"))
    monkeypatch.chdir(tmp_path)


def test_the_rule_that_decides_is_explained_with_those_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "explain", "restart_service", "service=checkout", "--requester", "U0BOB"]) == 0
    told = capsys.readouterr().out
    assert "no   Nothing destructive through chat: risk is disruptive, not destructive" in told
    assert "yes  Disruptive in production: approve" in told
    assert "sre: S0SRE" in told
    assert "but not U0BOB, who asked" in told
    assert "decided within 30 min, then started within 5 min" in told


def test_who_may_approve_ahead_and_undo_at_once_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tmp_path / "policy.yaml").read_text()
    text = text.replace("# grants:", "grants:").replace("#   - {groups", "  - {groups").replace("# undo:", "undo:")
    (tmp_path / "policy.yaml").write_text(text)
    call = ["policy", "explain", "scale_workers", "service=checkout", "workers=6", "--env", "staging"]
    assert main(call) == 0
    told = capsys.readouterr().out
    assert "sre may approve it ahead, at most 5 times within 2 h" in told
    assert "pressing Undo is the approval" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["restart_servce", "service=checkout"], "There is no tool 'restart_servce'"),
        (["restart_service", "service=chekout"], "There is no service 'chekout'"),
        (["restart_service", "checkout"], "write name=value"),
    ],
)
def test_a_call_that_no_tool_takes_is_said_to_be_one(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "explain", *words]) == 2
    assert told in capsys.readouterr().err


def let_everything_run(policy: Path) -> None:
    with policy.open("a") as file:
        file.write("rules:\n  - {name: all, effect: allow, match: {tool: scale_workers, risk: [reversible]}}\n")


def test_a_key_that_stands_there_twice_is_no_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    let_everything_run(tmp_path / "policy.yaml")
    assert main(["policy", "check"]) == 2
    assert "the key 'rules' is there twice near line" in capsys.readouterr().err


def test_yamls_own_loader_lets_the_later_rules_run_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.operator_file._Loader", yaml.SafeLoader)
    let_everything_run(tmp_path / "policy.yaml")
    assert main(["policy", "explain", "scale_workers", "service=checkout", "workers=6"]) == 0
    assert "yes  all: allow" in capsys.readouterr().out


@pytest.mark.parametrize("folder", [ROOT, ROOT / "demo"])
def test_our_own_expectations_hold(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLICY_FILE", str(folder / "policy.yaml"))
    assert main(["policy", "test"]) == 0
    assert re.search(r"(\d+) of \1 expectations hold", capsys.readouterr().out)


def test_a_missed_expectation_is_named_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.tests.yaml").write_text(
        "- {call: restart_service, args: {service: checkout}, expect: {effect: deny, quorum: 2}}\n"
    )
    assert main(["policy", "test"]) == 1
    told = capsys.readouterr().out
    assert "case 1 (restart_service): effect is approve, expected deny (rule: Disruptive in production)" in told
    assert "quorum is 1, expected 2" in told
    assert "0 of 1 expectations hold" in told


def test_a_table_that_cannot_be_read_is_a_fault_of_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.tests.yaml").write_text("- {call: restart_service, expects: {}}\n")
    assert main(["policy", "test"]) == 2
    assert "policy.tests.yaml: 0." in capsys.readouterr().err


def test_a_file_is_checked_before_it_takes_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text(
        (ROOT / "policy.yaml").read_text(encoding="utf-8").replace("decide_within: 30m", "decide_within: 7d")
    )
    assert main(["policy", "check", str(draft)]) == 0, "a graph at its gate is kept for four weeks"
    assert capsys.readouterr().out.startswith(f"{draft}: valid")
    draft.write_text("rules: [")
    assert main(["policy", "check", str(draft)]) == 2
    assert str(draft) in capsys.readouterr().err
    assert main(["policy", "check"]) == 0


def test_what_waits_longer_than_its_graph_is_kept_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKPOINT_TTL_SECONDS", "60")
    assert main(["policy", "check"]) == 0, "that is for graphs that do not wait"
    monkeypatch.setenv("CHECKPOINT_INTERRUPTED_TTL_SECONDS", "60")
    assert main(["policy", "check"]) == 2


def test_the_schema_for_editors_is_that_of_the_code() -> None:
    shipped = json.loads((ROOT / "deploy" / "policy.schema.json").read_text(encoding="utf-8"))
    assert shipped == PolicyFile.model_json_schema()
