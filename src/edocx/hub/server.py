"""Serving a hub with uvicorn: bounded heads, silent connections closed, and the triple even for broken HTTP."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import socket
import ssl
import sys
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from edocx.errors import KeyFileError, Text, Unavailable, UsageError
from edocx.hub import replies
from edocx.hub.application import Hub
from edocx.hub.call import HEARD
from edocx.hub.configuration import HubConfig
from edocx.hub.entrance import SHUTDOWN_SECONDS, Entrance, Lines
from edocx.hub.gate import is_loopback
from edocx.hub.open_files import lines_within, raise_limit
from edocx.hub.refusal import bad_parameter

_log = logging.getLogger("edocx.hub")

BACKLOG = 2048
"""Connections that may wait to be accepted."""

DRAIN_SECONDS = 30
"""How long running calls may go on after SIGTERM; what was not answered then was not promised."""


PER_ADDRESS = 4
"""The part of all connections that one address may hold with bodies half sent and a caller not known: one in four."""


MOST_HEADER_LINES = 256
"""Lines of one head. Official clients send some dozen; ninety thousand of eleven bytes fit into the largest head, and
take a fifth of a second to parse, in which nobody else is served."""

LINGER_SECONDS = 2.0
"""How long a refused head may go on coming: were the line closed over it, the reply would be lost with the line."""


class _Protocol(H11Protocol):
    """uvicorn's protocol with three promises more: silence ends, the triple always, the talking ones stay."""

    head_seconds = 20.0
    lines: Lines
    halves: dict[str, dict[_Protocol, None]]

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        line = transport.get_extra_info("socket")
        if line is not None and line.family in {socket.AF_INET, socket.AF_INET6}:
            # asyncio does it only for sockets that name their protocol; without it every reply waits 40 ms for an ACK.
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._silence: asyncio.TimerHandle | None = None
        self._came: bytes | None = None
        self._head_lines, self._head_end, self._is_refused = 0, b"", False
        self.lines.speaking.add(self)
        self._listen()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._came = data
        super().data_received(data)
        self._came = None

    def handle_events(self) -> None:
        if self.conn.their_state is h11.IDLE:
            # A call that came while the one before was answered is looked at whole, else only what came now.
            if self._came is None:
                self._head_lines, self._head_end = 0, b""
            if self._has_many_lines(self.conn.trailing_data[0] if self._came is None else self._came):
                self._refuse_head()
                return
        before: object = self.cycle
        super().handle_events()
        if self.cycle is before:
            return
        if not self.cycle.more_body:
            self._heard()
            return
        # A head is cheap to send: until its caller is known, one whose body is still to come is as good as silent, and
        # keeps its place among those that go first.
        scope: Any = self.cycle.scope
        scope[HEARD] = self._heard
        if self._silence is not None:
            self._silence.cancel()
        mine = self.halves.setdefault(self._address, {})
        mine[self] = None
        while len(mine) > max(1, self.lines.most // PER_ADDRESS):
            next(iter(mine)).hang_up()

    def _has_many_lines(self, data: bytes) -> bool:
        """Count the lines of a head as it comes, by its line ends alone; its body is not counted."""
        seen = self._head_end + data
        ends = [at for at in (seen.find(b"\n\r\n"), seen.find(b"\n\n")) if at >= 0]
        self._head_lines += seen.count(b"\n", 0, min(ends) if ends else None) - self._head_end.count(b"\n")
        found = self._head_lines > MOST_HEADER_LINES
        self._head_lines, self._head_end = (0, b"") if ends else (self._head_lines, seen[-2:])
        return found

    def _refuse_head(self) -> None:
        self._is_refused = True
        if not self.transport.can_write_eof():
            self.send_400_response("")
            return
        self.transport.write(self._no_http())
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    @property
    def _address(self) -> str:
        return str(self.client[0]) if self.client else ""

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._listen()

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard()
        self.lines.speaking.discard(self)
        self.lines.leaving.discard(self)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with the triple; ``msg`` is uvicorn's and is not passed on."""
        del msg
        self.transport.write(self._no_http())
        self.transport.close()

    def _no_http(self) -> bytes:
        body = replies.to_bytes(replies.failure(bad_parameter("HTTP"))[0] | replies.ALL_NEEDED)
        headers = [("content-type", replies.JSON_TYPE), ("content-length", str(len(body))), ("connection", "close")]
        events = (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        return b"".join(self.conn.send(event) or b"" for event in events)

    def hang_up(self) -> None:
        """Close a connection on which no call is running."""
        self._heard()
        self.lines.leaving.add(self)
        if len(self.lines.leaving) > self.lines.most // PER_ADDRESS:
            self.transport.abort()
            return
        # What was answered may still be on its way; a reader that never takes it, or never ends TLS, holds nothing.
        self.transport.close()
        self.loop.call_later(SHUTDOWN_SECONDS, self.transport.abort)

    def _listen(self) -> None:
        # Connections that say nothing, or a head that never ends, must not keep the others out.
        self._heard()
        self.lines.silent[self] = None
        self._silence = self.loop.call_later(self.head_seconds, self.hang_up)

    def _heard(self) -> None:
        self.lines.silent.pop(self, None)
        mine = self.halves.get(self._address, {})
        if self in mine:
            del mine[self]
            if not mine:
                del self.halves[self._address]
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None


class _Server(uvicorn.Server):
    """uvicorn's server with an entrance of its own, that counts lines before their TLS begins."""

    def __init__(self, lines: Lines, silence: float, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._lines, self._silence = lines, silence

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sockets is None or sys.platform == "win32":  # whose event loop watches no sockets
            await super().startup(sockets=sockets)
            return
        await super().startup(sockets=[])
        config = self.config

        def make() -> asyncio.Protocol:
            kind: Any = config.http_protocol_class
            made: asyncio.Protocol = kind(config=config, server_state=self.server_state, app_state=self.lifespan.state)
            return made

        for one in sockets:
            entrance: Any = Entrance(one, self._lines, make=make, tls=config.ssl, silence=self._silence)
            self.servers.append(entrance)


def settle_memory() -> None:
    """Leave what was loaded so far out of every later garbage collection: a long list would walk it many times over."""
    gc.collect()
    gc.freeze()


_PORTS = Text("cổng từ 0 đến 65535; địa chỉ phải là của máy này", "ports are 0-65535; the address must be ours")
_NO_NAME = Text("không có máy mang tên này", "no machine has this name")
_LISTEN_REASONS = {
    errno.EADDRINUSE: Text("cổng đang được dùng", "the port is in use"),
    errno.EACCES: Text("không có quyền mở cổng này", "this account may not open it"),
    errno.EINVAL: Text(
        "máy này không có địa chỉ ấy; địa chỉ IPv4 thì viết không kèm ::ffff:",
        "this machine has no such address; write IPv4 without ::ffff:",
    ),
    errno.EADDRNOTAVAIL: Text(
        "máy này không có địa chỉ ấy; địa chỉ IPv4 thì viết không kèm ::ffff:",
        "this machine has no such address; write IPv4 without ::ffff:",
    ),
}


def listen_on(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes a free one. Raises `Unavailable` when nothing can listen there."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = _LISTEN_REASONS.get(getattr(error, "errno", None) or 0, _PORTS)
        if isinstance(error, socket.gaierror):
            reason = _NO_NAME
        raise Unavailable(
            Text(
                f"Không mở được cổng {port} trên {host} ({reason.vi}).",
                f"Nothing can listen on {host}:{port} ({reason.en}).",
            ),
            hint=Text(
                "Chọn địa chỉ hoặc cổng khác bằng --listen (IPv4: 127.0.0.1:8642, IPv6: [::1]:8642).",
                "Choose another address or port with --listen (IPv4: 127.0.0.1:8642, IPv6: [::1]:8642).",
            ),
            code="EDX-HUB-LISTEN",
            where=f"{host}:{port}",
        ) from error


def server(hub: Hub, *, host: str, certificate: str | None = None, key: str | None = None) -> uvicorn.Server:
    """Prepare a server for a hub; ``run(sockets=[listen_on(host, port)])`` serves until a signal comes.

    ``host`` is where it will listen, for the check; ``certificate`` and ``key`` are PEM files for TLS.
    Raises `UsageError` for plain http off loopback that nobody switched on, and `KeyFileError` for a certificate or key
    that TLS cannot use: uvicorn itself would look at them only when it serves.
    """
    config = hub.service.config
    _require_tls(certificate, key)
    _require_safe(config, host, tls=certificate is not None)
    most = lines_within(raise_limit(), config.connections)
    if most < config.connections:
        _log.warning("%d lines at once, not %d: the limit of open files allows no more", most, config.connections)
    lines = Lines(most)
    bounds = {"head_seconds": config.head_seconds, "lines": lines, "halves": {}}
    protocol = type("HubProtocol", (_Protocol,), bounds)
    return _Server(
        lines,
        config.head_seconds,
        uvicorn.Config(
            hub,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # Not from the environment, and not from any caller on this machine, as would be the library's own default.
            proxy_headers=bool(config.proxies),
            forwarded_allow_ips=list(config.proxies),
            h11_max_incomplete_event_size=config.max_header_bytes,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        ),
    )


def _require_tls(certificate: str | None, key: str | None) -> None:
    if certificate is None:
        if key is not None:
            raise _unusable(Text("có --key mà không có --certificate", "there is --key and no --certificate"), key)
        return
    try:
        # Without a password function OpenSSL would ask on the terminal, where nobody sits.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, _no_password)
    except (OSError, ValueError, _Locked) as error:
        unfit = Text("không khớp nhau hoặc không phải PEM", "they do not fit each other, or are no PEM")
        raise _unusable(_TLS_REASONS.get(type(error), unfit), certificate) from error


def _unusable(reason: Text, where: str) -> KeyFileError:
    return KeyFileError(
        Text(
            f"Không dùng được chứng thư TLS và khóa của nó: {reason.vi}.",
            f"The TLS certificate and its key cannot be used: {reason.en}.",
        ),
        hint=Text(
            "Đưa --certificate (PEM, cả chuỗi, chứng thư máy chủ trước) và --key (PEM, không mật khẩu) của cùng một"
            " chứng thư.",
            "Give --certificate (PEM, the whole chain, the server's own first) and --key (PEM, no password) of one"
            " certificate.",
        ),
        code="EDX-HUB-TLS",
        where=where,
    )


class _Locked(Exception):
    """The key is encrypted."""


def _no_password() -> str:
    raise _Locked


_TLS_REASONS = {
    FileNotFoundError: Text("không có tệp này", "there is no such file"),
    PermissionError: Text("không có quyền đọc", "it may not be read"),
    IsADirectoryError: Text("đây là thư mục", "that is a folder"),
    _Locked: Text("khóa được bảo vệ bằng mật khẩu", "the key is protected by a password"),
}


def _require_safe(config: HubConfig, host: str, *, tls: bool) -> None:
    if tls or config.plain_http or is_loopback(host) or host == "localhost":
        return
    raise UsageError(
        Text(
            f"Không mở http không mã hóa trên {host}: nội dung và chữ ký tiêu đề sẽ đi trần trên mạng.",
            f"Plain http on {host} is not served: contents and header signatures would cross the network in clear.",
        ),
        hint=Text(
            "Đưa chứng thư TLS, đặt sau proxy https, hoặc ghi plain_http = true trong hub.toml.",
            "Give a TLS certificate, serve behind an https proxy, or set plain_http = true in hub.toml.",
        ),
        code="EDX-HUB-PLAIN-HTTP",
        where=host,
    )
