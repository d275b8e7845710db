"""Calls to an axis over HTTP (axis-http §1): signed headers, one triple back, everything bounded.

Follows the official client where a foreign server may depend on it: the sign-header's bytes, one CRLF behind the file,
the file's hash without zero padding.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from edocx.clock import Clock, in_vietnam
from edocx.content import PIECE
from edocx.errors import (
    EdocxError,
    LimitExceeded,
    Refused,
    Text,
    UnitError,
)
from edocx.routing.parcel import conflict
from edocx.routing.transport.http_line import (
    MAX_REPLY,
    READ_SECONDS,
    UNREACHED,
    away,
    bounded,
    checked_endpoint,
    httpx_module,
    one_line,
    open_client,
    within,
)

if TYPE_CHECKING:
    import ssl

    import httpx

MAX_REASON = 300
"""Characters of an axis' own sentence that are passed on."""

EDOCX = "edx"
"""The member by which a hub of ours tells that it is one; official clients ignore members they do not know."""

UNKNOWN_DOCUMENT = "EDX-AXIS-DOCUMENT"
"""The code for a docId that the axis does not show to this unit."""

UNKNOWN_OPERATION = "EDX-AXIS-OPERATION"
"""The code for an operation that a hub of ours, an older one, does not know."""

_PREFIX = "XroadVnpt-"
_AGENT = "JAVASDKAgent/1.0.0 XRoad/VPCP"
_VERSION = "3.0.201608"
_SERVER_TROUBLE = 500
_TOO_LARGE = 413
_UNIT_CODES = frozenset({"EDX-UNIT-UNKNOWN", "EDX-UNIT-CLOSED", "EDX-UNIT-NOT-OPEN", "EDX-HUB-SENDER"})
_KINDS = {"EDX-HUB-UNKNOWN": UNKNOWN_DOCUMENT, "EDX-HUB-PATH": UNKNOWN_OPERATION, "EDX-HUB-METHOD": UNKNOWN_OPERATION}
_CREDENTIALS, _UNKNOWN, _SENDER, _SYSTEM, _CLOSED = "15", "18", "19", "20", "23"


