"""Looks at everything the bot leans on and says in one line each what is wrong and how to mend it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import httpx
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.addresses import shown
from bot.finding import Finding
from bot.self_check import moment_of, skew_of
from bot.settings import OpenAISettings, Settings
from core.errors import ConfigurationError, WatchkeeperError
from core.ports import Clock

SCOPES: Final = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "reactions:write",
    "usergroups:read",
    "users:read",
)
_PATIENCE = 10.0
Check = tuple[str, Callable[[], Awaitable[Sequence[Finding]]]]


async def examine(checks: Sequence[Check]) -> AsyncIterator[Finding]:
    """Yield the findings of each check in order; a check that breaks or hangs is a failure with its own name."""
    for name, check in checks:
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await check()
        except TimeoutError:
            found = [Finding("fail", name, f"no answer within {_PATIENCE:g} s")]
        except (WatchkeeperError, OSError, aiohttp.ClientError, httpx.HTTPError) as error:
            found = [Finding("fail", name, str(error) or type(error).__name__)]
        for finding in found:
            yield finding


@dataclass(frozen=True, slots=True)
class SlackCheck:
    """Tokens, scopes and the clock, which request signatures depend on."""

    client: AsyncWebClient
    settings: Settings
    clock: Clock

    async def bot_token(self) -> Sequence[Finding]:
        """Ask who the token is, what it may do, and what time it is there."""
        try:
            answer = await self.client.auth_test()
        except SlackApiError as error:
            return [Finding("fail", "slack", f"SLACK_BOT_TOKEN is refused ({error.response.get('error')})")]
        found = [Finding("ok", "slack", f"{answer.get('user')} in {answer.get('team')}")]
        headers = {name.lower(): value for name, value in answer.headers.items()}
        granted = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")}
        missing = [scope for scope in SCOPES if scope not in granted]
        if missing:
            text = f"missing {', '.join(missing)}: add them to the app's manifest and reinstall it"
            found.append(Finding("fail", "scopes", text))
        else:
            found.append(Finding("ok", "scopes", f"all {len(SCOPES)} granted"))
        found.append(skew_of("clock", "Slack", moment_of(headers.get("date", "")), self.clock))
        return found

    async def app_token(self) -> Sequence[Finding]:
        """Ask for a socket's address, which needs the scope connections:write; the socket is not opened."""
        if self.settings.slack.mode == "http":
            return [Finding("ok", "app token", "not needed in http mode")]
        token = self.settings.slack.app_token.get_secret_value()
        try:
            await self.client.apps_connections_open(app_token=token)
        except SlackApiError as error:
            code = error.response.get("error")
            return [Finding("fail", "app token", f"SLACK_APP_TOKEN is refused ({code}); it needs connections:write")]
        return [Finding("ok", "app token", "may open a socket")]


async def check_model(settings: OpenAISettings) -> Sequence[Finding]:
    """Ask the model's address which models it has."""
    if not settings.model:
        return [Finding("ok", "model", "none configured: investigations follow the rules alone")]
    base = (settings.base_url or "https://api.openai.com/v1").rstrip("/")
    key = settings.api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE) as http:
            answer = await http.get(f"{base}/models", headers=headers)
    except httpx.HTTPError as error:
        text = f"OPENAI_BASE_URL {shown(base)} cannot be reached ({type(error).__name__}): start it or correct it"
        return [Finding("fail", "model", text)]
    if answer.status_code in {401, 403}:
        return [Finding("fail", "model", f"OPENAI_API_KEY is refused ({answer.status_code})")]
    if answer.status_code == 404:
        return [Finding("warn", "model", f"{base} does not list its models; {settings.model} is not verified")]
    if answer.status_code >= 400:
        return [Finding("fail", "model", f"{base} answers {answer.status_code}")]
    try:
        names = {row["id"] for row in answer.json()["data"]}
    except (ValueError, KeyError, TypeError):
        return [Finding("fail", "model", f"{base} does not speak OpenAI's API: check OPENAI_BASE_URL")]
    if settings.model not in names:
        return [Finding("fail", "model", f"{base} has no {settings.model}: check OPENAI_MODEL")]
    return [Finding("ok", "model", f"{settings.model} at {base}")]


async def check_addresses(addresses: Sequence[tuple[str, str]]) -> Sequence[Finding]:
    """Ask each (name, address) for its health; a root that answers 4xx is well, as it need not be a page."""
    async with httpx.AsyncClient(timeout=3.0, trust_env=False) as http:

        async def ask(name: str, address: str) -> Finding:
            try:
                status = (await http.get(address)).status_code
            except httpx.HTTPError as error:
                return Finding("warn", "catalogue", f"{name} at {address}: {type(error).__name__}")
            well = status < 400 or (status < 500 and urlsplit(address).path in {"", "/"})
            return Finding("ok" if well else "warn", "catalogue", f"{name} at {address} answers {status}")

        return await asyncio.gather(*(ask(name, address) for name, address in addresses))


async def check_supervisor(url: str, service: str, token: str) -> Sequence[Finding]:
    """Ask for a dry run of a restart, without the id that any real one needs: only the token is put to the test."""
    if not token:
        return [Finding("warn", "supervisor", "SUPERVISOR_TOKEN is not set: no action will be accepted")]
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as http:
            answer = await http.post(f"{url}/services/{service}/restart", json={"dry_run": True}, headers=headers)
    except httpx.HTTPError as error:
        return [Finding("warn", "supervisor", f"{url}: {type(error).__name__}")]
    if answer.status_code in {401, 403}:
        return [Finding("fail", "supervisor", f"SUPERVISOR_TOKEN is refused by {url} ({answer.status_code})")]
    if answer.status_code != 200:
        return [Finding("warn", "supervisor", f"{url} answers {answer.status_code} to a dry run for {service}")]
    return [Finding("ok", "supervisor", f"{url} accepts SUPERVISOR_TOKEN")]


def check_settings(load: Callable[[], object], name: str) -> Finding:
    """Turn one loader's ConfigurationError into a finding."""
    try:
        load()
    except ConfigurationError as error:
        return Finding("fail", name, "; ".join(str(error).splitlines()))
    return Finding("ok", name, "readable and consistent")
