"""A file that is read from its front shows what is read from its end, or its signature fails and nobody signs it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import signing_samples as samples
from signing_samples import SIGNED_AT
from test_signing_additions import plainly_signed

from edocx.errors import SigningRefused
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.testing.attacks.pdf_linearised import linearised_draft, padded
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)
ESCAPED = b"/Linea#72ized"


@pytest.fixture(scope="module")
def leader(signing):
    return signing.pki.issue_person("Nguyễn Văn A", "UBND xã A")


def judged(tmp_path, data, trust):
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    report = verify(path, trust=trust, at=AT)
    return report.indication, {message.code for one in report.signatures for message in one.messages} | {
        message.code for message in report.messages
    }


HIDDEN = [
    {},
    {"said": ESCAPED},
    {"comment": 10},
    {"comment": 1500},
    {"comment": 5000, "said": ESCAPED},
    {"gap": b"%x"},
    {"number": b"+%d"},
    {"number": b"%d%%x"},
    {"joined": True},
    {"ahead": b"/Z[" + b"0 " * 2_500 + b"]"},
    {"ahead": b"/Z(endobj" + b" " * 5_000 + b")", "said": ESCAPED},
]


@pytest.mark.parametrize("how", HIDDEN)
def test_a_draft_that_hides_a_section_is_not_signed(signing, tmp_path, how):
    source = tmp_path / "draft.pdf"
    source.write_bytes(linearised_draft(50_000, **how))
    for fast in (False, True):
        with pytest.raises(SigningRefused) as refused:
            sign(source, tmp_path / "out.pdf", signing.person, at=SIGNED_AT, field="S", fast=fast)
        assert refused.value.code == "EDX-PDF-HIDDEN-SECTION"
        assert not (tmp_path / "out.pdf").exists()


@pytest.mark.parametrize("how", HIDDEN)
def test_a_file_that_viewers_read_from_its_front_fails(signing, leader, tmp_path, how):
    size = len(plainly_signed(linearised_draft(10_000, **how), leader, "S"))
    for _ in range(3):  # the digits of the size may count
        data = plainly_signed(linearised_draft(size, **how), leader, "S")
        size = len(data)
    assert len(data) == size
    indication, codes = judged(tmp_path, data, signing.trust)
    assert indication is Indication.TOTAL_FAILED
    assert "EDX-PDF-LINEARISED" in codes


def test_no_padding_brings_a_file_to_the_size_that_it_says(signing, leader, tmp_path):
    data = plainly_signed(linearised_draft(8_400), leader, "S")
    assert len(padded(data)) == 8_400
    indication, codes = judged(tmp_path, padded(data), signing.trust)
    assert indication is Indication.TOTAL_FAILED
    assert codes >= {"EDX-PDF-LINEARISED", "EDX-PDF-TAIL"}


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    "tail,passes", [(b"", True), (b"\r\n", True), (b"\n\n", True), (b"\n\n\n", False), (b"  ", False)]
)
def test_a_file_ends_a_line_or_two_after_its_end_mark(signing, tmp_path, fast, tail, passes):
    out = sign(
        samples.plain(tmp_path / "a.pdf"), tmp_path / "b.pdf", signing.person, at=SIGNED_AT, field="S", fast=fast
    )
    indication, codes = judged(tmp_path, out.read_bytes() + tail, signing.trust)
    assert (indication is Indication.TOTAL_PASSED) is passes
    assert ("EDX-PDF-TAIL" in codes) is not passes


def test_a_linearised_file_is_signed_and_passes(signing, tmp_path, tool):
    source = samples.by_qpdf(tool("qpdf"), tmp_path / "linear.pdf", "--linearize")
    one = sign(source, tmp_path / "b.pdf", signing.person, at=SIGNED_AT, field="S")
    two = sign(one, tmp_path / "c.pdf", signing.organisation, at=SIGNED_AT, field="T")
    assert judged(tmp_path, two.read_bytes(), signing.trust)[0] is Indication.TOTAL_PASSED
