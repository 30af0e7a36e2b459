"""Cases that the recordings do not hold: what looks like a cause and is none, and the other way round."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from core.evidence import Evidence
from core.tool_call import ToolCall
from graphs.investigation import looks
from graphs.investigation.intent import Intent
from graphs.models import offline
from graphs.models.judgement import Case, Judgement
from graphs.models.runbooks import load_runbooks
from tests.graphs.world import ROOT, a_brief

RUNBOOKS = load_runbooks(ROOT / "runbooks")
NOW = 1_790_000_000.0


def iso(ago: float) -> str:
    return datetime.fromtimestamp(NOW - ago, UTC).isoformat()


def line(title: str, value_at: Callable[[float], float], span: int = 300) -> Evidence:
    """Return a line of the last five minutes, or so many seconds; `value_at` takes seconds ago."""
    points = [[NOW - ago, value_at(ago)] for ago in range(span, -1, -2)]
    return look(title, {"series": [{"labels": {"service": "shop"}, "points": points}]}, "")


def look(title: str, data: Any, service: str = "shop") -> Evidence:
    return Evidence(
        id=f"E-{title}",
        call=ToolCall(name="metric_range", args={}),
        status="ok",
        title=title,
        summary=title,
        service=service,
        data=data,
        taken_at=datetime.fromtimestamp(NOW, UTC),
    )


def deploys(*rows: tuple[str, float, str], changes: Sequence[dict[str, Any]] = ()) -> Evidence:
    listed = [{"version": v, "at": iso(ago), "by": "bob", "change": "", "status": s} for v, ago, s in rows]
    return look(looks.DEPLOYS, {"deploys": listed, "config_changes": list(changes)})


def judged(*evidence: Evidence) -> Judgement:
    healthy = [look(looks.STATUS, {"status": "running", "workers": 2, "version": "2"})]
    case = Case(
        brief=a_brief(),
        subject="shop",
        depends_on={"shop": ()},
        now=datetime.fromtimestamp(NOW, UTC),
        evidence=(*healthy, *evidence),
    )
    return offline.judge(case, Intent("why", "shop"), RUNBOOKS)


def cause(*evidence: Evidence) -> str:
    return judged(*evidence).hypotheses[0].cause


def rising(since: float, to: float = 0.5) -> Evidence:
    """Return failing requests that began so many seconds ago."""
    return line(looks.ERROR_SHARE, lambda ago: to if ago <= since else 0.0)


def test_errors_long_before_a_deploy_do_not_blame_it() -> None:
    assert cause(rising(200), deploys(("2", 60, "current"), ("1", 9999, "superseded"))) == "unknown"


def test_errors_right_after_a_deploy_blame_it() -> None:
    judgement = judged(rising(60), deploys(("2", 64, "current"), ("1", 9999, "superseded")))
    assert judgement.hypotheses[0].cause == "bad_deploy"
    assert judgement.proposal == ToolCall(name="rollback_deploy", args={"service": "shop", "to_version": "1"})


def test_errors_right_after_a_rollback_do_not_blame_the_rollback() -> None:
    history = deploys(("1", 64, "current"), ("2", 900, "rolled_back"), ("1", 9999, "superseded"))
    assert cause(rising(60), history) == "unknown"


def test_a_version_that_was_taken_back_is_a_suspect_again_when_it_returns() -> None:
    history = deploys(
        ("2", 64, "current"), ("1", 300, "superseded"), ("2", 900, "rolled_back"), ("1", 9999, "superseded")
    )
    judgement = judged(rising(60), history)
    assert judgement.proposal == ToolCall(name="rollback_deploy", args={"service": "shop", "to_version": "1"})


def test_a_deploy_that_has_nothing_before_it_cannot_be_rolled_back() -> None:
    judgement = judged(rising(60), deploys(("1", 64, "current")))
    assert judgement.hypotheses[0].cause == "bad_deploy"
    assert judgement.proposal is None


def test_errors_of_the_old_version_acquit_the_new_one() -> None:
    by_version = {"result": [{"labels": {"service": "shop", "version": "1"}, "value": 5.0}]}
    shared = look(looks.ERRORS_BY_VERSION, by_version, "")
    assert cause(rising(60), shared, deploys(("2", 64, "current"), ("1", 9999, "superseded"))) == "unknown"


def test_a_change_is_blamed_for_its_trouble_although_some_was_there_before() -> None:
    change = {"at": iso(40), "by": "bob", "key": "timeout_ms", "old": 2000, "new": 5}
    leftover = line(looks.ERROR_SHARE, lambda ago: 0.8 if ago <= 38 else 0.04)
    judgement = judged(leftover, deploys(changes=[change]))
    assert judgement.hypotheses[0].cause == "wrong_config"
    args = {"service": "shop", "key": "timeout_ms", "value": 2000}
    assert judgement.proposal == ToolCall(name="set_config", args=args)


def test_an_outage_that_ended_just_before_does_not_acquit_a_deploy() -> None:
    twice = line(looks.ERROR_SHARE, lambda ago: 0.6 if ago <= 8 or 20 <= ago <= 40 else 0.0)
    assert cause(twice, deploys(("2", 10, "current"), ("1", 9999, "superseded"))) == "bad_deploy"


def test_the_nearer_of_two_changes_is_blamed() -> None:
    change = {"at": iso(62), "by": "bob", "key": "timeout_ms", "old": 2000, "new": 5}
    history = deploys(("2", 200, "current"), ("1", 9999, "superseded"), changes=[change])
    assert cause(rising(60), history) == "wrong_config"


FAULT = {"at": iso(90), "by": "bob", "key": "timeout_ms", "old": 2000, "new": 5}
FIX = {"at": iso(10), "by": "watchkeeper for U0BOB, approved by U0ALICE", "key": "timeout_ms", "old": 5, "new": 2000}
AGAIN = {"at": iso(8), "by": "bob", "key": "timeout_ms", "old": 2000, "new": 5}


@pytest.mark.parametrize("since", [15, 10, 8])
@pytest.mark.parametrize("by", [FIX["by"], "alice"])
def test_the_change_that_restores_a_value_is_not_blamed_for_the_trouble_that_it_ends(since: float, by: str) -> None:
    history = deploys(changes=[{**FIX, "by": by}, FAULT])
    assert cause(rising(since), history) == "unknown"


def test_the_faulty_value_is_a_suspect_again_when_it_returns() -> None:
    judgement = judged(rising(6), deploys(changes=[AGAIN, FIX, FAULT]))
    assert judgement.hypotheses[0].cause == "wrong_config"
    args = {"service": "shop", "key": "timeout_ms", "value": 2000}
    assert judgement.proposal == ToolCall(name="set_config", args=args)


def test_a_value_given_up_long_ago_is_a_suspect_like_any_other() -> None:
    grown = {"at": iso(9e5), "by": "bob", "key": "pool_size", "old": 8, "new": 10}
    shrunk = {"at": iso(62), "by": "bob", "key": "pool_size", "old": 10, "new": 8}
    assert cause(rising(60), deploys(changes=[shrunk, grown])) == "wrong_config"


def test_a_harmless_change_made_meanwhile_does_not_hide_the_one_that_hurts() -> None:
    banner = {"at": iso(20), "by": "bob", "key": "theme", "old": "autumn", "new": "winter"}
    judgement = judged(rising(88), deploys(changes=[banner, FAULT]))
    args = {"service": "shop", "key": "timeout_ms", "value": 2000}
    assert judgement.proposal == ToolCall(name="set_config", args=args)


@pytest.mark.parametrize("since", [15, 70])
def test_a_change_made_after_the_trouble_began_is_not_blamed(since: float) -> None:
    fresh = {"at": iso(10), "by": "bob", "key": "retries", "old": 1, "new": 2}
    history = deploys(("2", 10, "current"), ("1", 9999, "superseded"), changes=[fresh])
    assert cause(rising(since), history) == "unknown"


def test_our_own_remedy_for_an_alert_is_no_suspect() -> None:
    fresh = {"at": iso(10), "by": "watchkeeper for alert, approved by U0ALICE", "key": "size", "old": 1, "new": 2}
    assert cause(rising(9), deploys(changes=[fresh])) == "unknown"


def test_a_cause_names_us_and_not_the_ids_that_the_target_keeps() -> None:
    asked = {**FAULT, "by": "watchkeeper for U0ALICE, approved by U0BOB"}
    reason = judged(rising(88), deploys(changes=[asked])).hypotheses[0].reasons[0]
    assert reason.startswith("Watchkeeper, for somebody who asked, changed timeout_ms from 2000 to ")
    assert "U0" not in reason


def test_right_after_our_own_change_we_watch_and_say_so() -> None:
    judgement = judged(rising(15), deploys(changes=[FIX, FAULT]))
    assert judgement.hypotheses[0].title.startswith("set_config on shop ran 10 s ago; watching")
    assert judgement.proposal is None


def test_trouble_that_begins_after_our_own_change_is_not_waited_out() -> None:
    fix = {**FIX, "at": iso(25)}
    history = deploys(("2", 10, "current"), ("1", 9999, "superseded"), changes=[fix, FAULT])
    assert cause(rising(9), history) == "bad_deploy"


@pytest.mark.parametrize(("exit_ago", "watched"), [(9999, True), (6, False)])
def test_after_a_restart_by_order_we_watch_and_after_a_crash_we_do_not(exit_ago: float, watched: bool) -> None:
    status = {"status": "running", "started_at": iso(4), "last_exit": {"code": 1, "at": iso(exit_ago)}}
    judgement = judged(rising(15), look(looks.STATUS, status))
    assert ("watching" in judgement.answer) is watched
    assert judgement.proposal is None


@pytest.mark.parametrize(("measured", "watched"), [(300, True), (14, False)])
def test_a_first_start_is_no_restart_whose_help_one_waits_for(measured: int, watched: bool) -> None:
    status = {"status": "running", "started_at": iso(15)}
    failing = line(looks.ERROR_SHARE, lambda ago: 0.5 if ago <= 20 else 0.0, measured)
    assert ("watching" in judged(failing, look(looks.STATUS, status)).answer) is watched


def test_memory_that_fills_a_cache_and_stays_there_is_no_leak() -> None:
    plateau = line(looks.MEMORY, lambda ago: min(0.5, 0.1 + (300 - ago) * 0.01))
    assert cause(plateau, rising(0, 0.0), line(looks.LATENCY, lambda ago: 0.01)) == "none"


def test_memory_that_saws_is_no_leak() -> None:
    saw = line(looks.MEMORY, lambda ago: 0.3 + (ago % 40) / 200)
    assert cause(saw, rising(0, 0.0), line(looks.LATENCY, lambda ago: 0.01)) == "none"


def test_slow_steady_growth_near_the_limit_is_a_leak() -> None:
    assert cause(line(looks.MEMORY, lambda ago: 0.95 - ago * 0.001)) == "memory_leak"


@pytest.mark.parametrize(("value", "expected"), [(1.6, "memory_leak"), (None, "none")])
def test_a_steep_rise_of_a_few_seconds_is_a_leak_only_while_an_alert_sees_it_too(value: Any, expected: str) -> None:
    steep = line(looks.MEMORY, lambda ago: 0.2 + max(0.0, 4 - ago) * 0.04)
    signal = look(looks.SIGNAL, {"result": [{"value": value}] if value else []})
    assert cause(steep, signal, rising(0, 0.0), line(looks.LATENCY, lambda ago: 0.01)) == expected


@pytest.mark.parametrize("began", [150, 9999])
def test_a_leak_that_has_reached_its_ceiling_is_still_one(began: float) -> None:
    ceiling = line(looks.MEMORY, lambda ago: min(0.97, max(0.1, 0.1 + (began - ago) * 0.01)))
    judgement = judged(ceiling, deploys(("2", 86400, "current"), ("1", 99999, "superseded")))
    assert judgement.hypotheses[0].cause == "memory_leak"
    assert judgement.proposal == ToolCall(name="restart_service", args={"service": "shop"})


def test_memory_near_its_limit_since_a_deploy_is_no_leak_that_a_restart_would_end() -> None:
    full = line(looks.MEMORY, lambda ago: 0.97)
    judgement = judged(full, deploys(("2", 400, "current"), ("1", 99999, "superseded")))
    assert judgement.proposal is None


def test_a_crash_loop_without_a_deploy_is_named_and_not_treated_by_a_rollback() -> None:
    restarts = line(looks.RESTARTS, lambda ago: float(max(0, 60 - int(ago)) // 10))
    judgement = judged(restarts, deploys(("2", 86400, "current"), ("1", 99999, "superseded")))
    assert judgement.hypotheses[0].cause == "crash_loop"
    assert judgement.proposal is None


def test_a_crash_loop_that_ended_a_while_ago_is_history() -> None:
    quiet = (rising(0, 0.0), line(looks.LATENCY, lambda ago: 0.01))
    restarts = line(looks.RESTARTS, lambda ago: float(min(3, max(0, 200 - int(ago)) // 5)))
    assert cause(restarts, *quiet) == "none"


def test_a_pool_that_is_full_for_one_moment_is_not_exhausted() -> None:
    blink = line(looks.POOL, lambda ago: 1.0 if ago == 0 else 0.4)
    assert "connection_pool_exhausted" not in {h.cause for h in judged(blink).hypotheses}


@pytest.mark.parametrize(("free_for", "expected"), [(0, "slow_dependency"), (4, "unknown")])
def test_a_worker_that_is_free_for_one_moment_is_busy_all_the_same(free_for: int, expected: str) -> None:
    slow = line(looks.LATENCY, lambda ago: 2.0 if ago <= 60 else 0.02)
    workers = line(looks.WORKERS, lambda ago: 0.5 if ago <= free_for else 1.0)
    assert cause(slow, workers, rising(0, 0.0)) == expected


def test_busy_workers_without_slowness_are_no_trouble() -> None:
    quick = line(looks.LATENCY, lambda ago: 0.02)
    assert cause(line(looks.WORKERS, lambda ago: 1.0), quick, rising(0, 0.0)) == "none"


def test_an_old_log_line_about_a_full_disk_is_outweighed_by_a_volume_with_room() -> None:
    told = look(looks.LOGS, {"patterns": [{"pattern": "No space left on device", "count": 9}]})
    room = line(looks.LOG_VOLUME, lambda ago: 0.1)
    assert cause(told, room, rising(0, 0.0), line(looks.LATENCY, lambda ago: 0.01)) == "none"
