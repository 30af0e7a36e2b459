"""A policy that is edited takes effect by itself; one that is broken takes none, and says so once."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.policy_file import LivePolicy, load_policy
from core.policy import Policy
from core.policy_rules import Asker
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import FakeClock
from tests.fakes.examples import a_plan

GOOD = """
version: 1
groups: {sre: [S0SRE], dba: ["@dba"]}
rules: [{name: first, effect: approve, groups: [sre]}]
"""


class Edited:
    """A policy file, what stands on it, and what was written down."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(GOOD)
        self.audit = InMemoryAudit()
        self.live = LivePolicy(self.load, self.audit, FakeClock(), self.load())

    def load(self) -> Policy:
        return load_policy(self.path, timedelta(days=7))

    def write(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    return Edited(tmp_path / "policy.yaml")


async def test_an_edited_file_holds_from_the_next_look_on(edited: Edited) -> None:
    before = edited.live.sha256
    edited.write(GOOD.replace("groups: [sre]}", "quorum: {sre: 1, dba: 1}}"))
    await edited.live.refresh()
    needed = edited.live.requirement(a_plan(), Asker())
    assert needed.seats == {"sre": 1, "dba": 1}
    assert needed.policy_sha256 == edited.live.sha256 != before
    assert edited.audit.kinds == ["PolicyChanged"]


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "version: 2",
        GOOD.replace("groups: [sre]", "groups: [nobody]"),
        GOOD.replace("effect: approve", "effect: approve, match: {when: 'servce == 1'}"),
        "rules: [",
    ],
)
async def test_a_broken_file_leaves_the_old_policy_in_force_and_is_told_once(edited: Edited, broken: str) -> None:
    before = edited.live.sha256
    edited.write(broken)
    for _ in range(3):
        await edited.live.refresh()
    assert edited.live.sha256 == before
    assert edited.live.requirement(a_plan(), Asker()).rule == "first"
    assert edited.audit.kinds == ["PolicyRefused"]
    assert str(edited.path) in edited.live.fault


async def test_a_file_that_is_gone_is_a_broken_file(edited: Edited) -> None:
    edited.path.unlink()
    await edited.live.refresh()
    assert edited.live.requirement(a_plan(), Asker()).rule == "first"
    assert "cannot be read" in edited.live.fault


async def test_a_mended_file_holds_and_the_fault_is_forgotten(edited: Edited) -> None:
    edited.write("")
    await edited.live.refresh()
    edited.write(GOOD + "# mended\n")
    await edited.live.refresh()
    assert edited.live.fault == ""
    assert edited.audit.kinds == ["PolicyRefused", "PolicyChanged"]
