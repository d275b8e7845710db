"""A hub over a real socket, and a client that behaves as the official one was measured to (axis-http.md §1)."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from edocx.content import Blob
from edocx.envelope import compose
from edocx.envelope.model import Attachment, Code, Envelope, Organization, Other, Promulgation, ResponseFor, Trace
from edocx.hub import Hub, HubConfig, NewAgency, agencies, app
from edocx.hub.server import listen_on, server
from edocx.testing.clock import FixedClock

A, B, C = "H58.12.01", "G22", "H58.05"
SECRETS = {code: f"bi-mat-{code}" for code in (A, B, C)}
NOW = datetime(2023, 6, 15, 1, 0, tzinfo=UTC)
PATIENCE = 60
"""Seconds for one call: a bound for what never answers, not a measure; a busy machine is five times slower."""


def enrol(hub: Hub, *newcomers: NewAgency, secrets: dict[str, str] = SECRETS) -> None:
    """Register agencies with the secrets of the scene."""
    store, now = hub.service.store, hub.service.store.now()
    with store.begin("enrol") as connection:
        for each in newcomers:
            agency = agencies.register(connection, each, now=now, by="test")
            if each.code in secrets:
                agencies.new_hmac_secret(
                    connection, agency, hub.service.vault, now=now, by="test", secret=secrets[each.code]
                )


def open_hub(folder: Path, *, clock: FixedClock | None = None, faults=None, **settings) -> Hub:
    options = {} if faults is None else {"faults": faults}
    hub = app(HubConfig(database=folder / "hub.db", **settings), clock=clock or FixedClock(NOW), **options)
    enrol(
        hub,
        NewAgency(A, "Ủy ban nhân dân xã Bình Đức", old_code="001.01.12.H58", parent="H58.12"),
        NewAgency(B, "Văn phòng Chính phủ", old_code="000.00.00.G22"),
        NewAgency(C, "Sở Nông nghiệp và PTNT Tiền Giang", parent="H58"),
    )
    return hub


@contextmanager
def serving(hub: Hub, port: int = 0) -> Iterator[tuple[str, int]]:
    """Serve a hub on a free port of loopback, in a thread of its own."""
    made = server(hub, host="127.0.0.1")
    made.install_signal_handlers = lambda: None  # older and newer uvicorn alike: signals stay pytest's
    listening = listen_on("127.0.0.1", port)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()
    finally:
        made.should_exit = True
        thread.join(60)
        listening.close()
        assert not thread.is_alive()


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        # The client decodes a 200 as US-ASCII: whatever is no ASCII is lost to it.
        return json.loads(self.body.decode("ascii"))


@dataclass
class OfficialClient:
    """Speaks HTTP by hand. Its header map is never cleared, its timestamp is made once, its path is sent along."""

    address: tuple[str, int]
    system: str
    secret: str
    upper: bool = False
    timestamp: str = "22112020T043332+0122"
    headers: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        operation: str,
        body: bytes | None = b"",
        *,
        method: str = "POST",
        content_type: str = "application/json",
        message: bytes | None = None,
        mac: str | None = None,
        extra: tuple[tuple[str, str], ...] = (),
        expect: bool = False,
        **parameters: str,
    ) -> Reply:
        self.headers |= {"systemid": self.system, "timestamp": self.timestamp, "Content-Type": content_type}
        self.headers |= {name.replace("_", "-"): value for name, value in parameters.items()}
        signed = {f"XroadVnpt-{name}": value for name, value in self.headers.items()}
        if message is None:
            message = json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
        if mac is None:
            mac = hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()
        lines = [(name, value.encode()) for name, value in signed.items()]
        lines += [
            ("XroadVnpt-sign-header-key", ";".join(self.headers).encode()),
            ("XroadVnpt-sign-header", message),
            ("XroadVnpt-hash-header", mac.encode()),
            ("XroadVnpt-version", b"3.0.201608"),
            ("Content-Type", content_type.encode()),
            ("User-Agent", b"JAVASDKAgent/1.0.0 XRoad/VPCP"),
            ("Accept-Encoding", b"gzip,deflate"),
            *((name, value.encode()) for name, value in extra),
        ]
        if expect:
            lines.append(("Expect", b"100-continue"))
        return self.raw(f"{method} /{operation} HTTP/1.1", lines, body)

    def raw(self, request: str, lines: list[tuple[str, bytes]], body: bytes | None) -> Reply:
        head = [request.encode(), f"Host: {self.address[0]}:{self.address[1]}".encode(), b"Connection: close"]
        head += [(name.upper() if self.upper else name).encode() + b": " + value for name, value in lines]
        if body is not None:
            head.append(f"Content-Length: {len(body)}".encode())
        return exchange(self.address, b"\r\n".join(head) + b"\r\n\r\n" + (body or b""))

    def send(self, edxml: bytes, *, kind: str = "edoc", to: str | None = None, **more: str) -> Reply:
        """sendEdoc: the file with one CRLF behind it, its hash without zero padding."""
        told = {"from": self.system, "servicetype": "eDoc", "messagetype": kind}
        if to is not None:
            told["to"] = to
        told["hash_file"] = more.pop("hash_file", unpadded_hash(edxml))
        return self.call("sendEdoc", edxml + b"\r\n", content_type="application/octet-stream", **told, **more)

    def waiting(self, kind: str = "edoc") -> list[dict]:
        reply = self.call("getReceivedEdocList", servicetype="eDoc", messagetype=kind)
        assert reply.json()["status"] == "OK", reply.body
        return reply.json()["data"]


def exchange(address: tuple[str, int], data: bytes) -> Reply:
    """Send bytes and read one reply to its end."""
    with socket.create_connection(address, timeout=PATIENCE) as line:
        line.sendall(data)
        answer = b""
        while piece := line.recv(1 << 16):
            answer += piece
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return Reply(int(first.split()[1]), headers, body)


def unpadded_hash(data: bytes) -> str:
    return "".join(format(byte, "x") for byte in hashlib.sha256(data).digest())


def document(
    *,
    sender: str = A,
    to: tuple[str, ...] = (B,),
    number: str = "7816",
    subject: str = "V/v nạo vét kênh mương",
    urgency: int = 0,
    business: str = "new",
    passed: tuple[str, ...] = (),
    at: datetime = NOW,
    content: bytes = b"%PDF-1.7 noi dung",
) -> bytes:
    """Write a document's envelope."""
    envelope = Envelope(
        sender=Organization(unit=sender, name="Đơn vị gửi"),
        to=tuple(Organization(unit=code, name="Đơn vị nhận") for code in to),
        document_id=f"{sender},2023/06/15,{number}/UBND-VP",
        code=Code(number=number, notation="UBND-VP"),
        promulgation=Promulgation(place="Bình Đức", date=at.date()),
        subject=subject,
        other=Other(urgency=urgency),
        business=business,
        business_reason=None if business == "new" else "lý do",
        trace=tuple(Trace(unit=code, timestamp=at) for code in (sender, *passed)),
        attachments=(Attachment(name="van-ban.pdf", content=Blob.from_bytes(content)),),
    )
    return written(envelope)


def status(code: str, *, sender: str = B, to: str = A, number: str = "7816", reason: str | None = None) -> bytes:
    """Write a status message."""
    return written(
        Envelope(
            kind="status",
            sender=Organization(unit=sender, name="Đơn vị nhận"),
            response_for=(
                ResponseFor(unit=to, code=f"{number}/UBND-VP", document_id=f"{to},2023/06/15,{number}/UBND-VP"),
            ),
            status_code=code,
            description=reason or "Đã xử lý",
            timestamp=NOW,
        )
    )


def written(envelope: Envelope) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return compose(envelope).save(Path(folder) / "a.edxml").read()
