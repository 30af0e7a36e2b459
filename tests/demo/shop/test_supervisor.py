"""The supervisor's API and ledger: every promise that the safety tests of the bot rest on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.shop.baseline import SERVICES
from demo.shop.embedded import serving
from demo.shop.supervisor.api import build_supervisor_app
from demo.shop.supervisor.desired import Desired
from demo.shop.supervisor.ledger import Ledger, Request
from demo.shop.supervisor.managed_service import ManagedService, Place
from demo.shop.supervisor.operations import BadArgumentsError

TOKEN = "may-act"
CALLERS = 20
pytestmark = pytest.mark.asyncio(loop_scope="session")


class StillService(ManagedService):
    """A service without a process: a roll-out is only counted."""

    roll_outs = 0

    async def roll_out(self, before: Desired) -> None:
        self.roll_outs += 1
        await asyncio.sleep(0.02)


class HastyLedger(Ledger):
    """A broken twin: all its callers have looked before the first of them writes."""

    def __init__(self) -> None:
        super().__init__()
        self._looked = asyncio.Barrier(CALLERS)

    async def carry_out(self, action_id: str, request: Request) -> dict[str, Any]:
        known = self._rows.get(action_id)
        await self._looked.wait()
        row = known or self._record(action_id, request)
        await row.rollout
        return row.as_dict() | {"replayed": known is not None}


def still_services(folder: Path) -> dict[str, ManagedService]:
    places = {plan.name: Place(plan.name, "127.0.0.1", 1, folder, {}, plan.team) for plan in SERVICES}
    return {plan.name: StillService(places[plan.name], plan.desired, plan.histories()) for plan in SERVICES}


class World:
    """A supervisor over services without processes, and a client that may act on them."""

    def __init__(self, services: dict[str, ManagedService], client: httpx.AsyncClient) -> None:
        self.services = services
        self.client = client

    async def act(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/services/{path}", json={"by": "test", **body})

    async def get(self, path: str) -> Any:
        return (await self.client.get(path)).json()


class Stage:
    """One server for all tests of this file; each test puts its own supervisor behind it."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def stage() -> AsyncIterator[tuple[Stage, httpx.AsyncClient]]:
    one, headers = Stage(), {"Authorization": f"Bearer {TOKEN}"}
    async with serving(one, "127.0.0.1") as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield one, client


def supervised(stage: tuple[Stage, httpx.AsyncClient], folder: Path, ledger: Ledger) -> World:
    services = still_services(folder)
    stage[0].app = build_supervisor_app(services, ledger, TOKEN)
    return World(services, stage[1])


@pytest_asyncio.fixture(loop_scope="session")
async def world(stage: tuple[Stage, httpx.AsyncClient], tmp_path: Path) -> World:
    return supervised(stage, tmp_path, Ledger())


async def assert_one_effect(world: World) -> None:
    """Twenty callers with one action id, at once: one effect, one row, nineteen replays of the same answer."""
    responses = await asyncio.gather(*(world.act("checkout/restart", action_id="a-1") for _ in range(CALLERS)))
    answers = [response.json() for response in responses]
    assert [answer["replayed"] for answer in answers].count(False) == 1
    assert len({str({**answer, "replayed": None}) for answer in answers}) == 1
    assert world.services["checkout"].desired.restart_generation == 1
    assert len((await world.get("/actions"))["actions"]) == 1


async def test_twenty_callers_with_one_action_id_have_one_effect(world: World) -> None:
    await assert_one_effect(world)
    service = world.services["checkout"]
    assert isinstance(service, StillService)
    assert service.roll_outs == 1


async def test_the_one_effect_check_notices_a_ledger_that_looks_before_it_leaps(
    stage: tuple[Stage, httpx.AsyncClient], tmp_path: Path
) -> None:
    hasty = supervised(stage, tmp_path, HastyLedger())
    with pytest.raises(AssertionError):
        await assert_one_effect(hasty)


