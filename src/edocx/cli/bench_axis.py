"""``edocx bench axis``: a hub in a process of its own, over real sockets, on a real disk; beside what the machine can.

The client shares the cores with the hub, as everything here does: what it costs is not taken off.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from edocx.cli.bench_axis_load import RECEIVER, SENDER, Line, Speaker, flood, letter, lines, paced
from edocx.content import Blob
from edocx.hub import HubConfig, NewAgency, agencies
from edocx.hub import schema as tables
from edocx.hub.service import Service

CONNECTIONS = 16
LISTED, REGISTERED = 10_000, 120_000
_MIB = 1024
_ECHO = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
    body = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong"}'
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
from edocx.hub.server import listen_on
line = listen_on("127.0.0.1", 0)
print(f"http://127.0.0.1:{line.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, http="h11", log_config=None, access_log=False, lifespan="off")).run(sockets=[line])
"""


def run(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure one embedded hub; ``quick`` sends fewer and smaller."""
    figures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        edxml = letter(Blob.from_bytes(os.urandom(13_500)), place).read_bytes()
        with _hub(place / "rates") as hub:
            figures += _rates(hub, place, edxml, 400 if quick else 3_000)
        with _hub(place / "lists") as hub:
            figures += _lists(hub)
        figures.append(_large(place, 50 if quick else 500))
        figures.append(_door(place, 20 if quick else 200))
    return figures


@dataclass(frozen=True, slots=True)
class _Hub:
    """A hub that is being served, and who may call it."""

    folder: Path
    address: tuple[str, int]
    process: int
    secrets: dict[str, str]

    def speaker(self, code: str) -> Speaker:
        return Speaker(code, self.secrets[code])

    def spent(self) -> float:
        """Return the CPU seconds that the hub's process has taken so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self) -> float:
        """Return the most memory that the hub's process ever held, in MiB."""
        return _status(self.process, "VmHWM:")


def _rates(hub: _Hub, folder: Path, edxml: bytes, count: int) -> Iterator[dict[str, Any]]:
    sender, receiver = hub.speaker(SENDER), hub.speaker(RECEIVER)
    with lines(hub.address, CONNECTIONS) as opened:
        flood(opened, [sender.sending(edxml, number) for number in range(100)])
        requests = [sender.sending(edxml, 1_000 + number) for number in range(count)]
        before = hub.spent()
        rate = flood(opened, requests)
        own = (hub.spent() - before) / count * 1000
    with _echo() as address, lines(address, CONNECTIONS) as bare:
        echo = flood(bare, requests)
    peers: dict[str, Any] = {
        "one-row commits of 20 KB, one after the other, synchronous=FULL": _peer(_commits(folder, edxml), rate),
        "uvicorn that takes the body and answers": _peer(echo, rate),
        "CPU of the hub for one": {"ms": round(own, 2)},
    }
    yield _figure(f"sendEdoc of {len(edxml) // 1000} KB, durable", rate, "/s", ">= 300/s", peers)
    with lines(hub.address, CONNECTIONS) as opened:
        late = paced(opened, [sender.sending(edxml, 50_000 + number) for number in range(count // 3)], 100)
        p50, p99 = (late[int(len(late) * part)] * 1000 for part in (0.5, 0.99))
        yield _figure("sendEdoc at 100/s, p99", p99, "ms", "<= 100 ms", {"p50": round(p50, 1)})
    with lines(hub.address, CONNECTIONS) as opened:
        waiting = json.loads(opened[0].call(receiver.request("getReceivedEdocList", messagetype="edoc")))["data"]
        asked = [receiver.request("getEdoc", b"{}", docId=row["docId"]) for row in waiting[:count]]
        yield _figure("getEdoc of 20 KB", flood(opened, asked), "/s", ">= 600/s", {})


def _lists(hub: _Hub) -> Iterator[dict[str, Any]]:
    _fill(hub.folder)
    line = Line(hub.address)
    try:
        asked = hub.speaker(RECEIVER).request("getReceivedEdocList", messagetype="edoc")
        yield _figure(f"list of {LISTED:,} waiting", *_milliseconds(hub, line, asked, "<= 150 ms"))
        asked = hub.speaker(SENDER).request("getAgenciesList")
        yield _figure(f"agency list of {REGISTERED:,} rows", *_milliseconds(hub, line, asked, "<= 1,500 ms"))
    finally:
        line.close()


def _milliseconds(hub: _Hub, line: Line, request: bytes, goal: str) -> tuple[float, str, str, dict[str, Any]]:
    times, turns = [], 5
    before = hub.spent()
    for _ in range(turns):
        started = time.perf_counter()
        line.drained(request)
        times.append(time.perf_counter() - started)
    own = (hub.spent() - before) / turns * 1000
    return sorted(times)[turns // 2] * 1000, "ms", goal, {"CPU of the hub for one": {"ms": round(own)}}


def _large(folder: Path, megabytes: int) -> dict[str, Any]:
    """Send and fetch one large message; return by how much the hub's process grew over its state after one small."""
    content = folder / "large"
    with content.open("wb") as stream:
        for _ in range(megabytes * 3 // 4):
            stream.write(os.urandom(1_000_000))
    place = letter(Blob.from_path(content), folder)
    content.unlink()
    blob = Blob.from_path(place)
    with _hub(folder / "large-hub", max_bytes=blob.size + 1) as hub:
        sender, receiver = hub.speaker(SENDER), hub.speaker(RECEIVER)
        line = Line(hub.address)
        line.call(sender.sending(letter(Blob.from_bytes(b"x"), folder / "large-hub").read_bytes(), 1))
        before = hub.peak()
        told = {"from": SENDER, "servicetype": "eDoc", "messagetype": "edoc", "hash_file": blob.sha256}
        head = sender.head("sendEdoc", blob.size + 2, **told)
        started = time.perf_counter()
        doc_id = json.loads(line.push(head, blob, b"\r\n"))["DocId"]
        sent = time.perf_counter()
        got = line.drained(receiver.request("downloadEdoc", method="GET", docId=doc_id))
        raw = time.perf_counter()
        line.drained(receiver.request("getEdoc", b"{}", docId=doc_id))
        seconds = {"send": sent - started, "downloadEdoc": raw - sent, "getEdoc": time.perf_counter() - raw}
        line.close()
        if got != blob.size:
            raise RuntimeError(f"sent {blob.size} bytes, fetched {got}")
        grown = hub.peak() - before
    place.unlink()
    peers: dict[str, Any] = {name: {"s": round(took, 1)} for name, took in seconds.items()}
    return _figure(f"{megabytes} MB sent and fetched: memory over one small send", grown, "MiB", "<= 64 MiB", peers)


def _door(folder: Path, count: int) -> dict[str, Any]:
    """Measure a door that requires the seal and two signed PDFs, with a registry."""
    from edocx.cli.bench_axis_door import sealed_letters

    place = folder / "door"
    place.mkdir()
    letters = sealed_letters(place, count)
    door = {"seal": "require", "files": "require", "trust": place / "trust", "registry": place / "registry.csv"}
    with _hub(place, door=door) as hub:
        sender = hub.speaker(SENDER)
        told = {"from": SENDER, "servicetype": "eDoc", "messagetype": "edoc"}
        requests = [
            sender.request("sendEdoc", edxml + b"\r\n", **told, hash_file=Blob.from_bytes(edxml).sha256)
            for edxml in letters
        ]
        with lines(hub.address, 4) as opened:
            flood(opened, requests[:4])
            rate = flood(opened, requests[4:])
    return _figure("door at require: seal, two signed PDFs, registry", rate, "/s", ">= 50/s", {})


@contextmanager
def _hub(folder: Path, **settings: Any) -> Iterator[_Hub]:
    """Serve a hub with the two agencies of the sandbox in a process of its own."""
    folder.mkdir(exist_ok=True)
    config = folder / "hub.toml"
    config.write_text(_toml({"database": "hub.db", "max_header_bytes": 65536} | settings), encoding="utf-8")
    service = Service.open(HubConfig.from_path(config))
    with service.store.begin("bench") as connection:
        found = {}
        for code in (SENDER, RECEIVER):
            now = service.store.now()
            agency = agencies.register(connection, NewAgency(code, code), now=now, by="bench")
            found[code] = agencies.new_hmac_secret(connection, agency, service.vault, now=now, by="bench")
    service.close()
    command = [sys.executable, "-m", "edocx", "hub", "serve", "--config", str(config), "--listen", "127.0.0.1:0"]
    with _served(command) as (address, process):
        yield _Hub(folder, address, process, found)


@contextmanager
def _echo() -> Iterator[tuple[str, int]]:
    with _served([sys.executable, "-c", _ECHO]) as (address, _):
        yield address


@contextmanager
def _served(command: Sequence[str]) -> Iterator[tuple[tuple[str, int], int]]:
    """Run a server that says its address in its first line, until the block ends."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 - our own interpreter
        assert running.stdout is not None
        first = running.stdout.readline()
        drain = threading.Thread(target=running.stdout.read, daemon=True)
        drain.start()
        try:
            host, _, port = first.strip().rpartition("http://")[2].partition(":")
            yield (host, int(port)), running.pid
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)


def _toml(settings: dict[str, Any]) -> str:
    plain = {name: value for name, value in settings.items() if not isinstance(value, dict)}
    lines_ = [
        f"{name} = {json.dumps(value if isinstance(value, int) else str(value))}" for name, value in plain.items()
    ]
    for name, table in settings.items():
        if isinstance(table, dict):
            lines_ += [f"[{name}]", *(f"{key} = {json.dumps(str(value))}" for key, value in table.items())]
    return "\n".join(lines_) + "\n"


def _fill(folder: Path) -> None:
    """Put messages that wait and agencies into a hub's database, beside the hub."""
    service = Service.open(HubConfig.from_path(folder / "hub.toml"))
    now = service.store.now()
    facts = {
        "sender": SENDER, "origin": SENDER, "message_type": "edoc", "business": "new", "digest": "0", "sha256": "0",
        "size": 20_000, "urgency": 0, "passed": "", "previous": "", "received_at": now, "title": "V/v thử tốc độ",
    }  # fmt: skip
    held = {
        "recipient": RECEIVER, "attempt": 1, "state": "initial", "tries": 0, "sha256": "0", "size": 20_000,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    agency = {"name": "Ủy ban nhân dân xã Thử Nghiệm", "kind": "system", "state": "open", "modified_at": now}
    with service.store.begin("fill") as connection:
        numbers = range(1, LISTED + 1)
        rows = [facts | {"number": n, "doc_id": f"018f{n:028x}", "document_id": f"{n}/A"} for n in numbers]
        connection.execute(insert(tables.messages), rows)
        connection.execute(insert(tables.copies), [held | {"message": n} for n in numbers])
        codes = [(f"Y{n % 90 + 10}.{n // 90}", f"000.{n // 90}.Y{n % 90 + 10}") for n in range(REGISTERED)]
        wanted = [agency | {"code": code, "old_code": old, "mail": f"{code}@example.vn"} for code, old in codes]
        connection.execute(insert(tables.agencies), wanted)
    service.close()


def _commits(folder: Path, edxml: bytes) -> float:
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE rows (content BLOB)")
    count, started = 300, time.perf_counter()
    for _ in range(count):
        bare.execute("INSERT INTO rows VALUES (?)", (edxml,))
    seconds = time.perf_counter() - started
    bare.close()
    return count / seconds


def _status(process: int, name: str) -> float:
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) / _MIB


def _peer(rate: float, ours: float) -> dict[str, float]:
    return {"/s": round(rate), "ratio": round(ours / rate, 2)}


def _figure(name: str, value: float, unit: str, goal: str, peers: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": unit, "goal": goal, "peers": peers}
