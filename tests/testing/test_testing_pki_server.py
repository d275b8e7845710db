from __future__ import annotations

import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from edocx.testing import FixedClock, Pki
from edocx.testing.pki_server import open_server

JUNE = datetime(2023, 6, 15, 1, 2, 3, tzinfo=UTC)
# A proxy of the machine must not stand between the test and itself.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def pki():
    return Pki.create(key="p256")


@pytest.fixture(scope="module")
def base(pki):
    with open_server(pki, FixedClock(JUNE)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ask(url, body=None):
    with OPENER.open(urllib.request.Request(url, body), timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_a_stamp_is_dated_by_the_clock(base):
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"\1" * 32}
    media, body = ask(f"{base}/tsa", tsp.TimeStampReq({"version": "v1", "message_imprint": imprint}).dump())
    token = tsp.TimeStampResp.load(body)["time_stamp_token"]
    assert media == "application/timestamp-reply"
    assert token["content"]["encap_content_info"]["content"].parsed["gen_time"].native == JUNE


def test_the_responder_answers(base, pki):
    builder = ocsp.OCSPRequestBuilder().add_certificate(pki.tsa.certificate, pki.state.certificate, hashes.SHA256())
    media, body = ask(f"{base}/ocsp", builder.build().public_bytes(Encoding.DER))
    assert media == "application/ocsp-response"
    assert ocsp.load_der_ocsp_response(body).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_lists_and_certificates_are_where_certificates_say(base, pki):
    agency = pki.issue_organisation("CỤC THỬ NGHIỆM").certificate
    points = agency.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    path = points[0].full_name[0].value.split("/", 3)[3]
    assert x509.load_der_x509_crl(ask(f"{base}/{path}")[1]).issuer == pki.state.certificate.subject
    assert x509.load_der_x509_certificate(ask(f"{base}/crt/root.crt")[1]) == pki.root.certificate


@pytest.mark.parametrize("path, body, code", [("/", None, 404), ("/tsa", b"x" * 70_000, 413), ("/other", b"x", 404)])
def test_anything_else_is_refused(base, path, body, code):
    with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)) as caught:
        ask(base + path, body)
    if isinstance(caught.value, urllib.error.HTTPError):
        assert caught.value.code == code
        caught.value.close()
