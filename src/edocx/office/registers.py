"""The registers as people read them: outgoing and incoming books, searched, exported, numbers voided with a reason.

NĐ 30/2020 Điều 15 and 22, Phụ lục VI: numbers run by year; a voided number stays with its reason; a second document
of the same number, notation and issuer is warned of.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from edocx.clock import in_vietnam
from edocx.errors import StateError, Text, UsageError
from edocx.office.desk import Desk
from edocx.office.issuing import OUTGOING, RESERVED
from edocx.office.received import RECEIVED
from edocx.routing.dossier import Filed
from edocx.routing.register import RegisterEntry

Book = Literal["out", "in"]
INCOMING = "den"
VOIDED = "voided"
"""The dossier's state of a draft whose number was voided."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet runs: a stranger's subject must not compute on the clerk's machine."""


class RegisterLine(BaseModel):
    """One line of a register; ``ordinal`` is the book's number, ``number`` the document's as printed."""

    model_config = ConfigDict(frozen=True)

    book: Book
    year: int
    ordinal: int
    state: Literal["reserved", "issued", "voided", "missing"]
    entered_at: AwareDatetime
    document_id: str | None
    number: str | None
    issued_on: dt.date | None
    kind: str | None
    issuer: str | None
    subject: str | None
    signatory: str | None
    to_places: tuple[str, ...] = ()
    due_date: dt.date | None = None
    reason: str | None = None
    duplicate: bool = False
    recalled: bool = False
    replaced_by: str | None = None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show book and number only."""
        return (("book", self.book), ("year", self.year), ("ordinal", self.ordinal))


def lines_of(desk: Desk, book: Book, year: int, *, search: str = "") -> tuple[RegisterLine, ...]:
    """Return a book of a year from its first number on, or the lines that hold every word of ``search``.

    Words match anywhere in number, subject, issuer, kind, signatory and recipients; case and diacritics are optional.
    """
    unit = str(desk.unit)
    with desk.store.read() as transaction:
        entries = transaction.register.entries(unit, OUTGOING if book == "out" else INCOMING, year)
        filed = transaction.documents.in_state(*(() if book == "out" else (RECEIVED,)))
    known = {one.id if book == "out" else str(one.metadata["message_id"]): one for one in filed}
    make = _outgoing if book == "out" else _incoming
    lines = (make(entry, known.get(entry.document), unit) for entry in entries)
    words = _plain(search).split()
    return tuple(line for line in lines if all(word in _searched(line) for word in words))


def to_csv(lines: Iterable[RegisterLine]) -> str:
    """Return lines as CSV with a header; times in Vietnam's zone. Cells that a spreadsheet would run are disarmed."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(RegisterLine.model_fields)
    for line in lines:
        values = {**line.model_dump(), "entered_at": in_vietnam(line.entered_at).isoformat(timespec="seconds")}
        table.writerow(_cell(values[name]) for name in RegisterLine.model_fields)
    return text.getvalue()


def void(desk: Desk, draft_id: str, reason: str, *, by: str) -> int:
    """Void the number reserved for a draft that will not be issued; return the number, which stays with its reason.

    Raises `UsageError` without a reason, `StateError` for a draft that has no reserved number: an issued document is
    recalled, not unnumbered.
    """
    if not reason.strip():
        raise UsageError(
            Text("Hủy số phải nêu lý do.", "Voiding a number needs a reason."),
            hint=Text("Lý do được ghi trong sổ.", "The register keeps it."),
            code="EDX-VOID-REASON",
        )
    with desk.store.begin("void") as transaction:
        filed = transaction.documents.get(draft_id)
        if filed.state != RESERVED:
            raise StateError(
                Text("Dự thảo này không giữ số nào chưa dùng.", "This draft holds no number that is still unused."),
                hint=Text("Văn bản đã ban hành thì thu hồi.", "A document that was issued is recalled."),
                code="EDX-VOID-STATE",
                where=draft_id,
            )
        year = dt.date.fromisoformat(filed.metadata["issued_on"]).year
        entry = transaction.register.held_by(str(desk.unit), OUTGOING, year, filed.id)
        assert entry is not None
        transaction.register.void(entry, reason)
        transaction.documents.move(filed.id, expected=RESERVED, state=VOIDED, by=by)
    return entry.number


def _outgoing(entry: RegisterEntry, filed: Filed | None, unit: str) -> RegisterLine:
    meta = filed.metadata if filed else {}
    draft = meta.get("draft", {})
    return RegisterLine(
        **_entry_fields("out", entry),
        document_id=filed.document_id if filed else None,
        number=meta.get("number"),
        issued_on=meta.get("issued_on"),
        kind=draft.get("kind"),
        issuer=unit,
        subject=draft.get("subject"),
        signatory=draft.get("signatory", {}).get("full_name"),
        to_places=draft.get("to_places", ()),
        due_date=draft.get("due_date"),
        recalled="recalled" in meta,
        replaced_by=meta.get("replaced_by", {}).get("document"),
    )


def _incoming(entry: RegisterEntry, filed: Filed | None, _unit: str) -> RegisterLine:
    meta = filed.metadata if filed else {}
    number = "/".join(part for part in (meta.get("number"), meta.get("notation")) if part)
    return RegisterLine(
        **_entry_fields("in", entry),
        document_id=meta.get("document_id"),
        number=number or None,
        issued_on=meta.get("issued_on"),
        kind=meta.get("kind"),
        issuer=meta.get("issuer"),
        subject=meta.get("subject"),
        signatory=meta.get("signatory"),
        due_date=meta.get("due_date"),
        duplicate=meta.get("duplicate_of") is not None,
    )


def _entry_fields(book: Book, entry: RegisterEntry) -> dict[str, Any]:
    return {
        "book": book,
        "year": entry.year,
        "ordinal": entry.number,
        "state": str(entry.state),
        "entered_at": entry.changed_at,
        "reason": entry.reason,
    }


def _searched(line: RegisterLine) -> str:
    texts = (line.number, line.subject, line.issuer, line.kind, line.signatory, line.document_id, *line.to_places)
    return _plain(" ".join(text for text in texts if text))


def _plain(text: str) -> str:
    split = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _cell(value: Any) -> str:
    text = "" if value is None else "; ".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
