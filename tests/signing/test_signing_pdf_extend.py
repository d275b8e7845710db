"""Levels B-T, B-LT and B-LTA: at signing, later, and verified twenty years on without any service."""

from __future__ import annotations

import subprocess
import threading
from datetime import date, timedelta

import pytest
import signing_samples as samples
from asn1crypto import crl, ocsp, x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation.ades import simulate_future_ades_lta_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule
from pyhanko_certvalidator.registry import SimpleTrustManager
from signing_samples import SIGNED_AT

from edocx.documents import DocumentNumber, PageLayout
from edocx.errors import SigningRefused, StateError, Text, Unavailable, UsageError
from edocx.signing.coroutine import run_to_end
from edocx.signing.evidence import Evidence, RevocationAnswer
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.extend import extend_file
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.sign import run_task, sign, sign_to_level
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing import Ocsp, Pki, Tsa


@pytest.fixture
def draft(tmp_path):
    return samples.plain(tmp_path / "draft.pdf")


class Away:
    name, room = "away", 4096

    def timestamp(self, digest, hash_name):
        raise Unavailable(Text("đi vắng", "away"), hint=Text("", ""), code="EDX-TSA-AWAY", retryable=True)


class Counting:
    """A signer that counts, as a token's owner would: each signature may cost a PIN and 300 ms."""

    def __init__(self, signer):
        self._signer = signer
        self.count = 0

    def __getattr__(self, name):
        return getattr(self._signer, name)

    def sign_digest(self, digest):
        self.count += 1
        return self._signer.sign_digest(digest)


def embedded(path):
    with path.open("rb") as stream:
        reader = PdfFileReader(stream)
        return [
            (s.field_name, str(s.sig_object_type), next(extract_tst_data_iter(s.signer_info, signed=False), None))
            for s in reader.embedded_signatures
        ]


def dss_of(path):
    with path.open("rb") as stream:
        return DocumentSecurityStore.read_dss(PdfFileReader(stream))


def daily_lists(pki, moment):
    issued = pki.crls(moment, until=moment + timedelta(days=1))
    return tuple(crl.CertificateList.load(one.public_bytes(Encoding.DER)) for one in issued)


def archived_verdict(path, trust, moment):
    """Let pyHanko validate by EN 319 102-1 5.6 at a moment, with nothing but anchors and the file itself.

    It takes for granted that archive timestamps were renewed until then, as `edocx extend` does.
    """
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=list(trust.anchors)),
        revinfo_policy=CertRevTrustPolicy(
            RevocationCheckingPolicy(
                RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
            )
        ),
    )
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            policy,
            RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY),
            ts_cert_validation_policy=policy,
        )
    )
    with path.open("rb") as stream:
        (signature,) = PdfFileReader(stream).embedded_regular_signatures
        return run_to_end(
            simulate_future_ades_lta_validation(
                signature, spec, future_validation_time=moment, current_reference_time=SIGNED_AT + timedelta(hours=1)
            )
        )


@pytest.mark.parametrize("level", ["B-T", "B-LT", "B-LTA"])
def test_person_and_seal_reach_the_level_asked_for(signing, draft, tmp_path, accepted_by_all, level):
    form = make_form(draft, tmp_path / "form.pdf", PageLayout.standard())
    means = {"timestamps": signing.timestamps(), "evidence": signing.evidence}
    one = sign(form, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True, **means)
    layout = PageLayout.standard()
    number = DocumentNumber(number="15", notation="QĐ-UBND")
    values = number_and_date(layout, number=number, place="Bình Đức", issued_on=date(2023, 6, 15))
    two = sign(
        one,
        tmp_path / "two.pdf",
        signing.organisation,
        at=SIGNED_AT,
        field=SEAL_FIELD,
        level=level,
        fill=values,
        **means,
    )
    verdicts = signing.judge(two)
    assert all(v.bottom_line for v in verdicts.values()), {n: v.summary() for n, v in verdicts.items()}
    assert verdicts[SEAL_FIELD].timestamp_validity.valid
    found = embedded(two)
    stamps = [kind for _, kind, _ in found if kind == "/DocTimeStamp"]
    # At B-LT the person's own B-B gets its proof of time from a document timestamp.
    assert len(stamps) == {"B-T": 0, "B-LT": 1, "B-LTA": 2}[level]
    if level != "B-T":
        store = dss_of(two)
        assert len(store.certs) == 5  # person, agency, time-stamping unit, the CA above them, the root
        assert len(store.crls) == 2


