"""A client of the signed API, and every way to sign that is not quite right."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POST_NAMES = ("@method", "@authority", "@path", "@query", "content-digest")
GET_NAMES = ("@method", "@authority", "@path", "@query")


@dataclass
class Caller:
    """Signs with Ed25519, or with HMAC where `secret` is set; `authority` is the bot's, `id` the client's."""

    id: str
    authority: str
    secret: bytes = b""
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def entry(self, folder: Path) -> dict[str, Any]:
        """Return the client's key as the file has it."""
        if self.secret:
            (folder / f"{self.id}.secret").write_bytes(self.secret + b"\n")
            return {"hmac_file": f"{self.id}.secret"}
        public = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"ed25519": base64.b64encode(public).decode()}

    def sign(self, base: bytes) -> bytes:
        """Return the bytes of the signature."""
        return hmac.digest(self.secret, base, "sha256") if self.secret else self.private.sign(base)

    def signed(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        key: str = "",
        names: Sequence[str] = (),
        **parameters: Any,
    ) -> dict[str, str]:
        """Return the headers; `parameters` replace or leave out (None) what stands beside the time and the nonce."""
        path, query = urlsplit(target).path, urlsplit(target).query
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        values = {
            "@method": method,
            "@authority": self.authority,
            "@path": path,
            "@query": f"?{query}",
            "content-digest": f"sha-256=:{digest}:",
            "idempotency-key": key,
        }
        names = names or (*(POST_NAMES if method == "POST" else GET_NAMES), *(["idempotency-key"] if key else []))
        given = {"created": int(time.time()), "nonce": secrets.token_hex(16), "keyid": self.id} | parameters
        told = "".join(
            f";{name}={value}" if isinstance(value, int) else f';{name}="{value}"'
            for name, value in given.items()
            if value is not None
        )
        covered = " ".join(f'"{name}"' for name in names)
        params = f"({covered}){told}"
        lines = [f'"{name}": {values[name]}' for name in names]
        base = "\n".join([*lines, f'"@signature-params": {params}']).encode()
        headers = {
            "Signature-Input": f"sig={params}",
            "Signature": f"sig=:{base64.b64encode(self.sign(base)).decode()}:",
        }
        if body or method == "POST":
            headers |= {"Content-Digest": values["content-digest"], "Content-Type": "application/json"}
        return headers | ({"Idempotency-Key": key} if key else {})

    async def get(self, http: httpx.AsyncClient, target: str) -> httpx.Response:
        """Read."""
        return await http.get(target, headers=self.signed("GET", target))

    async def post(
        self, http: httpx.AsyncClient, target: str, content: Mapping[str, Any], key: str = ""
    ) -> httpx.Response:
        """Ask or vote."""
        body = json.dumps(content).encode()
        return await http.post(target, content=body, headers=self.signed("POST", target, body, key=key))


def write_clients(path: Path, *clients: tuple[Caller, dict[str, Any]]) -> Path:
    """Write the file that names these clients, each with its rights."""
    told = {caller.id: caller.entry(path.parent) | rights for caller, rights in clients}
    path.write_text(yaml.safe_dump({"version": 1, "clients": told}))
    return path
