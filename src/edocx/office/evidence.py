"""Journal heads that the agency signed: anchors outside the store, against a journal cut off or rewritten.

A chain of hashes cannot show that its end was cut, and whoever holds the store can compute it anew. A head that the
agency's key signed and that lies elsewhere (in a backup, with the auditor) can.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from edocx.content import Blob, disk_translated, write_durably
from edocx.errors import InputError, Text, Unavailable
from edocx.office.desk import Desk
from edocx.routing.journal import Head
from edocx.routing.store.failure import files_translated
from edocx.signing.cms.sign import complete, prepare
from edocx.signing.receipt import write_receipt
from edocx.signing.timestamp import Timestamper

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
    with files_translated(str(folder)):
        folder.mkdir(exist_ok=True)
    return write_head(desk, folder, head_of(desk))


def write_head(desk: Desk, folder: Path, head: Head) -> Path:
    """Write ``head-N.json`` and its detached signature ``head-N.json.p7s`` into a folder; return the first.

    The JSON has unit, seq, hash (SHA-256, lower-case hex), at (ISO 8601), and the next number of each book. Where the
    settings name time-stamping services the signature is stamped.
    """
    said = head_text(desk, head)
    path, seal = folder / f"head-{head.seq}.json", _stamped(desk, said)
    with disk_translated():
        # The signature first: a head that stands there is signed.
        write_durably(path.with_name(path.name + ".p7s"), [seal])
        write_durably(path, [said])
    return path


def head_text(desk: Desk, head: Head) -> bytes:
    """Return what a head's file says."""
    with desk.store.read() as transaction:
        books = transaction.register.next_numbers(str(desk.unit))
    at = desk.clock.now().isoformat()
    said = {"schema": 1, "unit": str(desk.unit), "seq": head.seq, "hash": head.hash, "at": at}
    told = {f"{series}/{year}": number for (series, year), number in sorted(books.items())}
    return json.dumps({**said, "books": told}, ensure_ascii=False).encode()


def signed(desk: Desk, said: bytes, *, timestamps: Timestamper | None = None) -> bytes:
    """Return the agency's detached CMS signature (DER) over some bytes."""
    signer = desk.agency()
    prepared = prepare(
        hashlib.new(signer.algorithm.hash_name, said).digest(),
        certificate=signer.certificate,
        algorithm=signer.algorithm,
        chain=signer.chain,
        at=desk.clock.now(),
    )
    return complete(prepared, signer.sign_digest(prepared.to_sign), timestamps=timestamps)


def _stamped(desk: Desk, said: bytes) -> bytes:
    settings = desk.config.timestamp
    try:
        return signed(desk, said, timestamps=desk.timestamps if settings else None)
    except Unavailable:
        if settings is None or settings.on_failure == "fail":
            raise
        return signed(desk, said)  # a head without a stamp is worth more than none


def give_receipt(desk: Desk, file: Path, folder: Path) -> Path:
    """State with the agency's key that a file is in this unit's hands now; return the statement's place.

    Whoever accepts this unit's receipts can then prove since when every signature in the file existed, whatever
    becomes of the certificates (`edocx.signing.receipt`).
    """
    with disk_translated():
        folder.mkdir(parents=True, exist_ok=True)
        return write_receipt(file, folder, desk.agency(), issuer=str(desk.unit), at=desk.clock.now())


def known_heads(desk: Desk) -> tuple[Head, ...]:
    """Return the heads kept beside the store; what the journal must still hold."""
    return tuple(read_head(path) for path in head_files(desk))


def head_files(desk: Desk) -> list[Path]:
    """Return the files of the heads kept beside the store."""
    return sorted((desk.config.place.parent / HEADS).glob("head-*.json"))


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
