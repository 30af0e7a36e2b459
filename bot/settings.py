"""The only reader of the environment: nested, frozen, with secrets hidden, placeholders and contradictions refused."""

import os
from base64 import b64decode
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.setting_fields import NOTHING, HttpUrl, Seconds, Secret, address, group_of
from core.errors import ConfigurationError


class SlackSettings(BaseSettings):
    """How Slack is reached and proves itself."""

    model_config = group_of("SLACK_")

    bot_token: Secret = Field(
        NOTHING, description="Bot User OAuth Token (xoxb-...), from the app's page OAuth & Permissions"
    )
    app_token: Secret = Field(NOTHING, description="App-level token (xapp-...) with connections:write; for socket mode")
    signing_secret: Secret = Field(NOTHING, description="Signing secret of the app's page Basic Information; for http")
    mode: Literal["socket", "http"] = Field("socket", description="socket needs no public address; http is called")
    api_url: HttpUrl = Field("https://slack.com/api/", description="Address of Slack's Web API")
    incident_channel: str = Field("#incidents", min_length=1, description="Channel of incident cards, by id or #name")

    @model_validator(mode="after")
    def _mode_has_its_secrets(self) -> Self:
        bot, app = self.bot_token.get_secret_value(), self.app_token.get_secret_value()
        faults: list[str] = []
        if not bot:
            faults.append(f"SLACK_BOT_TOKEN is missing: {SlackSettings.model_fields['bot_token'].description}")
        elif not bot.startswith("xoxb-"):
            faults.append("SLACK_BOT_TOKEN must be a bot token, which starts with xoxb-")
        if self.mode == "socket" and not app.startswith("xapp-"):
            faults.append("SLACK_APP_TOKEN must hold an app-level token (xapp-...) while SLACK_MODE is socket")
        if self.mode == "http" and not self.signing_secret.get_secret_value():
            faults.append("SLACK_SIGNING_SECRET must be set while SLACK_MODE is http")
        if faults:
            raise ValueError("\n".join(faults))
        return self


class RedisSettings(BaseSettings):
    """Where the queue and the checkpoints are."""

    model_config = group_of("REDIS_")

    url: Annotated[str, address(("redis", "rediss", "unix"))] = Field(
        "", description="Address of a Redis with appendonly yes and noeviction; empty starts an embedded one"
    )


class QueueSettings(BaseSettings):
    """How much may wait, and how often it is tried."""

    model_config = group_of("QUEUE_")

    longest: int = Field(20_000, ge=100, le=1_000_000, description="Events that may wait before senders are refused")
    attempts: int = Field(3, ge=1, le=20, description="Failed attempts before an event becomes a dead letter")
    patience_seconds: Seconds = Field(
        timedelta(hours=1), description="Seconds of outages before an event becomes a dead letter"
    )


class DatabaseSettings(BaseSettings):
    """Where decisions, effects and the audit trail are."""

    model_config = group_of("DATABASE_")

    url: Annotated[str, address(("sqlite", "postgresql"))] = Field(
        "", description="postgresql://user:password@host/name or sqlite:///file; empty is a file in DATA_DIR"
    )


class OpenAISettings(BaseSettings):
    """The language model, if there is one."""

    model_config = group_of("OPENAI_")

    model: str = Field("", description="Model name; empty investigates by rules alone, without a language model")
    base_url: HttpUrl = Field("", description="Address of an OpenAI-compatible API; empty is OpenAI's own")
    api_key: Secret = Field(NOTHING, description="Key for that API")

    @model_validator(mode="after")
    def _model_can_be_asked(self) -> Self:
        if self.model and not self.base_url and not self.api_key.get_secret_value():
            raise ValueError("OPENAI_API_KEY must be set while OPENAI_MODEL is set and OPENAI_BASE_URL is empty")
        return self


class ModelSettings(BaseSettings):
    """What one investigation may spend."""

    model_config = group_of("MODEL_")

    max_calls: int = Field(12, ge=1, le=100, description="Model calls per investigation")
    max_tokens: int = Field(60_000, ge=1_000, le=2_000_000, description="Tokens per investigation, in and out")
    max_seconds: Seconds = Field(timedelta(seconds=90), description="Seconds per investigation")


