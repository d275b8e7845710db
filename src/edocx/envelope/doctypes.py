"""The type of a document settled: by name first, since peers write 18 (an index) where 2 (a group) belongs."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from edocx.documents.kinds import document_kinds

LEGAL, ADMINISTRATIVE = 1, 2
"""DocumentType/Type: văn bản quy phạm pháp luật, văn bản hành chính (Sửa đổi 1:2022 QCVN 102:2016/BTTTT)."""

_LEGAL_NAMES: Final = frozenset(
    (
        *("hiến pháp", "luật", "bộ luật", "pháp lệnh", "lệnh", "nghị quyết", "nghị quyết liên tịch", "nghị định"),
        *("quyết định", "thông tư", "thông tư liên tịch", "chỉ thị"),
    )
)
_ADMINISTRATIVE_ONLY_BEFORE_2020: Final = frozenset(
    ("bản cam kết", "bản thoả thuận", "bản thỏa thuận", "giấy chứng nhận", "giấy đi đường", "giấy biên nhận hồ sơ")
)


def settle(values: dict[str, Any]) -> bool:
    """Set the group of a document type by its name, in place; return whether the wire contradicted it.

    Names that stand in both lists (quyết định, nghị quyết, chỉ thị) leave the group as it is.
    """
    name = values.get("name")
    group = values.get("type")
    expected = _group_of(name) if isinstance(name, str) else None
    if expected is None or group == expected:
        return False
    values["type"] = expected
    if group is not None and group > ADMINISTRATIVE and "detail" not in values:
        values["detail"] = group
    return group is not None


def _group_of(name: str) -> int | None:
    key = name.casefold().removesuffix(" (cá biệt)")
    legal, administrative = key in _LEGAL_NAMES, key in _administrative()
    if legal == administrative:
        return None
    return LEGAL if legal else ADMINISTRATIVE


@cache
def _administrative() -> frozenset[str]:
    return frozenset(kind.name.casefold() for kind in document_kinds()) | _ADMINISTRATIVE_ONLY_BEFORE_2020
