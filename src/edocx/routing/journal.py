"""The journal: append-only lines, each bound to the one before it by a hash.

A line is canonical JSON (sorted keys, no spaces, UTF-8) and holds the hash of the line before; its own
hash is the SHA-256 of its bytes. Anyone with ``sha256sum`` can follow the chain. Lines are written in the
transaction that changes the state they tell of. They hold ids only, never names, subjects or reasons, so
that a journal can be handed out and survives the deletion of content.

A chain alone cannot show that its last lines were cut off; whoever keeps a `Head` elsewhere can.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from edocx.errors import StoreUnavailable, Text, UsageError
from edocx.routing.parcel import MAX_ID_LENGTH
from edocx.routing.store import tables
from edocx.routing.store.prepared import Prepared
from edocx.routing.store.tables import moment_text

GENESIS = "0" * 64
"""What the first line names as the hash before it."""

ID_NAMES = frozenset(
    {
        "attempt", "basis", "book", "business", "by", "code", "direction", "document", "document_id", "due",
        "effect", "incoming", "kind", "lease", "message_id", "number", "previous_state", "reason", "receipt",
        "recipient", "recipients", "round", "sender", "series", "sha256", "signature", "size", "state", "task",
        "transport", "unit", "urgency", "year",
    }
)  # fmt: skip
"""What a line may speak of; ``by`` is a role or account id, ``reason`` a stable code, never a sentence."""

Id = str | int | None
"""A value in a line."""


class Head(NamedTuple):
    """The end of a chain: how many lines, and the last one's hash."""

    seq: int
    hash: str


class Line(NamedTuple):
    """One line as kept: its number, its hash and its JSON text."""

    seq: int
    hash: str
    text: str

    @property
    def at(self) -> datetime:
        """When it was written (UTC)."""
        return datetime.fromisoformat(json.loads(self.text)["at"])

    @property
    def event(self) -> str:
        """What happened, such as ``parcel.sent``."""
        return str(json.loads(self.text)["event"])

    @property
    def ids(self) -> dict[str, Id]:
        """What it happened to."""
        return dict(json.loads(self.text)["ids"])

    def __str__(self) -> str:
        return f"{self.hash} {self.text}"


class Fault(NamedTuple):
    """The first line that does not fit, and how."""

    seq: int
    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What checking a chain gave: its head as far as it is good, and the first fault if there is one."""

    head: Head
    fault: Fault | None = None

    def require(self) -> Head:
        """Return the head; raise `StoreUnavailable` when the chain is broken."""
        if self.fault is None:
            return self.head
        raise StoreUnavailable(
            self.fault.text,
            hint=Text(
                "Sổ nhật ký đã bị sửa hoặc hỏng: giữ nguyên tệp làm chứng cứ và phục hồi từ bản sao lưu.",
                "The journal was changed or damaged: keep the file as evidence and restore a backup.",
            ),
            code=self.fault.code,
            where=f"line {self.fault.seq}",
        )


_table = tables.journal
_ADD = Prepared(insert(_table), ("seq", "hash", "line"))
_NEWEST = Prepared(select(_table.c.seq, _table.c.hash).order_by(_table.c.seq.desc()).limit(1))
_SPELLING = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Journal:
    """The journal within one transaction: lines are collected and written just before the commit."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = moment_text(now)
        self._waiting: list[tuple[str, dict[str, Id]]] = []
        self.written: list[tuple[str, dict[str, Id]]] = []
        """What was flushed so far, in order: event and ids."""

    def add(self, event: str, ids: dict[str, Id]) -> None:
        """Note an event; raise `UsageError` for a name not in `ID_NAMES` or a value that is too long."""
        wrong = [
            name for name, value in ids.items() if name not in ID_NAMES or len(str(value)) > MAX_ID_LENGTH
        ]  # a long value is content that strayed here
        if wrong:
            raise UsageError(
                Text("Nhật ký chỉ ghi mã định danh.", f"The journal holds ids only; not: {', '.join(wrong)}."),
                hint=Text("Xem ID_NAMES.", "See ID_NAMES."),
                code="EDX-JOURNAL-FIELD",
            )
        self._waiting.append((event, {name: value for name, value in ids.items() if value is not None}))

    def flush(self) -> None:
        """Write what was noted, each line bound to the one before."""
        if not self._waiting:
            return
        seq, previous = self.head_of_table()
        rows = []
        for event, ids in self._waiting:
            seq += 1
            content = {"at": self._now, "event": event, "ids": ids, "previous": previous, "seq": seq}
            line = canonical(content)
            previous = digest(line)
            rows.append({"seq": seq, "hash": previous, "line": line})
        _ADD.run_each(self._connection, rows)
        self.written += self._waiting
        self._waiting.clear()

    def head(self) -> Head:
        """Return the end of the chain, with what this transaction has added."""
        self.flush()
        return self.head_of_table()

    def head_of_table(self) -> Head:
        """Return the end of the chain as it stands in the table."""
        row = _NEWEST.first(self._connection, {})
        return Head(*row) if row else Head(0, GENESIS)

    def hash_at(self, seq: int) -> str | None:
        """Return the hash of a line, the genesis for 0, None for a line that is not there."""
        if seq == 0:
            return GENESIS
        query = select(_table.c.hash).where(_table.c.seq == seq)
        return self._connection.execute(query).scalar_one_or_none()

    def lines(self, *, after: int = 0) -> Iterator[Line]:
        """Yield the lines in order, from the one after number ``after``."""
        self.flush()
        query = select(_table.c.seq, _table.c.hash, _table.c.line).where(_table.c.seq > after).order_by(_table.c.seq)
        for row in self._connection.execute(query):
            yield Line(row.seq, row.hash, row.line)

    def moments(self, *, after: int = 0) -> Iterator[tuple[int, datetime]]:
        """Yield number and moment of the lines in order; a damaged one is left out, `verify` names it."""
        for line in self.lines(after=after):
            try:
                moment = datetime.fromisoformat(str(_content(line.text).get("at")))
            except ValueError:
                continue
            if moment.tzinfo is not None:
                yield line.seq, moment


