"""How far each book went, written beside the store: what is left to ask when the store is put back from an old copy.

The axis may be away when a number is given, and the store be lost before it is back; then only the folder of issued
documents tells that the number is used (NĐ 30/2020 Điều 15: a number serves one document).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from edocx.content import disk_translated, write_durably
from edocx.errors import StoreUnavailable, Text
from edocx.office.desk import Desk
from edocx.routing.transaction import Transaction

ISSUED = "issued"
"""The folder beside the store where issued documents lie for other programs."""

NUMBERS = "numbers.json"
"""In that folder."""

REASON = "đã dùng, theo thư mục văn bản đã ban hành / used, by the folder of issued documents"

_MAX_BYTES = 1024 * 1024
_MAX_NUMBER = 10**9
"""Of a file that anybody may have put there: a book of a year has some ten thousand."""


class Noted(NamedTuple):
    """A book's next number, and the name of the file that the last document numbered in it gets."""

    next_number: int
    last: str


Book = tuple[str, int]
"""A series and a year."""


def issued_folder(desk: Desk) -> Path:
    """Return the folder of issued documents; raise ``OSError`` when it cannot be made."""
    folder = desk.config.place.parent / ISSUED
    folder.mkdir(exist_ok=True)
    return folder


def numbers_beside(desk: Desk) -> dict[Book, Noted]:
    """Return what is noted; raise `StoreUnavailable` (``EDX-NUMBERS-UNREADABLE``) for a file that cannot be it."""
    place = desk.config.place.parent / ISSUED / NUMBERS
    try:
        with place.open("rb") as stream:
            return _read(stream.read(_MAX_BYTES), str(desk.unit))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise StoreUnavailable(
            Text(
                "Tệp ghi số đã cấp bị hỏng, hoặc của đơn vị khác.",
                "The list of numbers given out is damaged, or another unit's.",
            ),
            hint=Text(
                "Chuyển tệp này sang chỗ khác; nếu kho vừa phục hồi: `edocx office reconcile --next-number N`.",
                "Move it aside; if the store was just restored: `edocx office reconcile --next-number N`.",
            ),
            code="EDX-NUMBERS-UNREADABLE",
            where=str(place),
        ) from error


def _read(data: bytes, unit: str) -> dict[Book, Noted]:
    told = json.loads(data)
    noted = {(str(series), int(year)): Noted(int(number), str(last)) for series, year, number, last in told["books"]}
    if told["unit"] != unit or not all(0 < one.next_number <= _MAX_NUMBER for one in noted.values()):
        raise ValueError("not of this unit, or no number of a document")
    return noted


def note_number(desk: Desk, book: Book, number: int, name: str) -> None:
    """Note that a number is given out, before it is; ``name`` is the file that the document will get.

    Within the transaction that reserves it, so that processes take turns. A crash in between leaves a number unused.
    """
    with disk_translated():
        noted = numbers_beside(desk) | {book: Noted(number + 1, name)}
        told = [[*key, *one] for key, one in sorted(noted.items())]
        said = {"schema": 1, "unit": str(desk.unit), "books": told}
        write_durably(issued_folder(desk) / NUMBERS, [json.dumps(said, ensure_ascii=False).encode()])


def skip_used(desk: Desk, transaction: Transaction, book: Book, name: str) -> None:
    """Let a book go on above the numbers that are noted as used for other documents; they stand in it as missing."""
    noted = numbers_beside(desk).get(book)
    following = transaction.register.next_numbers(str(desk.unit)).get(book, 1)
    if noted is None or following >= noted.next_number:
        return
    if (following + 1, name) == noted:
        return  # its own number: whoever noted it was killed before it was given
    transaction.register.start_at(str(desk.unit), *book, noted.next_number)
    transaction.register.note_missing(str(desk.unit), *book, following, REASON)


def is_behind(desk: Desk, transaction: Transaction) -> bool:
    """Tell whether the store knows less than was issued from it: an old copy was put in its place.

    One number more than the store's may be a reservation that was never committed; a document that lies there was.
    """
    following = transaction.register.next_numbers(str(desk.unit))
    for book, noted in numbers_beside(desk).items():
        ahead = noted.next_number - following.get(book, 1)
        exported = desk.config.place.parent / ISSUED / f"{noted.last}.pdf"
        if ahead > 1 or (ahead == 1 and exported.exists()):
            return True
    return False
