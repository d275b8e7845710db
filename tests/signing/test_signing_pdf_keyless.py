"""What anybody can do to a signed PDF without a key does not pass, along whatever path it is reached."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import signing_samples as samples
from pyhanko.pdf_utils.generic import pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.timestamps import DummyTimeStamper
from signing_samples import SIGNED_AT
from test_signing_additions import signer_for

from edocx.errors import EdocxError
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.testing import Pki
from edocx.testing.attacks.pdf_fields import KEYLESS, drawing_places, drawing_timestamps
from edocx.testing.attacks.pdf_objects import dictionary
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return samples.plain(tmp_path_factory.mktemp("keyless") / "plain.pdf").read_bytes()


@pytest.fixture(scope="module")
def stranger():
    return signer_for(Pki.create().tsa)


def stamped_by(simple):
    def stamp(data, field):
        stamper = DummyTimeStamper(simple.signing_cert, simple.signing_key, fixed_dt=SIGNED_AT + timedelta(hours=1))
        writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
        return signers.PdfTimeStamper(stamper, field_name=field).timestamp_pdf(writer, "sha256").getvalue()

    return stamp


def signed(tmp_path, data, key):
    source = tmp_path / "source.pdf"
    source.write_bytes(data)
    return sign(source, tmp_path / "signed.pdf", key, at=SIGNED_AT, field="S", certify=False).read_bytes()


def judged(tmp_path, data, trust):
    path = tmp_path / "judged.pdf"
    path.write_bytes(data)
    try:
        return verify(path, trust=trust, at=AT).indication
    except EdocxError as error:
        return error


@pytest.mark.parametrize("shadow", KEYLESS, ids=str)
def test_what_is_reached_by_objects_of_their_own_does_not_change_unseen(signing, plain, stranger, tmp_path, shadow):
    genuine = signed(tmp_path, shadow.prepared(plain), signing.person)
    assert judged(tmp_path, genuine, signing.trust) is Indication.TOTAL_PASSED
    revealed = shadow.revealed(genuine)
    assert judged(tmp_path, revealed, signing.trust) is not Indication.TOTAL_PASSED
    if shadow.name == "version-lowered":
        return  # who makes the timestamp writes the version that was signed again, and nothing differs any more
    covered = stamped_by(stranger)(revealed, "Stamp")
    assert judged(tmp_path, covered, signing.trust) is not Indication.TOTAL_PASSED


def test_a_timestamp_of_anybody_passes_only_while_it_draws_nothing(signing, plain, stranger, tmp_path):
    genuine = signed(tmp_path, plain, signing.person)
    stamp = stamped_by(stranger)
    assert judged(tmp_path, stamp(genuine, "Stamp"), signing.trust) is Indication.TOTAL_PASSED
    attacks = [*drawing_places(genuine), *drawing_timestamps(genuine, stamp)]
    assert len({one.name for one in attacks}) == len(attacks) > 20
    for attack in attacks:
        assert judged(tmp_path, attack.data, signing.trust) is not Indication.TOTAL_PASSED, attack


def titled(data):
    stream = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(stream)
    writer.set_info(writer.add_object(dictionary(Title=pdf_string("another title"))))
    writer.write_in_place()
    return stream.getvalue()


def told(tmp_path, data, trust):
    path = tmp_path / "told.pdf"
    path.write_bytes(data)
    report = verify(path, trust=trust, at=AT)
    return {message.code for one in (report, *report.signatures) for message in one.messages}


def test_a_timestamp_of_a_stranger_silences_no_message(signing, plain, stranger, tmp_path):
    genuine = signed(tmp_path, plain, signing.person)
    stamp = stamped_by(stranger)
    assert "EDX-PDF-PROPERTIES" not in told(tmp_path, stamp(genuine, "Stamp"), signing.trust)
    assert told(tmp_path, stamp(titled(genuine), "Stamp"), signing.trust) >= {
        "EDX-PDF-PROPERTIES",
        "EDX-STAMP-UNTRUSTED",
    }


def test_a_timestamp_of_a_stranger_is_told_beside_a_trusted_one(signing, plain, stranger, tmp_path):
    source = tmp_path / "source.pdf"
    source.write_bytes(plain)
    out = sign(
        source, tmp_path / "signed.pdf", signing.person, at=SIGNED_AT, field="S", level="B-LTA",
        timestamps=signing.timestamps(), evidence=signing.evidence, certify=False,
    )  # fmt: skip
    assert "EDX-STAMP-UNTRUSTED" not in told(tmp_path, out.read_bytes(), signing.trust)
    covered = stamped_by(stranger)(out.read_bytes(), "Stamp")
    assert told(tmp_path, covered, signing.trust) >= {"EDX-STAMP-PROVES", "EDX-STAMP-UNTRUSTED"}
