"""Parsers of alerts: what real systems send is read in full, what nobody should send is cut or refused."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ingress import alertmanager, generic, grafana, slack_alerts
from bot.ingress.untrusted import UnreadableError, address, moment, pairs, read_json, text
from core.alert import AlertStatus

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[1] / "payloads"


def payload(name: str):
    return json.loads((PAYLOADS / name).read_text())


def test_a_real_notification_of_alertmanager_is_read_in_full() -> None:
    (alert,) = alertmanager.parse(payload("alertmanager-firing.json"), NOW)
    assert alert.name == "InstanceDown"
    assert (alert.service, alert.env, alert.severity) == ("checkout", "staging", "critical")
    assert alert.group_key == "staging/checkout"
    assert alert.fingerprint == "180d73e7595385c1"
    assert alert.starts_at == datetime(2026, 11, 22, 10, 31, 21, 568000, tzinfo=UTC)
    assert alert.ends_at is None
    assert alert.expr == 'up{job="checkout"} == 0'
    assert alert.summary == "127.0.0.1:29200 of checkout is down"


def test_a_group_may_hold_firing_and_resolved_alerts() -> None:
    alerts = alertmanager.parse(payload("alertmanager-group-mixed.json"), NOW)
    assert [(alert.service, alert.status) for alert in alerts] == [
        ("svc0", AlertStatus.RESOLVED),
        ("svc1", AlertStatus.FIRING),
    ]
    assert alerts[0].ends_at == datetime(2026, 11, 22, 10, 32, 0, 36957, tzinfo=UTC)


def test_grafana_tells_its_reading_and_keeps_its_inner_notes() -> None:
    row = {
        "status": "firing",
        "labels": {"alertname": "Queue", "grafana_folder": "ops", "service": "mail"},
        "annotations": {"__value_string__": "[ x ]"},
        "valueString": "[ var='A' labels={} value=97 ]",
        "startsAt": "2026-11-22T10:00:00+01:00",
        "fingerprint": "c0ffee",
    }
    (alert,) = grafana.parse({"alerts": [row], "title": "[FIRING:1] Queue"}, NOW)
    assert alert.source == "grafana"
    assert alert.summary == "[ var='A' labels={} value=97 ]"
    assert alert.annotations == {}
    assert alert.starts_at == datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_a_script_needs_to_give_no_more_than_a_name() -> None:
    (alert,) = generic.parse({"name": "Backup failed"}, NOW)
    assert (alert.name, alert.status, alert.starts_at) == ("Backup failed", AlertStatus.FIRING, NOW)
    again = generic.parse([{"name": "Backup failed", "status": "resolved"}], NOW)[0]
    assert again.fingerprint == alert.fingerprint
    assert again.status is AlertStatus.RESOLVED


@pytest.mark.parametrize(
    "body",
    [None, 7, "text", [], {}, {"alerts": None}, {"alerts": [None]}, {"alerts": [{"status": "odd"}]}, {"alerts": [{}]}],
)
def test_what_is_no_notification_is_refused_with_a_sentence(body: object) -> None:
    with pytest.raises(UnreadableError, match=r"\w+ \w+"):
        alertmanager.parse(body, NOW)  # pyright: ignore[reportArgumentType]


def test_sizes_are_bounded_whatever_is_sent() -> None:
    labels = {f"l{number}": "v" * 9_000 for number in range(500)}
    row = {"status": "firing", "labels": labels | {"alertname": "x" * 9_000}, "annotations": {"summary": "s" * 99_999}}
    (alert,) = alertmanager.parse({"alerts": [row]}, NOW)
    assert len(alert.labels) <= 64
    assert max(map(len, alert.labels.values())) <= 1_000
    assert len(alert.summary) <= 2_000
    with pytest.raises(UnreadableError, match="at most"):
        alertmanager.parse({"alerts": [row] * 2_001}, NOW)


def test_controls_and_lone_surrogates_do_not_get_in() -> None:
    assert text("a\x00b\x1b[2J\ud800c\u0085d", 100) == "a b [2J c d"
    assert pairs({"k\x00": "v\ud800", "n": 3, "t": True, "d": {}, "": "x"}) == {"k": "v", "n": "3"}
    assert text("abcdef", 4) == "abc…"


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "soon", 5, None, "9" * 99])
def test_a_time_that_means_nothing_is_no_time(value: object) -> None:
    assert moment(value) is None


def test_an_alert_from_the_future_begins_now() -> None:
    row = {"status": "firing", "labels": {"alertname": "x"}, "startsAt": "2999-01-01T00:00:00Z"}
    assert alertmanager.parse({"alerts": [row]}, NOW)[0].starts_at == NOW


def test_only_web_addresses_are_kept() -> None:
    assert address("javascript:alert(1)") == ""
    assert address("http://[") == ""
    assert address("https://prom.example/graph") == "https://prom.example/graph"


@pytest.mark.parametrize("body", [b"", b"\xff", b"[NaN]", b"[" * 100_000, b'{"a":' * 10_000, b"9" * 5_000 + b"x"])
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_json(body)


def bot_message(**fields: object) -> dict[str, object]:
    return {"type": "message", "channel": "C0OPS", "ts": "1.0", "bot_id": "B0OTHER", **fields}


ALERTMANAGER = {
    "title": "[FIRING:1] HighErrorRate (prod checkout critical)",
    "title_link": "http://am.example/#/alerts?receiver=bot",
    "text": "*service:* checkout\n*env:* prod",
    "color": "danger",
}
DATADOG = {
    "title": "Triggered: [P2] Checkout latency",
    "title_link": "https://app.datadoghq.eu/monitors/77",
    "text": "service:checkout env:prod",
}


@pytest.mark.parametrize(
    ("attachment", "name", "severity"), [(ALERTMANAGER, "HighErrorRate", ""), (DATADOG, "Checkout latency", "p2")]
)
def test_an_alert_message_of_another_bot_is_an_alert(attachment: dict[str, str], name: str, severity: str) -> None:
    (alert,) = slack_alerts.parse(bot_message(attachments=[attachment]), NOW)
    assert (alert.name, alert.service, alert.env, alert.severity) == (name, "checkout", "prod", severity)
    assert alert.status is AlertStatus.FIRING


def test_an_edit_that_resolves_is_the_same_alert() -> None:
    (first,) = slack_alerts.parse(bot_message(attachments=[ALERTMANAGER]), NOW)
    resolved = ALERTMANAGER | {"title": "[RESOLVED] HighErrorRate (prod checkout critical)", "color": "good"}
    edit = {"subtype": "message_changed", "channel": "C0OPS", "message": bot_message(attachments=[resolved])}
    (last,) = slack_alerts.parse(edit, NOW)
    assert last.fingerprint == first.fingerprint
    assert last.status is AlertStatus.RESOLVED


def test_a_person_cannot_raise_an_alert_by_writing_like_one() -> None:
    written = {"type": "message", "user": "U0BOB", "channel": "C0OPS", "text": "[FIRING:1] HighErrorRate"}
    assert slack_alerts.parse(written, NOW) == []
    assert slack_alerts.parse(written | {"bot_id": "B0OTHER"}, NOW) != []


@pytest.mark.parametrize("text", ["Alert: HighErrorRate on checkout comes from 2.4.1", "[FIRING:1] HighErrorRate"])
def test_what_we_write_ourselves_is_no_alert_and_the_same_of_another_bot_is_one(text: str) -> None:
    for ours in ("B0OTHER", "U0OTHER"):
        message = bot_message(text=text, user="U0OTHER")
        edit = {"subtype": "message_changed", "channel": "C0OPS", "message": message}
        assert slack_alerts.parse(message, NOW, {ours}) == slack_alerts.parse(edit, NOW, {ours}) == []
        assert slack_alerts.parse(message, NOW, {"B0WATCH", "U0WATCH"}) != []


@pytest.mark.parametrize(
    "fields",
    [{"text": "deploy finished"}, {"attachments": [None, 3, {}]}, {"attachments": "x"}, {"text": None}, {"blocks": []}],
)
def test_other_messages_of_bots_are_not_alerts(fields: dict[str, object]) -> None:
    assert slack_alerts.parse(bot_message(**fields), NOW) == []
