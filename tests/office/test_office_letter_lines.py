"""An office that is given a PDF alone puts number and date on the letter's own lines, and says where it found none."""

from __future__ import annotations

import json
import subprocess

import fpdf
import pytest

from edocx.cli import main
from edocx.testing import scene


@pytest.fixture
def asked(capfd):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", "en", *map(str, arguments), "--json"])
        said = capfd.readouterr()
        assert not ended.value.code, said.err
        return json.loads(said.out)

    return call


@pytest.fixture
def office(asked, tmp_path):
    asked("office", "init", tmp_path / "office", "--unit", "H20", "--test-pki")
    return tmp_path / "office" / "office.toml"


DESCRIBED = (
    *("--subject", "V/v thử nghiệm", "--notation", "UBND-VP", "--place", "Bình Đức"),
    *("--signatory", "Nguyễn Văn A", "--position", "CHỦ TỊCH", "--capacity", "TM."),
)


def test_number_and_date_continue_the_letters_lines(asked, office, tmp_path, tool):
    letter, _ = scene.write_letter(tmp_path)
    approved = asked("office", "approve", letter, "--office", office, "--id", "d1", *DESCRIBED)
    assert [note["code"] for note in approved["messages"] if note["code"].startswith("EDX-F")] == []
    issued = asked("office", "issue", "d1", "--office", office)
    arguments = [tool("pdftotext"), "-layout", issued["file"], "-"]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    lines = [" ".join(line.split()) for line in shown.splitlines() if "Số:" in line]
    assert len(lines) == 1
    assert lines[0].startswith("Số: 01 /UBND-VP Bình Đức, ngày ")


def test_where_no_line_was_found_is_said(asked, office, tmp_path, tool):
    tool("pdftotext")
    sheet = fpdf.FPDF(format="A4", unit="pt")
    sheet.add_page()
    sheet.set_font("Helvetica", size=12)
    sheet.text(85, 400, "Words of no letter.")
    sheet.output(str(tmp_path / "page.pdf"))
    approved = asked("office", "approve", tmp_path / "page.pdf", "--office", office, "--id", "d1", *DESCRIBED)
    missing = {note["where"] for note in approved["messages"] if note["code"] == "EDX-FORM-NOT-FOUND"}
    assert missing == {"EdocxNumber", "EdocxDate", "EdocxPerson1"}
