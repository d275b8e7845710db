"""The network: only when asked, within bounds, never where a file must not send us, and asked once a run."""

from __future__ import annotations

import shutil
import socket
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from edocx.clock import SystemClock
from edocx.errors import Unavailable, UsageError
from edocx.signing import line as lines
from edocx.signing.cms.sign import sign_file
from edocx.signing.keys import open_signer
from edocx.signing.line import GuardedLine, is_public
from edocx.signing.online import OnlineSource
from edocx.signing.report import Indication, SubIndication
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing import FixedClock, Pki, Tsa, certificates
from edocx.testing.pki_server import open_server
from edocx.verification import verify

SECOND = timedelta(seconds=1)


class Site(BaseHTTPRequestHandler):
    """Answers each path in a way of its own, and counts."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        match self.path:
            case "/good":
                self._send(200, b"good")
            case "/large":
                self._send(200, b"x" * 5000)
            case "/slow":
                self.send_response(200)
                self.end_headers()
                gone.wait(5)
            case "/short":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"cut")
            case "/circle":
                self._send(302, b"", "/circle")
            case "/away":
                self._send(302, b"", "http://127.0.0.1:1/secret")
            case "/file":
                self._send(302, b"", "file:///etc/passwd")
            case "/moved":
                self._send(301, b"", "/good")
            case _:
                self._send(404, b"")

    def do_POST(self):
        self.asked.append(self.path)
        self._send(302, b"", "/good")

    def _send(self, status, body, location=None):
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


gone = threading.Event()


@pytest.fixture
def site():
    Site.asked.clear()
    gone.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    gone.set()
    server.shutdown()
    thread.join()
    server.server_close()


def get(url, *, private=True, limit=SECOND * 5, most=1000, line=None):
    line = line or GuardedLine(private=private)
    try:
        return line.get(url, accept="*/*", limit=limit, max_answer=most, code="EDX-CRL-AWAY")
    finally:
        line.close()


def refused(url, **options):
    with pytest.raises(Unavailable) as caught:
        get(url, **options)
    return caught.value.text.en


def test_an_answer_comes_back_also_from_where_it_was_moved(site):
    assert get(f"{site}/good") == b"good"
    assert get(f"{site}/moved") == b"good"


@pytest.mark.parametrize(
    "path,options",
    [
        ("/large", {}),
        ("/slow", {"limit": SECOND / 5}),
        ("/short", {}),
        ("/circle", {}),
        ("/file", {}),
        ("/nothing", {}),
    ],
)
def test_bounds_of_size_time_and_redirects_hold(site, path, options):
    assert refused(f"{site}{path}", **options)


def test_a_responder_is_never_left_for_another(site):
    line = GuardedLine(private=True)
    with pytest.raises(Unavailable):
        line.post(
            f"{site}/ocsp", b"x", media_type="a/b", accept="a/b", limit=SECOND, max_answer=10, code="EDX-OCSP-AWAY"
        )
    line.close()
    assert Site.asked == ["/ocsp"]


@pytest.mark.parametrize("url", ["ftp://example.org/x", "file:///etc/passwd", "gopher://x", "http://", "nonsense"])
def test_only_http_and_https_are_spoken(url):
    assert refused(url)


def test_nothing_of_this_machine_is_called_unless_asked_for(site):
    assert "PermissionError" in refused(f"{site}/good", private=False)
    assert Site.asked == []


def test_a_redirect_into_the_own_network_is_not_followed(site, monkeypatch):
    original = lines._address

    def address(host, port, *, private):
        return "127.0.0.1" if host == "public.example" else original(host, port, private=private)

    monkeypatch.setattr(lines, "_address", address)
    port = site.rpartition(":")[2]
    assert get(f"http://public.example:{port}/good", private=False) == b"good"
    assert "PermissionError" in refused(f"http://public.example:{port}/away", private=False)


@pytest.mark.parametrize(
    "address,public",
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("172.16.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses_are_told_from_others(address, public):
    assert is_public(address) is public


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(UsageError) as caught:
        GuardedLine()
    assert caught.value.code == "EDX-EXTRA-REMOTE"


# -- against a PKI that runs


@pytest.fixture
def served(monkeypatch, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(certificates, "HOST", f"http://127.0.0.1:{port}")
    pki = Pki.create()
    person = pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    person.save(tmp_path / "person.p12")
    at = SystemClock().now().replace(microsecond=0)
    server = open_server(pki, FixedClock(at), port=port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def stop():
        server.shutdown()
        thread.join()
        server.server_close()

    yield pki, person, at, stop
    stop()


def load(certificate):
    return asn1.Certificate.load(certificate.public_bytes(Encoding.DER))


def leaf_only(person, folder):
    """A signature that carries the signer's certificate and none above it, as official ones do (law.md #105)."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"content")
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    path = folder / "a.p7m"
    path.write_bytes(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]))
    return path


