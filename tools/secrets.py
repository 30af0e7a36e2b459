"""A first filter over everything that a tool returns: what has the shape of a secret is replaced by a marker."""

import base64
import binascii
import re
from collections.abc import Sequence
from urllib.parse import quote

from pydantic import JsonValue

MARKER = "[redacted]"

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.{0,20000}?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.S
)
_TOKENS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      (?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA)[A-Z2-7]{16}(?![A-Za-z0-9])
    | gh[pousr]_[A-Za-z0-9]{30,255} | github_pat_[A-Za-z0-9_]{22,255}
    | gl(?:pat|dt|ft|rt|soat|cbt|ptt)-[A-Za-z0-9_-]{20,64}
    | xox[abcdeoprs]-[A-Za-z0-9-]{10,255} | xoxe\.xox[bp]-[A-Za-z0-9-]{10,255} | xapp-[0-9]-[A-Za-z0-9-]{10,255}
    | eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{0,2000}
    | sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,255} | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,255}
    | whsec_[A-Za-z0-9+/=]{20,100} | AIza[A-Za-z0-9_-]{35} | ya29\.[A-Za-z0-9_-]{20,500} | GOCSPX-[A-Za-z0-9_-]{20,40}
    | npm_[A-Za-z0-9]{36} | pypi-AgE[A-Za-z0-9_-]{40,500} | hf_[A-Za-z0-9]{30,64} | do[opr]_v1_[a-f0-9]{64}
    | SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64} | hv[sbr]\.[A-Za-z0-9_-]{20,300} | dapi[a-f0-9]{32}
    | shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32} | NRAK-[A-Z0-9]{27} | glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}
    )""",
    re.X,
)
_WEBHOOK = re.compile(r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/_-]{8,200}")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,30}://)([^\s/@:\"'<>]{0,100}):([^\s/@\"'<>]{1,500})@")
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(?:bearer|basic|token|digest)?\s{0,3})[^\s\"',\\]{4,4000}"
)
_BEARER = re.compile(r"(?i)\b(bearer\s{1,3})(?=[^\s\"',]{0,300}[0-9._-])[A-Za-z0-9._~+/=-]{12,4000}")
_STRONG = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key"
    r"|account[_-]?key|credentials?|connection[_-]?string"
)
_WEAK = r"token|auth|session(?:id)?|cookie|signature|(?<![A-Za-z])(?:otp|pin)"
_VALUE = r"(?:(?P<quote{n}>\\?[\"'])(?:(?!(?P=quote{n})).){{{low},500}}|{plain}{{{low},500}})"
_STRONG_PAIR = re.compile(
    r"(?i)(?P<lead>(?:"
    + _STRONG
    + r")[\w.-]{0,20}\\?[\"']?\s{0,3}(?:=>|:=|=|:)\s{0,3})(?!\\?[\"']?\[redacted\])"
    + _VALUE.format(n="", low=3, plain=r"[^\s\"',;&\\]"),
    re.S,
)
_WEAK_PAIR = re.compile(
    r"(?i)(?P<lead>(?:"
    + _WEAK
    + r")\\?[\"']?\s{0,3}(?:=>|:=|=|:)\s{0,3})(?!\\?[\"']?\[redacted\])(?=[^\s,;&]{0,200}[0-9])"
    + _VALUE.format(n="", low=8, plain=r"[^\s\"',;&\\]"),
    re.S,
)
_FLAG = re.compile(r"(?i)(?P<lead>--?(?:" + _STRONG + r"|token)[\w-]{0,20}\s{1,3})(?!-|\[redacted\])[^\s\"']{3,500}")
_SECRET_KEY = re.compile(r"(?i)^(?:.*[^a-z])?(?:" + _STRONG + r"|(?:[\w-]+[_-])?token|authorization|cookie)$")
_VALUES = ("value", "old", "new")
_BASE64_RUN = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{20,20000}={0,2}")
_HEX_RUN = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-fA-F]{2}){16,4000}(?![A-Za-z0-9])")


def names_a_secret(name: str) -> bool:
    """True for names such as `db_password`, whose values are secrets whatever they look like."""
    return _SECRET_KEY.match(name) is not None


class SecretFilter:
    """Deterministic, and idempotent. `known` are literal secrets, found in common encodings too."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        forms = {form for secret in known if len(secret) >= 6 for form in _encodings(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """Return the text with secrets replaced by MARKER; to be called before anything cuts the text short."""
        text = self._plain(text)
        text = _BASE64_RUN.sub(lambda match: MARKER if self._hides(_from_base64(match[0])) else match[0], text)
        return _HEX_RUN.sub(lambda match: MARKER if self._hides(_from_hex(match[0])) else match[0], text)

    def blocks(self, text: str) -> str:
        """Return the text without private keys, which span lines and so must go before a text is split into lines."""
        return _PEM.sub(MARKER, text)

    def json(self, value: JsonValue) -> JsonValue:
        """Return the value with every string filtered, names included; a value under a secret's name is replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            about = value.get("key") or value.get("name")  # a row about a setting: {"key": ..., "old": ..., "new": ...}
            secret = isinstance(about, str) and names_a_secret(about)
            return {
                self.text(key): self._named(about if secret and key in _VALUES else key, item)
                for key, item in value.items()
            }
        return value

    def _named(self, key: JsonValue, value: JsonValue) -> JsonValue:
        if isinstance(value, str | int | float) and value and names_a_secret(str(key)):
            return MARKER
        return self.json(value)

    def _plain(self, text: str) -> str:
        text = self.blocks(text)
        if self._known is not None:
            text = self._known.sub(MARKER, text)
        text = _TOKENS.sub(MARKER, text)
        text = _WEBHOOK.sub(rf"\1{MARKER}", text)
        text = _USERINFO.sub(rf"\1{MARKER}@", text)
        text = _HEADER.sub(rf"\1{MARKER}", text)
        text = _BEARER.sub(rf"\1{MARKER}", text)
        for pair in (_STRONG_PAIR, _WEAK_PAIR):
            text = pair.sub(lambda match: f"{match['lead']}{match['quote'] or ''}{MARKER}", text)
        return _FLAG.sub(rf"\g<lead>{MARKER}", text)

    def _hides(self, decoded: str) -> bool:
        return decoded != "" and self._plain(decoded) != decoded


def _encodings(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {secret, quote(secret, safe=""), raw.hex(), raw.hex().upper()}
    for offset in range(3):  # base64 of a longer text shows the secret in one of three alignments
        padded = base64.b64encode(b"\0" * offset + raw).decode()
        inner = padded.rstrip("=")[(0, 2, 3)[offset] : -1]
        if len(inner) >= 8:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms


def _from_base64(run: str) -> str:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _from_hex(run: str) -> str:
    try:
        return bytes.fromhex(run).decode("ascii")
    except ValueError:
        return ""
