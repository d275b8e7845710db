"""Journal heads that the agency signed: anchors outside the store, against a journal cut off or rewritten.

A chain of hashes cannot show that its end was cut, and whoever holds the store can compute it anew. A head that the
agency's key signed and that lies elsewhere (in a backup, with the auditor) can.
"""

from __future__ import annotations

import json
from pathlib import Path

from edocx.content import Blob, write_durably
from edocx.errors import InputError, Text
from edocx.office.desk import Desk
from edocx.routing.journal import Head
from edocx.signing.cms.sign import sign_file
from edocx.signing.receipt import write_receipt

HEADS = "heads"
"""The folder beside the store where signed heads are kept."""

MAX_HEAD = 64 * 1024
"""Bytes of a head's file; a real one has some hundred, and a line for each book and year."""


def head_of(desk: Desk) -> Head:
    """Return the journal's end as it stands."""
    with desk.store.read() as transaction:
        return transaction.journal_head()


def sign_head(desk: Desk) -> Path:
    """Sign the journal's end with the agency's key, beside the store; return the file that was signed."""
    folder = desk.config.place.parent / HEADS
    folder.mkdir(exist_ok=True)
    return write_head(desk, folder, head_of(desk))


def write_head(desk: Desk, folder: Path, head: Head) -> Path:
    """Write ``head-N.json`` and its detached signature ``head-N.json.p7s`` into a folder; return the first.

    The JSON has unit, seq, hash (SHA-256, lower-case hex), at (ISO 8601), and the next number of each book.
    """
    now = desk.clock.now()
    path = folder / f"head-{head.seq}.json"
    with desk.store.read() as transaction:
        books = transaction.register.next_numbers(str(desk.unit))
    said = {"schema": 1, "unit": str(desk.unit), "seq": head.seq, "hash": head.hash, "at": now.isoformat()}
    said["books"] = {f"{series}/{year}": number for (series, year), number in sorted(books.items())}
    write_durably(path, [json.dumps(said, ensure_ascii=False).encode()])
    sign_file(path, path.with_name(path.name + ".p7s"), desk.agency(), at=now)
    return path


def give_receipt(desk: Desk, file: Path, folder: Path) -> Path:
    """State with the agency's key that a file is in this unit's hands now; return the statement's place.

    Whoever accepts this unit's receipts can then prove since when every signature in the file existed, whatever
    becomes of the certificates (`edocx.signing.receipt`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    return write_receipt(file, folder, desk.agency(), issuer=str(desk.unit), at=desk.clock.now())


def known_heads(desk: Desk) -> tuple[Head, ...]:
    """Return the heads kept beside the store; what the journal must still hold."""
    folder = desk.config.place.parent / HEADS
    return tuple(read_head(path) for path in sorted(folder.glob("head-*.json")))


def read_head(path: Path) -> Head:
    """Read a head's file; raise `InputError` when it is none."""
    return parse_head(Blob.from_path(path).read(MAX_HEAD), str(path))[0]


def parse_head(said: bytes, where: str) -> tuple[Head, dict[tuple[str, int], int]]:
    """Read what a head's file says: the head, and the next number of each book; raise `InputError` for anything else.

    Books are keyed by series and year.
    """
    try:
        told = json.loads(said)
        books: dict[tuple[str, int], int] = {}
        for name, number in told.get("books", {}).items():
            series, _, year = str(name).rpartition("/")
            books[series, int(year)] = int(number)
        return Head(int(told["seq"]), str(told["hash"])), books
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            Text("Tệp không phải đầu chuỗi nhật ký.", "The file is no journal head."),
            hint=Text("Dùng tệp head-N.json do văn phòng ký.", "Use a head-N.json that the office signed."),
            code="EDX-HEAD-UNREADABLE",
            where=where,
        ) from error
