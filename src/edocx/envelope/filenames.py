"""Names of files from outside made harmless: no folders, no control characters, nothing a system reserves."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 200
"""Most bytes of a cleaned name in UTF-8: systems stop at 255, and a collision adds a few."""

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f]')
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)


def cleaned(name: str, fallback: str = "tep-dinh-kem") -> str:
    """Return a name that is one file in the folder it is put in, on any system, and looks like what it is.

    Path parts go (slips), forbidden and control characters become ``_``, invisible and direction marks go
    (``gpj.exe`` shown as ``exe.jpg``), blanks and dots at the ends go, reserved names get a ``_``.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    text = "".join(char for char in text if unicodedata.category(char) not in {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    text = _FORBIDDEN.sub("_", text).strip(" .\u00a0")
    if not text:
        return fallback
    if _RESERVED.fullmatch(text):
        text = f"_{text}"
    return _shortened(text, LONGEST)


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names with numbers added where two would be one file on a system blind to case."""
    taken: set[str] = set()
    result = []
    for name in names:
        stem, dot, ending = name.rpartition(".")
        base, tail = (stem, dot + ending) if stem else (name, "")
        choice, count = name, 2
        while choice.casefold() in taken:
            choice, count = f"{base} ({count}){tail}", count + 1
        taken.add(choice.casefold())
        result.append(choice)
    return result


def _shortened(text: str, most: int) -> str:
    if len(text.encode()) <= most:
        return text
    stem, dot, ending = text.rpartition(".")
    tail = dot + ending if stem and len(ending) <= 10 else ""  # noqa: PLR2004 - no known extension is longer
    body = text.removesuffix(tail) if tail else text
    room = most - len(tail.encode())
    return body.encode()[:room].decode(errors="ignore").rstrip(" .") + tail
