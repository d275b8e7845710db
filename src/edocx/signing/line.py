"""Lines to the servers that certificates name: one of Python's own, and a guarded one over httpx.

The guarded line is for addresses that stand in files from outside. It goes to http and https only, never to an address
of this machine or its own network unless that was asked for (a file must not make its reader call what only he can
reach), follows few redirects and asks the same of each, and bounds time and size.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit

from edocx.errors import Text, Unavailable, UsageError
from edocx.signing import http_exchange

if TYPE_CHECKING:
    import httpcore

MAX_REDIRECTS = 2
"""Followed when fetching a list or certificate; an authority moves its files now and then."""

READ_LIMIT = 15.0
"""Seconds between two pieces of an answer; the whole has a limit of its own."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200


class Line(Protocol):
    """One bounded HTTP exchange; raises `Unavailable` with ``code`` when there is no answer."""

    def post(
        self, url: str, body: bytes, *, media_type: str, accept: str, limit: timedelta, max_answer: int, code: str
    ) -> bytes:
        """Post a body and return the answer."""
        ...

    def get(self, url: str, *, accept: str, limit: timedelta, max_answer: int, code: str) -> bytes:
        """Return what stands at an address."""
        ...


class PlainLine:
    """Python's own HTTP client: for the services of one's own certificates, wherever they are."""

    post = staticmethod(http_exchange.post)
    get = staticmethod(http_exchange.get)


class GuardedLine:
    """A line over httpx (extra ``remote``), its connections kept for a whole run; see the module for its bounds."""

    def __init__(self, *, private: bool = False) -> None:
        """Open nothing yet; ``private`` lets it go to addresses of this machine and its network.

        Raises `UsageError` (``EDX-EXTRA-REMOTE``) without httpx.
        """
        try:
            import httpcore  # noqa: PLC0415, F401 - comes with httpx
            import httpx  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError(
                Text("Hỏi qua mạng cần gói httpx.", "Asking over the network needs httpx."),
                hint=Text("Cài bằng: pip install 'edocx[remote]'.", "Install it: pip install 'edocx[remote]'."),
                code="EDX-EXTRA-REMOTE",
            ) from error
        self._client = httpx.Client(transport=_transport(private=private), trust_env=False, follow_redirects=False)

    def post(
        self, url: str, body: bytes, *, media_type: str, accept: str, limit: timedelta, max_answer: int, code: str
    ) -> bytes:
        """Post a body and return the answer; redirects are not followed, so that it comes from who was asked."""
        headers = {"Content-Type": media_type, "Accept": accept}
        _, answer = self._exchange("POST", url, body, headers, limit=limit, max_answer=max_answer, code=code)
        if answer is None:
            raise _away(url, code, "redirect")
        return answer

    def get(self, url: str, *, accept: str, limit: timedelta, max_answer: int, code: str) -> bytes:
        """Return what stands at an address, after few redirects."""
        for _ in range(MAX_REDIRECTS + 1):
            headers = {"Accept": accept}
            target, answer = self._exchange("GET", url, None, headers, limit=limit, max_answer=max_answer, code=code)
            if answer is not None:
                return answer
            url = urljoin(url, target)
        raise _away(url, code, "redirects")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _exchange(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        limit: timedelta,
        max_answer: int,
        code: str,
    ) -> tuple[str, bytes | None]:
        import httpx  # noqa: PLC0415 - an extra

        if urlsplit(url).scheme not in {"http", "https"}:
            raise _away(url, code, "scheme")
        end = time.monotonic() + limit.total_seconds()
        wait = min(limit.total_seconds(), READ_LIMIT)
        try:
            with self._client.stream(method, url, content=body, headers=headers, timeout=wait) as response:
                if response.status_code in _REDIRECTS and method == "GET":
                    return response.headers.get("location", ""), None
                if response.status_code != _OK:
                    raise _away(url, code, f"HTTP {response.status_code}")
                data = bytearray()
                # As it comes: nobody asked for compression, and a compressed bomb is not unpacked here.
                for piece in response.iter_raw():
                    data += piece
                    if len(data) > max_answer or time.monotonic() > end:
                        raise _away(url, code, "limit")
                return "", bytes(data)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise _away(url, code, type(error).__name__) from error


def _transport(*, private: bool) -> Any:
    """Make a transport that looks at every address it connects to, after the name was resolved and not before."""
    import httpcore  # noqa: PLC0415 - comes with httpx
    import httpx  # noqa: PLC0415

    class Guard(httpcore.NetworkBackend):
        def __init__(self) -> None:
            self._inner = httpcore.SyncBackend()

        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore.NetworkStream:
            # The address that was looked at is the one connected to: a name may answer differently a moment later.
            address = _address(host, port, private=private)
            return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

        def sleep(self, seconds: float) -> None:
            self._inner.sleep(seconds)

    class Transport(httpx.HTTPTransport):
        def __init__(self) -> None:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2  # TT 15/2025 (spec/law.md #94)
            super().__init__(verify=context, trust_env=False)
            self._pool = httpcore.ConnectionPool(ssl_context=context, max_connections=10, network_backend=Guard())

    return Transport()


def _address(host: str, port: int, *, private: bool) -> str:
    """Resolve a name to an address that may be called; raise ``OSError`` when none may."""
    for found in _resolved(host, port):
        if private or is_public(found):
            return found
    raise PermissionError("an address of this machine or its network")


def _resolved(host: str, port: int) -> Iterator[str]:
    for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield str(place[0])


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the public Internet."""
    one = ipaddress.ip_address(address.partition("%")[0])
    held = getattr(one, "ipv4_mapped", None) or getattr(one, "sixtofour", None)
    return one.is_global and not one.is_multicast and (held is None or held.is_global)


def _away(url: str, code: str, reason: str) -> Unavailable:
    return Unavailable(
        Text(f"Không nhận được câu trả lời từ dịch vụ ({reason}).", f"The service gave no answer ({reason})."),
        hint=Text("Kiểm tra mạng và địa chỉ, hoặc thử lại sau.", "Check network and address, or try again later."),
        code=code,
        where=url,
        retryable=True,
    )
