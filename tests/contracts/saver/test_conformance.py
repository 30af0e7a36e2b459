"""LangGraph's own suite for savers: all of its 81 named tests, on every engine and on a cluster."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.report import CapabilityReport, ProgressCallbacks

from tests.contracts.saver import savers
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import Opener

TESTS = {
    "put": 17,
    "put_writes": 10,
    "get_tuple": 10,
    "list": 16,
    "delete_thread": 5,
    "delete_for_runs": 7,
    "copy_thread": 8,
    "prune": 8,
}


async def conformance(opener: Opener, ground: Ground) -> tuple[CapabilityReport, dict[str, str | None]]:
    """Run the suite; return its report, and every test by name with its error or None."""
    results: dict[str, str | None] = {}

    async def opened() -> AsyncGenerator[Any, None]:
        await ground.empty()
        async with opener(ground) as saver:
            yield saver

    def note(capability: str, test: str, passed: bool, error: str | None) -> None:
        results[f"{capability}.{test}"] = None if passed else error or "failed"

    registered = checkpointer_test(name=f"{opener}")(opened)
    return await validate(registered, progress=ProgressCallbacks(on_test_result=note)), results


def assert_full(report: CapabilityReport, results: dict[str, str | None]) -> None:
    """Raise AssertionError unless every one of the 81 tests ran and passed."""
    assert {name: error for name, error in results.items() if error} == {}
    assert {name: result.tests_passed for name, result in report.results.items()} == TESTS
    assert len(results) == sum(TESTS.values()) == 81
    assert sum(result.tests_skipped for result in report.results.values()) == 0
    assert report.conformance_level() == "FULL"


async def test_all_81_tests_pass(ground: Ground) -> None:
    assert_full(*await conformance(savers.ours, ground))


async def test_all_81_tests_pass_encrypted(any_ground: Ground) -> None:
    assert_full(*await conformance(savers.ours_encrypted, any_ground))


async def test_a_saver_that_is_called_full_and_leaves_tests_out_is_caught(any_ground: Ground) -> None:
    report, results = await conformance(savers.valkey, any_ground)
    assert report.conformance_level() == "FULL"
    assert len(results) == 58
    with pytest.raises(AssertionError):
        assert_full(report, results)


async def test_a_saver_that_fails_a_test_is_caught(any_ground: Ground) -> None:
    report, results = await conformance(savers.mixes_tasks, any_ground)
    assert report.conformance_level() != "FULL"
    with pytest.raises(AssertionError):
        assert_full(report, results)
