"""No tool result carries a secret, whatever it wears."""

import base64
import json
from random import Random
from typing import Any

import pytest
from pydantic import JsonValue

from core.tool_call import ToolCall
from tests.tools.conftest import Bench
from tools.secrets import MARKER, SecretFilter

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# kind -> the secret's fixed beginning, its alphabet and length, and the text around it
SHAPES: dict[str, tuple[str, str, int, str]] = {
    "aws key": ("AKIA", UPPER, 16, "using {} for s3"),
    "github": ("ghp_", ALNUM, 36, "remote: {}"),
    "github fine-grained": ("github_pat_", ALNUM, 60, "pat {}"),
    "gitlab": ("glpat-", ALNUM, 20, "clone with {} failed"),
    "slack bot": ("xoxb-", "0123456789", 24, "posting as {}"),
    "slack app": ("xapp-1-", ALNUM, 40, "socket {} closed"),
    "slack webhook": ("", ALNUM, 24, "POST https://hooks.slack.com/services/T0/B0/{} 200"),
    "openai": ("sk-proj-", ALNUM, 48, "model key {}"),
    "anthropic": ("sk-ant-", ALNUM, 60, "model key {}"),
    "stripe": ("sk_live_", ALNUM, 24, "charge with {}"),
    "google": ("AIza", ALNUM, 35, "maps {}"),
    "npm": ("npm_", ALNUM, 36, "publish {}"),
    "sendgrid": ("SG.abcdefghijklmnopqrstuv.", ALNUM, 43, "mail {}"),
    "vault": ("hvs.", ALNUM, 24, "login {}"),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.", ALNUM, 43, "user {} rejected"),
    "bearer": ("", ALNUM + "._-", 40, "Authorization: Bearer {}"),
    "basic": ("", ALNUM, 24, "authorization=Basic {}"),
    "password pair": ("", ALNUM, 12, "retry password={} host=db"),
    "password json": ("", ALNUM, 16, 'config {{"db_password": "{}", "port": 5432}}'),
    "escaped json": ("", ALNUM, 16, '{{\\"api_key\\":\\"{}\\"}}'),
    "yaml": ("", ALNUM, 20, "client_secret: {}"),
    "flag": ("", ALNUM, 12, "mysql --password {} -h db"),
    "session": ("9", ALNUM, 31, "cookie: session={}"),
    "database url": ("", ALNUM, 14, "connect postgres://shop:{}@db:5432/shop"),
    "redis url": ("", ALNUM, 14, "redis://:{}@cache:6379/0"),
    "private key": ("", ALNUM, 64, "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----"),
}
CLEAN = [
    "GET /buy 200 in 12.5 ms trace_id=0af7651916cd43dd8448eb211c80319c span=b7ad6b7169203331",
    "payments call timed out after 2000 ms (attempt 2 of 3)",
    "connection pool exhausted: in_use=20 size=20 waiting=7",
    "token bucket empty, 3 requests rejected",
    "authentication failed for user 4711: unknown account",
    "deploy 1.4.2 of checkout by bob sha 5e884898da28047151d0e56f8dc6292773603d0d",
    "order 7f9c24e8-3b12-4fef-91d1-0a1f5c8f3a11 charged 19.99 EUR, key=payments_timeout_ms value=2000",
    "image registry.internal/shop/checkout@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    'http_requests_total{service="checkout",route="/checkout",code="500"} 17',
    "cache key user:42:cart missed; secrets manager unreachable; password must not be empty",
    "see http://127.0.0.1:9090/graph?g0.expr=up and mail ops@example.com",
    "com.shop.checkout.PaymentAuthorizationServiceImpl$PaymentCaptureHandler.handle(PaymentCaptureHandler.java:118)",
]


def planted(count: int, random: Random) -> list[tuple[str, str]]:
    """Return (secret, text) pairs, the shapes in turn, every third one beside ordinary log text."""
    kinds = list(SHAPES.values())
    found: list[tuple[str, str]] = []
    for index in range(count):
        start, alphabet, length, around = kinds[index % len(kinds)]
        body = "".join(random.choice(alphabet) for _ in range(length - 1)) + "7"
        noise = random.choice(CLEAN) + " " if index % 3 == 0 else ""
        found.append((body, noise + around.format(start + body)))
    return found


def test_a_thousand_planted_secrets_are_removed() -> None:
    secrets = SecretFilter()
    survivors = [text for secret, text in planted(1000, Random(1)) if secret in secrets.text(text)]
    assert survivors == []


def test_ordinary_log_lines_stay_as_they_are() -> None:
    secrets = SecretFilter()
    changed = [line for line in CLEAN if secrets.text(line) != line]
    assert changed == []


def test_filtering_twice_changes_nothing_more() -> None:
    secrets = SecretFilter(known=("tok-5f1c9a7be2d04",))
    for _, text in planted(200, Random(2)):
        once = secrets.text(text)
        assert secrets.text(once) == once


