"""The official letter as a page: typeset from its content, with places for number, date, signature and seal.

The layout is that of NĐ 30/2020 Phụ lục I. The typesetter is loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edocx.letter.content import LetterContent
    from edocx.letter.images import draw_seal, draw_signature
    from edocx.letter.typesetting import Letter, typeset

_HOMES = {
    "Letter": "edocx.letter.typesetting",
    "LetterContent": "edocx.letter.content",
    "draw_seal": "edocx.letter.images",
    "draw_signature": "edocx.letter.images",
    "typeset": "edocx.letter.typesetting",
}

__all__ = ["Letter", "LetterContent", "draw_seal", "draw_signature", "typeset"]


def __getattr__(name: str) -> Any:
    """Load a part when it is first used: the typesetter and its fonts are heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
