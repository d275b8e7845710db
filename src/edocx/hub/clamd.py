"""Asking clamd about a file over its socket (INSTREAM): clean, the name of what was found, or no answer."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from edocx.content import PIECE, Blob
from edocx.errors import Text, Unavailable, UsageError

MAX_ANSWER = 4 * 1024
"""Bytes of clamd's answer that are read: one line with a name."""

PING_SECONDS = 2.0
"""Longest wait for a sign of life: whoever asks for readiness asks every few seconds."""

_FOUND = re.compile(r"stream: (.{1,200}) FOUND")
_DEFAULT_PORT = 3310


@dataclass(frozen=True, slots=True)
class Clamd:
    """A scanner: ``clamd:///run/clamav/clamd.ctl`` (a Unix socket) or ``clamd://host:3310``."""

    address: str | tuple[str, int]
    seconds: float

    @classmethod
    def from_url(cls, url: str, *, seconds: float) -> Clamd:
        """Read an address; ``seconds`` is the longest silence. Raises `UsageError` for what is none."""
        parts = urlsplit(url)
        try:
            if parts.scheme == "clamd" and parts.hostname:
                return cls((parts.hostname, parts.port or _DEFAULT_PORT), seconds)
        except ValueError as error:  # a port that is no number
            raise _bad_address(url) from error
        if parts.scheme == "clamd" and parts.path.startswith("/"):
            return cls(parts.path, seconds)
        raise _bad_address(url)

    def scan(self, blob: Blob) -> str | None:
        """Return the name of the malware that was found, None for a clean file.

        Raises `Unavailable` (``EDX-HUB-SCANNER``) when the scanner is away, silent, or could not look at it all: what
        was not scanned is never called clean.
        """
        try:
            with self._connected() as line:
                line.sendall(b"zINSTREAM\0")
                for piece in blob.pieces(PIECE):
                    line.sendall(len(piece).to_bytes(4, "big") + piece)
                line.sendall(bytes(4))
                answer = b"".join(_answer(line)).decode("utf-8", "replace").strip("\0\r\n ")
        except OSError as error:
            raise scanner_away(type(error).__name__) from error
        if answer == "stream: OK":
            return None
        found = _FOUND.fullmatch(answer)
        if found is None:
            # "INSTREAM size limit exceeded. ERROR", or something that is no clamd.
            raise scanner_away("ERROR")
        return found[1]

    def answers(self) -> bool:
        """Tell whether the scanner is there (PING)."""
        try:
            with self._connected() as line:
                line.settimeout(min(self.seconds, PING_SECONDS))
                line.sendall(b"zPING\0")
                return b"".join(_answer(line)).strip(b"\0\r\n ") == b"PONG"
        except OSError:
            return False

    def _connected(self) -> socket.socket:
        if isinstance(self.address, tuple):
            return socket.create_connection(self.address, timeout=self.seconds)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(self.seconds)
            line.connect(self.address)
        except BaseException:
            line.close()
            raise
        return line


def _answer(line: socket.socket) -> Iterator[bytes]:
    size = 0
    while size < MAX_ANSWER and (piece := line.recv(MAX_ANSWER)):
        size += len(piece)
        yield piece
        if piece.endswith(b"\0"):
            return


def scanner_away(reason: str) -> Unavailable:
    """Return the error for a file that could not be scanned."""
    return Unavailable(
        Text(f"Chưa quét được mã độc ({reason}).", f"The file could not be scanned for malware ({reason})."),
        hint=Text(
            "Gửi lại sau; đơn vị vận hành kiểm tra clamd.", "Send again later; whoever runs the hub checks clamd."
        ),
        code="EDX-HUB-SCANNER",
        retryable=True,
    )


def _bad_address(url: str) -> UsageError:
    return UsageError(
        Text("Địa chỉ clamd không đúng.", "The address is no clamd's."),
        hint=Text("Ghi clamd:///đường-dẫn/socket hoặc clamd://máy:3310.", "Write clamd:///path or clamd://host:3310."),
        code="EDX-HUB-SCANNER-URL",
        where=url,
    )
