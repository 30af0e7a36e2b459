"""`doctor`: one line for everything the bot leans on, in colour where a person reads it."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from bot.adapters.audit_heads import HeadsFile
from bot.adapters.audit_key import KeyRing, load_key
from bot.adapters.clock import SystemClock
from bot.adapters.database.engine import open_database
from bot.adapters.database.inspection import inspect_sql
from bot.adapters.database.migrate import newest_revision
from bot.adapters.redis.connection import connect
from bot.adapters.redis.inspection import inspect
from bot.addresses import shown
from bot.api_clients import load_clients
from bot.bootstrap.slack import slack_client
from bot.bootstrap.tools import build_tools
from bot.doctor import (
    Check,
    SlackCheck,
    check_addresses,
    check_model,
    check_settings,
    check_supervisor,
    examine,
)
from bot.doctor_slack import check_channel, check_members
from bot.env_file import unknown_variables
from bot.finding import Finding
from bot.history_whole import WHOLE, WholeHistory
from bot.policy_file import load_policy
from bot.self_check import redis_probe, sql_probe
from bot.settings import GROUPS, Settings
from core.errors import ConfigurationError, TransientError
from graphs.models.runbooks import load_runbooks
from tools.catalogue import Catalogue, load_catalogue
from tools.environment import open_http

NEEDS = tuple(GROUPS)
_HISTORY_PATIENCE = 8.0  # seconds


def run(settings: Settings, options: Namespace) -> int:
    """Print the report; 1 when something fails (a warning does not)."""
    return asyncio.run(_report(settings, options.env_file))


async def _report(settings: Settings, env_file: Path) -> int:
    failed = 0
    coloured = sys.stdout.isatty()
    async for finding in examine(_checks(settings, env_file)):
        print(finding.line(coloured=coloured), flush=True)
        failed += finding.state == "fail"
    return 1 if failed else 0


def _checks(settings: Settings, env_file: Path) -> list[Check]:
    slack = SlackCheck(slack_client(settings.slack), settings, SystemClock())
    return [
        ("files", lambda: _files(settings, env_file)),
        ("slack", lambda: _slack(settings, slack)),
        ("app token", slack.app_token),
        ("redis", lambda: _redis(settings)),
        ("sql", lambda: _sql(settings)),
        ("history", lambda: _history(settings)),
        ("model", lambda: check_model(settings.openai)),
        ("catalogue", lambda: _catalogue(settings)),
        ("supervisor", lambda: _supervisor(settings)),
    ]


async def _files(settings: Settings, env_file: Path) -> Sequence[Finding]:
    files = settings.files
    found = [Finding("ok", "settings", "complete")]
    for name, nearest in unknown_variables(env_file):
        hint = f"; did you mean {nearest}?" if nearest else ""
        found.append(Finding("warn", "settings", f"{name} in {env_file} is no setting and is ignored{hint}"))
    kept = settings.checkpoint.interrupted_ttl_seconds
    found.append(check_settings(lambda: load_policy(files.policy_file, kept), "policy"))
    services = check_settings(lambda: load_catalogue(files.services_file), "services")
    found.append(services)
    found.append(check_settings(lambda: load_runbooks(files.runbooks_dir), "runbooks"))
    if files.api_clients_file:
        found.append(check_settings(lambda: load_clients(Path(files.api_clients_file)), "api clients"))
    if services.state == "ok":
        found.append(check_settings(lambda: _tools(settings), "tools"))
    if not (settings.alerts.token.get_secret_value() or settings.alerts.basic_auth.get_secret_value()):
        found.append(Finding("warn", "alerts", "ALERTS_TOKEN is not set: alert webhooks refuse everything"))
    return found


async def _slack(settings: Settings, slack: SlackCheck) -> Sequence[Finding]:
    found = list(await slack.bot_token())
    if found[0].state == "fail":
        return found
    found += await check_channel(slack.client, settings.slack.incident_channel)
    if settings.audit.channel:
        found += await check_channel(slack.client, settings.audit.channel, "AUDIT_CHANNEL")
    try:
        policy = load_policy(settings.files.policy_file, settings.checkpoint.interrupted_ttl_seconds)
    except ConfigurationError:
        return found  # told with the files
    return [*found, *await check_members(slack.client, policy.members)]


async def _redis(settings: Settings) -> Sequence[Finding]:
    if not settings.redis.url:
        return [Finding("ok", "redis", f"embedded, in {settings.files.data_dir / 'redis'}")]
    redis = connect(settings.redis.url, timeout=3)
    try:
        return await redis_probe(lambda: inspect(redis), SystemClock())()
    except TransientError as error:
        text = f"REDIS_URL {shown(settings.redis.url)} cannot be reached ({error}): start it or correct the address"
        return [Finding("fail", "redis", text)]
    finally:
        await redis.aclose()


async def _sql(settings: Settings) -> Sequence[Finding]:
    if _is_new(settings):
        return [Finding("ok", "sql", "a SQLite file will be made on the first start")]
    database = open_database(settings.database_url)
    newest = newest_revision()
    try:
        revision = await database.revision()
        if revision != newest:  # the next start brings it there
            return [Finding("warn", "sql", f"at revision {revision or 'none'}: run `python -m bot migrate`")]
        return await sql_probe(lambda: inspect_sql(database), SystemClock(), newest)()
    except TransientError as error:
        text = (
            f"DATABASE_URL {shown(settings.database_url)} cannot be reached ({error}): start it or correct the address"
        )
        return [Finding("fail", "sql", text)]
    finally:
        await database.close()


async def _history(settings: Settings) -> Sequence[Finding]:
    if _is_new(settings) or not settings.audit_heads_file.exists():
        return [Finding("ok", WHOLE, "nothing is signed yet")]
    ring = KeyRing.of(load_key(settings.audit_key_file).public)
    whole = WholeHistory(settings.database_url, HeadsFile(settings.audit_heads_file), ring)
    try:
        async with asyncio.timeout(_HISTORY_PATIENCE):
            await whole.verify(_nobody)
    except TimeoutError:
        return [Finding("warn", WHOLE, "takes longer to verify: run `python -m bot audit verify`")]
    finally:
        whole.stop()
    return await whole.probe()


async def _nobody() -> None:
    """Be told: what is found is in the report."""


def _tools(settings: Settings) -> None:
    """Build the registry, for its own checks; nothing is asked of the network, so the client has nothing to close."""
    build_tools(settings, load_catalogue(settings.files.services_file), open_http(), SystemClock())


def _is_new(settings: Settings) -> bool:
    return not settings.database.url and not (settings.files.data_dir / "watchkeeper.db").exists()


def _known(settings: Settings) -> Catalogue | None:
    try:
        return load_catalogue(settings.files.services_file)
    except ConfigurationError:
        return None  # told with the files


async def _catalogue(settings: Settings) -> Sequence[Finding]:
    catalogue = _known(settings)
    if catalogue is None:
        return []
    addresses = [(service.name, str(service.health_url or service.url)) for service in catalogue.services]
    for name, address in (("prometheus", catalogue.prometheus_url), ("supervisor", catalogue.supervisor_url)):
        if address:
            addresses.append((name, f"{address}/-/healthy" if name == "prometheus" else f"{address}/services"))
    return await check_addresses(addresses[:50])


async def _supervisor(settings: Settings) -> Sequence[Finding]:
    catalogue = _known(settings)
    if catalogue is None or not catalogue.supervisor_url:
        return []
    token = settings.supervisor.token.get_secret_value()
    return await check_supervisor(catalogue.supervisor_url, catalogue.services[0].name, token)
