"""A clamd that knows one piece of malware, the EICAR test file; it can be told to be full, deaf or away."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# In two parts, so that scanners on developers' machines leave this file alone.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class FakeClamd:
    """Speaks INSTREAM as clamd does: zINSTREAM, pieces with their length, an answer that ends in NUL."""

    def __init__(self, line: socket.socket, limit: int) -> None:
        self._line, self._limit = line, limit
        self.scanned = 0

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._line.accept()
                with peer, peer.makefile("rb") as stream, contextlib.suppress(ConnectionError):
                    peer.sendall(self._answer(stream))

    def _answer(self, stream) -> bytes:
        command = stream.read(len(b"zPING\0"))
        if command == b"zPING\0":
            return b"PONG\0"
        assert command + stream.read(4) == b"zINSTREAM\0"
        held = b""
        while size := int.from_bytes(stream.read(4), "big"):
            held += stream.read(size)
            if len(held) > self._limit:
                return b"INSTREAM size limit exceeded. ERROR\0"
        self.scanned += 1
        return b"stream: Eicar-Signature FOUND\0" if EICAR in held else b"stream: OK\0"


@contextmanager
def fake_clamd(folder: Path, *, limit: int = 25_000_000) -> Iterator[tuple[str, FakeClamd]]:
    """Serve on a Unix socket; give its address and the scanner."""
    place = folder / "c.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.bind(str(place))
        line.listen(16)
        scanner = FakeClamd(line, limit)
        thread = threading.Thread(target=scanner.serve, daemon=True)
        thread.start()
        yield f"clamd://{place}", scanner
        line.shutdown(socket.SHUT_RDWR)
        thread.join(60)
    place.unlink()
