"""What every implementation of core.ports.Incidents does."""

import asyncio
from datetime import timedelta

import pytest

from core.alert import AlertStatus
from core.errors import NoDataError
from core.incident import IncidentStatus
from tests.contracts.conftest import Stores
from tests.fakes.clock import START
from tests.fakes.examples import an_alert

LATER = START + timedelta(minutes=3)


async def test_a_firing_alert_opens_an_incident_with_a_human_id(stores: Stores) -> None:
    incident, changed = await stores.incidents.join(an_alert(), LATER)
    assert changed
    assert (incident.id, incident.status, incident.opened_at) == ("INC-1", IncidentStatus.OPEN, LATER)
    assert (incident.title, incident.service, incident.env) == ("checkout answers with errors", "checkout", "prod")
    assert incident.alerts == (an_alert(),)
    assert await stores.incidents.load("INC-1") == incident


async def test_the_next_group_gets_the_next_number_and_stands_first_among_the_open(stores: Stores) -> None:
    await stores.incidents.join(an_alert(), START)
    second, _ = await stores.incidents.join(an_alert(service="search"), START)
    assert second.id == "INC-2"
    assert [row.id for row in await stores.incidents.open()] == ["INC-2", "INC-1"]


async def test_a_repeat_changes_nothing(stores: Stores) -> None:
    first, _ = await stores.incidents.join(an_alert(), START)
    again, changed = await stores.incidents.join(an_alert(summary="said otherwise"), LATER)
    assert not changed
    assert again == first


async def test_another_alert_of_the_group_joins_and_may_only_raise_the_severity(stores: Stores) -> None:
    await stores.incidents.join(an_alert(severity="warning"), START)
    worse, changed = await stores.incidents.join(an_alert(fingerprint="b", severity="critical"), LATER)
    milder, _ = await stores.incidents.join(an_alert(fingerprint="c", severity="info"), LATER)
    assert changed
    assert (worse.id, worse.severity, milder.severity) == ("INC-1", "critical", "critical")
    assert [alert.fingerprint for alert in (await stores.incidents.load("INC-1")).alerts] == ["f00d", "b", "c"]


async def test_the_incident_ends_with_its_last_firing_alert(stores: Stores) -> None:
    await stores.incidents.join(an_alert(), START)
    await stores.incidents.join(an_alert(fingerprint="b"), START)
    one_left, _ = await stores.incidents.join(an_alert(status=AlertStatus.RESOLVED, ends_at=LATER), LATER)
    assert one_left.status is IncidentStatus.OPEN
    ended, changed = await stores.incidents.join(an_alert(fingerprint="b", status=AlertStatus.RESOLVED), LATER)
    assert changed
    assert (ended.status, ended.resolved_at) == (IncidentStatus.RESOLVED, LATER)
    assert await stores.incidents.load("INC-1") == ended
    assert await stores.incidents.open() == []


async def test_a_resolution_of_nothing_open_is_said_to_be_unknown(stores: Stores) -> None:
    with pytest.raises(NoDataError):
        await stores.incidents.join(an_alert(status=AlertStatus.RESOLVED), START)


async def test_a_repeat_of_the_last_resolution_leads_to_the_incident_that_it_ended(stores: Stores) -> None:
    await stores.incidents.join(an_alert(), START)
    end = an_alert(status=AlertStatus.RESOLVED, ends_at=LATER)
    ended, _ = await stores.incidents.join(end, LATER)
    assert await stores.incidents.join(end, LATER + timedelta(days=1)) == (ended, False)
    for unknown in (
        an_alert(fingerprint="b", status=AlertStatus.RESOLVED),
        end.model_copy(update={"starts_at": LATER}),
    ):
        with pytest.raises(NoDataError):
            await stores.incidents.join(unknown, LATER)


async def test_an_alert_that_fires_anew_after_the_end_opens_another_incident(stores: Stores) -> None:
    await stores.incidents.join(an_alert(), START)
    await stores.incidents.join(an_alert(status=AlertStatus.RESOLVED), LATER)
    incident, changed = await stores.incidents.join(an_alert(starts_at=LATER), LATER)
    assert changed
    assert incident.id == "INC-2"
    assert incident.alerts == (an_alert(starts_at=LATER),)


async def test_a_late_copy_of_a_firing_does_not_reopen_what_has_just_ended(stores: Stores) -> None:
    await stores.incidents.join(an_alert(), START)
    ended, _ = await stores.incidents.join(an_alert(status=AlertStatus.RESOLVED), LATER)
    incident, changed = await stores.incidents.join(an_alert(), LATER + timedelta(minutes=1))
    assert not changed
    assert incident == ended
    # Hours later it is a sender that lost its memory, and better one incident too many than one too few.
    incident, changed = await stores.incidents.join(an_alert(), LATER + timedelta(hours=2))
    assert changed
    assert incident.id == "INC-2"


async def test_an_older_message_about_an_alert_loses_against_a_newer_one(stores: Stores) -> None:
    await stores.incidents.join(an_alert(starts_at=LATER), LATER)
    _, changed = await stores.incidents.join(an_alert(status=AlertStatus.RESOLVED, starts_at=START), LATER)
    assert not changed


async def test_the_card_is_remembered_and_leads_back_to_the_incident(stores: Stores) -> None:
    await stores.incidents.join(an_alert(), START)
    assert await stores.incidents.at("C1", "") is None
    await stores.incidents.place("INC-1", "C1", "17.000100")
    found = await stores.incidents.at("C1", "17.000100")
    assert found is not None
    assert (found.id, found.channel, found.thread_ts) == ("INC-1", "C1", "17.000100")
    assert await stores.incidents.at("C1", "18.000100") is None
    joined, _ = await stores.incidents.join(an_alert(fingerprint="b"), LATER)
    assert joined.thread_ts == "17.000100"


async def test_an_incident_that_is_not_there_is_unknown(stores: Stores) -> None:
    for unknown in ("INC-7", "INC-", "INC-1x", "7", "", "INC-99999999999999999999", "INC-٣"):
        with pytest.raises(NoDataError):
            await stores.incidents.load(unknown)
        with pytest.raises(NoDataError):
            await stores.incidents.place(unknown, "C1", "17.1")


async def test_twenty_alerts_of_one_group_at_once_make_one_incident(stores: Stores) -> None:
    async with asyncio.TaskGroup() as group:
        joins = [
            group.create_task(stores.incidents.join(an_alert(fingerprint=f"f{number}"), START)) for number in range(20)
        ]
    (opened,) = {join.result()[0].id for join in joins}  # which number it has is the database's affair
    assert all(join.result()[1] for join in joins)
    assert len((await stores.incidents.load(opened)).alerts) == 20


async def test_untrusted_text_is_kept_as_it_came_in_the_alert(stores: Stores) -> None:
    nasty = an_alert(labels={"x": "'; DROP TABLE incidents; --"}, description="nul \0 and \u202e and 🔥")
    await stores.incidents.join(nasty, START)
    assert (await stores.incidents.load("INC-1")).alerts == (nasty,)