class WebSettings(BaseSettings):
    """The page, the webhooks and the health checks."""

    model_config = group_of("WEB_")

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on")
    public_url: HttpUrl = Field(
        "",
        description="How people reach that address, for links; empty is http://host:port, or 127.0.0.1 for a wildcard",
    )
    link_secret: Secret = Field(NOTHING, description="Signs links to the timeline page; empty keeps one in DATA_DIR")

    @property
    def links(self) -> str:
        """The address that links begin with, without a trailing slash."""
        host = "127.0.0.1" if self.listens_everywhere else f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def listens_everywhere(self) -> bool:
        """True for a host that is no address to go to."""
        return self.host in {"0.0.0.0", "::", "*"}  # noqa: S104 - looked for, not bound


class AlertsSettings(BaseSettings):
    """Who may post alerts."""

    model_config = group_of("ALERTS_")

    token: Secret = Field(
        NOTHING, description="Bearer token of alert webhooks; without this and the next, all are refused"
    )
    basic_auth: Secret = Field(NOTHING, description="user:password, for senders that know no bearer tokens")

    @model_validator(mode="after")
    def _basic_auth_has_two_halves(self) -> Self:
        pair = self.basic_auth.get_secret_value()
        if pair and not all(pair.partition(":")[::2]):
            raise ValueError("ALERTS_BASIC_AUTH must be user:password")
        return self


class FileSettings(BaseSettings):
    """Files that operators own, and the folder that the bot owns."""

    model_config = group_of("")

    data_dir: Path = Field(Path("data"), description="Folder for the embedded Redis, SQLite and generated secrets")
    policy_file: Path = Field(Path("policy.yaml"), description="Who must countersign what")
    services_file: Path = Field(Path("services.yaml"), description="Catalogue of the services to look after")
    api_clients_file: str = Field("", description="Who may call the signed HTTP API (docs/api.md); empty: nobody")
    runbooks_dir: Path = Field(Path("runbooks"), description="Folder of runbooks (Markdown with front matter)")


class SupervisorSettings(BaseSettings):
    """The system that acts on services."""

    model_config = group_of("SUPERVISOR_")

    token: Secret = Field(NOTHING, description="Bearer token of the supervisor API that tools act through")


class VerifySettings(BaseSettings):
    """How long an action may take to show its effect."""

    model_config = group_of("VERIFY_")

    within_seconds: Seconds = Field(timedelta(seconds=300), description="Seconds until an action must have helped")
    every_seconds: Seconds = Field(timedelta(seconds=2), description="Seconds between two looks")

    @model_validator(mode="after")
    def _looks_at_least_once(self) -> Self:
        if self.every_seconds > self.within_seconds:
            raise ValueError("VERIFY_EVERY_SECONDS must not be longer than VERIFY_WITHIN_SECONDS")
        return self


class AuditSettings(BaseSettings):
    """How it can be shown later that history is as it was written."""

    model_config = group_of("AUDIT_")

    key_file: str = Field(
        "", description="Private key that signs history; made when missing; empty: DATA_DIR/audit.key"
    )
    head_minutes: int = Field(15, ge=0, le=1440, description="Minutes between two signatures; 0 signs nothing")
    channel: str = Field("", description="Channel, by id or #name, that each signature is posted to; empty: file only")


class CheckpointSettings(BaseSettings):
    """How long a graph may wait."""

    model_config = group_of("CHECKPOINT_")

    ttl_seconds: Seconds = Field(timedelta(days=7), description="Seconds a graph's state is kept after its last step")
    interrupted_ttl_seconds: Seconds = Field(
        timedelta(days=28), description="Seconds it is kept instead while it waits for an answer"
    )
    keep_last: int = Field(100, ge=1, le=100_000, description="Steps of each graph that are kept")
    encryption_key: Secret = Field(
        NOTHING, description="32 bytes in hex or base64 that encrypt it; what was kept under another key is refused"
    )

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.interrupted_ttl_seconds < self.ttl_seconds:
            raise ValueError("CHECKPOINT_INTERRUPTED_TTL_SECONDS must not be shorter than CHECKPOINT_TTL_SECONDS")
        if self.encryption_key.get_secret_value() and self.key is None:
            raise ValueError("CHECKPOINT_ENCRYPTION_KEY must be 32 bytes: 64 hexadecimal digits, or base64")
        return self

    @property
    def key(self) -> bytes | None:
        """The encryption key as bytes; None without one."""
        for decode in (bytes.fromhex, b64decode):
            with suppress(ValueError):
                if len(key := decode(self.encryption_key.get_secret_value())) == 32:
                    return key
        return None


