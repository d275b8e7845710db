"""One bounded HTTP exchange: bytes out, bytes back, within a time limit for the whole of it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from datetime import timedelta
from urllib.parse import urlsplit

from edocx.errors import Text, Unavailable, UsageError

_OK = 200
_PIECE = 64 * 1024


def post(url: str, body: bytes, *, media_type: str, accept: str, limit: timedelta, max_answer: int, code: str) -> bytes:
    """Post ``body`` and return the answer; redirects are not followed, so that an answer comes from who was asked.

    ``limit`` bounds connecting, and then the whole exchange, not each read of it: a service that sends one byte a
    minute is cut off.
    Raises `UsageError` for an address that is not http or https, `Unavailable` with ``code`` for everything else.
    """
    headers = {"Content-Type": media_type, "Accept": accept}
    return _exchange("POST", url, body, headers, limit=limit, max_answer=max_answer, code=code)


def get(url: str, *, accept: str, limit: timedelta, max_answer: int, code: str) -> bytes:
    """Get what stands at ``url``; bounds and errors are those of `post`."""
    return _exchange("GET", url, None, {"Accept": accept}, limit=limit, max_answer=max_answer, code=code)


def _exchange(
    method: str,
    url: str,
    body: bytes | None,
    headers: dict[str, str],
    *,
    limit: timedelta,
    max_answer: int,
    code: str,
) -> bytes:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            Text(f"Địa chỉ dịch vụ không đúng: {url}", f"Not the address of a service: {url}"),
            hint=Text("Dùng địa chỉ http:// hoặc https://.", "Use an http:// or https:// address."),
            code="EDX-USAGE-URL",
        )
    seconds = limit.total_seconds()
    connection = _connection(parts.scheme, parts.hostname, parts.port, seconds)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    watchdog: threading.Timer | None = None
    try:
        connection.connect()
        # The socket itself: the connection lets go of it once the headers are read.
        watchdog = threading.Timer(seconds, _cut, (connection.sock,))
        watchdog.daemon = True
        watchdog.start()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = b""
        while len(data) <= max_answer and (piece := response.read(_PIECE)):
            data += piece
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _away(url, code, type(error).__name__) from error
    finally:
        if watchdog is not None:
            watchdog.cancel()
        connection.close()
    # http.client does not complain of an answer shorter than its Content-Length when read in pieces.
    complete = response.length in {None, 0}
    if response.status != _OK or len(data) > max_answer or not complete:
        raise _away(url, code, f"HTTP {response.status}")
    return data


def _connection(scheme: str, host: str, port: int | None, seconds: float) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # TT 15/2025 (spec/law.md #94)
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    return http.client.HTTPConnection(host, port, timeout=seconds)


def _cut(held: socket.socket) -> None:
    try:
        held.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Closed in the same moment: the reader has its answer or its error already.
        return


def _away(url: str, code: str, reason: str) -> Unavailable:
    return Unavailable(
        Text(f"Không nhận được câu trả lời từ dịch vụ ({reason}).", f"The service gave no answer ({reason})."),
        hint=Text("Kiểm tra mạng và địa chỉ, hoặc thử lại sau.", "Check network and address, or try again later."),
        code=code,
        where=url,
        retryable=True,
    )
