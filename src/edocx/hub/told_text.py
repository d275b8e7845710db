"""Text that a caller told, before it goes into the database: bounded, and of letters that every database takes."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta

_DOC_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

_DAYS = timedelta(days=2)


def is_doc_id(text: str) -> bool:
    """Tell whether a text can be one of our docIds (axis-http.md §5.6); nothing else is looked up."""
    return _DOC_ID.fullmatch(text) is not None


def is_countable(moment: datetime) -> bool:
    """Tell whether a moment, and the days around it, can be said in UTC: not in the year 1, nor at the end of 9999."""
    try:
        return bool((moment.astimezone(UTC) - _DAYS) and (moment.astimezone(UTC) + _DAYS))
    except OverflowError:
        return False


def tidied(text: str, limit: int) -> str:
    r"""Return a sentence in NFC, on one line, cut to ``limit`` characters.

    PostgreSQL takes no NUL and nothing takes half a surrogate, and both come in JSON (``"\u0000"``, ``"\ud800"``).
    """
    plain = text[: 4 * limit].encode("utf-8", "replace").decode("utf-8")
    letters = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", plain))
    return letters[:limit].strip()
