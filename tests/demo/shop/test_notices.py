"""Alert states and the notices about them, against payloads that a real Alertmanager sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from demo.shop.alerts.engine import Alert, AlertEngine, fingerprint
from demo.shop.alerts.notices import Notifier
from demo.shop.alerts.rules import render
from demo.shop.metrics.store import MetricsStore
from tests.demo.shop.conftest import TOKEN, Receiver
from tests.fakes.waiting import wait_until

RECORDED = Path(__file__).parents[4] / "shared" / "payloads"
T0 = 1_000_000.0


def alert(service: str = "checkout", **more: str) -> Alert:
    labels = {"alertname": "HighErrorRate", "service": service, "env": "prod", **more}
    return Alert(labels, 'rate(x{code=~"5.."}[5s]) > 1', T0, {"summary": f"{service} fails"}, 0.3, fired_at=T0)


def shape(payload: dict[str, Any]) -> dict[str, Any]:
    """Names and types of a notice; labels and annotations may hold any texts."""
    entries = [{key: type(value).__name__ for key, value in entry.items()} for entry in payload["alerts"]]
    assert all(entry == entries[0] for entry in entries)
    outer = {key: type(value).__name__ for key, value in payload.items()}
    return outer | {"alerts": entries[0], "key": payload["groupKey"].partition("=")[0].partition('"')[0][:4]}


@pytest.mark.parametrize("name", ["firing", "resolved", "group-mixed"])
async def test_a_notice_has_the_shape_of_a_recorded_one(receiver: Receiver, name: str) -> None:
    path = RECORDED / f"alertmanager-{name}.json"
    if not path.exists():
        pytest.skip("no recorded Alertmanager payloads next to this repository")
    recorded = json.loads(path.read_text())
    notifier = Notifier(receiver.url, TOKEN, "http://127.0.0.1:9090")
    notifier.take([alert()])
    await wait_until(lambda: receiver.notices)
    await notifier.aclose()
    assert shape(receiver.notices[0]) == shape(recorded)
    for entry in recorded["alerts"]:
        assert fingerprint(entry["labels"]) == entry["fingerprint"]


async def test_a_firing_alert_is_told_once_and_its_end_once(receiver: Receiver) -> None:
    notifier, one = Notifier(receiver.url, TOKEN, "http://127.0.0.1:9090"), alert()
    for _ in range(3):
        notifier.take([one])
    await wait_until(lambda: receiver.notices)
    one.resolved_at = T0 + 5
    notifier.take([one])
    await wait_until(lambda: len(receiver.notices) == 2)
    await notifier.aclose()
    told, over = receiver.notices
    assert (told["status"], over["status"]) == ("firing", "resolved")
    assert told["groupKey"] == '{}:{alertname="HighErrorRate", service="checkout"}'
    assert told["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert over["alerts"][0]["endsAt"] == "1970-01-12T13:46:45.000Z"
    assert told["alerts"][0]["generatorURL"].endswith(
        "/graph?g0.expr=rate%28x%7Bcode%3D~%225..%22%7D%5B5s%5D%29+%3E+1&g0.tab=1"
    )
    assert receiver.authorizations == [f"Bearer {TOKEN}"] * 2


async def test_a_notice_is_repeated_until_it_is_accepted(receiver: Receiver) -> None:
    receiver.answers = [503, 429]
    notifier = Notifier(receiver.url, None, "http://127.0.0.1:9090")
    notifier.take([alert()])
    await wait_until(lambda: receiver.notices)
    await notifier.aclose()
    assert len(receiver.authorizations) == 3
    assert receiver.authorizations[0] is None


async def test_alerts_of_one_group_share_a_notice_and_groups_do_not(receiver: Receiver) -> None:
    notifier = Notifier(receiver.url, TOKEN, "http://127.0.0.1:9090")
    first, second, third = alert(pool="x"), alert(pool="y"), alert("front")
    notifier.take([first, second, third])
    await wait_until(lambda: len(receiver.notices) == 2)
    second.resolved_at = T0 + 5
    notifier.take([first, second, third])
    await wait_until(lambda: len(receiver.notices) == 3)
    await notifier.aclose()
    assert sorted(len(notice["alerts"]) for notice in receiver.notices) == [1, 2, 2]
    assert {entry["status"] for entry in receiver.notices[-1]["alerts"]} == {"firing", "resolved"}
    assert receiver.notices[-1]["status"] == "firing"
    assert "pool" not in receiver.notices[-1]["commonLabels"]


def test_an_alert_waits_its_time_fires_and_is_resolved() -> None:
    store, engine = MetricsStore(), None
    engine = AlertEngine(store)
    used, size = ({"__name__": f"log_volume_{kind}_bytes", "service": "checkout"} for kind in ("used", "size"))

    def second(number: int, value: float) -> list[tuple[str, bool]]:
        at = T0 + number
        store.add(at, used, value)
        store.add(at, size, 100.0)
        return [(one.labels["alertname"], one.firing) for one in engine.evaluate(at)]

    assert [second(n, value) for n, value in enumerate([50, 99, 99, 50, 99, 99, 99, 50, 50])] == [
        [], [], [], [], [], [], [("LogVolumeFull", True)], [("LogVolumeFull", False)], [],
    ]  # fmt: skip


def test_annotations_know_labels_and_values() -> None:
    text = '{{ $labels.service }} at {{ $value | humanizePercentage }}, p95 {{ $value | printf "%.2f" }} s'
    assert render(text, {"service": "front"}, 0.12345) == "front at 12.35%, p95 0.12 s"
