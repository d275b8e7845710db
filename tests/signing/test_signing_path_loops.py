"""Authorities that certify each other in every direction: a path is found, or none, and nobody waits for it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest
from asn1crypto import pem, x509
from cryptography import x509 as cx509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edocx.signing.path import issuing_path, judge_path
from edocx.signing.relevance import MAX_VOUCHED, relevant_to
from edocx.signing.report import Indication
from edocx.signing.trust import TrustStore

AT = datetime(2023, 6, 15, tzinfo=UTC)


def named(text):
    return cx509.Name([cx509.NameAttribute(NameOID.COMMON_NAME, text)])


def issue(subject, key, issuer, by, *, authority=True, answers=False):
    builder = cx509.CertificateBuilder(
        named(issuer), named(subject), key.public_key(), cx509.random_serial_number(),
        datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC),
    ).add_extension(cx509.BasicConstraints(ca=authority, path_length=None), critical=True)  # fmt: skip
    if answers:
        builder = builder.add_extension(cx509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
    made = builder.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM)
    return x509.Certificate.load(pem.unarmor(made)[2])


@pytest.fixture(scope="module")
def keys():
    return [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]


@pytest.fixture(scope="module")
def mesh(keys):
    """Seven authorities with a certificate from each other one, a root, and somebody certified by the first."""
    loop = tuple(issue(f"X{a}", keys[a], f"X{b}", keys[b]) for a, b in permutations(range(7), 2))
    root = issue("Root", keys[7], "Root", keys[7])
    leaf = issue("Người Lạ", ec.generate_private_key(ec.SECP256R1()), "X0", keys[0], authority=False)
    bridge = issue("X6", keys[6], "Root", keys[7])
    return loop, root, leaf, bridge


@pytest.mark.timeout(20)
def test_authorities_that_vouch_for_each_other_alone_lead_nowhere(mesh):
    loop, root, leaf, _ = mesh
    verdict = judge_path(leaf, trust=TrustStore((root,)), at=AT, extra=loop)
    assert [one.code for one in verdict.messages] == ["EDX-CHAIN-NOT-FOUND"]
    assert relevant_to(leaf, TrustStore((root,)), loop)[0] == ()
    assert issuing_path(leaf, trust=TrustStore((root,)), at=AT, extra=loop) == ()


@pytest.mark.timeout(20)
def test_authorities_that_say_they_answer_for_others_are_no_other_crowd(mesh, keys):
    _, root, leaf, _ = mesh
    loop = tuple(issue(f"X{a}", keys[a], f"X{b}", keys[b], answers=True) for a, b in permutations(range(7), 2))
    verdict = judge_path(leaf, trust=TrustStore((root,)), at=AT, extra=loop)
    assert [one.code for one in verdict.messages] == ["EDX-CHAIN-NOT-FOUND"]


def test_who_answers_for_an_authority_is_known_by_its_signature(mesh, keys):
    _, root, _, bridge = mesh
    leaf = issue("Nguyễn Văn A", keys[0], "X6", keys[6], authority=False)
    good = issue("Trả lời", keys[1], "X6", keys[6], authority=False, answers=True)
    bad = issue("Trả lời", keys[1], "X6", keys[2], authority=False, answers=True)
    assert relevant_to(leaf, TrustStore((root,), (bridge,)), (good, bad))[0] == (bridge, good)


@pytest.mark.timeout(20)
def test_of_a_crowd_that_an_anchor_vouches_for_a_path_is_found_or_not_and_soon(mesh):
    loop, root, leaf, bridge = mesh
    above, _ = relevant_to(leaf, TrustStore((root,), (*loop, bridge)), ())
    assert len(above) == MAX_VOUCHED
    assert above[0].dump() == bridge.dump()
    verdict = judge_path(leaf, trust=TrustStore((root,), (*loop, bridge)), at=AT)
    assert verdict.indication is Indication.INDETERMINATE


@pytest.mark.timeout(20)
def test_a_crowd_hides_no_genuine_path(mesh, keys):
    """The path is found, and asks for revocation lists, which nobody gave."""
    loop, root, _, bridge = mesh
    leaf = issue("Nguyễn Văn A", keys[0], "X6", keys[6], authority=False)
    for trust, extra in ((TrustStore((root,), (bridge,)), loop), (TrustStore((root,)), (bridge, *loop))):
        assert issuing_path(leaf, trust=trust, at=AT, extra=extra) == (root, bridge, leaf)
        codes = [one.code for one in judge_path(leaf, trust=trust, at=AT, extra=extra).messages]
        assert codes == ["EDX-REVOCATION-UNKNOWN"]