def test_tokens_and_validation_data_survive_twenty_years_without_any_service(tmp_path, draft):
    pki = Pki.create(years=25)
    person = pki.issue_person("Nguyễn Văn A", "CƠ QUAN THỬ NGHIỆM", not_after=SIGNED_AT + timedelta(days=3 * 365))
    person.save(tmp_path / "person.p12")
    # Lists as a CA publishes them: of this morning, good for a day.
    lists = daily_lists(pki, SIGNED_AT)
    held = [
        x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in (pki.root.certificate, pki.state.certificate)
    ]
    answer = ocsp.OCSPResponse.load(Ocsp(pki).about(person.certificate, SIGNED_AT))
    trust = TrustStore(tuple(held[:1]), tuple(held[1:]), lists, (answer,))
    service = Tsa(pki)
    stamps = Rfc3161("test", lambda request: service.answer(request, SIGNED_AT), trust=trust)
    signer = open_signer(str(tmp_path / "person.p12"))
    signed = sign(
        draft,
        tmp_path / "out.pdf",
        signer,
        at=SIGNED_AT,
        field="Sig1",
        level="B-LTA",
        timestamps=stamps,
        evidence=Evidence(trust),
    )
    # Twenty years on the certificates have expired and no list, responder or service exists any more.
    later = SIGNED_AT + timedelta(days=20 * 365)
    trust = TrustStore(trust.anchors)
    verdict = archived_verdict(signed, trust, later)
    assert verdict.ades_subindic == AdESPassed.OK, (verdict.ades_subindic, verdict.failure_msg)
    # The judge can fail: at B-T nothing in the file says that the certificates were not revoked.
    sign(draft, bare := tmp_path / "bare.pdf", signer, at=SIGNED_AT, field="S", level="B-T", timestamps=stamps)
    assert archived_verdict(bare, trust, later).ades_subindic != AdESPassed.OK


class LongLife:
    """A PKI of 30 years in which everything else is renewed: people, time-stamping units, daily lists, OCSP answers."""

    def __init__(self, folder):
        self.pki = Pki.create(years=30)
        person = self.pki.issue_person("Nguyễn Văn A", "CƠ QUAN THỬ NGHIỆM", not_after=SIGNED_AT + 3 * YEAR)
        person.save(folder / "person.p12")
        self.person = person
        self.signer = open_signer(str(folder / "person.p12"))
        self.anchors = tuple(
            x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in (self.pki.root.certificate,)
        )
        self.state = x509.Certificate.load(self.pki.state.certificate.public_bytes(Encoding.DER))

    def means(self, moment):
        """What is there at a moment: a unit that began to stamp a month before and does so for five years."""
        answers = ()
        if moment < SIGNED_AT + 3 * YEAR:
            answers = (ocsp.OCSPResponse.load(Ocsp(self.pki).about(self.person.certificate, moment)),)
        trust = TrustStore(self.anchors, (self.state,), daily_lists(self.pki, moment), answers)
        unit = self.pki.issue_tsa(moment - timedelta(days=30), moment + 5 * YEAR)
        service = Tsa(self.pki, unit=unit)
        stamps = Rfc3161("test", lambda request: service.answer(request, moment), trust=trust)
        return {"at": moment, "timestamps": stamps, "evidence": Evidence(trust)}

    def judged(self, path, moment):
        """Judge with our own verifier, the clock at a moment, anchors alone, nobody to ask."""
        report = verify_pdf(path, Criteria(TrustStore(self.anchors), moment))
        return next(one for one in report.signatures if one.id == "Sig1")


YEAR = timedelta(days=365)


