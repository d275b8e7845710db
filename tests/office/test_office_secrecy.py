"""State secrets are refused by their marks, and ordinary words that contain “mật” are not."""

from __future__ import annotations

import pytest

from edocx.errors import Refused
from edocx.office.secrecy import is_secret, require_not_secret
from edocx.testing import scene


@pytest.mark.parametrize(
    "text",
    ["TUYỆT MẬT", "Tối mật", "MẬT", "[Mật] Kế hoạch năm 2023", "(MẬT)", "Độ mật: Tối mật", "Độ mật: Mật", "tài liệu, mật", "TỐI MẬT - Báo cáo", "MẬT_ke hoach", "TO\u0302\u0301I MẬT"],
)  # fmt: skip
def test_a_mark_is_found(text):
    assert is_secret(text)


@pytest.mark.parametrize(
    "text",
    ["Bảo mật thông tin", "V/v mật độ dân số", "MẬT MÃ DÂN SỰ", "Độ mật: Không", "KẾ HOẠCH BẢO MẬT", "mật ong", "Bí mật kinh doanh", ""],
)  # fmt: skip
def test_an_ordinary_word_is_none(text):
    assert not is_secret(text)


def test_an_attachment_is_refused_by_its_name_and_by_its_properties(tmp_path):
    from fpdf import FPDF

    path, layout = scene.write_letter(tmp_path)
    draft = scene.draft(path, layout)
    require_not_secret(draft)
    named = tmp_path / "Phụ lục (Mật).pdf"
    named.write_bytes(path.read_bytes())
    made = FPDF()
    made.add_page()
    made.set_keywords("kế hoạch, Tuyệt mật")
    described = tmp_path / "phu-luc.pdf"
    made.output(str(described))
    for attachment in (named, described):
        with pytest.raises(Refused) as caught:
            require_not_secret(draft.model_copy(update={"attachments": (attachment,)}))
        assert caught.value.code == "EDX-SECRET"
        assert "117/2025" in caught.value.text.vi
