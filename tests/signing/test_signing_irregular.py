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
from edocx.signing.pdf import salvage
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication, Integrity
from edocx.testing.attacks import pdf
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


def test_a_line_end_after_the_end_changes_nothing_and_padding_makes_the_file_partial(signing, signed, tmp_path):
    report = judged(tmp_path, signed + b"\r\n", signing.trust)
    assert (report.indication, report.integrity) == (Indication.TOTAL_PASSED, Integrity.VALID)
    report = judged(tmp_path, signed + b"\r\n\0\0", signing.trust)
    assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL)


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


def test_a_broken_file_that_was_signed_whole_as_it_is_is_left_to_the_clerk(signing, tmp_path):
    # Nobody changed it, but without a structure each viewer shows what it guesses: this is no verdict to rely on.
    person = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    data = by_hand(person, b"no structure at all")
    report = judged(tmp_path, data, signing.trust)
    assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.INDETERMINATE)
    assert "EDX-PDF-IRREGULAR" in {m.code for m in report.signatures[0].messages}
    for changed in (
        data.replace(b"no structure", b"NO structure"),
        data + b"more",
        data.replace(b"startxref", b"startXref"),
    ):
        outcome = judged(tmp_path, changed, signing.trust)
        assert outcome.indication is not Indication.TOTAL_PASSED
        assert "EDX-PDF-IRREGULAR" not in {m.code for m in outcome.signatures[0].messages}


def outcome_of(tmp_path, data, trust):
    try:
        report = judged(tmp_path, data, trust)
    except PdfError as error:
        return error.code
    return report.indication


def test_no_widened_room_hides_a_forged_page(signing, signed, tmp_path):
    person = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    for genuine in (signed, by_hand(person, b"no structure at all")):
        for attack in pdf.widened_rooms(genuine):
            found = outcome_of(tmp_path, attack.data, signing.trust)
            assert found in {Indication.TOTAL_FAILED, "EDX-PDF-DAMAGED"}, attack.name


def test_a_room_of_anything_but_one_string_of_digits_fails(signing, tmp_path):
    person = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    data = by_hand(person, b"no structure at all")
    start, end = data.index(b"/Contents ") + 10, data.index(b">>\nendobj\nstartxref")
    room = data[start:end]
    for other in (b" " + room[:-2] + b">", room[:-2] + b"> ", room[:-3] + b" 0>", b"<" + room[1:-3] + b"><>"):
        assert len(other) == len(room)
        report = judged(tmp_path, data[:start] + other + data[end:], signing.trust)
        assert report.indication is Indication.TOTAL_FAILED, other[-3:]
    foreign = judged(tmp_path, data[:start] + room[:-9] + b"DEADBEEF>" + data[end:], signing.trust)
    assert foreign.signatures[0].messages[0].code == "EDX-PDF-DAMAGED-AROUND"


def test_byte_ranges_without_end_take_no_time(signing, tmp_path, monkeypatch):
    person = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    data = by_hand(person, b"no structure at all")
    once = salvage.ranges_in(data)
    assert len(once) == 1
    assert salvage.ranges_in(data * salvage.MAX_RANGES) == once
    assert salvage.ranges_in(data * (salvage.MAX_RANGES + 1)) == []
    monkeypatch.setattr(salvage, "SECONDS", -1.0)
    report = judged(tmp_path, data, signing.trust)
    assert report.indication is Indication.INDETERMINATE
    assert [m.code for m in report.signatures[0].messages] == ["EDX-BUDGET"]
