"""Evidence as real tools once gave it from the real shop: kept small, replayed in a blink.

`python -m tests.graphs.recordings` records anew: it starts the shop, injects every fault and looks at it from checkout.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.alert import Alert
from core.evidence import Evidence, Report
from graphs.models.judgement import Case
from tests.graphs.world import SERVICES, a_brief

FOLDER = Path(__file__).parent / "recorded"
FAULTS = (
    "bad_deploy",
    "memory_leak",
    "pool_exhausted",
    "slow_dependency",
    "crash_loop",
    "disk_full",
    "wrong_config",
    "false_alarm",
)


def load(fault: str) -> dict[str, Any]:
    """Return a recording: evidence, alerts, and what the shop says is right."""
    return json.loads((FOLDER / f"{fault}.json").read_text(encoding="utf-8"))


def case_of(recording: Mapping[str, Any], subject: str, *, alerts: bool = True) -> Case:
    """Return the recorded evidence as a case about this subject."""
    evidence = tuple(Evidence.model_validate(item) for item in recording["evidence"])
    fired = tuple(Alert.model_validate(item) for item in recording["alerts"])
    return Case(
        brief=a_brief(),
        subject=subject,
        depends_on={name: known.depends_on for name, known in SERVICES.items()},
        now=max(item.taken_at for item in evidence),
        alerts=tuple(alert for alert in fired if alert.service == subject) if alerts else (),
        evidence=evidence,
    )


def save(fault: str, report: Report, alerts: list[Alert], expected: Mapping[str, Any]) -> None:
    """Write a recording, without what rules do not read."""
    evidence = [item.model_dump(mode="json", exclude={"series"}) for item in report.evidence]
    rows = [_slim(item) for item in evidence]
    recording = {
        "expected": expected,
        "alerts": [alert.model_dump(mode="json") for alert in alerts],
        "evidence": rows,
    }
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(recording, ensure_ascii=False, separators=(",", ":"))
    (FOLDER / f"{fault}.json").write_text(text.replace('{"id":"E', '\n{"id":"E') + "\n", encoding="utf-8")


def _slim(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("log_file", "url", "health_url", "metrics_url", "body")}
        return {k: v[-60:] if k == "points" else _slim(v) for k, v in kept.items()}
    if isinstance(value, list):
        return [_slim(item) for item in value]
    return _without_paths(value) if isinstance(value, str) else value


def _without_paths(text: str) -> str:
    return text.replace(str(Path(tempfile.gettempdir())), "/var")


async def main(faults: list[str]) -> None:
    from tests.graphs.shop import ward

    with tempfile.TemporaryDirectory() as folder:
        async with ward(Path(folder), warm_up=25) as patient:
            for fault in faults:
                world = await patient.admit()
                expected = patient.expected(fault)
                await patient.shop.inject(fault)
                await patient.first_incident()
                await patient.take_notices(1.5)
                report = await patient.ask("why is checkout unwell?")
                alerts = [alert for row in await world.incidents.open() for alert in row.alerts]
                save(fault, report, alerts, expected)
                print(fault, [(h.cause, h.service) for h in report.hypotheses], flush=True)
                await patient.shop.clear()
                await asyncio.sleep(20)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(FAULTS)))