def roots(pki):
    return TrustStore(tuple(map(load, pki.anchors)))


class Counting:
    """A line that counts."""

    def __init__(self):
        self.inner = GuardedLine(private=True)
        self.urls = []

    def get(self, url, **options):
        self.urls.append(url)
        return self.inner.get(url, **options)

    def post(self, url, *arguments, **options):
        self.urls.append(url)
        return self.inner.post(url, *arguments, **options)


def test_a_missing_issuer_is_fetched_when_the_network_is_asked(served, tmp_path):
    pki, person, at, _ = served
    path = leaf_only(person, tmp_path)
    assert verify(path, trust=roots(pki), at=at).sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    source = OnlineSource(FixedClock(at), line=GuardedLine(private=True))
    assert verify(path, trust=roots(pki), at=at, source=source).indication is Indication.TOTAL_PASSED


def test_a_fetched_issuer_is_no_anchor(served, tmp_path):
    _, person, at, _ = served
    source = OnlineSource(FixedClock(at), line=GuardedLine(private=True))
    other = Pki.create()
    report = verify(leaf_only(person, tmp_path), trust=roots(other), at=at, source=source)
    assert report.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_without_trust_nobody_is_called(served, tmp_path):
    _, person, at, _ = served
    line = Counting()
    verify(leaf_only(person, tmp_path), at=at, source=OnlineSource(FixedClock(at), line=line))
    assert line.urls == []


def test_many_files_ask_each_thing_once(served, tmp_path):
    pki, person, at, _ = served
    line = Counting()
    source = OnlineSource(FixedClock(at), line=line)
    path = leaf_only(person, tmp_path)
    for number in range(5):
        copy = tmp_path / f"{number}.p7m"
        shutil.copy(path, copy)
        assert verify(copy, trust=roots(pki), at=at, source=source).indication is Indication.TOTAL_PASSED
    assert len(line.urls) == 4, "two issuers, and the status of two certificates"


def test_what_one_process_asked_another_finds_on_disk(served, tmp_path):
    pki, person, at, _ = served
    path, cache = leaf_only(person, tmp_path), tmp_path / "cache"
    first = OnlineSource(FixedClock(at), cache, line=GuardedLine(private=True))
    assert verify(path, trust=roots(pki), at=at, source=first).indication is Indication.TOTAL_PASSED
    line = Counting()
    second = OnlineSource(FixedClock(at), cache, line=line)
    assert verify(path, trust=roots(pki), at=at, source=second).indication is Indication.TOTAL_PASSED
    assert line.urls == []
    assert {place.suffix for place in cache.iterdir()} >= {".crt", ".ocsp"}


def test_an_answer_on_disk_that_is_stale_or_spoilt_is_asked_for_again(served, tmp_path):
    pki, person, at, _ = served
    path, cache = leaf_only(person, tmp_path), tmp_path / "cache"
    verify(path, trust=roots(pki), at=at, source=OnlineSource(FixedClock(at), cache, line=GuardedLine(private=True)))
    for place in cache.glob("*.ocsp"):
        place.write_bytes(b"spoilt")
    line = Counting()
    report = verify(path, trust=roots(pki), at=at, source=OnlineSource(FixedClock(at), cache, line=line))
    assert report.indication is Indication.TOTAL_PASSED
    assert line.urls


def test_a_server_that_is_away_is_asked_once_a_run(served, tmp_path):
    pki, person, at, stop = served
    path = leaf_only(person, tmp_path)
    trust = TrustStore(tuple(map(load, pki.anchors)), tuple(map(load, pki.intermediates)))
    stop()
    line = Counting()
    source = OnlineSource(FixedClock(at), line=line)
    for _ in range(3):
        assert verify(path, trust=trust, at=at, source=source).sub_indication is SubIndication.TRY_LATER
    assert len(line.urls) == 1


def test_the_authority_of_a_timestamp_is_asked_about_too(served, plain, tmp_path):
    pki, _, at, _ = served
    service = Tsa(pki)
    pki.save_trust(tmp_path / "trust")
    stamps = Rfc3161("t", lambda request: service.answer(request, at), trust=TrustStore.from_path(tmp_path / "trust"))
    signer = open_signer(f"file:{tmp_path / 'person.p12'}")
    out = sign_file(plain, tmp_path / "b.p7s", signer, at=at, timestamps=stamps)
    (offline,) = verify(out, trust=roots(pki), at=at, detached=[plain]).signatures
    assert offline.time_source == "claimed"
    source = OnlineSource(FixedClock(at), line=GuardedLine(private=True))
    (online,) = verify(out, trust=roots(pki), at=at, detached=[plain], source=source).signatures
    assert (online.time_source, online.indication) == ("timestamp", Indication.TOTAL_PASSED)
