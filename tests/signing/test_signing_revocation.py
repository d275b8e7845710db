"""“Revoked” counts whatever its age and whatever else says “good”; only a hold may end."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import crl, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edocx.errors import SigningRefused, Text, Unavailable
from edocx.signing.evidence import Evidence, collect
from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.online import OnlineSource
from edocx.signing.path import judge_path
from edocx.signing.proof import prove
from edocx.signing.report import Indication, Integrity, SubIndication
from edocx.signing.token import read_token
from edocx.signing.trust import TrustStore
from edocx.testing import FixedClock, Pki, Tsa
from edocx.testing.attacks.evidence import Entry, reissued, revocation_list, unbound
from edocx.testing.authority import Authority
from edocx.testing.certificates import Request, distinguished_name, generate_key
from edocx.testing.ocsp import Ocsp

AT = datetime(2024, 6, 15, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FAR = AT + 60 * DAY
HOLD, COMPROMISE = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.key_compromise
LIFTED = x509.ReasonFlags.remove_from_crl
PASSED, REVOKED = Indication.TOTAL_PASSED, SubIndication.REVOKED_NO_POE
UNKNOWN = SubIndication.TRY_LATER


def scope(reasons=None, *, indirect=False, attributes=False):
    return x509.IssuingDistributionPoint(
        full_name=None, relative_name=None, only_contains_user_certs=False, only_contains_ca_certs=False,
        only_some_reasons=reasons, indirect_crl=indirect, only_contains_attribute_certs=attributes,
    )  # fmt: skip


ONLY_COMPROMISE = scope(frozenset({COMPROMISE}))
INDIRECT, ATTRIBUTES = scope(indirect=True), scope(attributes=True)
DELTA = (x509.DeltaCRLIndicator(1), True)
FRESHEST = (
    x509.FreshestCRL([x509.DistributionPoint([x509.UniformResourceIdentifier("http://d.example")], None, None, None)]),
    False,
)


AWAY = Text("Không trả lời.", "Away.")


def load(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


class Scene:
    """An authority, an agency it certified, and the evidence at hand: good lists of the root and nothing else."""

    def __init__(self):
        self.pki = Pki.create(key="p256")
        self.agency = self.pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC")
        self.root_list = revocation_list(self.pki.root, AT - 20 * DAY, FAR)

    @property
    def own(self):
        return self.agency.certificate

    def list(self, published, until, *entries, by=None, extensions=(), name=None):
        return revocation_list(by or self.pki.state, AT + published * DAY, AT + until * DAY, entries, *extensions,
                               name=name)  # fmt: skip

    def entry(self, since, reason=None, of=None, issuer=None):
        return Entry(of or self.own, AT + since * DAY, reason, issuer)

    def answer(self, day, *, fresh_for=60, about=None):
        return Ocsp(self.pki, fresh_for=fresh_for * DAY).about(about or self.own, AT + day * DAY)

    def trust(self, *evidence, root_list=True, more=()):
        lists = [one for one in evidence if not isinstance(one, bytes)]
        return TrustStore(
            tuple(map(load, self.pki.anchors)),
            (load(self.pki.state.certificate), *map(load, more)),
            tuple(
                crl.CertificateList.load(one.public_bytes(Encoding.DER))
                for one in ([self.root_list] if root_list else []) + lists
            ),
            tuple(ocsp.OCSPResponse.load(one) for one in evidence if isinstance(one, bytes)),
        )

    def judged(self, *evidence, at=AT, root_list=True, more=(), of=None):
        trust = self.trust(*evidence, root_list=root_list, more=more)
        verdict = judge_path(load(of or self.own), trust=trust, at=at)
        return verdict.sub_indication or verdict.indication


@pytest.fixture
def scene():
    return Scene()


GOOD = {
    "an older answer that runs": lambda scene: scene.answer(-10),
    "an older list that runs": lambda scene: scene.list(-10, 30),
    "a newer list that forgot": lambda scene: scene.list(-1, 30),
    "nothing": lambda scene: scene.list(-90, -80),
}


@pytest.mark.parametrize("good", GOOD)
@pytest.mark.parametrize("said", ["list", "answer", "delta", "list of some reasons"])
def test_what_has_run_out_still_says_revoked(scene, good, said):
    good = GOOD[good](scene)
    assert scene.judged(good) in {PASSED, UNKNOWN}
    revoked = scene.entry(-5, COMPROMISE)
    if said == "answer":
        scene.pki.revoke(scene.agency, AT - 5 * DAY)
        stale = scene.answer(-4, fresh_for=2)
    else:
        narrow = {"delta": (DELTA,), "list of some reasons": ((ONLY_COMPROMISE, True),)}.get(said, ())
        stale = scene.list(-4, -1, revoked, extensions=narrow)
    assert scene.judged(good, stale) is REVOKED
    assert scene.judged(stale, good) is REVOKED, "in whatever order"
    assert scene.judged(stale, good, at=AT - 6 * DAY) is not REVOKED, "it was good before"


def test_an_authority_on_the_path_is_revoked_by_what_has_run_out_too(scene):
    good = scene.list(-10, 30)
    stale = scene.list(-4, -1, scene.entry(-5, of=scene.pki.state.certificate), by=scene.pki.root)
    assert scene.judged(good, stale) is SubIndication.REVOKED_CA_NO_POE
    assert scene.judged(good, stale, scene.answer(-10, about=scene.pki.state.certificate)) is (
        SubIndication.REVOKED_CA_NO_POE
    )


def test_a_list_of_after_the_end_speaks_of_whom_it_names(scene):
    short = scene.pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ AN HÒA", not_after=AT + 10 * DAY)
    late = AT + 5 * DAY
    good = scene.list(-10, 60)
    names, silent = scene.list(20, 40, scene.entry(-1, of=short.certificate)), scene.list(20, 40)
    assert scene.judged(good, silent, of=short.certificate, at=late) is PASSED
    assert scene.judged(good, names, of=short.certificate, at=late) is REVOKED
    assert scene.judged(silent, of=short.certificate, at=late) is UNKNOWN, "it may have been dropped"


def test_a_late_list_is_silent_about_an_authority_that_had_expired(scene):
    pki = scene.pki
    until = AT + 10 * DAY
    request = Request("authority", distinguished_name("CA THỬ NGHIỆM HAI"), AT - 99 * DAY, until, path_length=0)
    below = pki.root.issue(request, generate_key("p256"))
    second = Authority("second", below, (below.certificate,))
    subject = Request("organisation", distinguished_name("XÃ AN HÒA"), AT - 9 * DAY, until)
    agency = second.issue(subject, generate_key("p256")).certificate
    good = revocation_list(second, AT - DAY, FAR)
    late = revocation_list(pki.root, AT + 20 * DAY, FAR)
    asked = {"of": agency, "more": (below.certificate,)}
    assert scene.judged(good, **asked) is PASSED
    assert scene.judged(good, late, root_list=False, **asked) is UNKNOWN


def test_an_answer_of_after_the_end_calls_nothing_good(scene):
    short = scene.pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ AN HÒA", not_after=AT + 10 * DAY)
    assert scene.judged(scene.answer(5, about=short.certificate), of=short.certificate) is PASSED
    assert scene.judged(scene.answer(11, about=short.certificate), of=short.certificate) is UNKNOWN


@pytest.mark.parametrize("freshest", [True, False])
def test_a_delta_at_hand_counts_whether_its_base_announces_it_or_not(scene, freshest):
    base = scene.list(-10, 30, extensions=(FRESHEST,) if freshest else ())
    said = scene.list(-1, 5, scene.entry(-5), extensions=(DELTA,))
    empty = scene.list(-1, 5, extensions=(DELTA,))
    assert scene.judged(base, empty) is PASSED
    assert scene.judged(base, said) is REVOKED


def test_a_hold_ends_with_a_newer_complete_list(scene):
    held = scene.list(-8, 30, scene.entry(-9, HOLD))
    assert scene.judged(held) is REVOKED
    assert scene.judged(held, scene.list(-2, 30)) is PASSED
    assert scene.judged(held, scene.list(-2, 30), at=AT - 3 * DAY) is REVOKED, "it was on hold then"
    assert scene.judged(held, scene.list(-10, 30)) is REVOKED, "an older list ends nothing"
    assert scene.judged(held, scene.list(-2, 30), scene.list(-1, 5, scene.entry(-1, HOLD))) is REVOKED, "held again"
    of_some = scene.list(-2, 30, extensions=((ONLY_COMPROMISE, True),))
    assert scene.judged(held, of_some) is REVOKED, "a list of another scope ends nothing"
    assert scene.judged(held, scene.list(-2, 30, extensions=(DELTA,))) is REVOKED, "nor does a delta without it"
    firm = scene.list(-8, -1, scene.entry(-9, COMPROMISE))
    assert scene.judged(firm, scene.list(-2, 30)) is REVOKED, "nothing but a hold ends"


def test_a_hold_does_not_end_with_the_certificate(scene):
    short = scene.pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ AN HÒA", not_after=AT + 10 * DAY)
    held = scene.list(-8, 60, scene.entry(-9, HOLD, of=short.certificate))
    late = scene.list(11, 60)
    assert scene.judged(held, late, of=short.certificate, at=AT + 5 * DAY) is REVOKED


def test_remove_from_crl_ends_a_hold_and_nothing_else(scene):
    lifts = scene.list(-1, 30, scene.entry(-1, LIFTED), extensions=(DELTA,))
    held = scene.list(-8, 30, scene.entry(-9, HOLD), extensions=(FRESHEST,))
    assert scene.judged(held, scene.list(-7, 30, extensions=(DELTA,))) is REVOKED
    assert scene.judged(held, lifts) is PASSED
    early = scene.list(-9, 30, scene.entry(-10, LIFTED), extensions=(DELTA,))
    assert scene.judged(held, early) is REVOKED, "lifted before it was held"
    firm = scene.list(-8, 30, scene.entry(-9, COMPROMISE), extensions=(FRESHEST,))
    assert scene.judged(firm, lifts) is REVOKED


def test_an_indirect_list_speaks_of_the_issuer_its_entries_name(scene):
    helper = scene.pki.issue_organisation("CƠ QUAN THỬ NGHIỆM").certificate
    request = Request("authority", distinguished_name("CRL THỬ NGHIỆM"), AT - 90 * DAY, FAR, path_length=0)
    lister = scene.pki.state.issue(request, generate_key("p256"))
    good = scene.list(-10, 30)
    state, root = scene.pki.state.certificate.subject, scene.pki.root.certificate.subject

    def said(*entries, by=lister):
        return revocation_list(by, AT - 4 * DAY, AT - DAY, entries, (INDIRECT, True))

    asked = {"more": (lister.certificate,)}
    assert scene.judged(good, said(scene.entry(-5, issuer=state)), **asked) is REVOKED
    named = scene.entry(-5, of=helper, issuer=state)
    assert scene.judged(good, said(named, scene.entry(-5)), **asked) is REVOKED, "the issuer stays until another"
    assert scene.judged(good, said(scene.entry(-5, issuer=root)), **asked) is PASSED, "another's number"
    assert scene.judged(good, said(scene.entry(-5)), **asked) is PASSED, "of the list's own issuer"


def test_nobody_else_revokes(scene):
    good, other = scene.list(-10, 30), Pki.create(key="p256")
    state = scene.pki.state.certificate.subject
    forged = scene.list(-4, 30, scene.entry(-5), by=other.state, name=state)
    neighbour = scene.pki.issue_organisation("CƠ QUAN THỬ NGHIỆM")
    of_neighbour = scene.list(-4, 30, scene.entry(-5), by=neighbour, name=state)
    of_attributes = scene.list(-4, 30, scene.entry(-5), extensions=((ATTRIBUTES, True),))
    assert scene.judged(good, forged, more=(other.state.certificate,)) is PASSED
    assert scene.judged(good, of_neighbour, more=(neighbour.certificate,)) is PASSED
    assert scene.judged(good, of_attributes) is PASSED
    twin = Ocsp(other)
    other.state.book[scene.own.serial_number] = scene.pki.state.book[scene.own.serial_number]
    other.state.revoke(scene.own.serial_number, AT - 5 * DAY, COMPROMISE)
    assert scene.judged(good, twin.about(scene.own, AT - DAY)) is PASSED


def test_a_revoked_responder_calls_nothing_good(scene):
    answer = scene.answer(-1)
    assert scene.judged(answer) is PASSED
    stale = scene.list(-8, -5, scene.entry(-9, of=scene.pki.ocsp.certificate))
    assert scene.judged(answer, stale) is UNKNOWN
    assert scene.judged(answer, stale, scene.list(-1, 30)) is PASSED, "others may still say it"


def test_the_network_is_asked_about_what_only_the_file_calls_good(scene):
    own = scene.trust()
    brought = TrustStore((), (), (), scene.trust(scene.answer(-10)).ocsp_responses)
    scene.pki.revoke(scene.agency, AT - 5 * DAY)
    asked = []

    def fetch(certificate, trust, extra):
        asked.append(certificate)
        return TrustStore((), (), (), scene.trust(scene.answer(0)).ocsp_responses)

    finding = Finding("1", "CMS", Integrity.VALID, "whole-document", "x", certificate=load(scene.own),
                      hash_names=("sha256",), evidence=brought)  # fmt: skip
    assert judge(finding, Criteria(own, AT)).indication is PASSED
    assert judge(finding, Criteria(own, AT, fetch=fetch)).sub_indication is REVOKED
    asked.clear()
    judge(finding, Criteria(scene.trust(scene.list(-1, 30)), AT, fetch=fetch))
    assert asked == [], "what the verifier has of his own needs no second opinion"


def test_a_kept_answer_is_not_forgotten_when_nobody_answers_any_more(scene, tmp_path):
    class Line:
        data = b""

        def post(self, url, request, **options):
            if not self.data:
                raise Unavailable(AWAY, hint=AWAY, code="EDX-OCSP-AWAY")
            return self.data

        def get(self, url, **options):
            raise Unavailable(AWAY, hint=AWAY, code="EDX-CRL-AWAY")

    scene.pki.revoke(scene.agency, AT - 5 * DAY)
    line, subject, issuer = Line(), load(scene.own), load(scene.pki.state.certificate)
    line.data = scene.answer(-4, fresh_for=1)
    early = OnlineSource(FixedClock(AT - 4 * DAY), tmp_path, line=line)
    assert early.about(subject, issuer).ocsp_responses
    line.data = b""
    late = OnlineSource(FixedClock(AT), tmp_path, line=line).about(subject, issuer)
    trust = scene.trust(scene.list(-10, 30)) | TrustStore((), (), (), late.ocsp_responses)
    assert judge_path(subject, trust=trust, at=AT).sub_indication is REVOKED


def test_nothing_is_collected_for_whom_anything_calls_revoked(scene):
    stale = scene.list(-4, -1, scene.entry(-5))
    good = scene.list(-10, 30)
    collect(load(scene.own), (), Evidence(scene.trust(good)), AT)
    with pytest.raises(SigningRefused) as refused:
        collect(load(scene.own), (), Evidence(scene.trust(good, stale)), AT)
    assert refused.value.code == "EDX-EVIDENCE-PATH"


def proven(scene, unit, token, *evidence):
    trust = scene.trust(scene.list(-40, 30), *evidence)
    read = read_token(token, lambda name: hashlib.new(name, b"signature").digest())
    return prove([read], (), trust, AT).time


def test_a_timestamp_proves_only_as_its_norm_wants_it(scene):
    pki, past = scene.pki, AT - 20 * DAY
    unit = pki.tsa
    token = Tsa(pki, unit=unit).stamp(b"signature", past)
    assert proven(scene, unit, token) == past
    assert proven(scene, unit, unbound(token, unit)) is None, "its certificate is not named"
    late = pki.issue_tsa(AT - 3 * DAY, FAR)
    assert proven(scene, late, Tsa(pki, unit=late).stamp(b"signature", past)) is None, "before its certificate"
    mild = reissued(unit, pki.state, without=x509.ExtendedKeyUsage,
                    instead=unit.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)  # fmt: skip
    assert proven(scene, mild, Tsa(pki, unit=mild).stamp(b"signature", past)) is None, "its purpose is not critical"


def test_a_revoked_unit_proves_nothing_whatever_says_so(scene):
    pki, past = scene.pki, AT - 20 * DAY
    token = Tsa(pki).stamp(b"signature", past)
    stale = scene.list(-4, -1, scene.entry(-5, of=pki.tsa.certificate))
    assert proven(scene, pki.tsa, token, scene.answer(-10, about=pki.tsa.certificate)) == past
    assert proven(scene, pki.tsa, token, scene.answer(-10, about=pki.tsa.certificate), stale) is None
