"""Delivers alerts to a webhook as Alertmanager does: grouped, retried until accepted, resolved ones too."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

import httpx

from demo.shop.alerts.engine import Alert, fingerprint, moment

GROUP_BY = ("alertname", "service")
RECEIVER = "watchkeeper"
NEVER = "0001-01-01T00:00:00Z"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0


def common(maps: list[dict[str, str]]) -> dict[str, str]:
    """The pairs that all maps share."""
    return {key: value for key, value in maps[0].items() if all(other.get(key) == value for other in maps)}


class Group:
    """The alerts of one group, and what the receiver knows of them."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.alerts: dict[str, Alert] = {}
        self.told_firing: frozenset[str] = frozenset()
        self.changed = asyncio.Event()

    def update(self, alert: Alert) -> None:
        self.alerts[fingerprint(alert.labels)] = alert

    def due(self) -> bool:
        """Whether the receiver knows less than we do."""
        return self.firing() != self.told_firing

    def firing(self) -> frozenset[str]:
        return frozenset(identity for identity, alert in self.alerts.items() if alert.firing)

    def told(self, firing: frozenset[str]) -> None:
        """The receiver has accepted a notice that these alerts, and no others, are firing."""
        self.told_firing = firing
        self.forget_resolved()

    def forget_resolved(self) -> None:
        """Drop what is over and what the receiver does not believe to be firing."""
        keep = {identity: a for identity, a in self.alerts.items() if a.firing or identity in self.told_firing}
        self.alerts = keep

    def payload(self, external_url: str) -> dict[str, Any]:
        """The webhook body, version 4."""
        alerts = list(self.alerts.values())
        names = ", ".join(f'{name}="{value}"' for name, value in sorted(self.labels.items()))
        return {
            "receiver": RECEIVER,
            "status": "firing" if any(alert.firing for alert in alerts) else "resolved",
            "alerts": [self._entry(alert, external_url) for alert in alerts],
            "groupLabels": self.labels,
            "commonLabels": common([alert.labels for alert in alerts]),
            "commonAnnotations": common([alert.annotations for alert in alerts]),
            "externalURL": external_url,
            "version": "4",
            "groupKey": f"{{}}:{{{names}}}",
            "truncatedAlerts": 0,
        }

    @staticmethod
    def _entry(alert: Alert, external_url: str) -> dict[str, Any]:
        assert alert.fired_at is not None
        return {
            "status": "firing" if alert.firing else "resolved",
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": moment(alert.fired_at),
            "endsAt": NEVER if alert.resolved_at is None else moment(alert.resolved_at),
            "generatorURL": f"{external_url}/graph?g0.expr={quote_plus(alert.expression)}&g0.tab=1",
            "fingerprint": fingerprint(alert.labels),
        }


class Notifier:
    """One delivery task per group; each keeps trying with the newest state until the receiver accepts it."""

    def __init__(self, webhook_url: str, token: str | None, external_url: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=10, trust_env=False)
        self._url = webhook_url
        self._external_url = external_url
        self._groups: dict[tuple[str, ...], Group] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def take(self, alerts: Iterable[Alert]) -> None:
        """Take the alerts that are firing or have just been resolved."""
        for alert in alerts:
            key = tuple(alert.labels.get(name, "") for name in GROUP_BY)
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = Group({n: alert.labels[n] for n in GROUP_BY if n in alert.labels})
                self._tasks.append(asyncio.create_task(self._deliver(group)))
            group.update(alert)
            group.changed.set()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _deliver(self, group: Group) -> None:
        pause = FIRST_PAUSE_S
        while True:
            await group.changed.wait()
            group.changed.clear()
            if not group.due():
                group.forget_resolved()
                continue
            sent, body = group.firing(), group.payload(self._external_url)
            if await self._post(body):
                group.told(sent)
                pause = FIRST_PAUSE_S
                if group.due():  # the state moved on while the notice was on its way
                    group.changed.set()
            else:
                group.changed.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _post(self, body: dict[str, Any]) -> bool:
        """Whether the receiver has the notice; a 4xx other than 429 will not get better, so it counts as received."""
        try:
            response = await self._client.post(self._url, json=body)
        except httpx.HTTPError:
            return False
        return response.status_code < 500 and response.status_code != 429
