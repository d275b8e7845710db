from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from edocx.errors import UsageError
from edocx.testing import Ocsp, Pki

JUNE = datetime(2023, 6, 15, 1, 2, 3, tzinfo=UTC)
PKI = Pki.create(key="p256")
GOOD = PKI.issue_organisation("CỤC THỬ NGHIỆM")
BAD = PKI.issue_organisation("CỤC ĐÃ GIẢI THỂ")
PKI.revoke(BAD, JUNE, x509.ReasonFlags.cessation_of_operation)


def request(certificate, issuer=None, algorithm=None, nonce=None):
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate, issuer or PKI.state.certificate, algorithm or hashes.SHA1()
    )
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def answer(asked, at=JUNE):
    return ocsp.load_der_ocsp_response(Ocsp(PKI).answer(asked, at))


@pytest.mark.parametrize("key", ["rsa2048", "p256"])
def test_openssl_verifies_the_answer(key, tmp_path, tool):
    pki = Pki.create(key=key)
    agency = pki.issue_organisation("CỤC THỬ NGHIỆM")
    pki.save_trust(tmp_path)
    leaf, query, reply = (tmp_path / name for name in ("leaf.pem", "query.der", "reply.der"))
    leaf.write_bytes(agency.certificate.public_bytes(Encoding.PEM))
    openssl = tool("openssl")
    about = ["-issuer", tmp_path / "state.crt", "-cert", leaf]
    subprocess.run([openssl, "ocsp", "-no_nonce", *about, "-reqout", query], check=True, capture_output=True)
    for at, word in ((JUNE, "good"), (JUNE + timedelta(days=2), "revoked")):
        if word == "revoked":
            pki.revoke(agency, JUNE + timedelta(days=1))
        reply.write_bytes(Ocsp(pki).answer(query.read_bytes(), at))
        check = [
            openssl,
            "ocsp",
            "-no_nonce",
            *about,
            "-respin",
            reply,
            "-CAfile",
            tmp_path / "root.crt",
            "-verify_other",
        ]
        check += [tmp_path / "state.crt", "-attime", str(int(at.timestamp())), "-validity_period", "999999999"]
        result = subprocess.run(check, check=False, capture_output=True, text=True)
        assert "Response verify OK" in result.stderr
        assert f"{word}\n" in result.stdout


def test_openssl_finds_its_nonce_in_the_answer(tmp_path, tool):
    PKI.save_trust(tmp_path)
    leaf, query, reply = (tmp_path / name for name in ("leaf.pem", "query.der", "reply.der"))
    leaf.write_bytes(GOOD.certificate.public_bytes(Encoding.PEM))
    ask = [tool("openssl"), "ocsp", "-issuer", tmp_path / "state.crt", "-cert", leaf, "-reqout", query]
    subprocess.run(ask, check=True, capture_output=True)
    reply.write_bytes(Ocsp(PKI).answer(query.read_bytes(), JUNE))
    check = [ask[0], "ocsp", "-reqin", query, "-respin", reply, "-CAfile", tmp_path / "root.crt"]
    check += ["-verify_other", tmp_path / "state.crt", "-attime", str(int(JUNE.timestamp()))]
    result = subprocess.run(check, check=False, capture_output=True, text=True)
    assert "Response verify OK" in result.stderr
    assert "onc" not in result.stderr.replace("Response", "")


def test_a_revocation_counts_from_its_moment():
    assert answer(request(BAD.certificate), JUNE - timedelta(seconds=1)).certificate_status is ocsp.OCSPCertStatus.GOOD
    revoked = answer(request(BAD.certificate))
    assert revoked.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert revoked.revocation_time_utc == JUNE
    assert revoked.revocation_reason is x509.ReasonFlags.cessation_of_operation


def test_the_answer_is_dated_by_the_moment_it_was_told():
    found = answer(request(GOOD.certificate))
    assert found.produced_at_utc == found.this_update_utc == JUNE
    assert found.next_update_utc == JUNE + timedelta(days=1)


def test_a_certificate_never_issued_is_unknown():
    stranger = Pki.create(key="p256").issue_organisation("CỤC LẠ").certificate
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        *_issuer_hashes(), stranger.serial_number, hashes.SHA1()
    )
    assert answer(builder.build().public_bytes(Encoding.DER)).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def _issuer_hashes():
    known = ocsp.load_der_ocsp_request(request(GOOD.certificate))
    return known.issuer_name_hash, known.issuer_key_hash


def test_a_stranger_s_issuer_is_not_answered_for():
    other = Pki.create(key="p256")
    asked = request(other.issue_organisation("CỤC LẠ").certificate, other.state.certificate)
    assert answer(asked).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


def test_the_nonce_comes_back():
    found = answer(request(GOOD.certificate, nonce=b"0123456789abcdef"))
    assert found.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"


def test_an_issuer_named_by_sha_256_is_known():
    found = answer(request(GOOD.certificate, algorithm=hashes.SHA256()))
    assert found.certificate_status is ocsp.OCSPCertStatus.GOOD


def test_the_root_speaks_for_the_intermediate():
    found = ocsp.load_der_ocsp_response(Ocsp(PKI).about(PKI.state.certificate, JUNE))
    assert found.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert found.certificates == [PKI.root.certificate]


def test_several_questions_get_as_many_answers():
    one, two = (asn1_ocsp.OCSPRequest.load(request(cert.certificate)) for cert in (GOOD, BAD))
    both = [one["tbs_request"]["request_list"][0], two["tbs_request"]["request_list"][0]]
    asked = asn1_ocsp.OCSPRequest({"tbs_request": {"request_list": both}}).dump()
    found = asn1_ocsp.OCSPResponse.load(Ocsp(PKI).answer(asked, JUNE)).basic_ocsp_response
    states = [single["cert_status"].name for single in found["tbs_response_data"]["responses"]]
    assert states == ["good", "revoked"]


def test_about_a_stranger_nothing_is_said():
    with pytest.raises(UsageError, match="EDX-PKI-OCSP"):
        Ocsp(PKI).about(Pki.create(key="p256", at=datetime(2020, 1, 1, tzinfo=UTC)).tsa.certificate, JUNE)


@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, 70), st.binary(min_size=1, max_size=3))))
def test_no_request_raises(mutation):
    asked = mutation
    if isinstance(mutation, tuple):
        place, piece = mutation
        good = request(GOOD.certificate)
        asked = good[:place] + piece + good[place + len(piece) :]
    assert Ocsp(PKI).answer(asked, JUNE)
