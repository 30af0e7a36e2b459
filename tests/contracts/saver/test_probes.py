"""What the conformance suite does not see, on every engine: our saver passes it, and its twin does not."""

import logging

import pytest

from tests.contracts.saver.conftest import Own
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.probes import PROBES, Probe
from tests.contracts.saver.savers import Opener

TWINS = [
    pytest.param(probe, *twin, id=f"{probe.name}-{name}") for probe in PROBES for name, twin in probe.twins.items()
]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
async def test_our_saver_holds(probe: Probe, ground: Ground, own_ground: Own) -> None:
    await probe.check(probe.saver, own_ground(False) if probe.kills else ground)


@pytest.mark.parametrize(("probe", "twin", "words"), TWINS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # published savers leave connections to the collector
async def test_the_twin_is_caught(
    probe: Probe, twin: Opener, words: str, any_ground: Ground, own_ground: Own, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # they log what they swallow
    with pytest.raises(AssertionError, match=words):
        await probe.check(twin, own_ground(False) if probe.kills else any_ground)
