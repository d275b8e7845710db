"""The seven items that TT 15/2025 wants shown (spec/law.md #98) stand in text, JSON and page, by name."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from verification_scene import AT, SIGNED_AT

from edocx import cli
from edocx.signing.pdf.sign import sign
from edocx.verification import verify

ISSUER = "CN=CA THỬ NGHIỆM phục vụ các cơ quan Nhà nước, O=PKI THỬ NGHIỆM - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ, C=VN"

SEVEN = {
    "the issuing CA": (ISSUER, "Tổ chức cấp chứng thư", ISSUER),
    "the signer": ("CN=Nguyễn Văn A, O=ỦY BAN THỬ NGHIỆM, C=VN", "Người ký", "CN=Nguyễn Văn A"),
    "the body managing the certificate": (
        "tổ chức quản lý chứng thư: PKI THỬ NGHIỆM - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ",
        "Tổ chức quản lý chứng thư",
        "PKI THỬ NGHIỆM - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ",
    ),
    "the signing time": (
        "thời gian ký (tự khai): 2023-06-15 08:00:00+0700",
        "Thời gian ký",
        "2023-06-15 08:00:00+0700",
    ),
    "the integrity": ("nội dung còn nguyên vẹn", "Tính toàn vẹn", "nội dung còn nguyên vẹn"),
    "the certificate's validity": (
        "chứng thư có hiệu lực từ 2023-01-01 đến 2043-01-01",
        "Hiệu lực chứng thư",
        "từ 2023-01-01 đến 2043-01-01",
    ),
    "its validity at the signing time": (
        "chứng thư có hiệu lực tại thời điểm ký",
        "Hiệu lực tại thời điểm ký",
        "chứng thư có hiệu lực tại thời điểm ký",
    ),
}
"""For each: the words in the text, the heading and the words on the page."""


@pytest.fixture(scope="module")
def signed(bench, tmp_path_factory):
    import fpdf

    folder = tmp_path_factory.mktemp("seven")
    document = fpdf.FPDF()
    document.add_page()
    document.output(str(folder / "a.pdf"))
    return sign(folder / "a.pdf", folder / "b.pdf", bench.person, at=SIGNED_AT, field="S")


def said(capfd, *arguments):
    with pytest.raises(SystemExit):
        cli.main(["--lang", "vi", "verify", *map(str, arguments)])
    return capfd.readouterr().out


@pytest.fixture
def options(bench, signed):
    return (signed, "--trust", bench.folder / "trust", "--at", AT.isoformat())


@pytest.mark.parametrize("item", SEVEN)
def test_the_text_shows(item, options, capfd):
    assert SEVEN[item][0] in " ".join(said(capfd, *options).split()), "long names go over several lines"


@pytest.mark.parametrize("item", SEVEN)
def test_the_page_shows(item, options, capfd, tmp_path):
    said(capfd, *options, "--html", tmp_path / "page.html")
    cells = dict(re.findall(r"<tr><th>(.*?)</th><td>(.*?)</td></tr>", (tmp_path / "page.html").read_text("utf-8")))
    _, heading, words = SEVEN[item]
    assert words in unescape(cells[heading])


def test_the_json_holds_all_seven(options, capfd):
    (signature,) = json.loads(said(capfd, *options, "--json"))["signatures"]
    certificate = signature["certificate"]
    assert certificate["issuer"] == ISSUER
    assert certificate["subject"].startswith("CN=Nguyễn Văn A")
    assert certificate["managed_by"] == "PKI THỬ NGHIỆM - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
    assert (signature["signing_time"], signature["time_source"]) == ("2023-06-15T01:00:00Z", "claimed")
    assert signature["integrity"] == "valid"
    assert (certificate["not_before"], certificate["not_after"]) == ("2023-01-01T00:00:00Z", "2043-01-01T00:00:00Z")
    assert certificate["at_signing"] == "valid"


def test_validity_at_signing_is_told_apart_from_validity_now(bench, plain, tmp_path):
    early = sign(plain, tmp_path / "e.pdf", bench.person, at=SIGNED_AT.replace(year=2022), field="S")
    (signature,) = verify(early, trust=bench.trust, at=AT).signatures
    assert signature.certificate.at_signing == "outside-dates"
    good = sign(plain, tmp_path / "g.pdf", bench.person, at=SIGNED_AT, field="S")
    (signature,) = verify(good, at=AT).signatures
    assert signature.certificate.at_signing == "unknown", "without trust nobody knows"
