"""The way in: lines are counted from the moment they are accepted, and cost next to nothing until something is said.

Left to the event loop, a line that says nothing holds a quarter of a megabyte of TLS buffers for a minute, uncounted;
and where the process may open no further file, each attempt to accept is written to the log, thousands a second.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

HANDSHAKE_SECONDS = 10.0
"""How long a line may take from accept to the end of its TLS handshake."""

SHUTDOWN_SECONDS = 5.0
"""How long the other side may take to end TLS."""

_HANDSHAKE, _RECORD_HEAD, _MOST_RECORD = b"\x16", 5, 1 << 14
"""The first record of TLS: its kind, the bytes before its content, of which two are its length (RFC 8446 §5.1)."""

BATCH = 64
"""Lines accepted before those that speak are served again: a flood of new ones must not keep out who came before."""

PAUSE_SECONDS = 0.1
"""How long nothing is accepted when no file can be opened."""

TOLD_SECONDS = 60.0
"""How often the log says so."""

_log = logging.getLogger("edocx.hub")


class Line(Protocol):
    """What can be hung up."""

    def hang_up(self) -> None:
        """End the line, on which no call is running."""


@dataclass(slots=True)
class Lines:
    """All lines of a server.

    Attributes:
        most: how many there may be.
        silent: those on which no call is running, the one that said nothing for longest first.
        knocking: accepted, and not speaking HTTP yet.
        speaking: the others.
        leaving: of those, hung up and not gone yet: counted in, one too many would close all.
    """

    most: int
    silent: dict[Line, None] = field(default_factory=dict)
    knocking: set[Knock] = field(default_factory=set)
    speaking: set[Any] = field(default_factory=set)
    leaving: set[Any] = field(default_factory=set)

    def make_room(self) -> None:
        """Hang up silent lines, the oldest first, while there are too many."""
        while len(self.knocking) + len(self.speaking) - len(self.leaving) > self.most and self.silent:
            next(iter(self.silent)).hang_up()


class Entrance:
    """Accepts lines on a listening socket; closed like a server of asyncio's."""

    def __init__(
        self,
        listening: socket.socket,
        lines: Lines,
        *,
        make: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        silence: float,
    ) -> None:
        self.lines, self.make, self.tls = lines, make, tls
        self.silence = min(silence, HANDSHAKE_SECONDS) if tls else silence
        self.loop = asyncio.get_running_loop()
        self._listening = listening
        self._tell_at = 0.0
        self._pause: asyncio.TimerHandle | None = None
        listening.settimeout(0)
        self._listen()

    def close(self) -> None:
        """Accept nothing more, and hang up who only knocked."""
        if self._pause is not None:
            self._pause.cancel()
        self.loop.remove_reader(self._listening.fileno())
        for knock in tuple(self.lines.knocking):
            knock.hang_up()

    async def wait_closed(self) -> None:
        """Return at once: lines that speak are waited for by their server."""

    def _listen(self) -> None:
        self._pause = None
        self.loop.add_reader(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(BATCH):
            try:
                line, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._no_further(error)
                return
            line.settimeout(0)
            Knock(self, line)
            self.lines.make_room()

    def _no_further(self, error: OSError) -> None:
        """Let silent lines go, so that there are files again; the log hears of it once a minute."""
        if self.loop.time() >= self._tell_at:
            self._tell_at = self.loop.time() + TOLD_SECONDS
            _log.error("no further line can be taken: %s", error.strerror)
        for _ in range(min(BATCH, len(self.lines.silent))):
            next(iter(self.lines.silent)).hang_up()
        self.loop.remove_reader(self._listening.fileno())
        self._pause = self.loop.call_later(PAUSE_SECONDS, self._listen)


class Knock:
    """A line that was accepted: a socket and no more until its first byte, then through its handshake."""

    def __init__(self, entrance: Entrance, line: socket.socket) -> None:
        self._entrance, self._line = entrance, line
        self._task: asyncio.Task[None] | None = None
        self._handed_on = False
        entrance.lines.knocking.add(self)
        entrance.lines.silent[self] = None
        entrance.loop.add_reader(line.fileno(), self._heard)
        self._timer = entrance.loop.call_later(entrance.silence, self.hang_up)

    def hang_up(self) -> None:
        """End the line."""
        self._leave()
        if self._task is None:
            self._entrance.loop.remove_reader(self._line.fileno())
        else:
            self._task.cancel()
        if not self._handed_on:
            self._line.close()

    def _heard(self) -> None:
        loop = self._entrance.loop
        if self._entrance.tls is not None and not self._has_hello():
            return
        loop.remove_reader(self._line.fileno())
        self._timer.cancel()
        self._task = loop.create_task(self._begin())

    def _has_hello(self) -> bool:
        """Tell whether the first record of TLS is there whole; else wait for it, or end a line that will never have it.

        What is there stays in the socket. The kernel wakes us only for as many bytes as are still missing: five bytes
        of a ClientHello, and then nothing, cost a socket and no buffers.
        """
        try:
            wanted = _record_size(self._line.recv(_RECORD_HEAD, socket.MSG_PEEK))
            found = len(self._line.recv(wanted, socket.MSG_PEEK)) >= wanted
            # Awake before as many are there as were waited for: the other side has ended what it says.
            ended = not found and self._line.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == wanted
            self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if found else wanted)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            found, ended = False, True
        if ended:
            self.hang_up()
        return found

    async def _begin(self) -> None:
        self._handed_on = True
        tls = self._entrance.tls
        bounds = {"ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": SHUTDOWN_SECONDS} if tls else {}
        try:
            await self._entrance.loop.connect_accepted_socket(self._made, self._line, ssl=tls, **bounds)
        except (OSError, TimeoutError) as error:
            # Whoever speaks no TLS, or too slowly: the loop has closed the line, and there is nobody to answer.
            _log.debug("a line did not get in: %s", type(error).__name__)
            traceback.clear_frames(error.__traceback__)
        except asyncio.CancelledError as error:
            # asyncio's frames hold the handshake's buffers (256 KiB), its future holds this error, and the error those
            # frames: a ring that stands until the collector comes, a gigabyte later.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            self._task = None
            self._leave()

    def _made(self) -> asyncio.Protocol:
        return self._entrance.make()

    def _leave(self) -> None:
        self._timer.cancel()
        self._entrance.lines.knocking.discard(self)
        self._entrance.lines.silent.pop(self, None)


def _record_size(head: bytes) -> int:
    """Return how many bytes make the first record of TLS, by as much of its beginning as is there.

    0 for what is no TLS, or none that anybody sends: its own reader ends it.
    """
    if not _HANDSHAKE.startswith(head[:1]):
        return 0
    size = _RECORD_HEAD + (int.from_bytes(head[3:], "big") if len(head) == _RECORD_HEAD else 0)
    return size if size <= _RECORD_HEAD + _MOST_RECORD else 0