class LogSettings(BaseSettings):
    """What is logged."""

    model_config = group_of("LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    format: Literal["console", "json"] = Field("console", description="console or json")


GROUPS: Mapping[str, type[BaseSettings]] = {
    "slack": SlackSettings,
    "redis": RedisSettings,
    "queue": QueueSettings,
    "database": DatabaseSettings,
    "openai": OpenAISettings,
    "model": ModelSettings,
    "web": WebSettings,
    "alerts": AlertsSettings,
    "files": FileSettings,
    "supervisor": SupervisorSettings,
    "verify": VerifySettings,
    "audit": AuditSettings,
    "checkpoint": CheckpointSettings,
    "log": LogSettings,
}


class Settings(BaseSettings):
    """All groups; built once in __main__ and passed down in slices."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="WATCHKEEPER_UNUSED_", extra="forbid")

    slack: SlackSettings
    redis: RedisSettings
    queue: QueueSettings
    database: DatabaseSettings
    openai: OpenAISettings
    model: ModelSettings
    web: WebSettings
    alerts: AlertsSettings
    files: FileSettings
    supervisor: SupervisorSettings
    verify: VerifySettings
    audit: AuditSettings
    checkpoint: CheckpointSettings
    log: LogSettings

    @classmethod
    def load(cls, env_file: Path | None = Path(".env"), needed: Collection[str] = tuple(GROUPS)) -> "Settings":
        """Read the environment (and `env_file` beneath it); ConfigurationError has one line for every fault.

        A group that is not `needed` may be at fault: it then holds its defaults.
        """
        groups: dict[str, BaseSettings] = {}
        faults: list[str] = []
        for name, group in GROUPS.items():
            try:
                groups[name] = group(_env_file=env_file, _env_file_encoding="utf-8")  # pyright: ignore[reportCallIssue]
            except ValidationError as error:
                groups[name] = group.model_construct()
                details = error.errors(include_input=False, include_url=False) if name in needed else []
                faults.extend(_fault(group, detail) for detail in details)
            except UnicodeDecodeError:
                raise ConfigurationError(f"{env_file} is not UTF-8 text") from None
        if faults:
            raise ConfigurationError("\n".join(faults))
        return cls.model_construct(None, **groups)  # each was validated above

    @property
    def database_url(self) -> str:
        """DATABASE_URL, or the SQLite file in the data folder."""
        return self.database.url or f"sqlite:///{self.files.data_dir.resolve() / 'watchkeeper.db'}"

    @property
    def audit_key_file(self) -> Path:
        """AUDIT_KEY_FILE, or the one in the data folder."""
        return Path(self.audit.key_file or self.files.data_dir / "audit.key")

    @property
    def audit_heads_file(self) -> Path:
        """Where the signed heads of history are kept."""
        return self.files.data_dir / "audit-heads.jsonl"


def example() -> str:
    """Return what .env.example holds: every variable once, commented out, with its default and what it is for."""
    lines = ["# Copy to .env and uncomment what you need. Only the two Slack tokens have no default.", ""]
    for group in GROUPS.values():
        lines.append(f"# {(group.__doc__ or '').strip()}")
        for name, field in group.model_fields.items():
            lines.append(f"#   {field.description}")
            lines.append(f"#{_variable(group, name)}={_shown(field.default)}")
        lines.append("")
    return "\n".join(lines)


def variables() -> list[str]:
    """Return the name of every variable that is read."""
    return [_variable(group, name) for group in GROUPS.values() for name in group.model_fields]


def _variable(group: type[BaseSettings], name: str) -> str:
    return f"{group.model_config.get('env_prefix', '')}{name}".upper()


def _shown(default: object) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return f"{default.total_seconds():.10g}" if isinstance(default, timedelta) else str(default)


def _fault(group: type[BaseSettings], detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0])
    variable = _variable(group, name)
    return f"{variable} {message[0].lower()}{message[1:]}"


def secrets_of(settings: Settings) -> list[str]:
    """Return every secret that is set, for whatever has to keep them out of what it writes."""
    found = (getattr(group, name) for group in _groups(settings) for name in type(group).model_fields)
    return [value.get_secret_value() for value in found if isinstance(value, SecretStr) and value.get_secret_value()]


def _groups(settings: Settings) -> list[BaseSettings]:
    return [getattr(settings, name) for name in GROUPS]


def refuse_foreign_checkpoints() -> None:
    """Make LangGraph revive no type that it does not know; it looks when it is imported, so this comes before."""
    os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"


def child_environment(**changes: str) -> dict[str, str]:
    """Return this process's environment with `changes`, for a child that is a role of ours."""
    return {**os.environ, **changes}
