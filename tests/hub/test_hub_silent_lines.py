"""Thousands of lines that say nothing: counted from accept on, without memory of their own, and nobody kept out."""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
from asyncio import sslproto
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hub_scene import PATIENCE, open_hub, serving

from edocx.hub import open_files
from edocx.hub.doctor import examine
from edocx.hub.entrance import Lines
from edocx.hub.server import listen_on, server

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
sys.argv = ["edocx", "--lang", "en", *{arguments!r}]
from edocx.cli import main
main()
"""


def limited(soft: int, hard: int, *arguments: str) -> list[str]:
    return [sys.executable, "-c", LIMITED.format(soft=soft, hard=hard, arguments=arguments)]


def answer(line: socket.socket) -> bytes:
    line.settimeout(PATIENCE)
    line.sendall(HEALTH)
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(1 << 16):
            found += piece
    return found


def test_more_silent_lines_than_files_keep_nobody_out_and_fill_no_log(tmp_path):
    """10,000 that say nothing took the hub down where 1,024 files may be open, and its log grew by 10 MB a minute."""
    command = limited(200, 256, "hub", "serve", "--listen", "127.0.0.1:0")
    with (
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running,
        contextlib.ExitStack() as silent,
    ):
        address = ("127.0.0.1", int(running.stdout.readline().strip().rpartition(":")[2]))
        for round_ in range(3):
            for _ in range(200):
                silent.enter_context(socket.create_connection(address, timeout=PATIENCE))
            with socket.create_connection(address, timeout=PATIENCE) as line:
                assert answer(line).startswith(b"HTTP/1.1 200"), round_
        running.send_signal(signal.SIGTERM)
        told = running.communicate(timeout=PATIENCE)[1]
    assert "96 lines at once, not 2000" in told  # (256 - 64) / 2
    assert len(told.splitlines()) < 5


def test_the_soft_limit_of_open_files_is_raised(tmp_path):
    source = "from edocx.hub.open_files import raise_limit; print(raise_limit())"
    code = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300)); {source}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "300"


@pytest.mark.parametrize("limit, wanted, most", [(1024, 2000, 480), (None, 2000, 2000), (10, 5, 1), (1 << 20, 9, 9)])
def test_lines_leave_room_for_the_files_of_their_bodies(limit, wanted, most):
    assert open_files.lines_within(limit, wanted) == most


def test_doctor_says_how_many_lines_the_limit_of_files_allows(tmp_path, clock):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for wanted, grade in ((1, "ok"), (max(most, 1 << 20) * 2, "warning")):
        hub = open_hub(tmp_path / str(wanted), clock=clock, connections=wanted)
        (check,) = (one for one in examine(hub.service) if one.name == "connections")
        assert check.grade == grade, check
        hub.service.close()


def certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "truc.example")])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(datetime(2023, 1, 1, tzinfo=UTC))
    made = made.not_valid_after(datetime(2053, 1, 1, tzinfo=UTC))
    pem = serialization.Encoding.PEM
    form = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place = folder / "tls.pem"
    place.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem) + key.private_bytes(*form))
    return str(place)


@contextlib.contextmanager
def serving_tls(hub, folder):
    place = certificate(folder)
    made = server(hub, host="127.0.0.1", certificate=place, key=place)
    made.install_signal_handlers = lambda: None
    listening = listen_on("127.0.0.1", 0)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield listening.getsockname(), made
    finally:
        made.should_exit = True
        thread.join(PATIENCE)
        listening.close()
        assert not thread.is_alive()


def trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "half a hello"])
def test_lines_are_counted_before_their_tls_begins(tmp_path, clock, said, monkeypatch):
    hub = open_hub(tmp_path, clock=clock, connections=10, head_seconds=PATIENCE)
    most = []
    make_room = Lines.make_room

    def counted(self):
        make_room(self)
        most.append(len(self.knocking) + len(self.speaking) - len(self.leaving))

    monkeypatch.setattr(Lines, "make_room", counted)
    with serving_tls(hub, tmp_path) as (address, _), contextlib.ExitStack() as silent:
        lines = [silent.enter_context(socket.create_connection(address, timeout=PATIENCE)) for _ in range(60)]
        for line in lines:
            with contextlib.suppress(ConnectionError):
                line.sendall(said)
        with trusting_anybody().wrap_socket(socket.create_connection(address, timeout=PATIENCE)) as good:
            reply = answer(good)
        assert json.loads(reply.partition(b"\r\n\r\n")[2])["status"] == "OK"
        for line in lines[:40]:
            with contextlib.suppress(ConnectionError):
                assert line.recv(1) == b""  # hung up long before its handshake was due
    assert max(most) <= 10
    hub.service.close()


def test_a_handshake_that_never_ends_is_given_up(tmp_path, clock, monkeypatch):
    from edocx.hub import entrance

    monkeypatch.setattr(entrance, "HANDSHAKE_SECONDS", 0.3)
    hub = open_hub(tmp_path, clock=clock, head_seconds=PATIENCE)
    with serving_tls(hub, tmp_path) as (address, _):
        for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
            with socket.create_connection(address, timeout=PATIENCE) as line, contextlib.suppress(ConnectionError):
                line.sendall(said)
                assert line.recv(1) == b""
    hub.service.close()


def test_where_no_file_can_be_opened_the_log_hears_of_it_once(tmp_path, clock, monkeypatch, caplog):
    from edocx.hub import server as serving_room

    monkeypatch.setattr(serving_room, "raise_limit", lambda: None)  # as if the limit had promised more than there is
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hub = open_hub(tmp_path, clock=clock, head_seconds=PATIENCE)
    with serving(hub) as address, contextlib.ExitStack() as silent:
        mine = [silent.enter_context(socket.socket()) for _ in range(120)]
        used = mine[-1].fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 40, before[1]))
        try:
            for line in mine[:-1]:
                line.settimeout(PATIENCE)
                line.connect(address)
            mine[-1].connect(address)
            assert answer(mine[-1]).startswith(b"HTTP/1.1 200")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
    told = [one for one in caplog.records if "no further line" in one.getMessage()]
    assert len(told) == 1
    hub.service.close()


def hello() -> bytes:
    """A whole ClientHello, as a client begins with."""
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        trusting_anybody().wrap_bio(coming, going, server_hostname="truc.example").do_handshake()
    return going.read()


def handshakes() -> int:
    return sum(type(one) is sslproto.SSLProtocol for one in gc.get_objects())


@pytest.mark.parametrize("part", ["five bytes", "all but one"])
def test_a_hello_that_is_not_whole_costs_no_buffers(tmp_path, clock, part):
    hub = open_hub(tmp_path, clock=clock, head_seconds=PATIENCE)
    said = hello()[:5] if part == "five bytes" else hello()[:-1]
    with serving_tls(hub, tmp_path) as (address, _), contextlib.ExitStack() as silent:
        for _ in range(20):
            silent.enter_context(socket.create_connection(address, timeout=PATIENCE)).sendall(said)
        with trusting_anybody().wrap_socket(socket.create_connection(address, timeout=PATIENCE)) as good:
            assert handshakes() == 1  # the good one's, which came after them all
            assert answer(good).startswith(b"HTTP/1.1 200")
    hub.service.close()


def test_a_hello_in_single_bytes_gets_in_and_one_that_ends_half_way_is_let_go(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock, head_seconds=PATIENCE)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = trusting_anybody().wrap_bio(coming, going, server_hostname="truc.example")
    with serving_tls(hub, tmp_path) as (address, _):
        with socket.create_connection(address, timeout=PATIENCE) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    talk.do_handshake()
                    break
                for byte in going.read():
                    line.sendall(bytes([byte]))
                coming.write(line.recv(1 << 16))
            assert talk.version() == "TLSv1.3"
        with socket.create_connection(address, timeout=PATIENCE) as line:
            line.sendall(hello()[:100])
            line.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                assert line.recv(1) == b""
    hub.service.close()
