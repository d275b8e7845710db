"""Administrative levels: what the directory says of a unit on a date, never the depth of its code."""

from __future__ import annotations

from enum import Enum

from edocx.errors import Text


class Level(Enum):
    """The level a unit works at: central, province, district (ended 2025-07-01) or commune.

    A ministry (``G12``) and a province (``H20``) both have codes of depth 1 and different levels; a
    commune's code had depth 3 until 2025-06-30 and has depth 2 since, at the same level.
    """

    CENTRAL = "central"
    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"

    @property
    def label(self) -> Text:
        """The level's name for people, in both languages."""
        return _LABELS[self]


_LABELS = {
    Level.CENTRAL: Text("Trung ương", "Central"),
    Level.PROVINCE: Text("Cấp tỉnh", "Province"),
    Level.DISTRICT: Text("Cấp huyện", "District"),
    Level.COMMUNE: Text("Cấp xã", "Commune"),
}
