"""Vietnamese spelling that two lists may choose differently without meaning another name."""

from __future__ import annotations

import re
import unicodedata

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_open_pair = re.compile(rf"(o[ae]|(?<!q)uy)([{_TONES}])(?!\w)")


def one_tone_place(text: str) -> str:
    """Return text in NFC with the tone of final oa, oe, uy on the first vowel ("hoà" as "hòa"), "quý" left alone."""
    decomposed = unicodedata.normalize("NFD", text)
    moved = _open_pair.sub(lambda pair: pair[1][0] + pair[2] + pair[1][1], decomposed)
    return unicodedata.normalize("NFC", moved)


def name_key(name: str) -> str:
    """Return what two spellings of one name share: NFC, one tone place, one apostrophe, single blanks, case-folded.

    Diacritics stay: Sơn Hà and Sơn Hạ are two communes (law.md #116b).
    """
    return " ".join(one_tone_place(name.casefold()).replace("’", "'").split())
