"""Asking for timestamps: every wrong answer is refused, and the pool keeps order, time limits and health."""

from __future__ import annotations

import hashlib
import http.server
import socket
import subprocess
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from asn1crypto import cms, tsp
from signing_samples import SIGNED_AT

from edocx.errors import Unavailable, UsageError
from edocx.signing.timestamp import Rfc3161, http_timestamper, token_info, token_time
from edocx.signing.timestamp_pool import TimestampPool
from edocx.signing.trust import TrustStore
from edocx.testing import FixedClock, Pki, Tsa

DIGEST = hashlib.sha256(b"what is stamped").digest()


def test_a_token_proves_its_time_over_its_digest(signing):
    token = signing.timestamps(SIGNED_AT).timestamp(DIGEST, "sha256")
    assert token_time(token) == SIGNED_AT
    assert token_info(cms.ContentInfo.load(token))["message_imprint"]["hashed_message"].native == DIGEST


def test_openssl_accepts_the_token(signing, tmp_path, tool):
    token = signing.timestamps(SIGNED_AT).timestamp(DIGEST, "sha256")
    (tmp_path / "data").write_bytes(b"what is stamped")
    (tmp_path / "token").write_bytes(token)
    said = subprocess.run(
        [
            tool("openssl"), "ts", "-verify", "-data", str(tmp_path / "data"), "-in", str(tmp_path / "token"),
            "-token_in", "-CAfile", str(signing.folder / "trust/root.crt"),
            "-untrusted", str(signing.folder / "trust/state.crt"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in said.stdout, said.stderr


def answer_with(change):
    """A service that answers honestly, then has its answer changed."""

    def make(signing):
        service = Tsa(signing.pki)

        def exchange(request):
            return change(service, request)

        return Rfc3161("wrong", exchange, trust=signing.trust)

    return make


def another_digest(service, request):
    asked = tsp.TimeStampReq.load(request)
    asked["message_imprint"]["hashed_message"] = bytes(32)
    return service.answer(asked.dump(force=True), SIGNED_AT)


def another_nonce(service, request):
    asked = tsp.TimeStampReq.load(request)
    asked["nonce"] = 7
    return service.answer(asked.dump(force=True), SIGNED_AT)


def without_certificates(service, request):
    asked = tsp.TimeStampReq.load(request)
    asked["cert_req"] = False
    return service.answer(asked.dump(force=True), SIGNED_AT)


def flipped(place):
    def change(service, request):
        answer = bytearray(service.answer(request, SIGNED_AT))
        answer[place] ^= 1
        return bytes(answer)

    return change


WRONG = {
    "another-digest": (another_digest, "EDX-TSA-WRONG"),
    "another-nonce": (another_nonce, "EDX-TSA-WRONG"),
    "no-certificates": (without_certificates, "EDX-TSA-WRONG"),
    "broken-signature": (flipped(-1), "EDX-TSA-WRONG"),
    "nothing": (lambda service, request: b"", "EDX-TSA-WRONG"),
    "not-asn1": (lambda service, request: b"<html>busy</html>", "EDX-TSA-WRONG"),
    "cut": (lambda service, request: service.answer(request, SIGNED_AT)[:-9], "EDX-TSA-WRONG"),
    "refusal": (lambda service, request: service.answer(b"nonsense", SIGNED_AT), "EDX-TSA-REFUSED"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_is_never_used(signing, case):
    change, code = WRONG[case]
    with pytest.raises(Unavailable) as refusal:
        answer_with(change)(signing).timestamp(DIGEST, "sha256")
    assert refusal.value.code == code
    assert refusal.value.retryable


def test_a_service_of_another_hierarchy_is_not_trusted(signing):
    foreign = Tsa(Pki.create(key="p256"))
    service = Rfc3161("foreign", lambda request: foreign.answer(request, SIGNED_AT), trust=signing.trust)
    with pytest.raises(Unavailable) as refusal:
        service.timestamp(DIGEST, "sha256")
    assert refusal.value.code == "EDX-TSA-UNTRUSTED"


def test_a_certificate_for_something_else_does_not_stamp(signing):
    service = Tsa(signing.pki)
    mislabelled = Pki.create(key="p256")
    mislabelled.services["tsa"] = mislabelled.issue_device("Máy chủ", "Cơ quan thử nghiệm")
    service = Tsa(mislabelled)
    with pytest.raises(Unavailable) as refusal:
        Rfc3161("device", lambda request: service.answer(request, SIGNED_AT)).timestamp(DIGEST, "sha256")
    assert refusal.value.code == "EDX-TSA-WRONG"


def dated(signing, off: timedelta, took: timedelta = timedelta()) -> Rfc3161:
    """A service whose clock is off by so much, asked at `SIGNED_AT` and answering after so long."""
    service, clock = Tsa(signing.pki), FixedClock(SIGNED_AT)

    def exchange(request):
        answer = service.answer(request, clock.now() + off)
        clock.advance(took)
        return answer

    return Rfc3161("dated", exchange, trust=signing.trust, clock=clock)


@pytest.mark.parametrize("off", [timedelta(days=-30), timedelta(days=400), timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_service_whose_clock_is_wrong_is_not_used(signing, off):
    with pytest.raises(Unavailable) as refusal:
        dated(signing, off).timestamp(DIGEST, "sha256")
    assert refusal.value.code == "EDX-TSA-WRONG"
    assert f"{SIGNED_AT + off + timedelta(hours=7):%d/%m/%Y}" in refusal.value.text.vi
    pool = TimestampPool([dated(signing, off), dated(signing, timedelta())])
    assert token_time(pool.timestamp(DIGEST, "sha256")) == SIGNED_AT


@pytest.mark.parametrize("off", [timedelta(minutes=-4), timedelta(minutes=4)])
def test_clocks_a_little_apart_and_slow_answers_are_no_fault(signing, off):
    service = dated(signing, off, took=timedelta(minutes=10))
    assert token_time(service.timestamp(DIGEST, "sha256")) == SIGNED_AT + off


def test_no_accuracy_excuses_years(signing, monkeypatch):
    whole = tsp.TSTInfo.__init__

    def boast(self, value=None, **options):
        whole(self, value | {"accuracy": {"seconds": 10**9}} if isinstance(value, dict) else value, **options)

    monkeypatch.setattr(tsp.TSTInfo, "__init__", boast)
    with pytest.raises(Unavailable, match="EDX-TSA-WRONG"):
        dated(signing, timedelta(days=-30)).timestamp(DIGEST, "sha256")


def test_an_http_service_is_held_against_the_machines_clock(signing):
    service = Tsa(signing.pki)

    def answer(handler, body):
        reply(handler, service.answer(body, SIGNED_AT))

    with served(answer) as url, pytest.raises(Unavailable) as refusal:
        http_timestamper(url, trust=signing.trust).timestamp(DIGEST, "sha256")
    assert refusal.value.code == "EDX-TSA-WRONG"


@contextmanager
def served(answer):
    """A real HTTP server in a thread; ``answer`` gets the handler and the body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler, body, status=200, length=None):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def test_a_real_server_is_asked_over_http(signing):
    service = Tsa(signing.pki)
    seen = []

    def answer(handler, body):
        seen.append((handler.headers["Content-Type"], handler.path))
        reply(handler, service.answer(body, SIGNED_AT))

    with served(answer) as url:
        token = http_timestamper(url, trust=signing.trust, clock=FixedClock(SIGNED_AT)).timestamp(DIGEST, "sha256")
    assert token_time(token) == SIGNED_AT
    assert seen == [("application/timestamp-query", "/tsa")]


BAD_SERVERS = {
    "error": lambda handler, body: reply(handler, b"", status=503),
    "redirect": lambda handler, body: reply(handler, b"", status=302),
    "too-much": lambda handler, body: reply(handler, bytes(300 * 1024)),
    "cut-short": lambda handler, body: reply(handler, b"half", length=4000),
}


@pytest.mark.parametrize("case", BAD_SERVERS)
def test_a_bad_server_is_away(case):
    with served(BAD_SERVERS[case]) as url, pytest.raises(Unavailable) as refusal:
        http_timestamper(url).timestamp(DIGEST, "sha256")
    assert refusal.value.code == "EDX-TSA-AWAY"


def test_a_server_that_dribbles_is_cut_off(signing):
    released = threading.Event()

    def dribble(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        while not released.wait(0.02):
            try:
                handler.wfile.write(b".")
            except OSError:
                return

    with served(dribble) as url:
        with pytest.raises(Unavailable) as refusal:
            http_timestamper(url, limit=timedelta(seconds=0.3)).timestamp(DIGEST, "sha256")
        released.set()
    assert refusal.value.code == "EDX-TSA-AWAY"


def test_nobody_listening_is_away():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable) as refusal:
        http_timestamper(f"http://127.0.0.1:{port}/", limit=timedelta(seconds=2)).timestamp(DIGEST, "sha256")
    assert refusal.value.code == "EDX-TSA-AWAY"


@pytest.mark.parametrize("url", ["ftp://tsa.example/", "tsa.example", "http://", "file:///etc/passwd"])
def test_only_http_addresses_are_asked(url):
    with pytest.raises(UsageError):
        http_timestamper(url).timestamp(DIGEST, "sha256")


class Scripted:
    """A service that fails as told and counts how often it was asked."""

    room = 100

    def __init__(self, name, failing=False, token=b"token"):
        self.name, self.failing, self.asked, self.token = name, failing, 0, token

    def timestamp(self, digest, hash_name):
        self.asked += 1
        if self.failing:
            from edocx.errors import Text

            raise Unavailable(Text("đi vắng", "away"), hint=Text("", ""), code="EDX-TSA-AWAY")
        return self.token


def test_the_pool_asks_in_order_and_lets_failing_services_rest():
    seconds = [0.0]
    first, second = Scripted("first", failing=True), Scripted("second")
    pool = TimestampPool([first, second], first_rest=timedelta(seconds=30), seconds=lambda: seconds[0])
    for _ in range(1000):
        assert pool.timestamp(DIGEST, "sha256") == b"token"
    assert (first.asked, second.asked) == (1, 1000)
    seconds[0] = 31
    pool.timestamp(DIGEST, "sha256")
    assert first.asked == 2
    seconds[0] = 31 + 59
    pool.timestamp(DIGEST, "sha256")
    assert first.asked == 2, "the rest doubles"
    first.failing = False
    seconds[0] = 31 + 61
    pool.timestamp(DIGEST, "sha256")
    pool.timestamp(DIGEST, "sha256")
    assert first.asked == 4
    assert [h.failures for h in pool.health()] == [0, 0]


def test_a_pool_whose_services_all_rest_says_so_at_once():
    services = [Scripted("a", failing=True), Scripted("b", failing=True)]
    pool = TimestampPool(services, seconds=lambda: 0.0)
    for _ in range(3):
        with pytest.raises(Unavailable) as refusal:
            pool.timestamp(DIGEST, "sha256")
        assert refusal.value.code == "EDX-TSA-NONE"
        assert "a: away [EDX-TSA-AWAY]; b: away [EDX-TSA-AWAY]" in refusal.value.text.en, "also while they rest"
    assert [s.asked for s in services] == [1, 1]
    assert all(h.resting == 30 for h in pool.health())


def test_a_service_is_named_by_its_host_and_never_by_what_its_address_holds():
    name = "https://user:secret@tsa.example:8443/key/secret?token=secret"
    pool = TimestampPool([Scripted(name, failing=True), Scripted("http://[", failing=True)], seconds=lambda: 0.0)
    with pytest.raises(Unavailable) as refusal:
        pool.timestamp(DIGEST, "sha256")
    for text in (refusal.value.text.vi, refusal.value.text.en):
        assert "tsa.example: " in text
        assert "secret" not in text


def test_trust_may_be_left_to_the_verifier(signing):
    service = Tsa(signing.pki)
    Rfc3161("any", lambda request: service.answer(request, SIGNED_AT), trust=None).timestamp(DIGEST, "sha256")
    with pytest.raises(Unavailable):
        Rfc3161("any", lambda request: service.answer(request, SIGNED_AT), trust=TrustStore()).timestamp(
            DIGEST, "sha256"
        )
