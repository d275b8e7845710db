"""Liberation Serif 2.1: the metric twin of Times New Roman that NĐ 30/2020 Phụ lục I asks for.

All four faces hold every Vietnamese letter. SIL Open Font License 1.1, see OFL.txt beside them.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

_FOLDER = Path(__file__).parent


class Face(Enum):
    """One face of Liberation Serif; ``path`` is its TrueType file."""

    REGULAR = "LiberationSerif-Regular.ttf"
    BOLD = "LiberationSerif-Bold.ttf"
    ITALIC = "LiberationSerif-Italic.ttf"
    BOLD_ITALIC = "LiberationSerif-BoldItalic.ttf"

    @property
    def path(self) -> Path:
        """The TrueType file of this face."""
        return _FOLDER / self.value


FAMILY = "Liberation Serif"
LICENCE = _FOLDER / "OFL.txt"
"""The licence that goes wherever the font files go."""
