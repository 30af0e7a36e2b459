"""Settings: every fault at once, each in a line that names its variable; no placeholder and no contradiction passes."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.__main__ import CONFIGURATION_FAULT, main
from bot.settings import GROUPS, Settings, example, secrets_of
from core.errors import ConfigurationError

WHOLE = {"SLACK_BOT_TOKEN": "xoxb-1-local", "SLACK_APP_TOKEN": "xapp-1-local"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for group in GROUPS.values():
        for name in group.model_fields:
            monkeypatch.delenv(f"{group.model_config.get('env_prefix', '')}{name}".upper(), raising=False)
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def faults(environment: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(None)
    return str(caught.value).splitlines()


def test_the_example_file_holds_every_variable_with_its_default() -> None:
    assert Path(".env.example").read_text() == example()


def test_two_tokens_are_all_that_has_to_be_given(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.load(None)
    assert settings.verify.within_seconds == timedelta(minutes=5)
    assert settings.web.links == "http://127.0.0.1:8080"
    assert settings.database_url.endswith("/data/watchkeeper.db")


def test_all_faults_are_told_at_once_each_by_its_variable(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SLACK_BOT_TOKEN")
    told = faults(
        environment, WEB_PORT="none", LOG_LEVEL="LOUD", REDIS_URL="localhost:6379", VERIFY_WITHIN_SECONDS="-1"
    )
    assert [line.split()[0] for line in told] == [
        "SLACK_BOT_TOKEN",
        "REDIS_URL",
        "WEB_PORT",
        "VERIFY_WITHIN_SECONDS",
        "LOG_LEVEL",
    ]


def test_every_missing_token_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in WHOLE:
        environment.delenv(name)
    assert [line.split()[0] for line in faults(environment)] == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]


@pytest.mark.parametrize("verb", [["policy", "check"], ["tools"], ["migrate"]])
def test_a_verb_demands_only_the_settings_that_it_uses(
    environment: pytest.MonkeyPatch, tmp_path: Path, verb: list[str]
) -> None:
    for name in WHOLE:
        environment.delenv(name)
    environment.setenv("LOG_LEVEL", "LOUD")
    environment.setenv("DATA_DIR", str(tmp_path))
    environment.setenv("SERVICES_FILE", "deploy/services.example.yaml")
    assert main(["--env-file", "/dev/null", *verb]) == 0
    assert main(["--env-file", "/dev/null", "doctor"]) == CONFIGURATION_FAULT


@pytest.mark.parametrize(
    "value", ["changeme", "CHANGE-ME", "<token>", "xxxxxxx", "xoxb-your-token", "xoxb-...", "todo"]
)
def test_a_placeholder_is_refused_by_the_name_of_its_variable(environment: pytest.MonkeyPatch, value: str) -> None:
    told = faults(environment, SLACK_BOT_TOKEN=value)
    assert [line.split()[0] for line in told] == ["SLACK_BOT_TOKEN"]
    assert "placeholder" in told[0]
    assert value not in told[0]


@pytest.mark.parametrize("value", ["xoxb-local-watchkeeper-bot", "xoxb-12-34-AbCdEf"])
def test_a_real_token_is_no_placeholder(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("SLACK_BOT_TOKEN", value)
    assert Settings.load(None).slack.bot_token.get_secret_value() == value


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"SLACK_BOT_TOKEN": "xapp-1-swapped"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_APP_TOKEN": "xoxb-1-swapped"}, "SLACK_APP_TOKEN"),
        ({"SLACK_MODE": "http"}, "SLACK_SIGNING_SECRET"),
        ({"OPENAI_MODEL": "gpt-9"}, "OPENAI_API_KEY"),
        ({"ALERTS_BASIC_AUTH": "alone"}, "ALERTS_BASIC_AUTH"),
        ({"VERIFY_WITHIN_SECONDS": "1", "VERIFY_EVERY_SECONDS": "5"}, "VERIFY_EVERY_SECONDS"),
        ({"VERIFY_EVERY_SECONDS": "1h"}, "VERIFY_EVERY_SECONDS"),
        ({"DATABASE_URL": "mysql://host/name"}, "DATABASE_URL"),
    ],
)
def test_a_contradiction_is_refused(environment: pytest.MonkeyPatch, variables: dict[str, str], named: str) -> None:
    told = faults(environment, **variables)
    assert len(told) == 1
    assert told[0].startswith(named)


def test_the_environment_goes_before_the_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("WEB_PORT=9001\nWEB_HOST=::1\n# LOG_LEVEL=nonsense\n")
    environment.setenv("WEB_PORT", "9002")
    settings = Settings.load(file)
    assert (settings.web.host, settings.web.port) == ("::1", 9002)


@pytest.mark.parametrize(
    ("variables", "links"),
    [
        ({"WEB_HOST": "0.0.0.0"}, "http://127.0.0.1:8080"),
        ({"WEB_HOST": "::"}, "http://127.0.0.1:8080"),
        ({"WEB_HOST": "::1"}, "http://[::1]:8080"),
        ({"WEB_HOST": "0.0.0.0", "WEB_PUBLIC_URL": "https://bot.example.com/"}, "https://bot.example.com"),
    ],
)
def test_links_lead_to_an_address_that_can_be_opened(
    environment: pytest.MonkeyPatch, variables: dict[str, str], links: str
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert Settings.load(None).web.links == links


def test_no_secret_is_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALERTS_TOKEN", "alerts-1-secret-value")
    settings = Settings.load(None)
    assert "alerts-1-secret-value" not in repr(settings)
    assert set(secrets_of(settings)) == {"xoxb-1-local", "xapp-1-local", "alerts-1-secret-value"}


@pytest.mark.parametrize("given", ["a1" * 32, "oaGh" * 10 + "oaE="])
def test_an_encryption_key_is_taken_as_hex_or_base64(environment: pytest.MonkeyPatch, given: str) -> None:
    environment.setenv("CHECKPOINT_ENCRYPTION_KEY", given)
    assert Settings.load(None).checkpoint.key == b"\xa1" * 32


@pytest.mark.parametrize("given", ["a1" * 31, "oaGh" * 11, "not a key"])
def test_an_encryption_key_of_another_length_is_refused(environment: pytest.MonkeyPatch, given: str) -> None:
    told = faults(environment, CHECKPOINT_ENCRYPTION_KEY=given)
    assert len(told) == 1
    assert told[0].startswith("CHECKPOINT_ENCRYPTION_KEY must be 32 bytes")
    assert given not in told[0]


def test_who_waits_for_an_answer_is_not_kept_for_less(environment: pytest.MonkeyPatch) -> None:
    assert Settings.load(None).checkpoint.key is None
    told = faults(environment, CHECKPOINT_INTERRUPTED_TTL_SECONDS="60")
    assert [line.split()[0] for line in told] == ["CHECKPOINT_INTERRUPTED_TTL_SECONDS"]
