"""Calls to an axis over HTTP (axis-http §1): signed headers, one triple back, everything bounded.

Follows the official client where a foreign server may depend on it: the sign-header's bytes, one CRLF behind the file,
the file's hash without zero padding.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from edocx.clock import Clock, in_vietnam
from edocx.content import PIECE
from edocx.errors import (
    EdocxError,
    InputError,
    LimitExceeded,
    Refused,
    Text,
    TransportUnavailable,
    UnitError,
    UsageError,
)
from edocx.routing.parcel import conflict

if TYPE_CHECKING:
    import ssl

    import httpx

MAX_REPLY = 256 * 1024 * 1024
"""Bytes of a JSON reply: the real axis lists some 120,000 agencies; against one that never ends."""

MAX_REASON = 300
"""Characters of an axis' own sentence that are passed on."""

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
"""Official services were seen to answer after two minutes."""

CONNECTIONS = 10
"""Most at once, as in the official client."""

EDOCX = "edx"
"""The member by which a hub of ours tells that it is one; official clients ignore members they do not know."""

UNREACHED = "EDX-AXIS-UNREACHED"
"""The code of an axis to which no line could be opened: nothing was sent."""

UNKNOWN_DOCUMENT = "EDX-AXIS-DOCUMENT"
"""The code for a docId that the axis does not show to this unit."""

REPLY_TOO_LONG = "EDX-AXIS-REPLY"
"""The code of a reply that passes the limit: what the axis did is not known then."""

_PREFIX = "XroadVnpt-"
_AGENT = "JAVASDKAgent/1.0.0 XRoad/VPCP"
_VERSION = "3.0.201608"
_SERVER_TROUBLE = 500
_TOO_LARGE = 413
_UNIT_CODES = frozenset({"EDX-UNIT-UNKNOWN", "EDX-UNIT-CLOSED", "EDX-UNIT-NOT-OPEN", "EDX-HUB-SENDER"})
_CREDENTIALS, _UNKNOWN, _SENDER, _SYSTEM, _CLOSED = "15", "18", "19", "20", "23"


