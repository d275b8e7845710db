"""What poses as an allowed addition never passes: alone, below a timestamp, or below another signer's seal."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import signing_samples as samples
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.timestamps import DummyTimeStamper
from signing_samples import SIGNED_AT
from test_signing_additions import plainly_signed, signer_for

from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.testing import Pki
from edocx.testing.attacks.pdf_additions import additions
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)
NAMES = (
    "covering-field",
    "covering-field-indirect",
    "covering-background",
    "second-catalogue",
    "font-programme",
    "font-widths",
    "signed-widget",
    "content-clipped",
    "content-commented",
    "content-kept-and-commented",
    "content-run-into",
)
CODES = {
    "covering-field": "EDX-PDF-COVERED",
    "covering-field-indirect": "EDX-PDF-COVERED",
    "covering-background": "EDX-PDF-COVERED",
    "second-catalogue": "EDX-PDF-CATALOGUE",
}


@pytest.fixture(scope="module")
def signed(signing, tmp_path_factory):
    folder = tmp_path_factory.mktemp("covering")
    return sign(samples.plain(folder / "a.pdf"), folder / "b.pdf", signing.person, at=SIGNED_AT, field="S").read_bytes()


@pytest.fixture(scope="module")
def forged(signed):
    found = {one.name.removeprefix("addition-"): one.data for one in additions(signed)}
    assert set(found) == set(NAMES)
    return found


def stamped(data: bytes, credential) -> bytes:
    simple = signer_for(credential)
    stamper = DummyTimeStamper(simple.signing_cert, simple.signing_key, fixed_dt=SIGNED_AT + timedelta(hours=1))
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    return signers.PdfTimeStamper(stamper).timestamp_pdf(writer, "sha256").getvalue()


def judged(tmp_path, data, trust):
    path = tmp_path / "judged.pdf"
    path.write_bytes(data)
    return verify(path, trust=trust, at=AT)


@pytest.mark.parametrize("name", NAMES)
def test_what_poses_as_an_addition_fails_alone(signing, forged, tmp_path, name):
    report = judged(tmp_path, forged[name], signing.trust)
    assert report.indication is Indication.TOTAL_FAILED
    assert CODES.get(name, "EDX-PDF-CHANGED") in {m.code for m in report.signatures[0].messages}


@pytest.mark.parametrize("name", NAMES)
def test_what_poses_as_an_addition_fails_below_a_seal_of_another(signing, forged, tmp_path, name):
    agency = signing.pki.issue_organisation("ỦY BAN THỬ NGHIỆM")
    report = judged(tmp_path, plainly_signed(forged[name], agency, "Seal"), signing.trust)
    first, second = report.signatures
    assert (first.indication, second.indication) == (Indication.TOTAL_FAILED, Indication.TOTAL_PASSED)
    assert CODES.get(name, "EDX-PDF-CHANGED") in {m.code for m in first.messages}


@pytest.mark.parametrize("name", NAMES)
def test_no_timestamp_excuses_a_change(signing, forged, tmp_path, name):
    stranger = Pki.create().issue_organisation("CƠ QUAN LẠ")
    report = judged(tmp_path, stamped(forged[name], stranger), signing.trust)
    assert report.indication is Indication.TOTAL_FAILED


def test_a_page_for_the_covered_field_is_named(signing, forged, tmp_path):
    (first,) = judged(tmp_path, forged["covering-field"], signing.trust).signatures
    assert [m.where for m in first.messages if m.code == "EDX-PDF-COVERED"] == ["page 1"]


def test_an_untrusted_timestamp_raises_no_level(signing, signed, tmp_path):
    stranger = Pki.create().issue_organisation("CƠ QUAN LẠ")
    report = judged(tmp_path, stamped(signed, stranger), signing.trust)
    assert (report.indication, report.signatures[0].level) == (Indication.TOTAL_PASSED, "B-B")
