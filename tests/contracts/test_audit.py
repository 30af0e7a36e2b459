"""What every implementation of core.ports.Audit does."""

from datetime import timedelta

from tests.contracts.conftest import Stores
from tests.fakes.clock import START
from tests.fakes.examples import an_audit_event


async def test_rows_come_back_oldest_first_by_incident_and_by_subject(stores: Stores) -> None:
    first = an_audit_event(details={"digest": "abc", "n": 1})
    # Written later though it tells an earlier time: the order is that of writing.
    second = an_audit_event(kind="VoteCast", at=START - timedelta(hours=1))
    other = an_audit_event(subject="apr_2", incident_id=None)
    for event in (first, second, other):
        await stores.audit.append(event)
    assert list(await stores.audit.of_incident("INC-1")) == [first, second]
    assert list(await stores.audit.of_subject("apr_1")) == [first, second]
    assert list(await stores.audit.of_subject("apr_2")) == [other]
    assert list(await stores.audit.of_incident("INC-9")) == []


async def test_a_row_is_found_by_what_it_says_without_the_whole_history(stores: Stores) -> None:
    details = {"status": "firing", "name": 'a "status":"resolved" %_\\ name'}
    await stores.audit.append(an_audit_event(kind="AlertReceived", subject="f00d", details=details))
    assert await stores.audit.has("AlertReceived", "f00d", {})
    assert await stores.audit.has("AlertReceived", "f00d", details, "INC-1")
    assert not await stores.audit.has("AlertReceived", "f00d", {"status": "resolved"})
    assert not await stores.audit.has("AlertReceived", "f00d", details | {"more": ""})
    assert not await stores.audit.has("AlertReceived", "f00d", {}, "INC-2")
    assert not await stores.audit.has("AlertResolved", "f00d", {})
    assert not await stores.audit.has("AlertReceived", "beef", {})