class AxisExchange:
    """One agency's line to one axis; safe to share between threads.

    Attributes:
        is_edocx: a reply showed that the axis is a hub of ours.
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
        self._endpoint = _checked(endpoint, plain_http=plain_http)
        self._system = system
        self._secret = secret
        self._clock = clock
        self._verify = verify
        self._read_seconds = read_seconds
        self._client: httpx.Client | None = None
        self.is_edocx = False

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
        httpx = _httpx()
        headers = self._headers(parameters, "application/octet-stream" if binary else "application/json")
        if length is not None:
            headers.append((b"Content-Length", str(length).encode()))
        try:
            with self._http().stream("POST", f"/{operation}", headers=headers, content=body) as response:
                data = _bounded(response.iter_bytes(PIECE), MAX_REPLY)
                status = response.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise away(type(error).__name__, self._endpoint, code=UNREACHED) from error
        except httpx.HTTPError as error:
            raise away(type(error).__name__, self._endpoint) from error
        reply = _triple(data, status, self._endpoint)
        self.is_edocx = self.is_edocx or EDOCX in reply
        if reply["status"] != "OK" or str(reply["ErrorCode"]) != "0":
            raise refused(reply, status, self._endpoint)
        return reply

    def download(self, parameters: Mapping[str, str], *, limit: int) -> Iterator[bytes]:
        """Yield a document's raw bytes (``downloadEdoc``); a refusal comes as JSON and is raised."""
        httpx = _httpx()
        headers = self._headers(parameters, "application/json")
        try:
            with self._http().stream("GET", "/downloadEdoc", headers=headers) as response:
                if response.status_code != httpx.codes.OK or "json" in response.headers.get("content-type", ""):
                    reply = _triple(_bounded(response.iter_bytes(), MAX_REPLY), response.status_code, self._endpoint)
                    raise refused(reply, response.status_code, self._endpoint)
                size = 0
                for piece in response.iter_bytes(PIECE):
                    size += len(piece)
                    if size > limit:
                        raise _too_long(limit)
                    yield piece
        except httpx.HTTPError as error:
            raise away(type(error).__name__, self._endpoint) from error

    def close(self) -> None:
        """Close every connection; the next call opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _headers(self, parameters: Mapping[str, str], content_type: str) -> list[tuple[bytes, bytes]]:
        now = in_vietnam(self._clock.now())
        told = {
            "systemid": self._system,
            # The part after "+" is milliseconds, not a zone.
            "timestamp": f"{now:%d%m%YT%H%M%S}+{now.microsecond // 1000:04d}",
            "Content-Type": content_type,
        } | {name: _one_line(value) for name, value in parameters.items() if value}
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
            self._client = _httpx().Client(
                base_url=self._endpoint,
                # Always checked: against the given context (which may hold a client's certificate) or the system's.
                verify=self._verify if self._verify is not None else True,
                timeout=_httpx().Timeout(self._read_seconds, connect=CONNECT_SECONDS),
                limits=_httpx().Limits(max_connections=CONNECTIONS),
                # An answer must come from who was asked, and no proxy of the environment reads along.
                follow_redirects=False,
                trust_env=False,
            )
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
    kind = UNKNOWN_DOCUMENT if code == "EDX-HUB-UNKNOWN" else "EDX-AXIS-REFUSED"
    retryable = code in {"EDX-HUB-RATE", "EDX-HUB-SLOW", "EDX-HUB-CUT"}
    return Refused(text, hint=hint, code=kind, where=place or where, retryable=retryable)


def away(reason: str, where: str, *, code: str = "EDX-AXIS-AWAY") -> TransportUnavailable:
    """Return the error for an axis that does not answer."""
    return TransportUnavailable(
        Text(f"Trục không trả lời ({reason}).", f"The axis does not answer ({reason})."),
        hint=Text(
            "Kiểm tra mạng và địa chỉ trục; văn bản vẫn chờ trong hàng đợi.", "Check network and address; parcels wait."
        ),
        code=code,
        where=where,
        retryable=True,
    )


def _httpx() -> ModuleType:
    """Return httpx; only who has an axis over HTTP needs it."""
    try:
        import httpx  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            Text("Chưa cài httpx để gọi trục.", "httpx is needed to call an axis."),
            hint=Text("Cài: pip install 'edocx[remote]'.", "Install it: pip install 'edocx[remote]'."),
            code="EDX-AXIS-EXTRA",
        ) from error
    return httpx


def _triple(data: bytes, status: int, where: str) -> dict[str, Any]:
    """Read a reply; what lacks the triple is no answer at all (a proxy's error page, a login form)."""
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise away(f"HTTP {status}, no JSON", where) from error
    if not isinstance(reply, dict) or any(reply.get(name) is None for name in ("status", "ErrorCode", "ErrorDesc")):
        raise away(f"HTTP {status}, no triple", where)
    return reply


def _bounded(pieces: Iterator[bytes], limit: int) -> bytes:
    parts, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise _too_long(limit)
        parts.append(piece)
    return b"".join(parts)


def _too_long(limit: int) -> LimitExceeded:
    return LimitExceeded(
        Text(f"Trục trả lời quá {limit} byte.", f"The axis' answer passes {limit} bytes."),
        hint=Text("Báo đơn vị vận hành trục.", "Tell whoever runs the axis."),
        code=REPLY_TOO_LONG,
    )


def _one_line(value: str) -> str:
    """Refuse a header value that would begin another header: parameters may come from a document."""
    if not value.isprintable():
        raise InputError(
            Text("Tham số có ký tự điều khiển.", "A parameter holds control characters."),
            hint=Text("Bỏ ký tự xuống dòng.", "Remove line breaks."),
            code="EDX-AXIS-PARAMETER",
        )
    return value.strip()


def _checked(endpoint: str, *, plain_http: bool) -> str:
    parts = urlsplit(endpoint)
    near = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and (near or plain_http))):
        return endpoint.rstrip("/")
    raise UsageError(
        Text(
            "Địa chỉ trục phải là https (http chỉ cho máy này, hoặc khi bật plain_http).",
            "An axis is reached by https (http only on this machine, or with plain_http).",
        ),
        hint=Text("Sửa địa chỉ trục.", "Mend the address."),
        code="EDX-AXIS-ENDPOINT",
        where=endpoint,
    )
