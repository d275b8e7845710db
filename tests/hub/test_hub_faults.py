"""A hub under load that is killed, read slowly, spoken to by nobody, or out of space: nothing acknowledged is lost."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hub_scene import PATIENCE, SECRETS, A, B, OfficialClient, document, open_hub, serving

from edocx.hub import HubConfig, app
from edocx.testing.ports import held_port, port_of


class Process:
    """A hub in a process of its own, on one port, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._held = held_port()
        self.port = port_of(self._held)
        self._command = [sys.executable, "-m", "edocx", "hub", "serve", "--db", str(folder / "hub.db")]
        self._command += ["--listen", f"127.0.0.1:{self.port}"]
        self.running = self._start()

    def _start(self) -> subprocess.Popen[str]:
        started = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, env=os.environ.copy())
        assert started.stdout.readline(), "the hub did not start"
        return started

    def kill(self) -> None:
        self.running.kill()
        self.running.wait()
        self.running.stdout.close()

    def close(self) -> None:
        self.kill()
        self._held.close()

    def restart(self) -> None:
        self.kill()
        self.running = self._start()

    def client(self, code: str) -> OfficialClient:
        return OfficialClient(("127.0.0.1", self.port), code, SECRETS[code])


@pytest.fixture
def process(tmp_path):
    open_hub(tmp_path).service.close()
    made = Process(tmp_path)
    yield made
    made.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sends", [60, pytest.param(3_000, marks=pytest.mark.slow)])
def test_a_hub_killed_under_load_loses_nothing_and_doubles_nothing(process, sends):
    answered: dict[int, str] = {}
    numbers = iter(range(sends))
    lock, done = threading.Lock(), threading.Semaphore(0)

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            while number not in answered:
                try:
                    told = process.client(A).send(document(number=str(number))).json()
                except (OSError, ValueError, IndexError):
                    continue  # killed while it answered: the client does not know, and sends again
                if told["status"] == "OK":
                    answered[number] = told["DocId"]
            done.release()

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work) for _ in range(4)]
        for _ in range(3):
            for _ in range(sends // 6):
                assert done.acquire(timeout=PATIENCE)
            process.restart()
        for one in working:
            one.result()
    listed = [row["docId"] for row in process.client(B).waiting()]
    assert len(set(answered.values())) == sends
    assert sorted(listed) == sorted(answered.values())


def test_what_was_acknowledged_before_a_kill_stays_acknowledged(process):
    doc_id = process.client(A).send(document()).json()["DocId"]
    assert process.client(B).call("updateStatus", b"{}", docId=doc_id, status="done").json()["status"] == "OK"
    process.restart()
    assert process.client(B).waiting() == []


def test_a_slow_reader_holds_nobody_up(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock)
    content = os.urandom(3_000_000)
    with serving(hub) as address:
        sender = OfficialClient(address, A, SECRETS[A])
        doc_id = sender.send(document(content=content)).json()["DocId"]
        slow = []
        for _ in range(50):
            reader = OfficialClient(address, B, SECRETS[B])
            caught = []
            reader.raw = lambda request, lines, body, caught=caught: caught.append((request, lines))
            reader.call("downloadEdoc", None, method="GET", docId=doc_id)
            ((request, lines),) = caught
            line = socket.create_connection(address, timeout=PATIENCE)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            head = [request.encode(), b"Host: x", *(name.encode() + b": " + value for name, value in lines)]
            line.sendall(b"\r\n".join(head) + b"\r\n\r\n")
            assert line.recv(12) == b"HTTP/1.1 200"
            slow.append(line)
        # More readers than threads sit on half an answer, and the others are served.
        assert sender.send(document(number="2")).json()["status"] == "OK"
        assert len(OfficialClient(address, B, SECRETS[B]).waiting()) == 2
        for line in slow:
            line.close()
    hub.service.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_connections_that_say_nothing_keep_nobody_out(tmp_path, clock):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(10_000, (hard if hard != resource.RLIM_INFINITY else 50_000) - 5_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 4_000), hard))
    open_hub(tmp_path, clock=clock).service.close()
    process = Process(tmp_path)
    silent = []
    try:
        for number in range(wanted):
            silent.append(socket.create_connection(("127.0.0.1", process.port), timeout=PATIENCE))
            if number % 1_000 == 0:
                assert process.client(A).send(document(number=str(number))).json()["status"] == "OK"
        assert process.client(A).send(document(number="last")).json()["status"] == "OK"
        assert len(process.client(B).waiting()) == len(range(0, wanted, 1_000)) + 1
    finally:
        for line in silent:
            line.close()
        process.close()


def test_a_full_disk_refuses_and_says_so_and_the_next_goes_on(tmp_path, clock, monkeypatch):
    """The database's own disk: a page limit stands for it, since SQLite says the same of both (SQLITE_FULL)."""
    from sqlalchemy import event

    hub = open_hub(tmp_path, clock=clock)
    engine = hub.service.store._engine
    pages = []

    def limit(connection, *_):
        connection.execute(f"PRAGMA max_page_count = {pages[0] if pages else 2**30}")

    event.listen(engine, "checkout", limit)
    with serving(hub) as address:
        sender = OfficialClient(address, A, SECRETS[A])
        assert sender.send(document()).json()["status"] == "OK"
        with hub.service.store.read() as connection:
            pages.append(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        reply = sender.send(document(number="2", content=os.urandom(60_000)))
        assert (reply.status, reply.json()["EdxCode"]) == (503, "EDX-STORE-FULL")
        assert "EdxWhere" not in reply.json()  # a path on the hub's own disk
        pages[0] += 1_000
        assert sender.send(document(number="2", content=os.urandom(60_000))).json()["status"] == "OK"
        assert len(OfficialClient(address, B, SECRETS[B]).waiting()) == 2
    hub.service.close()


def test_a_database_file_survives_the_kill_whole(process, tmp_path):
    for number in range(20):
        process.client(A).send(document(number=str(number)))
    process.kill()
    with app(HubConfig(database=tmp_path / "hub.db")).service.store as store, store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA quick_check").scalar_one() == "ok"
    process.running = process._start()
