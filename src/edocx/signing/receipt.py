"""Receipts: the signed statement of a unit that a file was in its hands at a time.

A receipt is two files, in the form in which offices sign their journal heads: ``receipt-DIGEST.json``, and beside it
the detached CMS signature ``receipt-DIGEST.json.p7s`` over exactly those bytes::

    {"schema": 1, "statement": "edocx-receipt", "issuer": "H20", "sha256": "…", "bytes": 48213,
     "held": "2025-06-30T09:00:00+07:00"}

What it says counts only where a policy names its issuer (`edocx.signing.policy.ReceiptIssuers`); whether it counts is
judged in `edocx.signing.receipt_proof`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edocx.clock import in_vietnam
from edocx.content import Blob, write_durably
from edocx.errors import InputError, Text
from edocx.signing.cms.sign import complete, prepare
from edocx.signing.keys import Signer
from edocx.signing.report import Message, ReceiptInfo

if TYPE_CHECKING:
    from edocx.signing.timestamp import Timestamper  # its module loads pyHanko, which no verdict on a seal needs

MAX_RECEIPT = 4096
"""Bytes of a receipt's statement; a real one has under 300."""

MAX_SIGNATURE = 256 * 1024
"""Bytes of its signature; one with a chain, a timestamp and revocation lists has some tens of thousands."""

MAX_RECEIPTS = 10_000
"""Receipts read from one folder: against a folder filled by strangers."""

STATEMENT = "edocx-receipt"
"""Says what is signed, so that no other signed JSON (a journal head) passes for a receipt."""

NOT_A_REVISION = Message.of(
    "EDX-RECEIPT-REVISION",
    "warning",
    Text(
        "Biên nhận chỉ nói về một đoạn đầu tệp không trùng với phiên bản nào của tài liệu; không tính.",
        "The receipt is about a beginning of the file that is no revision of the document; it counts for nothing.",
    ),
)
"""Said by the PDF's verifier, which alone knows where revisions end."""

_digest = re.compile(r"[0-9a-f]{64}").fullmatch


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as read, nothing of it checked yet; ``said`` are the bytes that its signature is over."""

    issuer: str
    sha256: str
    size: int
    held: datetime
    said: bytes
    signature: bytes
    where: str


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt that counts. ``whole``: it is about the whole file judged, and so about every signature inside."""

    info: ReceiptInfo
    whole: bool
    messages: tuple[Message, ...] = ()


def write_receipt(
    source: Path, folder: Path, signer: Signer, *, issuer: str, at: datetime, timestamps: Timestamper | None = None
) -> Path:
    """State that a file is in the issuer's hands at an aware moment, and sign it; return the JSON's place.

    Without a timestamp of its own a receipt counts as long as the signer's certificate does. Raises `InputError` for
    a file that cannot be read, and what signing raises.
    """
    blob = Blob.from_path(source)
    said = {
        "schema": 1,
        "statement": STATEMENT,
        "issuer": issuer,
        "sha256": blob.sha256,
        "bytes": blob.size,
        "held": in_vietnam(at).isoformat(),
    }
    data = json.dumps(said, ensure_ascii=False).encode()
    prepared = prepare(
        hashlib.new(signer.algorithm.hash_name, data).digest(),
        certificate=signer.certificate,
        algorithm=signer.algorithm,
        chain=signer.chain,
        at=at,
    )
    signed = complete(prepared, signer.sign_digest(prepared.to_sign), timestamps=timestamps)
    path = folder / f"receipt-{blob.sha256[:16]}.json"
    write_durably(path, [data])
    write_durably(path.with_name(path.name + ".p7s"), [signed])
    return path


def read_receipts(place: Path) -> tuple[tuple[Receipt, ...], tuple[str, ...]]:
    """Read the receipts of a folder and those below it, or one file; return them, and the places of what is none.

    Only ``*.json`` with a ``.p7s`` beside it are looked at. Raises `InputError` for a place that is not there, for a
    single file that is no receipt, and for more than `MAX_RECEIPTS`.
    """
    if place.is_file():
        return (_read(place),), ()
    if not place.is_dir():
        raise _unreadable(place, Text("không có tệp hay thư mục này", "there is no such file or folder"))
    found: list[Receipt] = []
    unreadable: list[str] = []
    for path in sorted(place.rglob("*.json")):
        if not path.with_name(path.name + ".p7s").is_file():
            continue
        if len(found) + len(unreadable) >= MAX_RECEIPTS:
            raise _unreadable(place, Text(f"quá {MAX_RECEIPTS} biên nhận", f"more than {MAX_RECEIPTS} receipts"))
        try:
            found.append(_read(path))
        except InputError:
            # Another signed JSON, or a damaged one: it must not stop the others, and is named in the verdict.
            unreadable.append(path.name)
    return tuple(found), tuple(unreadable)


def _read(path: Path) -> Receipt:
    said = _bounded(path, MAX_RECEIPT)
    signature = _bounded(path.with_name(path.name + ".p7s"), MAX_SIGNATURE)
    try:
        told = json.loads(said)
        held = datetime.fromisoformat(told["held"])
        issuer, sha256, size = told["issuer"], told["sha256"], told["bytes"]
        fits = (
            told["schema"] == 1
            and told["statement"] == STATEMENT
            and type(issuer) is str
            and issuer.isprintable()
            and _digest(sha256)
            and type(size) is int
            and size > 0
            and held.tzinfo is not None
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(path, Text("nội dung sai dạng", "its content is malformed")) from error
    if not fits:
        raise _unreadable(path, Text("nội dung sai dạng", "its content is malformed"))
    return Receipt(issuer, sha256, size, held, said, signature, path.name)


def _bounded(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, Text("không mở được", "it cannot be opened")) from error
    if len(data) > limit:
        raise _unreadable(path, Text("quá dài", "it is too long"))
    return data


def _unreadable(place: Path, why: Text) -> InputError:
    return InputError(
        Text(f"Không đọc được biên nhận: {why.vi}.", f"The receipt cannot be read: {why.en}."),
        hint=Text(
            "Cần tệp receipt-….json và chữ ký receipt-….json.p7s bên cạnh.",
            "A receipt-….json is needed with its signature receipt-….json.p7s beside it.",
        ),
        code="EDX-RECEIPT-UNREADABLE",
        where=str(place),
    )
