"""A line to a NATS server or cluster: one connection in a thread of its own, used from any other thread.

nats-py is asynchronous and edocx is not: only this module and the hub's broker touch asyncio. Large contents lie in
the object store, written and read piece by piece.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from edocx.content import Blob
from edocx.errors import EdocxError, InputError, Text, TransportUnavailable, UsageError
from edocx.routing.transport.spool import Spool

if TYPE_CHECKING:
    import ssl

    from nats.aio.client import Client
    from nats.js import JetStreamContext

_T = TypeVar("_T")

CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 60.0
ANSWER_SECONDS = 30.0
"""How long one call or one acknowledgement may take."""

HEADROOM = 64 * 1024
"""Bytes of a server's message limit left for the head; addresses beyond it go with the content."""

INLINE = 512 * 1024
"""Bytes of a content that stands in the message itself; larger ones lie in the object store."""

SMALLEST = 16 * 1024
"""Bytes that always stand in the message, however low a server's limit."""

_NEAR = frozenset({"localhost", "127.0.0.1", "::1"})
_log = logging.getLogger("edocx.nats")

Password = Callable[[str], str | None]
"""Asked for the password of a user, whenever a connection is made."""


@dataclass(frozen=True, slots=True)
class NatsSettings:
    """Where the servers are and who calls.

    Attributes:
        servers: ``tls://host:4222`` or ``nats://host:4222`` (plain only to this machine, unless ``plain``).
        user: name at the server, with a password asked for; None for servers that know callers by certificate.
        domain: the JetStream domain; None for the server's own.
        plain: allow unencrypted connections to other machines.
        ca: PEM file with the authority of the servers' certificates; the system's unless given.
        certificate: PEM file with this caller's certificate and key.
    """

    servers: tuple[str, ...]
    user: str | None = None
    domain: str | None = None
    plain: bool = False
    ca: Path | None = None
    certificate: Path | None = None

    def __post_init__(self) -> None:
        """Refuse addresses that would send mail in clear over the network, or passwords in them."""
        for server in self.servers:
            parts = urlsplit(server)
            safe = parts.scheme == "tls" or (parts.scheme == "nats" and (parts.hostname in _NEAR or self.plain))
            if not parts.hostname or not safe or parts.username or parts.password:
                raise _bad_address(server if not parts.password else f"{parts.scheme}://{parts.hostname}")
        if not self.servers:
            raise _bad_address("")


def _bad_address(where: str) -> UsageError:
    return UsageError(
        Text(
            "Địa chỉ NATS phải là tls:// (nats:// chỉ cho máy này, hoặc khi bật plain), không kèm mật khẩu.",
            "A NATS server is reached by tls:// (nats:// only on this machine, or with plain), without a password.",
        ),
        hint=Text("Sửa địa chỉ; mật khẩu để trong tệp riêng.", "Mend it; the password stands in a file of its own."),
        code="EDX-NATS-ADDRESS",
        where=where,
    )