async def test_a_repeated_action_gets_the_stored_answer_even_with_an_old_resource_version(world: World) -> None:
    first = (await world.act("payments/scale", workers=5, action_id="a", resource_version=1)).json()
    again = (await world.act("payments/scale", workers=5, action_id="a", resource_version=1)).json()
    assert first["replayed"] is False
    assert again == {**first, "replayed": True}
    assert first["status"] == "done"
    assert (first["before"]["workers"], first["after"]["workers"]) == (2, 5)
    assert first["resource_version"] == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("payments/scale", {"workers": 6}),
        ("checkout/scale", {"workers": 5}),
        ("payments/restart", {}),
        ("payments/scale", {"workers": True}),
    ],
)
async def test_an_action_id_cannot_stand_for_two_things(world: World, path: str, body: dict[str, Any]) -> None:
    await world.act("payments/scale", workers=5, action_id="a")
    response = await world.act(path, **body, action_id="a")
    assert response.status_code == 422
    assert len((await world.get("/actions"))["actions"]) == 1


async def test_of_many_callers_that_saw_the_same_version_one_wins(world: World) -> None:
    calls = [world.act("checkout/scale", workers=n, action_id=f"a-{n}", resource_version=1) for n in range(1, 12)]
    responses = await asyncio.gather(*calls)
    lost = [response.json() for response in responses if response.status_code == 409]
    assert len(lost) == 10
    assert all(answer["error"] == "conflict" and answer["resource_version"] == 2 for answer in lost)
    assert len((await world.get("/actions"))["actions"]) == 1


async def test_a_conflict_leaves_no_row_so_the_same_action_may_be_tried_again(world: World) -> None:
    assert (await world.act("front/restart", action_id="a", resource_version=7)).status_code == 409
    assert (await world.client.get("/actions/a")).status_code == 404
    assert (await world.act("front/restart", action_id="a", resource_version=1)).status_code == 200


async def test_every_change_of_the_desired_state_gives_a_new_resource_version(world: World) -> None:
    versions = [(await world.get("/services/checkout"))["resource_version"]]
    acts: list[tuple[str, dict[str, Any]]] = [
        ("restart", {}),
        ("scale", {"workers": 9}),
        ("config", {"key": "payments_timeout_ms", "value": 1500}),
        ("rollback", {"to_version": "1.8.1"}),
    ]
    for operation, body in acts:
        answer = await world.act(f"checkout/{operation}", **body, action_id=operation)
        versions.append(answer.json()["resource_version"])
    assert versions == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("path", "body", "changed"),
    [
        ("checkout/restart", {}, "+restart_generation: 1"),
        ("checkout/scale", {"workers": 3}, "+workers: 3"),
        ("checkout/config", {"key": "payments_timeout_ms", "value": 900}, "+  payments_timeout_ms: 900"),
        ("checkout/rollback", {"to_version": "1.8.0"}, "+version: 1.8.0"),
    ],
)
async def test_a_dry_run_shows_the_change_and_changes_nothing(
    world: World, path: str, body: dict[str, Any], changed: str
) -> None:
    reads = ("/services", "/actions", "/services/checkout/config", "/services/checkout/deploys")
    before = [await world.get(read) for read in reads]
    response = await world.act(path, **body, dry_run=True)
    answer = response.json()
    assert response.status_code == 200
    assert answer["dry_run"] is True
    assert answer["before"] != answer["after"]
    assert changed in answer["diff"].splitlines()
    assert [await world.get(read) for read in reads] == before


