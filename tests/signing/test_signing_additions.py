"""Content added to the pages after the leader signed, then signed whole by the agency, as the official tool does."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import signing_samples as samples
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import SigFieldSpec
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signing_samples import SIGNED_AT

from edocx.signing.policy import OFFICIAL_DOCUMENT
from edocx.signing.report import Indication, Integrity
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.testing.attacks import pdf as attacks
from edocx.units.registry import CsvRegistry
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)


def signer_for(credential) -> signers.SimpleSigner:
    from asn1crypto import keys, x509
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    der = credential.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return signers.SimpleSigner(
        signing_cert=x509.Certificate.load(credential.certificate.public_bytes(Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(der),
        cert_registry=SimpleCertificateStore(),
    )


def plainly_signed(data: bytes, credential, field: str) -> bytes:
    """Sign as other tools do: an approval signature that forbids nothing."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    metadata = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256")
    out = signers.PdfSigner(metadata, signer_for(credential), new_field_spec=SigFieldSpec(field)).sign_pdf(writer)
    return out.getvalue()


def stamped(data: bytes, text: bytes = b"BT 50 700 Td (So 12) Tj ET") -> bytes:
    """Write a number onto the first page."""
    stream = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(stream, strict=False)
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=text)))
    writer.write_in_place()
    return stream.getvalue()


def replaced(data: bytes) -> bytes:
    stream = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(stream, strict=False)
    page, _ = writer.find_page_for_modification(0)
    content = writer.add_object(generic.StreamObject(stream_data=b"BT 50 700 Td (forged) Tj ET"))
    page.get_object()[pdf_name("/Contents")] = content
    writer.mark_update(page)
    writer.write_in_place()
    return stream.getvalue()


@pytest.fixture(scope="module")
def leader(signing):
    return signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")


@pytest.fixture(scope="module")
def agency(signing):
    return signing.pki.issue_organisation("ỦY BAN THỬ NGHIỆM")


@pytest.fixture
def signed(tmp_path, leader):
    return plainly_signed(samples.plain(tmp_path / "a.pdf").read_bytes(), leader, "Leader")


def judged(tmp_path, data, trust, **options):
    path = tmp_path / "judged.pdf"
    path.write_bytes(data)
    return verify(path, trust=trust, at=AT, **options)


def test_what_the_agency_signed_whole_leaves_the_leader_his_revision_and_says_so(signing, signed, agency, tmp_path):
    report = judged(tmp_path, plainly_signed(stamped(signed), agency, "Seal"), signing.trust)
    first, second = report.signatures
    assert report.indication is Indication.TOTAL_PASSED
    assert (first.integrity, first.covers) == (Integrity.VALID, "earlier-revision")
    assert [(m.code, m.severity, m.where) for m in first.messages if m.code == "EDX-PDF-ADDED"] == [
        ("EDX-PDF-ADDED", "warning", "Seal")
    ]
    assert "EDX-PDF-ADDED" not in {m.code for m in second.messages}


def test_an_addition_that_nobody_signed_fails(signing, signed, tmp_path):
    assert judged(tmp_path, stamped(signed), signing.trust).indication is Indication.TOTAL_FAILED


def test_an_addition_signed_by_somebody_untrusted_fails(signing, signed, tmp_path):
    stranger = Pki.create().issue_organisation("CƠ QUAN LẠ")
    report = judged(tmp_path, plainly_signed(stamped(signed), stranger, "Seal"), signing.trust)
    assert report.signatures[0].indication is Indication.TOTAL_FAILED


def test_replaced_content_fails_whoever_signed_it_later(signing, signed, agency, tmp_path):
    report = judged(tmp_path, plainly_signed(replaced(signed), agency, "Seal"), signing.trust)
    assert report.signatures[0].indication is Indication.TOTAL_FAILED


def test_nobody_answers_for_his_own_addition(signing, signed, leader, tmp_path):
    report = judged(tmp_path, plainly_signed(stamped(signed), leader, "Again"), signing.trust)
    assert report.signatures[0].indication is Indication.TOTAL_FAILED


def test_forged_revisions_fail_even_below_a_trusted_seal(signing, signed, agency, tmp_path):
    for attack in attacks.forgeries(signed):
        if not attack.name.startswith("incremental-") or attack.name in {
            "incremental-overlay",
            "incremental-annotation",
        }:
            continue  # additions that the seal answers for
        try:
            PdfFileReader(io.BytesIO(attack.data), strict=False).root["/Pages"]
            data = plainly_signed(attack.data, agency, "Seal")
        except Exception:  # noqa: BLE001 - a signing tool may refuse it: then there is nothing to judge
            continue
        report = judged(tmp_path, data, signing.trust)
        assert "EDX-PDF-ADDED" not in {m.code for s in report.signatures for m in s.messages}, attack.name


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A PKI with a registry: a person and the agency of one unit, the agency of another."""
    folder = tmp_path_factory.mktemp("registered")
    pki = Pki.create()
    people = {
        "person": pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM"),
        "agency": pki.issue_organisation("ỦY BAN THỬ NGHIỆM"),
        "other": pki.issue_organisation("SỞ THỬ NGHIỆM"),
    }
    pki.register(people["person"], "H58.12.01", full_name="Nguyễn Văn A", position="Chủ tịch")
    pki.register(people["agency"], "H58.12.01")
    pki.register(people["other"], "H58.13")
    pki.save(folder)
    return people, TrustStore.from_path(folder / "trust"), CsvRegistry.from_path(folder / "registry.csv")


@pytest.mark.parametrize(
    "order,missing",
    [
        (("person", "agency"), set()),
        (("person",), {"EDX-POLICY-NO-SEAL"}),
        (("agency",), {"EDX-POLICY-NO-PERSON", "EDX-POLICY-ORDER"}),
        (("agency", "person"), {"EDX-POLICY-ORDER"}),
        (("person", "other"), {"EDX-POLICY-ORDER"}),
        (("person", "agency", "other"), {"EDX-POLICY-ORDER"}),
    ],
)
def test_an_official_document_has_a_person_and_then_the_seal_of_the_same_unit(registered, tmp_path, order, missing):
    people, trust, registry = registered
    data = samples.plain(tmp_path / "a.pdf").read_bytes()
    for place, who in enumerate(order):
        data = plainly_signed(data, people[who], f"S{place}")
    report = judged(tmp_path, data, trust, registry=registry, policy=OFFICIAL_DOCUMENT)
    assert {m.code for m in report.messages if m.code.startswith("EDX-POLICY")} == missing
    assert (report.indication is Indication.TOTAL_PASSED) is (not missing)
    assert report.policy == OFFICIAL_DOCUMENT


def test_without_a_registry_an_official_document_cannot_be_told(signing, signed, agency, tmp_path):
    data = plainly_signed(signed, agency, "Seal")
    assert judged(tmp_path, data, signing.trust).indication is Indication.TOTAL_PASSED
    report = judged(tmp_path, data, signing.trust, policy=OFFICIAL_DOCUMENT)
    assert report.indication is Indication.INDETERMINATE


def test_a_policy_can_be_a_file(signing, signed, tmp_path):
    place = tmp_path / "policy.json"
    place.write_text('{"name": "stamped", "require": {"rule": "all-of", "rules": [{"rule": "timestamped"}]}}')
    report = judged(tmp_path, signed, signing.trust, policy=str(place))
    assert (report.policy, report.indication) == ("stamped", Indication.INDETERMINATE)
    assert {m.code for m in report.messages} == {"EDX-POLICY-NO-TIMESTAMP"}