@dataclass(slots=True)
class NatsLine:
    """One connection; it is made when first used, and again by itself whenever it is lost."""

    settings: NatsSettings
    password: Password | None = field(default=None, repr=False)
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _client: Client | None = None
    _contexts: dict[str | None, tuple[Client, JetStreamContext]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, act: Coroutine[Any, Any, _T], *, seconds: float | None = None) -> _T:
        """Run a coroutine on the line's own thread and return its result, from any other thread.

        Raises `TransportUnavailable` for whatever NATS or the network says, other errors as they are.
        """
        future = asyncio.run_coroutine_threadsafe(act, self.loop())
        with translated(self.settings.servers):
            try:
                return future.result(seconds)
            except concurrent.futures.TimeoutError:
                future.cancel()
                raise

    async def client(self) -> Client:
        """Return the connection, making it when there is none; only on the line's own thread."""
        if self._client is None or self._client.is_closed:
            self._client = await asyncio.wait_for(self._connect(), CONNECT_SECONDS)
        return self._client

    async def jetstream(self, domain: str | None = None) -> JetStreamContext:
        """Return JetStream in a domain, by default the configured one; only on the line's own thread."""
        client, wanted = await self.client(), domain or self.settings.domain
        known = self._contexts.get(wanted)
        if known is None or known[0] is not client:
            known = self._contexts[wanted] = (client, client.jetstream(domain=wanted, timeout=ANSWER_SECONDS))
        return known[1]

    async def inline_limit(self) -> int:
        """Return how many bytes of content may stand in a message here."""
        client = await self.client()
        return max(SMALLEST, min(INLINE, client.max_payload - HEADROOM))

    async def put(self, bucket: str, name: str, blob: Blob) -> None:
        """Put a content into a bucket under a name; a repeat writes it again only when it is not whole there."""
        errors = import_module("nats.js.errors")
        store = await (await self.jetstream()).object_store(bucket)
        with contextlib.suppress(errors.NotFoundError):
            if (await store.get_info(name)).size == blob.size:
                return
        with blob.open() as stream:
            await store.put(name, cast("Any", stream))

    async def take(
        self, bucket: str, name: str, *, limit: int, folder: Path | None = None, domain: str | None = None
    ) -> Blob:
        """Return a content from a bucket, put aside in a file without a name.

        Raises `InputError` when it is not there, cut short or larger than ``limit``.
        """
        errors = import_module("nats.js.errors")
        try:
            store = await (await self.jetstream(domain)).object_store(bucket)
            size = int((await store.get_info(name)).size or 0)
            if size > limit:
                raise _no_content(name)
            aside = _Aside(folder)
            await store.get(name, writeinto=cast("Any", aside))
        except errors.Error as error:
            raise _no_content(name) from error
        return aside.blob()

    async def drop(self, bucket: str, name: str) -> None:
        """Remove a content; one that is gone already is no error."""
        errors = import_module("nats.js.errors")
        with contextlib.suppress(errors.Error):
            await (await (await self.jetstream()).object_store(bucket)).delete(name)

    def close(self) -> None:
        """Close the connection and its thread; the next use opens a new one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._shut(), loop).result(CLOSE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    async def _shut(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the line's own event loop, started when it does not run; raise `UsageError` without nats-py."""
        _require_nats()
        with self._lock:
            if self._loop is None:
                loop = self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_turn, args=(loop,), name="edocx-nats", daemon=True)
                self._thread.start()
            return self._loop

    async def _connect(self) -> Client:
        nats = import_module("nats")
        options: dict[str, Any] = {}
        if self.settings.user is not None:
            secret = self.password(self.settings.user) if self.password else None
            options |= {"user": self.settings.user, "password": secret or ""}
        if any(server.startswith("tls:") for server in self.settings.servers):
            options["tls"] = self._context()
        found = await nats.connect(
            list(self.settings.servers),
            name="edocx",
            connect_timeout=CONNECT_SECONDS,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,
            ping_interval=10,
            error_cb=_say,
            **options,
        )
        return cast("Client", found)

    def _context(self) -> ssl.SSLContext:
        import ssl  # noqa: PLC0415 - only for TLS

        context = ssl.create_default_context(cafile=self.settings.ca)
        if self.settings.certificate is not None:
            context.load_cert_chain(self.settings.certificate)
        return context


class _Aside:
    """Takes what the object store writes, and becomes a Blob."""

    def __init__(self, folder: Path | None) -> None:
        self._spool, self._digest, self._size = Spool(folder), hashlib.sha256(), 0

    def write(self, piece: bytes) -> int:
        self._spool.append(piece)
        self._digest.update(piece)
        self._size += len(piece)
        return len(piece)

    def blob(self) -> Blob:
        return self._spool.blob(sha256=self._digest.hexdigest(), size=self._size)


@contextmanager
def translated(servers: Sequence[str]) -> Iterator[None]:
    """Turn what NATS and the network say into `TransportUnavailable`; errors of ours pass."""
    try:
        yield
    except EdocxError:
        raise
    except Exception as error:
        if not _is_theirs(error):
            raise
        raise away(type(error).__name__, ", ".join(servers)) from error


def away(reason: str, where: str, *, code: str = "EDX-NATS-AWAY") -> TransportUnavailable:
    """Return the error for servers, or a hub behind them, that do not answer."""
    return TransportUnavailable(
        Text(f"NATS không trả lời ({reason}).", f"NATS does not answer ({reason})."),
        hint=Text(
            "Kiểm tra máy chủ NATS và trục; văn bản vẫn chờ trong hàng đợi.",
            "Check the NATS servers and the hub; parcels wait in their queue.",
        ),
        code=code,
        where=where,
        retryable=True,
    )


def _is_theirs(error: Exception) -> bool:
    nats = import_module("nats.errors")
    return isinstance(error, (nats.Error, OSError, TimeoutError, concurrent.futures.TimeoutError))


def _require_nats() -> None:
    try:
        import_module("nats")
    except ImportError as error:
        raise UsageError(
            Text("Chưa cài nats-py.", "nats-py is needed for NATS."),
            hint=Text("Cài: pip install 'edocx[nats]'.", "Install it: pip install 'edocx[nats]'."),
            code="EDX-NATS-EXTRA",
        ) from error


def _no_content(name: str) -> InputError:
    return InputError(
        Text("Không lấy được nội dung lớn trong kho đối tượng.", "A large content is not in the object store."),
        hint=Text("Bên gửi sẽ gửi lại.", "Its sender sends it again."),
        code="EDX-NATS-OBJECT",
        where=name,
    )


async def _say(error: Exception) -> None:
    _log.debug("connection: %s", type(error).__name__)


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