async def test_a_dry_run_and_the_real_run_agree(world: World) -> None:
    dry = (await world.act("payments/scale", workers=4, dry_run=True)).json()
    real = (await world.act("payments/scale", workers=4, action_id="a")).json()
    assert (dry["before"], dry["after"]) == (real["before"], real["after"])


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
async def test_nobody_acts_without_the_token(world: World, header: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=world.client.base_url, headers=header) as stranger:
        for body in ({"action_id": "a"}, {"dry_run": True}):
            response = await stranger.post("/services/checkout/restart", json=body)
            assert response.status_code == 401
    assert (await world.get("/actions"))["actions"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("checkout/restart", {"action_id": ""}),
        ("checkout/restart", {"action_id": 7}),
        ("checkout/restart", {}),
        ("checkout/restart", {"action_id": "a", "resource_version": "1"}),
        ("checkout/restart", {"action_id": "a", "dry_run": "no"}),
        ("checkout/scale", {"action_id": "a"}),
        ("checkout/scale", {"action_id": "a", "workers": 0}),
        ("checkout/scale", {"action_id": "a", "workers": 17}),
        ("checkout/scale", {"action_id": "a", "workers": "4"}),
        ("checkout/scale", {"action_id": "a", "workers": True}),
        ("checkout/rollback", {"action_id": "a", "to_version": "9.9.9"}),
        ("checkout/rollback", {"action_id": "a", "to_version": "1.8.2"}),
        ("checkout/rollback", {"action_id": "a", "to_version": []}),
        ("checkout/config", {"action_id": "a", "key": "nonsense", "value": 1}),
        ("checkout/config", {"action_id": "a", "key": "payments_timeout_ms", "value": "5"}),
        ("checkout/config", {"action_id": "a", "key": "payments_timeout_ms", "value": 0}),
    ],
)
async def test_bad_arguments_are_refused_and_leave_no_trace(world: World, path: str, body: dict[str, Any]) -> None:
    response = await world.act(path, **body)
    assert response.status_code == 422
    assert set(response.json()) == {"error", "detail"}
    assert (await world.get("/actions"))["actions"] == []
    assert (await world.get("/services/checkout"))["resource_version"] == 1


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(world: World, body: bytes) -> None:
    assert (await world.client.post("/services/checkout/restart", content=body)).status_code == 422


@pytest.mark.parametrize("path", ["/services/nobody", "/services/nobody/deploys", "/actions/none", "/elsewhere"])
async def test_what_does_not_exist_is_not_found(world: World, path: str) -> None:
    response = await world.client.get(path)
    assert response.status_code == 404
    assert response.json()["error"] == "not_found"


@pytest.mark.parametrize("path", ["nobody/restart", "checkout/explode"])
async def test_acting_on_what_does_not_exist_is_not_found(world: World, path: str) -> None:
    assert (await world.act(path, action_id="a")).status_code == 404


async def test_a_rollback_marks_the_bad_deploy_and_may_itself_be_undone(world: World) -> None:
    await world.act("checkout/rollback", to_version="1.8.1", action_id="back")
    rows = (await world.get("/services/checkout/deploys"))["deploys"]
    assert [(row["version"], row["status"]) for row in rows[:3]] == [
        ("1.8.1", "current"),
        ("1.8.2", "rolled_back"),
        ("1.8.1", "superseded"),
    ]
    assert rows[0]["by"] == "test"
    assert (await world.act("checkout/rollback", to_version="1.8.2", action_id="forth")).status_code == 200
    assert (await world.get("/services/checkout"))["version"] == "1.8.2"


async def test_a_change_of_configuration_is_kept_with_who_and_what(world: World) -> None:
    await world.act("checkout/config", key="payments_timeout_ms", value=900, action_id="a")
    found = await world.get("/services/checkout/config")
    newest = found["history"][0]
    assert found["config"]["payments_timeout_ms"] == 900
    assert found["revision"] == newest["revision"] == 3
    assert {key: newest[key] for key in ("key", "old", "new", "by")} == {
        "key": "payments_timeout_ms", "old": 2000, "new": 900, "by": "test",
    }  # fmt: skip


async def test_an_action_that_changes_nothing_is_done_and_recorded(world: World) -> None:
    answer = (await world.act("payments/scale", workers=2, action_id="a")).json()
    assert answer["before"] == answer["after"]
    assert answer["resource_version"] == 1
    assert (await world.client.get("/actions/a")).json()["operation"] == "scale"


async def test_a_caller_who_hangs_up_does_not_undo_the_effect(tmp_path: Path) -> None:
    services, ledger = still_services(tmp_path), Ledger()
    request = Request(services["front"], "restart", {}, "test", None)
    caller = asyncio.create_task(ledger.carry_out("a", request))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    await ledger.settle()
    service = services["front"]
    assert isinstance(service, StillService)
    assert service.roll_outs == 1
    assert (await ledger.carry_out("a", request))["replayed"] is True
    with pytest.raises(BadArgumentsError):
        await ledger.carry_out("a", Request(services["front"], "scale", {"workers": 3}, "test", None))