def test_our_verifier_passes_an_archive_twenty_years_on_with_every_service_gone(tmp_path, draft):
    life = LongLife(tmp_path)
    field = {"field": "Sig1", "level": "B-LTA"}
    archived = sign(draft, tmp_path / "0.pdf", life.signer, **field, **life.means(SIGNED_AT))
    assert life.judged(archived, SIGNED_AT + 4 * YEAR).indication is Indication.TOTAL_PASSED
    for renewed in (4, 8, 12, 16):
        extend_file(archived, archived, "B-LTA", **life.means(SIGNED_AT + renewed * YEAR))
    later = life.judged(archived, SIGNED_AT + 20 * YEAR)
    assert (later.indication, later.level, later.time_source) == (Indication.TOTAL_PASSED, "B-LTA", "timestamp")
    assert later.signing_time - SIGNED_AT < timedelta(minutes=1)
    # Nobody renewed any more: the last unit's certificate runs out in year 21, and with it what it vouches for.
    assert life.judged(archived, SIGNED_AT + 22 * YEAR).indication is Indication.INDETERMINATE


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_what_was_never_renewed_is_undetermined_twenty_years_on(tmp_path, draft, level):
    life = LongLife(tmp_path)
    signed = sign(draft, tmp_path / "0.pdf", life.signer, field="Sig1", level=level, **life.means(SIGNED_AT))
    assert life.judged(signed, SIGNED_AT + 20 * YEAR).indication is Indication.INDETERMINATE


def test_a_unit_that_lasts_needs_no_renewal_and_a_byte_changed_in_all_those_years_fails(tmp_path, draft):
    life = LongLife(tmp_path)
    means = life.means(SIGNED_AT)
    service = Tsa(life.pki)  # good for the whole life of the hierarchy
    means["timestamps"] = Rfc3161("test", lambda request: service.answer(request, SIGNED_AT))
    archived = sign(draft, tmp_path / "0.pdf", life.signer, field="Sig1", level="B-LTA", **means)
    later = SIGNED_AT + 20 * YEAR
    assert life.judged(archived, later).indication is Indication.TOTAL_PASSED
    data = bytearray(archived.read_bytes())
    data[data.index(b"stream\n") + 12] ^= 1  # in what the page shows
    archived.write_bytes(data)
    assert life.judged(archived, later).indication is Indication.TOTAL_FAILED


