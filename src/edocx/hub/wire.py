"""How a refusal is answered: its number for official clients, the HTTP status, a sentence in plain ASCII.

No public source has the axis' own table of errors; only 0 is certain. Numbers below 100 are those of the LGSP dialect
(axis-http.md §2), used wherever one fits; those from 100 are ours. `edocx` clients go by the ``EDX-…`` code beside it.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from edocx.errors import EdocxError, LimitExceeded, Unavailable, UnitError, UsageError


class Wire(NamedTuple):
    """How a refusal is answered: ErrorCode, and the HTTP status (which official clients ignore)."""

    number: str
    status: int


SYSTEM = Wire("20", 500)
AWAY = Wire("20", 503)

_WIRE = {
    "EDX-HUB-UNSIGNED": Wire("15", 401),
    "EDX-HUB-SIGNATURE": Wire("15", 401),
    "EDX-HUB-HEADERS": Wire("15", 401),
    "EDX-HUB-NON-ASCII": Wire("15", 401),
    "EDX-HUB-STALE": Wire("15", 401),
    "EDX-HUB-PLAIN-HTTP": Wire("100", 403),
    "EDX-HUB-SENDER": Wire("19", 403),
    "EDX-HUB-SUBTREE": Wire("19", 403),
    "EDX-UNIT-UNKNOWN": Wire("18", 422),
    "EDX-UNIT-CLOSED": Wire("23", 422),
    "EDX-UNIT-NOT-OPEN": Wire("18", 422),
    "EDX-HUB-NOBODY": Wire("18", 422),
    "EDX-HUB-HASH": Wire("10", 422),
    "EDX-HUB-EMPTY": Wire("10", 422),
    "EDX-HUB-CUT": Wire("10", 400),
    "EDX-HUB-KIND": Wire("22", 422),
    "EDX-HUB-INCOMPLETE": Wire("22", 422),
    "EDX-PARCEL-CONFLICT": Wire("101", 409),
    "EDX-HUB-UNKNOWN": Wire("102", 404),
    "EDX-HUB-SETTLED": Wire("103", 409),
    "EDX-HUB-PARAMETER": Wire("104", 400),
    "EDX-HUB-PATH": Wire("105", 404),
    "EDX-HUB-METHOD": Wire("105", 405),
    "EDX-HUB-LENGTH": Wire("106", 411),
    "EDX-HUB-SIZE": Wire("107", 413),
    "EDX-HUB-RATE": Wire("108", 429),
    "EDX-HUB-LOOP": Wire("109", 409),
    "EDX-HUB-SLOW": Wire("110", 408),
    "EDX-HUB-UNSEALED": Wire("111", 422),
    "EDX-HUB-SEAL": Wire("112", 422),
    "EDX-HUB-SEALER": Wire("113", 422),
    "EDX-HUB-UNSIGNED-FILES": Wire("114", 422),
    "EDX-HUB-FILE-SIGNATURE": Wire("115", 422),
    "EDX-HUB-MALWARE": Wire("116", 422),
    "EDX-HUB-SCANNER": Wire("117", 503),
    "EDX-HUB-LINE": AWAY,
    "EDX-HUB-SECRET": Wire("118", 422),
    "EDX-HUB-TAKES-SIZE": Wire("119", 422),
    "EDX-HUB-TAKES-TYPE": Wire("120", 422),
    "EDX-PAYLOAD-ERASED": Wire("121", 410),
    # A caller's own words, of which the hub's parts know nothing: an id that cannot be one, a value too long to keep.
    "EDX-ID": Wire("104", 400),
    "EDX-STORE-VALUE": Wire("104", 400),
}
_BY_KIND = (
    (LimitExceeded, Wire("107", 413)),
    (UnitError, Wire("18", 422)),
    (UsageError, Wire("104", 400)),
    (Unavailable, AWAY),
)
_OF_THE_FILE = ("EDX-XML", "EDX-ENVELOPE", "EDX-STATUS", "EDX-FILE-EMPTY", "EDX-ZIP", "EDX-ATTACHMENT", "EDX-SEAL")
"""Beginnings of the codes that speak of what a caller sent, not of the hub's own files."""


def wire_of(error: EdocxError) -> Wire:
    """Return how an error is answered; whatever has no row is the hub's own trouble."""
    if error.code in _WIRE:
        return _WIRE[error.code]
    if error.code.startswith(_OF_THE_FILE):
        return Wire("22", 422)
    if error.code.startswith("EDX-STORE"):
        return AWAY
    return next((wire for kind, wire in _BY_KIND if isinstance(error, kind)), SYSTEM)


def ascii_of(text: str) -> str:
    """Return a sentence without its diacritics: official clients read ErrorDesc as US-ASCII (axis-http.md §1.6)."""
    plain = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    plain = plain.replace("“", '"').replace("”", '"').replace("–", "-").replace("…", "...")
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return letters.encode("ascii", "replace").decode("ascii")
