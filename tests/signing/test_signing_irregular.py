"""Files that are odd but signed as they are: encrypted without a password, with a broken cross-reference."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
import signing_samples as samples
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from signing_samples import SIGNED_AT

from edocx.errors import PdfError
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication, Integrity
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)


@pytest.fixture
def signed(signing, tmp_path):
    plain = samples.plain(tmp_path / "plain.pdf")
    return sign(plain, tmp_path / "signed.pdf", signing.person, at=SIGNED_AT, field="S").read_bytes()


def judged(tmp_path, data, trust):
    path = tmp_path / "judged.pdf"
    path.write_bytes(data)
    return verify(path, trust=trust, at=AT)


def test_a_file_cut_short_after_signing_fails(signing, signed, tmp_path):
    report = judged(tmp_path, signed[: len(signed) - 200], signing.trust)
    assert report.indication is Indication.TOTAL_FAILED


def test_white_space_after_the_end_changes_nothing(signing, signed, tmp_path):
    report = judged(tmp_path, signed + b"\r\n\0\0", signing.trust)
    assert (report.indication, report.integrity) == (Indication.TOTAL_PASSED, Integrity.VALID)


def test_foreign_bytes_after_the_end_make_the_file_partial(signing, signed, tmp_path):
    report = judged(tmp_path, signed + b"\nmore", signing.trust)
    assert report.integrity is Integrity.PARTIAL
    assert report.indication is Indication.INDETERMINATE


def test_a_password_that_nobody_knows_is_said(tmp_path, tool):
    plain = samples.plain(tmp_path / "plain.pdf")
    locked = tmp_path / "locked.pdf"
    options = ["--encrypt", "secret", "owner", "256", "--", str(plain), str(locked)]
    subprocess.run([tool("qpdf"), *options], check=True, capture_output=True)
    with pytest.raises(PdfError) as caught:
        verify(locked)
    assert caught.value.code == "EDX-PDF-ENCRYPTED"


def test_restrictions_without_a_password_do_not_hinder_verification(tmp_path, tool):
    plain = samples.plain(tmp_path / "plain.pdf")
    locked = tmp_path / "restricted.pdf"
    options = ["--encrypt", "", "owner", "256", "--print=none", "--", str(plain), str(locked)]
    subprocess.run([tool("qpdf"), *options], check=True, capture_output=True)
    assert verify(locked).indication is Indication.NO_SIGNATURE


def by_hand(person, body: bytes) -> bytes:
    """A file without any structure but a signature over all of it."""
    head = b"%PDF-1.7\n" + body + b"\n1 0 obj\n<</Type/Sig/ByteRange [0 "
    room = 8192
    template = b"%010d %010d %010d]/Contents "
    start = len(head) + len(template % (0, 0, 0))
    tail = b">>\nendobj\nstartxref\n99999\n%%EOF\n"
    second = start + room + 2
    head += template % (start, second, len(tail))
    builder = pkcs7.PKCS7SignatureBuilder().set_data(head + tail)
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    der = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature])
    return head + b"<" + der.hex().encode().ljust(room, b"0") + b">" + tail


def test_a_broken_file_that_was_signed_whole_as_it_is_keeps_its_verdict(signing, tmp_path):
    person = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    data = by_hand(person, b"no structure at all")
    report = judged(tmp_path, data, signing.trust)
    assert report.indication is Indication.TOTAL_PASSED
    assert "EDX-PDF-IRREGULAR" in {m.code for m in report.signatures[0].messages}
    for changed in (
        data.replace(b"no structure", b"NO structure"),
        data + b"more",
        data.replace(b"startxref", b"startXref"),
    ):
        assert judged(tmp_path, changed, signing.trust).indication is not Indication.TOTAL_PASSED
