"""What every line to an axis over HTTP has in common: TLS checked, everything bounded, failures in words."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edocx.errors import InputError, LimitExceeded, Text, TransportUnavailable, UsageError

if TYPE_CHECKING:
    import ssl

    import httpx

MAX_REPLY = 256 * 1024 * 1024
"""Bytes of a JSON reply: the real axis lists some 120,000 agencies; against one that never ends."""

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
"""Official services were seen to answer after two minutes."""

CONNECTIONS = 10
"""Most at once, as in the official client."""

UNREACHED = "EDX-AXIS-UNREACHED"
"""The code of an axis to which no line could be opened: nothing was sent."""

REPLY_TOO_LONG = "EDX-AXIS-REPLY"
"""The code of a reply that passes the limit: what the axis did is not known then."""


def open_client(endpoint: str, *, verify: ssl.SSLContext | None, read_seconds: float = READ_SECONDS) -> httpx.Client:
    """Make a client for one axis; nothing is called yet."""
    made: httpx.Client = httpx_module().Client(
        base_url=endpoint,
        # Always checked: against the given context (which may hold a client's certificate) or the system's.
        verify=verify if verify is not None else True,
        timeout=httpx_module().Timeout(read_seconds, connect=CONNECT_SECONDS),
        limits=httpx_module().Limits(max_connections=CONNECTIONS),
        # An answer must come from who was asked, and no proxy of the environment reads along.
        follow_redirects=False,
        trust_env=False,
    )
    return made


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


def httpx_module() -> ModuleType:
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


def bounded(pieces: Iterator[bytes], limit: int) -> bytes:
    """Join pieces; raise `LimitExceeded` as soon as they pass a limit."""
    return b"".join(within(pieces, limit))


def within(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Yield pieces; raise `LimitExceeded` as soon as they pass a limit, before the one that does is given out."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_long(limit)
        yield piece


def too_long(limit: int) -> LimitExceeded:
    """Return the error for a reply that passes a limit."""
    return LimitExceeded(
        Text(f"Trục trả lời quá {limit} byte.", f"The axis' answer passes {limit} bytes."),
        hint=Text("Báo đơn vị vận hành trục.", "Tell whoever runs the axis."),
        code=REPLY_TOO_LONG,
    )


def one_line(value: str) -> str:
    """Refuse a header value that would begin another header: parameters may come from a document."""
    if not value.isprintable():
        raise InputError(
            Text("Tham số có ký tự điều khiển.", "A parameter holds control characters."),
            hint=Text("Bỏ ký tự xuống dòng.", "Remove line breaks."),
            code="EDX-AXIS-PARAMETER",
        )
    return value.strip()


def checked_endpoint(endpoint: str, *, plain_http: bool) -> str:
    """Return an address that may be called: https, or http to this machine; raise `UsageError` for another."""
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