def test_an_old_signature_is_lifted_later_without_changing_a_byte_of_it(signing, draft, tmp_path):
    signed = sign(draft, tmp_path / "signed.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    means = {"at": SIGNED_AT, "timestamps": signing.timestamps(), "evidence": signing.evidence}
    path = signed
    for level in ("B-T", "B-LT", "B-LTA", "B-LTA"):
        before = path.read_bytes()
        path = extend_file(path, tmp_path / f"{level}.pdf", level, **means)
        assert path.read_bytes().startswith(before)
        assert signing.judge(path)["Sig1"].bottom_line
    assert [kind for _, kind, _ in embedded(path)].count("/DocTimeStamp") == 3


def test_lifting_in_place_to_a_level_that_is_reached_adds_no_second_timestamp(signing, draft, tmp_path):
    signed = sign(
        draft,
        tmp_path / "s.pdf",
        signing.person,
        at=SIGNED_AT,
        field="Sig1",
        level="B-T",
        timestamps=signing.timestamps(),
    )
    before = signed.read_bytes()
    extend_file(signed, signed, "B-T", at=SIGNED_AT, timestamps=signing.timestamps())
    assert signed.read_bytes() == before


def test_without_an_answering_service_the_policy_decides(signing, draft, tmp_path):
    key = Counting(signing.person)
    options = {"at": SIGNED_AT, "field": "Sig1", "level": "B-LT", "timestamps": Away(), "evidence": signing.evidence}
    with pytest.raises(Unavailable):
        sign_to_level(draft, tmp_path / "out.pdf", key, **options)
    assert not (tmp_path / "out.pdf").exists()
    key.count = 0
    signed = sign_to_level(draft, tmp_path / "out.pdf", key, **options, unstamped="defer")
    assert key.count == 1, "the key must not be asked twice because a service failed"
    assert signed.level == "B-B"
    assert signed.task is not None
    assert signed.task.reason == "EDX-TSA-AWAY"
    task = type(signed.task).model_validate_json(signed.task.model_dump_json())
    lifted = run_task(task, at=SIGNED_AT, timestamps=signing.timestamps(), evidence=signing.evidence)
    assert lifted.level == "B-LT"
    assert signing.judge(lifted.path)["Sig1"].bottom_line


def test_missing_revocation_data_defers_the_level_too(signing, draft, tmp_path):
    bare = Evidence(TrustStore(signing.trust.anchors, signing.trust.intermediates))
    options = {"at": SIGNED_AT, "field": "Sig1", "level": "B-LT", "timestamps": signing.timestamps(), "evidence": bare}
    with pytest.raises(Unavailable) as refusal:
        sign(draft, tmp_path / "out.pdf", signing.person, **options)
    assert refusal.value.code == "EDX-EVIDENCE-MISSING"
    signed = sign_to_level(draft, tmp_path / "out.pdf", signing.person, **options, unstamped="defer")
    assert (signed.level, signed.task.reason) == ("B-T", "EDX-EVIDENCE-MISSING")


def test_a_source_is_asked_for_what_is_missing(signing, draft, tmp_path):
    asked = []

    class Source:
        def about(self, certificate, issuer):
            asked.append(certificate.serial_number)
            return RevocationAnswer(revocation_lists=signing.trust.revocation_lists)

    bare = Evidence(TrustStore(signing.trust.anchors, signing.trust.intermediates), source=Source())
    sign(
        draft,
        tmp_path / "out.pdf",
        signing.person,
        at=SIGNED_AT,
        field="Sig1",
        level="B-LT",
        timestamps=signing.timestamps(),
        evidence=bare,
    )
    assert signing.person.certificate.serial_number in asked
    assert len(dss_of(tmp_path / "out.pdf").crls) == 2


def test_a_path_to_nobody_is_refused(signing, draft, tmp_path):
    stranger = Evidence(TrustStore())
    signed = sign(draft, tmp_path / "s.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    with pytest.raises(SigningRefused) as refusal:
        extend_file(
            signed, tmp_path / "o.pdf", "B-LT", at=SIGNED_AT, timestamps=signing.timestamps(), evidence=stranger
        )
    assert refusal.value.code == "EDX-EVIDENCE-PATH"
    assert not (tmp_path / "o.pdf").exists()


def test_a_level_without_its_means_is_a_usage_error(signing, draft, tmp_path):
    for level, means in (
        ("B-T", {}),
        ("B-LT", {"timestamps": signing.timestamps()}),
        ("B-LTA", {"evidence": signing.evidence}),
    ):
        with pytest.raises(UsageError):
            sign(draft, tmp_path / "o.pdf", signing.person, at=SIGNED_AT, field="S", level=level, **means)
    with pytest.raises(UsageError):
        extend_file(draft, tmp_path / "o.pdf", "B-B", at=SIGNED_AT)


def test_an_unsigned_file_cannot_be_lifted(signing, draft, tmp_path):
    with pytest.raises(StateError) as refusal:
        extend_file(draft, tmp_path / "o.pdf", "B-T", at=SIGNED_AT, timestamps=signing.timestamps())
    assert refusal.value.code == "EDX-EXTEND-UNSIGNED"


class Outgrowing:
    """A service whose token is larger than the room it named."""

    def __init__(self, service):
        self._service = service
        self.room = 64
        self.name = "outgrowing"

    def timestamp(self, digest, hash_name):
        token = self._service.timestamp(digest, hash_name)
        self.room = len(token)
        return token


def test_room_that_was_too_small_is_made_larger_by_itself(signing, draft, tmp_path):
    stamps = Outgrowing(signing.timestamps())
    signed = sign(draft, tmp_path / "o.pdf", signing.person, at=SIGNED_AT, field="Sig1", level="B-T", timestamps=stamps)
    assert signing.judge(signed)["Sig1"].bottom_line
    plain = sign(draft, tmp_path / "p.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    lifted = extend_file(plain, plain, "B-T", at=SIGNED_AT, timestamps=Outgrowing(signing.timestamps()))
    assert len(embedded(lifted)) == 2
    assert signing.judge(lifted)["Sig1"].bottom_line


def test_pdfsig_and_qpdf_accept_the_archive_form(signing, draft, tmp_path, tool):
    signed = sign(
        draft,
        tmp_path / "o.pdf",
        signing.person,
        at=SIGNED_AT,
        field="Sig1",
        level="B-LTA",
        timestamps=signing.timestamps(),
        evidence=signing.evidence,
    )
    said = subprocess.run([tool("pdfsig"), "-nocert", str(signed)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said
    assert subprocess.run([tool("qpdf"), "--check", str(signed)], capture_output=True, check=False).returncode == 0


def test_a_thread_of_an_event_loop_may_sign(signing, draft, tmp_path):
    import asyncio

    async def work():
        return await asyncio.to_thread(
            sign,
            draft,
            tmp_path / "o.pdf",
            signing.person,
            at=SIGNED_AT,
            field="S",
            level="B-LT",
            timestamps=signing.timestamps(),
            evidence=signing.evidence,
        )

    assert threading.current_thread() is threading.main_thread()
    assert asyncio.run(work()).exists()
