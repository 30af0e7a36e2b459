"""One rig for all tests of a module that ask for it; every run leaves it quiet."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chaos.rig import Rig, open_rig


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Yield a rig with one worker."""
    async with open_rig(tmp_path_factory.mktemp("rig")) as running:
        yield running
