"""NIST PKITS through our path validation: every end entity whose name says what it must come to."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from asn1crypto import crl, x509

from edocx.signing.path import judge_path
from edocx.signing.report import Indication
from edocx.signing.trust import TrustStore

AT = datetime(2020, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"(Valid|Invalid)(.+)EE")

ARGUED = {
    "ValidDSASignaturesTest4EE": "DSA of 1024 bits with SHA-1, refused by date (edocx.signing.strength)",
    "ValidDSAParameterInheritanceTest5EE": "the same",
    "ValidNameUIDsTest6EE": "asn1crypto writes unique identifiers differently once it has looked at them; none are seen",
}
"""Name to the reason why our verdict differs; the safe side (a valid path refused) only."""


def folder() -> Path | None:
    spec = find_spec("cryptography_vectors")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "x509" / "PKITS_data"


PLACE = folder()
pytestmark = pytest.mark.skipif(PLACE is None, reason="cryptography_vectors is not installed")


def cases():
    return [] if PLACE is None else sorted(p.stem for p in (PLACE / "certs").glob("*.crt") if _NAME.fullmatch(p.stem))


@cache
def material():
    certificates = {p.stem: x509.Certificate.load(p.read_bytes()) for p in (PLACE / "certs").glob("*.crt")}
    lists = tuple(crl.CertificateList.load(p.read_bytes()) for p in (PLACE / "crls").glob("*.crl"))
    return certificates, lists


def relevant(start):
    """The certificates and lists that can matter to one: by the names upwards, and those that its lists name."""
    certificates, lists = material()
    others, issued = {}, {}
    wanted, seen = [start.issuer.hashable], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        found = {n: c for n, c in certificates.items() if c.subject.hashable == name and not n.endswith("EE")}
        others |= found
        wanted += [c.issuer.hashable for c in found.values()]
        for certificate in (start, *found.values()):
            for point in certificate.crl_distribution_points_value or ():
                wanted += [n.chosen.hashable for n in point["crl_issuer"] or () if n.name == "directory_name"]
        issued |= {one.dump(): one for one in lists if one.issuer.hashable in seen}
    return tuple(others.values()), tuple(issued.values())


@pytest.mark.parametrize("name", cases())
def test_pkits_paths_come_out_as_nist_says(name):
    certificates, _ = material()
    others, lists = relevant(certificates[name])
    trust = TrustStore((certificates["TrustAnchorRootCertificate"],), others, lists)
    verdict = judge_path(certificates[name], trust=trust, at=AT)
    passed = verdict.indication is Indication.TOTAL_PASSED
    codes = [message.code for message in verdict.messages]
    assert passed is (name.startswith("Valid") and name not in ARGUED), (name, codes)
    assert passed is (codes == [])
    assert passed or (len(codes) == 1 and codes[0] in causes_of(name)), (name, codes)


REFUSED = {
    "DSA": {"EDX-CHAIN-WEAK"},
    "ValidNameUIDs|(CA|EE|DSA)SignatureTest": {"EDX-CHAIN-SIGNATURE"},
    "[nN]ameConstraints": {"EDX-CHAIN-NAMES"},
    "Mapping|AnyPolicy|ExplicitPolicy": {"EDX-CHAIN-POLICY"},
    "basicConstraints|cAFalse|keyCertSignFalse|CRLSigningKeyTest8": {"EDX-CHAIN-AUTHORITY"},
    "pathLenConstraint": {"EDX-CHAIN-LENGTH"},
    "UnknownCriticalCertificateExtension": {"EDX-CHAIN-EXTENSION"},
    "NameChaining": {"EDX-CHAIN-NOT-FOUND"},
    "(EE|CA)notAfter": {"EDX-CERT-EXPIRED"},
    "notBefore": {"EDX-CERT-NOT-YET"},
    "Revoked": {"EDX-CERT-REVOKED"},
    "": {"EDX-CERT-REVOKED", "EDX-REVOCATION-UNKNOWN"},
}
"""Which cause is told of a case, by what its name holds; the first that fits. The rest is about revocation."""


def causes_of(name):
    return next(codes for words, codes in REFUSED.items() if re.search(words, name))
