"""Requests to the API that nobody signed like this, each with the protection that stands in its way."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
import pytest

from bot.api_clients import PublicKey
from bot.ingress import message_signatures
from bot.ingress.message_signatures import Message, MessageVerifier
from bot.web import body as web_body
from tests.fakes.api_caller import Caller
from tests.fakes.api_memory import InMemoryApiMemory

PATH = "/api/requests"
TOO_MUCH = web_body.MAX_BODY + 1
CONTENT = {"tool": "restart_service", "args": {"service": "checkout"}, "reason": "x"}
BODY = json.dumps(CONTENT).encode()
OTHER = json.dumps(CONTENT | {"args": {"service": "payments"}}).encode()
Attempt = Callable[[httpx.AsyncClient, Caller], Awaitable[httpx.Response]]
Weakening = Callable[[pytest.MonkeyPatch], None]


class Attack(NamedTuple):
    """What is tried, what it is answered, and what would let it through."""

    attempt: Attempt
    status: int
    weaken: Weakening


async def send(
    http: httpx.AsyncClient, headers: dict[str, str], body: bytes = BODY, target: str = PATH, method: str = "POST"
) -> httpx.Response:
    return await http.request(method, target, content=body, headers=headers)


def of_time(shift: float, **more: Any) -> Attempt:
    async def attempt(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
        return await send(http, caller.signed("POST", PATH, BODY, created=int(time.time() + shift), **more))

    return attempt


async def with_a_wrong_key(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, replace(caller, private=Caller("x", "x").private).signed("POST", PATH, BODY))


async def with_a_changed_body(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, caller.signed("POST", PATH, BODY), OTHER)


async def with_a_changed_body_and_digest(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    headers = caller.signed("POST", PATH, BODY)
    return await send(http, headers | {"Content-Digest": message_signatures.content_digest(OTHER)}, OTHER)


async def with_a_changed_path(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, caller.signed("POST", "/api/requests/apr_1/votes", BODY))


async def with_a_changed_query(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, caller.signed("POST", PATH, BODY), target=f"{PATH}?as=U0ALICE")


async def with_a_changed_method(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(
        http, caller.signed("GET", PATH, BODY, names=("@method", "@authority", "@path", "content-digest"))
    )


async def with_a_changed_key(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, caller.signed("POST", PATH, BODY, key="mine") | {"Idempotency-Key": "another"})


async def without_the_key_signed(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, caller.signed("POST", PATH, BODY) | {"Idempotency-Key": "another"})


async def without_the_body_signed(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, caller.signed("POST", PATH, BODY, names=("@method", "@authority", "@path")), OTHER)


async def signed_for_another_house(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    other = replace(caller, authority="staging.example")
    return await send(http, other.signed("POST", PATH, BODY) | {"Host": "staging.example"})


async def replayed(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    headers = caller.signed("POST", PATH, BODY)
    assert (await send(http, headers)).status_code in (202, 403)
    return await send(http, headers)


async def without_a_nonce(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await send(http, caller.signed("POST", PATH, BODY, key="mine", nonce=None))


async def that_is_too_large(http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    body = json.dumps(CONTENT).encode().ljust(TOO_MUCH)
    return await send(http, caller.signed("POST", PATH, body), body)


def believe_every_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PublicKey, "proves", lambda *_: True)


def believe_every_digest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(message_signatures, "_digest_fits", lambda _: True)


def believe_the_base_that_was_signed(part: str, value: str) -> Weakening:
    """Take that component from the attacker's mouth in place of the request."""

    def weaken(patch: pytest.MonkeyPatch) -> None:
        genuine = MessageVerifier._value

        def told(self: MessageVerifier, message: Message, name: str) -> str:
            return value if name == part else genuine(self, message, name)

        patch.setattr(MessageVerifier, "_value", told)

    return weaken


def need_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(message_signatures, "_needed", lambda _: [])


def believe_the_host(patch: pytest.MonkeyPatch) -> None:
    genuine = MessageVerifier._value

    def told(self: MessageVerifier, message: Message, name: str) -> str:
        return message.line("host") if name == "@authority" else genuine(self, message, name)

    patch.setattr(MessageVerifier, "_value", told)


def look_at_no_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MessageVerifier, "_check_time", lambda *_: None)


def forget_nonces(patch: pytest.MonkeyPatch) -> None:
    async def is_first(*_: object) -> bool:
        return True

    patch.setattr(InMemoryApiMemory, "is_first", is_first)


def ask_for_no_nonce(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(message_signatures, "_NONCE", range(1000))


def read_everything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(web_body, "MAX_BODY", 10**9)


ATTACKS = {
    "a wrong key": Attack(with_a_wrong_key, 401, believe_every_key),
    "a changed body": Attack(with_a_changed_body, 401, believe_every_digest),
    "a changed body and digest": Attack(with_a_changed_body_and_digest, 401, believe_every_key),
    "a changed path": Attack(
        with_a_changed_path, 401, believe_the_base_that_was_signed("@path", "/api/requests/apr_1/votes")
    ),
    "a changed query": Attack(with_a_changed_query, 401, believe_the_base_that_was_signed("@query", "?")),
    "a changed method": Attack(with_a_changed_method, 401, believe_the_base_that_was_signed("@method", "GET")),
    "a changed key": Attack(with_a_changed_key, 401, believe_the_base_that_was_signed("idempotency-key", "mine")),
    "a key that nobody signed": Attack(without_the_key_signed, 401, need_nothing),
    "a body that nobody signed": Attack(without_the_body_signed, 401, need_nothing),
    "another house's request": Attack(signed_for_another_house, 401, believe_the_host),
    "a replay": Attack(replayed, 401, forget_nonces),
    "no nonce": Attack(without_a_nonce, 401, ask_for_no_nonce),
    "six minutes old": Attack(of_time(-360), 401, look_at_no_clock),
    "from the future": Attack(of_time(360), 401, look_at_no_clock),
    "expired": Attack(of_time(-10, expires=1), 401, look_at_no_clock),
    "too large": Attack(that_is_too_large, 413, read_everything),
}