def canonical(content: dict[str, object]) -> str:
    """Return the one spelling of a line."""
    return _SPELLING.encode(content)


def digest(line: str) -> str:
    """Return a line's hash, lower-case hex."""
    return hashlib.sha256(line.encode()).hexdigest()


def parse_line(text: str) -> Line:
    """Read an exported line (hash, space, JSON); what cannot be read becomes a line that no chain holds."""
    found, _, body = text.rstrip("\n").partition(" ")
    content = _content(body)
    seq = content.get("seq")
    return Line(seq if isinstance(seq, int) else 0, found, body)


def verify(lines: Iterable[Line], *, known: Iterable[Head] = ()) -> JournalReport:
    """Follow a chain from its first line; the report names the first line that does not fit.

    Args:
        lines: all lines in order.
        known: heads noted elsewhere earlier (a receipt, a backup); a chain that does not hold them was
            rewritten or cut off, however well it fits itself.
    """
    wanted = {head.seq: head.hash for head in known if head.seq > 0}
    seq, previous = 0, GENESIS
    for line in lines:
        fault = _fault(line, seq + 1, previous, wanted)
        if fault is not None:
            return JournalReport(Head(seq, previous), fault)
        seq, previous = line.seq, line.hash
    lost = min((number for number in wanted if number > seq), default=None)
    if lost is not None:
        fault = Fault(
            seq + 1,
            "EDX-JOURNAL-CUT",
            Text(
                f"Nhật ký kết thúc ở dòng {seq}, nhưng đã từng có dòng {lost}.",
                f"The journal ends at line {seq}, but line {lost} is known to have existed.",
            ),
        )
        return JournalReport(Head(seq, previous), fault)
    return JournalReport(Head(seq, previous))


def _fault(line: Line, seq: int, previous: str, wanted: dict[int, str]) -> Fault | None:
    content = _content(line.text)
    if digest(line.text) != line.hash:
        return Fault(
            seq,
            "EDX-JOURNAL-CHANGED",
            Text(f"Dòng {seq} đã bị sửa.", f"Line {seq} was changed: it does not have the hash noted for it."),
        )
    if line.seq != seq or content.get("seq") != seq or content.get("previous") != previous:
        return Fault(
            seq,
            "EDX-JOURNAL-BROKEN",
            Text(
                f"Dòng {seq} bị thiếu, chèn thêm hoặc đổi chỗ.",
                f"Line {seq} is missing, inserted or out of place: the chain breaks here.",
            ),
        )
    if wanted.get(seq, line.hash) != line.hash:
        return Fault(
            seq,
            "EDX-JOURNAL-REWRITTEN",
            Text(
                f"Dòng {seq} khác với bản đã biết trước đây: chuỗi đã bị viết lại.",
                f"Line {seq} differs from the one noted elsewhere: the chain was rewritten.",
            ),
        )
    return None


def _content(text: str) -> dict[str, object]:
    try:
        content = json.loads(text)
    except ValueError:
        # Not JSON any more: reported as a broken line by whoever asked.
        return {}
    return content if isinstance(content, dict) else {}
