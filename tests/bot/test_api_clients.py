"""The file of the API's clients: what is wrong in it is said in one line, and stops the start."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.api_clients import load_clients, open_clients
from core.api_client import ApiClient, client_in
from core.errors import ConfigurationError
from tests.fakes.api_caller import Caller, write_clients
from tests.fakes.clock import FakeClock

GOOD = {"hmac_file": "a.secret", "may_ask": True}


def written(folder: Path, **clients: Any) -> Path:
    (folder / "a.secret").write_bytes(b"s" * 48 + b"\n")
    (folder / "short.secret").write_bytes(b"s" * 31)
    (folder / "clients.yaml").write_text(yaml.safe_dump({"version": 1, "clients": clients}))
    return folder / "clients.yaml"


def test_a_client_may_do_what_is_written_and_nothing_else(tmp_path: Path) -> None:
    path = write_clients(tmp_path / "clients.yaml", (Caller("a", ""), {}), (Caller("b", ""), {"may_vote_for": ["U0A"]}))
    found = load_clients(path)
    assert found["a"].rights == ApiClient(id="a", may_ask=False, may_read=True, may_vote_for=())
    assert found["b"].rights.may_vote_for == ("U0A",)
    assert client_in(found["b"].rights.requester) == "b"
    assert [client_in(other) for other in ("alert", "U0ALICE", "")] == ["", "", ""]


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        ({"a": {}}, "either ed25519 or hmac_file"),
        ({"a": GOOD | {"ed25519": "AAAA"}}, "either ed25519 or hmac_file"),
        ({"a": {"ed25519": "AAAA"}}, "no public key"),
        ({"a": {"ed25519": "é"}}, "no public key"),
        ({"a": {"hmac_file": "none.secret"}}, "cannot be read"),
        ({"a": {"hmac_file": "short.secret"}}, "less than 32 bytes"),
        ({"A B": GOOD}, "clients.A B"),
        ({"a": GOOD | {"may_vote": True}}, "may_vote"),
        ({"a": GOOD | {"may_vote_for": ["alice"]}}, "may_vote_for"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, clients: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match="API_CLIENTS_FILE") as refused:
        load_clients(written(tmp_path, **clients))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_a_file_there_are_no_clients(tmp_path: Path) -> None:
    assert open_clients("", FakeClock()) is None
    with pytest.raises(ConfigurationError):
        open_clients(str(tmp_path / "none.yaml"), FakeClock())


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    assert "sss" not in repr(load_clients(written(tmp_path, a=GOOD)))