class AxisExchange:
    """One agency's line to one axis; safe to share between threads.

    Attributes:
        is_edocx: a reply showed that the axis is a hub of ours.
        has_answered: there was a reply to tell by.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        system: str,
        secret: str,
        clock: Clock,
        verify: ssl.SSLContext | None = None,
        plain_http: bool = False,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._endpoint = checked_endpoint(endpoint, plain_http=plain_http)
        self._system = system
        self._secret = secret
        self._clock = clock
        self._verify = verify
        self._read_seconds = read_seconds
        self._client: httpx.Client | None = None
        self.is_edocx = self.has_answered = False

    @property
    def system(self) -> str:
        """The code under which the line is registered."""
        return self._system

    def call(
        self,
        operation: str,
        parameters: Mapping[str, str],
        *,
        body: Iterable[bytes] | bytes = b"",
        length: int | None = None,
        binary: bool = False,
    ) -> dict[str, Any]:
        """Call an operation and return its successful reply.

        Args:
            operation: its path.
            parameters: headers without their prefix; values in any letters.
            body: bytes or pieces; with pieces, ``length`` says how many bytes they are.
            length: of a body in pieces.
            binary: the body is a file.

        Raises `TransportUnavailable` when the axis is away or says something unreadable, the error that its reply
        stands for when it refuses.
        """
        httpx = httpx_module()
        headers = self._headers(operation, parameters, "application/octet-stream" if binary else "application/json")
        if length is not None:
            headers.append((b"Content-Length", str(length).encode()))
        try:
            with self._http().stream("POST", f"/{operation}", headers=headers, content=body) as response:
                data = bounded(response.iter_bytes(PIECE), MAX_REPLY)
                status = response.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise away(type(error).__name__, self._endpoint, code=UNREACHED) from error
        except httpx.HTTPError as error:
            raise away(type(error).__name__, self._endpoint) from error
        reply = triple_in(data, status, self._endpoint)
        self.is_edocx, self.has_answered = self.is_edocx or EDOCX in reply, True
        if reply["status"] != "OK" or str(reply["ErrorCode"]) != "0":
            raise refused(reply, status, self._endpoint)
        return reply

    def download(self, parameters: Mapping[str, str], *, limit: int) -> Iterator[bytes]:
        """Yield a document's raw bytes (``downloadEdoc``); a refusal comes as JSON and is raised."""
        httpx = httpx_module()
        headers = self._headers("downloadEdoc", parameters, "application/json")
        try:
            with self._http().stream("GET", "/downloadEdoc", headers=headers) as response:
                if response.status_code != httpx.codes.OK or "json" in response.headers.get("content-type", ""):
                    reply = triple_in(bounded(response.iter_bytes(), MAX_REPLY), response.status_code, self._endpoint)
                    raise refused(reply, response.status_code, self._endpoint)
                yield from within(response.iter_bytes(PIECE), limit)
        except httpx.HTTPError as error:
            raise away(type(error).__name__, self._endpoint) from error

    def close(self) -> None:
        """Close every connection; the next call opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _headers(self, operation: str, parameters: Mapping[str, str], content_type: str) -> list[tuple[bytes, bytes]]:
        now = in_vietnam(self._clock.now())
        told = {
            "systemid": self._system,
            # The part after "+" is milliseconds, not a zone.
            "timestamp": f"{now:%d%m%YT%H%M%S}+{now.microsecond // 1000:04d}",
            "Content-Type": content_type,
            # Ours alone, which a foreign axis ignores: the axis' signature covers no path, and proves no first time
            # (axis-http.md §1.3). With these two, headers that somebody saw serve nothing else and nothing twice.
            "edx-operation": operation,
            "edx-once": secrets.token_hex(8),
        } | {name: one_line(value) for name, value in parameters.items() if value}
        signed = {f"{_PREFIX}{name}": value for name, value in told.items()}
        message = json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
        mac = hmac.new(self._secret.encode(), message, hashlib.sha256).hexdigest()
        more = {
            f"{_PREFIX}sign-header-key": ";".join(told),
            f"{_PREFIX}hash-header": mac,
            f"{_PREFIX}version": _VERSION,
            "Content-Type": content_type,
            "User-Agent": _AGENT,
            # Compressed replies would let a small body grow without bound.
            "Accept-Encoding": "identity",
        }
        lines = [(name.encode(), value.encode()) for name, value in (signed | more).items()]
        return [*lines, (f"{_PREFIX}sign-header".encode(), message)]

    def _http(self) -> httpx.Client:
        if self._client is None:
            self._client = open_client(self._endpoint, verify=self._verify, read_seconds=self._read_seconds)
        return self._client


def refused(reply: Mapping[str, Any], status: int, where: str) -> EdocxError:
    """Return the error that a failed reply stands for: by the number, and by the code that our own hubs add."""
    number, code = str(reply.get("ErrorCode")), str(reply.get("EdxCode") or "")
    place = str(reply.get("EdxWhere") or "") or None
    if code == "EDX-PARCEL-CONFLICT":
        return conflict(place or "?")
    if status != _TOO_LARGE and (status >= _SERVER_TROUBLE or number == _SYSTEM):
        return away(f"ErrorCode {number}", where)
    said = str(reply.get("ErrorDescVi") or reply.get("ErrorDesc") or "")[:MAX_REASON]
    also = str(reply.get("ErrorDescEn") or said)[:MAX_REASON]
    text = Text(f"Trục từ chối: {said}", f"The axis refused ({number}): {also}")
    if number in {_UNKNOWN, _SENDER, _CLOSED}:
        kind = "EDX-UNIT-CLOSED" if number == _CLOSED else "EDX-UNIT-UNKNOWN"
        hint = Text("Kiểm tra mã định danh; chưa gửi cho ai.", "Check the unit codes; nothing was given to anybody.")
        return UnitError(text, hint=hint, code=code if code in _UNIT_CODES else kind, where=place)
    if status == _TOO_LARGE:
        return LimitExceeded(text, hint=Text("Chia nhỏ tệp.", "Split the files."), code="EDX-AXIS-SIZE", where=where)
    if number == _CREDENTIALS:
        hint = Text("Kiểm tra mã hệ thống và bí mật của trục.", "Check the system's code and secret.")
        return Refused(text, hint=hint, code="EDX-AXIS-CREDENTIALS", where=where)
    hint = Text("Xem lý do của trục; sửa rồi gửi lại.", "See the axis' reason; mend it and send again.")
    kind = _KINDS.get(code, "EDX-AXIS-REFUSED")
    retryable = code in {"EDX-HUB-RATE", "EDX-HUB-SLOW", "EDX-HUB-CUT", "EDX-HUB-PLAIN-HTTP"}
    return Refused(text, hint=hint, code=kind, where=place or where, retryable=retryable)


def triple_in(data: bytes, status: int, where: str) -> dict[str, Any]:
    """Read a reply of an axis; what lacks the triple is no answer at all (a proxy's error page, a login form)."""
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise away(f"HTTP {status}, no JSON", where) from error
    if not isinstance(reply, dict) or any(reply.get(name) is None for name in ("status", "ErrorCode", "ErrorDesc")):
        raise away(f"HTTP {status}, no triple", where)
    return reply
