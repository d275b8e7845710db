"""The load of `edocx bench axis`: a client that costs little, since it shares the machine with what it measures."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edocx.clock import SystemClock
from edocx.content import PIECE, Blob
from edocx.envelope import Attachment, Envelope, Organization, compose
from edocx.envelope.model import Code, Other, Promulgation

SENDER, RECEIVER = "Z99.01", "Z99.02"
_NUMBER = "00000000"
_BLANK = b"\r\n\r\n"


def letter(content: Blob, folder: Path) -> Path:
    """Write an envelope around a file, with a number that can be replaced; return its place."""
    place = folder / "letter.edxml"
    compose(
        Envelope(
            sender=Organization(unit=SENDER, name="Đơn vị thử nghiệm số 1"),
            to=(Organization(unit=RECEIVER, name="Đơn vị thử nghiệm số 2"),),
            document_id=f"{SENDER},2024/03/05,{_NUMBER}/A",
            code=Code(number=_NUMBER, notation="A"),
            promulgation=Promulgation(place="Hà Nội", date=SystemClock().now().date()),
            subject="V/v thử tốc độ",
            business="new",
            other=Other(urgency=0),
            attachments=(Attachment(name="a.bin", content=content),),
        )
    ).save(place)
    return place


@dataclass(frozen=True, slots=True)
class Speaker:
    """One agency that speaks to a hub: makes whole requests beforehand, so that sending them costs nothing."""

    system: str
    secret: str

    def request(self, operation: str, body: bytes = b"", *, method: str = "POST", **parameters: str) -> bytes:
        """Return the bytes of a call."""
        return self.head(operation, len(body), method=method, **parameters) + body

    def head(self, operation: str, length: int, *, method: str = "POST", **parameters: str) -> bytes:
        """Return the head of a call whose body has ``length`` bytes."""
        told = {"systemid": self.system, "timestamp": "05032024T080000+0000", "Content-Type": "application/json"}
        signed = {f"XroadVnpt-{name.replace('_', '-')}": value for name, value in (told | parameters).items()}
        message = json.dumps(signed, separators=(",", ":"))
        mac = hmac.new(self.secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        lines = [
            f"{method} /{operation} HTTP/1.1",
            "Host: hub",
            *(f"{name}: {value}" for name, value in signed.items()),
            f"XroadVnpt-sign-header: {message}",
            f"XroadVnpt-hash-header: {mac}",
            f"Content-Length: {length}",
        ]
        return "\r\n".join(lines).encode() + _BLANK

    def sending(self, edxml: bytes, number: int) -> bytes:
        """Return a sendEdoc of the letter under a number of its own."""
        own = edxml.replace(_NUMBER.encode(), f"{number:08d}".encode())
        told = {"from": self.system, "servicetype": "eDoc", "messagetype": "edoc"}
        digest = hashlib.sha256(own).hexdigest()
        return self.request("sendEdoc", own + b"\r\n", **told, hash_file=digest)


class Line:
    """One connection that stays open."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._line = socket.create_connection(address, timeout=300)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, request: bytes) -> bytes:
        """Send a whole request and return the body of a successful answer."""
        self._line.sendall(request)
        return self.answer()

    def push(self, head: bytes, blob: Blob, tail: bytes) -> bytes:
        """Send a request with a large body and return the answer's body."""
        self._line.sendall(head)
        for piece in blob.pieces(PIECE):
            self._line.sendall(piece)
        self._line.sendall(tail)
        return self.answer()

    def answer(self) -> bytes:
        """Read one answer and return its body; it must be a success."""
        head, body, length = self._begin()
        pieces = [body]
        left = length - len(body)
        while left > 0:
            piece = self._line.recv(1 << 18)
            left -= len(piece)
            pieces.append(piece)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head[:200].decode("latin-1") + b"".join(pieces)[:300].decode("latin-1"))
        return b"".join(pieces)

    def drained(self, request: bytes) -> int:
        """Send a request and return how many bytes the answer's body had, keeping none of them."""
        self._line.sendall(request)
        _, body, length = self._begin()
        left = length - len(body)
        while left > 0:
            left -= len(self._line.recv(1 << 18))
        return length

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _begin(self) -> tuple[bytes, bytes, int]:
        held = b""
        while _BLANK not in held:
            piece = self._line.recv(1 << 16)
            if not piece:
                raise ConnectionError("the hub hung up")
            held += piece
        head, _, body = held.partition(_BLANK)
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return head, body, int(lengths[0].partition(b":")[2])


@contextmanager
def lines(address: tuple[str, int], count: int) -> Iterator[list[Line]]:
    """Open connections for the block."""
    opened = [Line(address) for _ in range(count)]
    try:
        yield opened
    finally:
        for line in opened:
            line.close()


def flood(opened: Sequence[Line], requests: Sequence[bytes]) -> float:
    """Send requests over all connections as fast as they are answered; return requests a second."""
    waiting = iter(requests)
    lock = threading.Lock()

    def work(line: Line) -> None:
        while True:
            with lock:
                request = next(waiting, None)
            if request is None:
                return
            line.call(request)

    started = time.perf_counter()
    _together([partial(work, line) for line in opened])
    return len(requests) / (time.perf_counter() - started)


def paced(opened: Sequence[Line], requests: Sequence[bytes], rate: float) -> list[float]:
    """Send requests at a rate whatever becomes of them; return the seconds from when each was due to its answer."""
    started = time.perf_counter() + 0.1
    found: list[float] = []

    def work(number: int, line: Line) -> None:
        for place in range(number, len(requests), len(opened)):
            due = started + place / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            line.call(requests[place])
            found.append(time.perf_counter() - due)

    _together([partial(work, number, line) for number, line in enumerate(opened)])
    return sorted(found)


def _together(acts: Sequence[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def guarded(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - raised below, by the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
