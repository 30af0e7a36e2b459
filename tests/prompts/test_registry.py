"""Released prompts do not change, and are filled strictly."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from prompts import registry


def test_released_prompts_are_what_they_were() -> None:
    assert registry.present() == registry.locked()


def test_a_changed_released_prompt_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "1.md").write_text("another text")
    monkeypatch.setattr(registry, "_ROOT", tmp_path)
    assert registry.present()["case/1"] != registry.locked()["case/1"]


def test_a_missing_and_a_surplus_value_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="question"):
        registry.render("case", 1, subject="checkout")
    with pytest.raises(ConfigurationError, match="extra"):
        registry.render("case", 1, subject="", question="", alerts="", history="", evidence="", extra="")


def test_a_value_cannot_name_another_placeholder() -> None:
    text = registry.render("case", 1, subject="${evidence}", question="q", alerts="a", history="h", evidence="secret")
    assert text.count("secret") == 1
    assert "${evidence}" in text


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="version 99"):
        registry.render("case", 99)


def test_the_newest_version_of_each_prompt_is_pinned() -> None:
    assert set(registry.released_versions()) == {"case", "investigator", "second_opinion"}