@pytest.mark.parametrize("encode", [lambda raw: base64.b64encode(raw).decode(), lambda raw: raw.hex()])
def test_a_secret_in_base64_or_hex_is_found_by_its_shape(encode: Any) -> None:
    text = encode(b"user=shop password=hunter2hunter2")
    assert SecretFilter().text(f"dump {text} end") == f"dump {MARKER} end"


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc"])
def test_our_own_token_is_found_in_every_alignment_of_base64(lead: str) -> None:
    token = "tok-5f1c9a7be2d04-long"
    text = base64.b64encode(f"{lead}{token}--".encode()).decode()
    assert MARKER in SecretFilter(known=(token,)).text(text)


def test_a_value_under_a_secrets_name_goes_and_its_neighbours_stay() -> None:
    config: JsonValue = {"db_password": "x1", "api-key": "k", "limit": 5, "token": "t", "tokens": 3, "monkey": "banana"}
    assert SecretFilter().json({"config": [config]}) == {
        "config": [{**config, "db_password": MARKER, "api-key": MARKER, "token": MARKER}]  # type: ignore[dict-item]
    }


def test_a_row_about_a_secret_setting_shows_neither_its_old_nor_its_new_value() -> None:
    row: JsonValue = {"key": "db_password", "old": "abc", "new": 4711, "by": "bob", "revision": 3}
    assert SecretFilter().json([row]) == [{**row, "old": MARKER, "new": MARKER}]  # type: ignore[dict-item]
    assert SecretFilter().json({"key": "limit", "old": 1, "new": 2}) == {"key": "limit", "old": 1, "new": 2}


class NoFilter(SecretFilter):
    """Broken on purpose."""

    def text(self, text: str) -> str:
        return text

    def blocks(self, text: str) -> str:
        return text

    def json(self, value: JsonValue) -> JsonValue:
        return value


async def leaks(bench: Bench, filter_: SecretFilter | None) -> list[str]:
    """Plant secrets in every source, read them all and return those that came through."""
    corpus = planted(120, Random(3))
    lines = [json.dumps({"ts": "2026-11-02T08:59:00Z", "level": "error", "msg": text}) for _, text in corpus[:60]]
    lines += [f"2026-11-02T08:59:30Z ERROR {text}" for _, text in corpus[60:90]]
    bench.log.write_text("\n".join(lines))
    pages = {"/healthz": "\n".join(text for _, text in corpus[90:]), "/api/v1/query": ""}
    bench.peer.pages["/healthz"] = (200, pages["/healthz"].encode())
    metric = [{"metric": {"dsn": text[:100]}, "value": [1, "1"]} for _, text in corpus[90:]]
    body = {"status": "success", "data": {"resultType": "vector", "result": metric}}
    bench.peer.pages["/api/v1/query"] = (200, json.dumps(body).encode())
    bench.peer.targets["checkout"].config = {f"option_{index}": text for index, (_, text) in enumerate(corpus[90:])}
    guard = bench.guard() if filter_ is None else bench.guard_with(filter_)
    said = ""
    for secret, _ in corpus:
        call = ToolCall(name="search_logs", args={"service": "checkout", "contains": secret[-8:]})
        said += (await guard.read(call)).model_dump_json()
    for name in ("probe_http", "service_status", "metric_query"):
        wanted: dict[str, JsonValue] = {"query": "up"} if name == "metric_query" else {"service": "checkout"}
        said += (await guard.read(ToolCall(name=name, args=wanted))).model_dump_json()
    said += (await guard.plan(ToolCall(name="restart_service", args={"service": "checkout"}))).model_dump_json()
    return [secret for secret, _ in corpus if secret in said]


async def test_no_tool_result_and_no_plan_carries_a_planted_secret(bench: Bench) -> None:
    assert await leaks(bench, None) == []


async def test_a_guard_without_the_filter_is_caught(bench: Bench) -> None:
    assert len(await leaks(bench, NoFilter())) > 100


async def test_an_outcome_in_words_carries_no_secret_of_the_targets_state(bench: Bench) -> None:
    bench.peer.targets["checkout"].config = {"db_password": "abc123", "limit": 1}
    row, grant = await bench.approved("set_config", service="checkout", key="limit", value=2)
    assert row.plan.rollback is not None
    result = await bench.guard().execute(row, grant)
    assert "config.limit 1 -> 2" in result.text
    assert "abc123" not in result.model_dump_json() + row.plan.model_dump_json()
    assert "abc123" not in bench.effects.rows[row.action_id].model_dump_json()


async def test_an_error_carries_no_secret_either(bench: Bench) -> None:
    bench.peer.pages["/api/v1/query"] = (400, b'{"status": "error", "error": "bad password=hunter2hunter2"}')
    result = await bench.guard().read(ToolCall(name="metric_query", args={"query": "up"}))
    assert result.status == "failed"
    assert "hunter2" not in result.text


async def test_the_supervisors_token_never_comes_back(bench: Bench) -> None:
    bench.peer.pages["/healthz"] = (200, f"token is {bench.peer.token}".encode())
    result = await bench.guard().read(ToolCall(name="probe_http", args={"service": "front"}))
    assert bench.peer.token not in result.model_dump_json()
    assert MARKER in result.model_dump_json()
