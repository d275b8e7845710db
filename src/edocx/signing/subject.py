"""What a certificate's subject says of whose it is: a hint, never a proof.

Official-duty certificates carry no code and no policy that tells a person from an agency (spec/law.md #106-109): the
registry alone decides. Where there is none, a name that contradicts the step is worth a word.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from asn1crypto import x509

_PERSONAL = frozenset({"given_name", "surname"})
"""Attributes that bodies have none of; an address for mail they do have."""

_OF_PERSON = re.compile(r"(?:CCCD|CMND|HC)\s*:", re.IGNORECASE)
_OF_BODY = re.compile(r"(?:MST|MNS)\s*:", re.IGNORECASE)
"""What public authorities write into UID (spec/law.md #110); an employee's has both kinds."""

_BODIES = (
    "ỦY BAN", "UỶ BAN", "HỘI ĐỒNG", "BỘ ", "SỞ ", "CỤC ", "CHI CỤC", "TỔNG CỤC", "VỤ ", "VĂN PHÒNG", "PHÒNG ",
    "THANH TRA", "TÒA ÁN", "TOÀ ÁN", "VIỆN KIỂM SÁT", "KHO BẠC", "BẢO HIỂM", "NGÂN HÀNG", "CÔNG AN ", "BAN QUẢN LÝ",
    "BAN DÂN TỘC", "BAN TỔ CHỨC", "BAN CHỈ HUY", "BỘ CHỈ HUY", "TRUNG TÂM", "TRƯỜNG ", "HỌC VIỆN", "BỆNH VIỆN",
    "TRẠM ", "CÔNG TY", "TẬP ĐOÀN", "TỔNG CÔNG TY", "CHI NHÁNH", "LIÊN ĐOÀN", "ĐẢNG ỦY", "HUYỆN ỦY", "TỈNH ỦY",
    "MẶT TRẬN", "HỘI NÔNG DÂN", "HỘI LIÊN HIỆP", "HỘI CỰU CHIẾN BINH", "ĐOÀN THANH NIÊN", "HẢI QUAN", "THUẾ ",
)  # fmt: skip
"""How names of bodies begin, spelt in either way where there are two; none is how a person is called."""


def kind_by_subject(certificate: x509.Certificate) -> Literal["person", "organisation"] | None:
    """Return whose certificate its subject looks like; None when it says neither."""
    said = [(part["type"].native, str(part["value"].native)) for name in certificate.subject.chosen for part in name]
    numbers = " ".join(value for kind, value in said if kind in {"user_id", "0.9.2342.19200300.100.1.1"})
    if _OF_PERSON.search(numbers):
        return "person"
    names = [unicodedata.normalize("NFC", value).upper().strip() for kind, value in said if kind == "common_name"]
    if any(f"{name} ".startswith(_BODIES) for name in names):
        return "organisation"
    if any(kind in _PERSONAL for kind, _ in said):
        return "person"
    return "organisation" if _OF_BODY.search(numbers) else None
