"""One signature, and lists, answers and timestamps beside it as no authority should make them.

Genuine here is a signature that still stands with what is beside it; of a revoked one nobody may say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from asn1crypto import crl, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agreement.case import CMS, TOKEN, Case
from agreement.workshop import AT, SIGNED_AT, Workshop
from edocx.signing.cms.sign import sign_file
from edocx.signing.trust import TrustStore
from edocx.testing import Credential, Pki, Tsa
from edocx.testing.attacks.evidence import Entry, reissued, revocation_list, unbound
from edocx.testing.authority import Authority
from edocx.testing.certificates import Request, distinguished_name, generate_key
from edocx.testing.ocsp import Ocsp

_DAY = timedelta(days=1)
_FAR = AT + 60 * _DAY
_HOLD, _COMPROMISE = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.key_compromise
_DELTA = (x509.DeltaCRLIndicator(1), True)


class _Scene:
    """An authority, an agency it certified, and a signature of the agency over the note."""

    def __init__(self, shop: Workshop) -> None:
        self.pki = Pki.create()
        self.agency = self.pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC")
        self.roots = revocation_list(self.pki.root, AT - 20 * _DAY, _FAR)
        key = shop.signer(self.agency)
        self.data = sign_file(shop.note, shop.folder / "e.p7s", key, at=SIGNED_AT - 20 * _DAY).read_bytes()

    def list(
        self, day: int, until: int, *entries: Entry, by: Authority | Credential | None = None, **options: Any
    ) -> Any:
        extensions = options.pop("extensions", ())
        return revocation_list(
            by or self.pki.state, AT + day * _DAY, AT + until * _DAY, entries, *extensions, **options
        )

    def entry(self, day: int, reason: Any = None, of: Any = None, issuer: Any = None) -> Entry:
        return Entry(of or self.agency.certificate, AT + day * _DAY, reason, issuer)

    def answer(self, day: int, *, fresh_for: int = 60) -> bytes:
        return Ocsp(self.pki, fresh_for=fresh_for * _DAY).about(self.agency.certificate, AT + day * _DAY)

    def trust(self, *evidence: Any, more: tuple[x509.Certificate, ...] = ()) -> TrustStore:
        lists = [self.roots, *(one for one in evidence if not isinstance(one, bytes))]
        return TrustStore(
            tuple(map(_load, self.pki.anchors)),
            (_load(self.pki.state.certificate), *map(_load, more)),
            tuple(crl.CertificateList.load(one.public_bytes(Encoding.DER)) for one in lists),
            tuple(ocsp.OCSPResponse.load(one) for one in evidence if isinstance(one, bytes)),
        )


def evidence(shop: Workshop) -> Iterator[Case]:
    """Yield them all."""
    scene = _Scene(shop)
    for family, genuine, told in (
        ("CMS, evidence, standing", True, _standing(scene)),
        ("CMS, evidence, forged, revoked or unsaid", False, _revoked(scene)),
    ):
        for name, trust in told:
            yield Case(family, name, scene.data, CMS, genuine=genuine, beside=(shop.note,), trust=trust)
    yield from _tokens(shop)


def _standing(scene: _Scene) -> Iterator[tuple[str, TrustStore]]:
    good, state = scene.list(-10, 30), scene.pki.state.certificate.subject
    yield "a list that runs", scene.trust(good)
    yield "an answer that runs", scene.trust(scene.answer(-10))
    yield "an empty delta beside", scene.trust(good, scene.list(-1, 5, extensions=(_DELTA,)))
    held = scene.list(-8, 30, scene.entry(-9, _HOLD))
    yield "a hold that a newer list ended", scene.trust(held, scene.list(-2, 30))
    neighbour = scene.pki.issue_organisation("CƠ QUAN THỬ NGHIỆM")
    posing = scene.list(-4, 30, scene.entry(-5), by=neighbour, name=state)
    yield "revoked by a neighbour", scene.trust(good, posing, more=(neighbour.certificate,))
    other = Pki.create()
    forged = scene.list(-4, 30, scene.entry(-5), by=other.state, name=state)
    yield "revoked by a namesake", scene.trust(good, forged, more=(other.state.certificate,))


def _revoked(scene: _Scene) -> Iterator[tuple[str, TrustStore]]:
    good, entry = scene.list(-10, 30), scene.entry(-5, _COMPROMISE)
    yield "a list that runs", scene.trust(scene.list(-4, 30, entry))
    yield "a list that has run out", scene.trust(good, scene.list(-4, -1, entry))
    yield "a newer list that forgot", scene.trust(scene.list(-1, 30), scene.list(-4, -1, entry))
    yield "a delta", scene.trust(good, scene.list(-1, 5, entry, extensions=(_DELTA,)))
    some = x509.IssuingDistributionPoint(
        full_name=None,
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=frozenset({_COMPROMISE}),
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
    yield "a list of some reasons", scene.trust(good, scene.list(-4, 30, entry, extensions=((some, True),)))
    yield "a hold", scene.trust(good, scene.list(-8, 30, scene.entry(-9, _HOLD)))
    state = scene.pki.state.certificate
    yield "the authority", scene.trust(good, scene.list(-4, -1, scene.entry(-5, of=state), by=scene.pki.root))
    yield "nothing that runs", scene.trust(scene.list(-90, -80))
    yield "by an indirect list", _indirect(scene, good)
    old = scene.answer(-10)
    responder = scene.list(-8, -5, scene.entry(-9, of=scene.pki.ocsp.certificate))
    yield "an answer of a revoked responder", scene.trust(old, responder)
    scene.pki.revoke(scene.agency, AT - 5 * _DAY)
    late = scene.answer(-4, fresh_for=2)
    yield "an answer that has run out", scene.trust(good, late)


def _indirect(scene: _Scene, good: Any) -> TrustStore:
    request = Request("authority", distinguished_name("CRL THỬ NGHIỆM"), AT - 90 * _DAY, _FAR, path_length=0)
    lister = scene.pki.state.issue(request, generate_key("p256"))
    scope = x509.IssuingDistributionPoint(
        full_name=None,
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=True,
        only_contains_attribute_certs=False,
    )
    entry = scene.entry(-5, issuer=scene.pki.state.certificate.subject)
    made = revocation_list(lister, AT - 4 * _DAY, AT - _DAY, (entry,), (scope, True))
    return scene.trust(good, made, more=(lister.certificate,))


def _tokens(shop: Workshop) -> Iterator[Case]:
    """Yield timestamps over the note: one as its norm wants it, and such as prove nothing."""
    scene = _Scene(shop)
    pki, content, past = scene.pki, shop.note.read_bytes(), AT - 20 * _DAY
    trust = scene.trust(scene.list(-40, 30))
    token = Tsa(pki).stamp(content, past)
    case = Case(
        "timestamp, genuine", "as its norm wants it", token, TOKEN, genuine=True, beside=(shop.note,), trust=trust
    )
    yield case
    purpose = pki.tsa.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    mild = reissued(pki.tsa, pki.state, without=x509.ExtendedKeyUsage, instead=purpose)
    late = pki.issue_tsa(AT - 3 * _DAY, _FAR)
    for name, data in {
        "its certificate is not named": unbound(token, pki.tsa),
        "its purpose is not critical": Tsa(pki, unit=mild).stamp(content, past),
        "before its certificate": Tsa(pki, unit=late).stamp(content, past),
    }.items():
        yield replace(case, family="timestamp, forged", name=name, data=data, genuine=False)
    stale = scene.list(-4, -1, scene.entry(-5, of=pki.tsa.certificate))
    revoked = scene.trust(scene.list(-40, 30), stale)
    yield replace(case, family="timestamp, forged", name="of a revoked unit", genuine=False, trust=revoked)


def _load(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
