from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime

import pytest
from asn1crypto import core, tsp
from hypothesis import given
from hypothesis import strategies as st

from edocx.errors import UsageError
from edocx.testing import Pki, Tsa

JUNE = datetime(2023, 6, 15, 1, 2, 3, 456789, tzinfo=UTC)


def request(data=b"noi dung", algorithm="sha256", **fields):
    digest = hashlib.new(algorithm, data).digest()
    imprint = {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest}
    return tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "cert_req": True, **fields}).dump()


def info(response):
    token = tsp.TimeStampResp.load(response)["time_stamp_token"]
    return token["content"]["encap_content_info"]["content"].parsed


def refusal(response):
    status = tsp.PKIStatusInfo.load(core.Sequence.load(response)[0].dump())
    assert status["status"].native == "rejection"
    return status["fail_info"].native


@pytest.mark.parametrize("key", ["rsa2048", "p256"])
def test_openssl_makes_the_request_and_verifies_the_answer(key, tmp_path, tool):
    pki = Pki.create(key=key)
    pki.save_trust(tmp_path)
    data, query, reply = (tmp_path / name for name in ("data", "query.tsq", "reply.tsr"))
    data.write_bytes(b"noi dung")
    openssl = tool("openssl")
    subprocess.run(
        [openssl, "ts", "-query", "-data", data, "-sha256", "-cert", "-out", query], check=True, capture_output=True
    )
    reply.write_bytes(Tsa(pki).answer(query.read_bytes(), JUNE))
    verify = [openssl, "ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", tmp_path / "root.crt"]
    verify += ["-untrusted", tmp_path / "state.crt", "-attime", str(int(JUNE.timestamp()))]
    result = subprocess.run(verify, check=False, capture_output=True, text=True)
    assert "Verification: OK" in result.stdout, result.stderr
    data.write_bytes(b"noi dung khac")
    verify[3:5] = ["-data", data]
    assert subprocess.run(verify, check=False, capture_output=True).returncode != 0


def test_the_stamp_says_the_moment_it_was_told_to_the_second(shared_pki):
    stamped = info(Tsa(shared_pki).answer(request(nonce=42), JUNE))
    assert stamped["gen_time"].native == JUNE.replace(microsecond=0)
    assert stamped["nonce"].native == 42


def test_no_two_stamps_have_one_serial(shared_pki):
    tsa = Tsa(shared_pki)
    serials = {info(tsa.answer(request(), JUNE))["serial_number"].native for _ in range(20)}
    assert len(serials) == 20


def test_certificates_come_only_when_asked_for(shared_pki):
    answer = Tsa(shared_pki).answer(request(cert_req=False), JUNE)
    assert tsp.TimeStampResp.load(answer)["time_stamp_token"]["content"]["certificates"].native is None


def test_a_token_can_be_had_without_a_request(shared_pki):
    from asn1crypto import cms

    token = cms.ContentInfo.load(Tsa(shared_pki).stamp(b"noi dung", JUNE))
    stamped = token["content"]["encap_content_info"]["content"].parsed
    assert stamped["message_imprint"]["hashed_message"].native == hashlib.sha256(b"noi dung").digest()


@pytest.mark.parametrize(
    "asked, reason",
    [
        (request(algorithm="sha1"), "bad_alg"),
        (request(req_policy="1.2.3.4"), "unaccepted_policy"),
        (request(version="v2"), "bad_request"),
        (request(extensions=[{"extn_id": "1.2.3", "extn_value": b"x"}]), "unaccepted_extensions"),
        (request()[:-3], "bad_data_format"),
        (request() + b"x", "bad_data_format"),
        (b"", "bad_data_format"),
        (b"\x30" * 70_000, "bad_data_format"),
    ],
    ids=["sha1", "policy", "version", "extension", "cut", "trailing", "empty", "huge"],
)
def test_what_cannot_be_stamped_is_refused_with_its_reason(shared_pki, asked, reason):
    assert refusal(Tsa(shared_pki).answer(asked, JUNE)) == {reason}


def test_a_digest_of_the_wrong_length_is_refused(shared_pki):
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"short"}
    asked = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint}).dump()
    assert refusal(Tsa(shared_pki).answer(asked, JUNE)) == {"bad_data_format"}


def test_no_stamp_outside_the_life_of_the_certificate(shared_pki):
    assert refusal(Tsa(shared_pki).answer(request(), JUNE.replace(year=2022))) == {"time_not_available"}


def test_a_moment_without_a_zone_is_refused(shared_pki):
    with pytest.raises(UsageError, match="EDX-CLOCK-NAIVE"):
        Tsa(shared_pki).answer(request(), datetime(2023, 6, 15))  # noqa: DTZ001


PKI = Pki.create(key="p256")


@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=3))))
def test_no_request_raises(mutation):
    asked = mutation
    if isinstance(mutation, tuple):
        place, piece = mutation
        good = request()
        asked = good[:place] + piece + good[place + len(piece) :]
    assert Tsa(PKI).answer(asked, JUNE)
