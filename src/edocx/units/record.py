"""Records: one unit's history, or one succession edge, as a JSON object; hostile until read here."""

from __future__ import annotations

import gc
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from edocx.errors import EdocxError, Text
from edocx.units.history import BEGIN, END, FIELDS, MISSING, Span, UnitHistory
from edocx.units.level import Level
from edocx.units.succession import Succession, SuccessionKind
from edocx.units.unit import LOCAL, NO_CAPABILITIES, NO_CONTACT, SHIPPED, SIGNED, Capabilities, Contact
from edocx.units.unit_id import Scheme, UnitId

MAX_NAME = 500
"""Longest text of a field: against messages and indexes that grow with hostile input."""

MAX_SPANS = 200
"""Most intervals of one fact: no agency was renamed so often, and each makes a state."""

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
"""Days taken for real: a year 0205 is a slip, and arithmetic at the calendar's ends fails. 9999-12-31 means open."""

_AUTHORITIES = (SHIPPED, SIGNED, LOCAL)
_LEVELS = {level.value: level for level in Level}
_KINDS = {kind.value: kind for kind in SuccessionKind}
_PLAIN = {"id", "from", "to", "statistical_code", "formerly", "source", "authority", "unverified"}
_EDGE = {"kind", "predecessor", "successor", "on", "decree", "custodian", "source", "unverified", "authority"}


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the cycle collector: records make no cycles, and walking them again and again costs a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class BadValue(ValueError):
    """A value that does not fit its column; becomes a `Fault` with the line."""

    def __init__(self, column: str, vi: str, en: str, code: str = "EDX-TABLE-VALUE") -> None:
        super().__init__(en)
        self.column = column
        self.text = Text(vi, en)
        self.code = code


class RecordReader:
    """Makes histories and edges of decoded records; equal texts and days are kept once."""

    def __init__(self, authority: str | None = None) -> None:
        self._authority = authority
        self._days: dict[str, date] = {}
        self._texts: dict[str, str] = {}
        # Column: its place among the facts, and what makes a value of it.
        self._decoders: dict[str, tuple[int, Callable[[str, Any], Any]]] = {
            column: (place, decoder)
            for place, (column, decoder) in enumerate(
                zip(
                    FIELDS,
                    (
                        self.text,
                        self.shared_text,
                        _level,
                        self.shared_text,
                        _code,
                        _code102,
                        self.shared_text,
                        self._contact,
                        _capabilities,
                    ),
                    strict=True,
                )
            )
        }

    def history(self, row: Any) -> UnitHistory:
        """Make a unit's history of a decoded JSON object; `BadValue` names the column at fault."""
        if type(row) is not dict:
            raise BadValue("", "cần một đối tượng JSON.", "a JSON object is due.")
        facts: list[Any] = list(MISSING)
        decoders = self._decoders
        plain: dict[str, Any] = {}
        for column, value in row.items():
            known = decoders.get(column)
            if known is None:
                plain[column] = value
            elif value is not None:
                place, decoder = known
                facts[place] = self._spans(column, value, decoder) if type(value) is list else decoder(column, value)
        if not plain.keys() <= _PLAIN:
            raise BadValue(min(plain.keys() - _PLAIN)[:40], "không biết trường này.", "the field is not known.")
        get = plain.get
        first, last, code = get("from"), get("to"), get("statistical_code")
        return UnitHistory(
            self.text("id", get("id")),
            tuple(facts),
            opened=BEGIN if first is None else self.day("from", first),
            closed=END if last is None else self.day("to", last),
            source=self.shared_text("source", get("source") or ""),
            authority=self._authority or self._stated_authority(get("authority")),
            unverified=frozenset(self._list("unverified", get("unverified"))) if "unverified" in plain else _NONE,
            statistical_code=None if code is None else self.text("statistical_code", code),
            formerly=self._list("formerly", get("formerly")) if "formerly" in plain else (),
        )

    def succession(self, row: Any) -> Succession:
        """Make a succession edge of a decoded JSON object; `BadValue` names the column at fault."""
        if type(row) is not dict or not row.keys() <= _EDGE:
            raise BadValue("", "không phải quan hệ kế thừa.", "not a succession edge.")
        stated = row.get("kind")
        kind = _KINDS.get(stated) if type(stated) is str else None
        if kind is None:
            raise BadValue("kind", f"cần một trong {', '.join(_KINDS)}.", f"one of {', '.join(_KINDS)} is due.")
        successor, custodian = row.get("successor"), row.get("custodian")
        return Succession(
            kind,
            self.shared_text("predecessor", row.get("predecessor")),
            None if successor is None else self.shared_text("successor", successor),
            self.day("on", row.get("on")),
            self.shared_text("decree", row.get("decree") or ""),
            None if custodian is None else self.shared_text("custodian", custodian),
            self.shared_text("source", row.get("source") or ""),
            not row.get("unverified", False),
            self._authority or self._stated_authority(row.get("authority")),
        )

    def text(self, column: str, value: Any) -> str:
        """Check a text: a string of bounded length in NFC without control or format characters."""
        if type(value) is not str:
            raise BadValue(column, "cần chuỗi ký tự.", "text is due.")
        if len(value) > MAX_NAME:
            raise BadValue(column, f"dài quá {MAX_NAME} ký tự.", f"longer than {MAX_NAME} characters.")
        if not value.isprintable():
            bad = next(char for char in value if not char.isprintable())
            name = f"U+{ord(bad):04X} {unicodedata.name(bad, '')}".rstrip()
            raise BadValue(column, f"chứa ký tự {name}.", f"it holds the character {name}.")
        return unicodedata.normalize("NFC", value)

    def shared_text(self, column: str, value: Any) -> str:
        """Check a text that many records repeat, and keep it once."""
        kept = self._texts.get(value) if type(value) is str else None
        if kept is None:
            kept = self.text(column, value)
            self._texts[kept] = kept
        return kept

    def day(self, column: str, value: Any) -> date:
        """Read an ISO date."""
        day = self._days.get(value) if type(value) is str else None
        if day is None:
            try:
                day = date.fromisoformat(value)
            except (TypeError, ValueError) as error:
                raise BadValue(column, "cần ngày dạng 2025-07-01.", "a date such as 2025-07-01 is due.") from error
            if not FIRST_DAY <= day <= LAST_DAY and day != END:
                vi, en = "năm ngoài khoảng 1900-2200.", "the year is not between 1900 and 2200."
                raise BadValue(column, vi, en)
            self._days[value] = day
        return day

    def _stated_authority(self, value: Any) -> str:
        if value is None:
            return LOCAL
        if type(value) is not str or value not in _AUTHORITIES:
            raise BadValue("authority", "không biết nguồn bảo đảm này.", "the authority is not known.")
        return _AUTHORITIES[_AUTHORITIES.index(value)]

    def _list(self, column: str, value: Any) -> tuple[str, ...]:
        if type(value) is not list or len(value) > MAX_SPANS:
            raise BadValue(
                column, f"cần danh sách tối đa {MAX_SPANS} chuỗi.", f"a list of at most {MAX_SPANS} texts is due."
            )
        return tuple(self.shared_text(column, item) for item in value)

    def _spans(self, column: str, rows: list[Any], decoder: Callable[[str, Any], Any]) -> tuple[Span, ...]:
        if len(rows) > MAX_SPANS:
            raise BadValue(column, f"quá {MAX_SPANS} khoảng hiệu lực.", f"more than {MAX_SPANS} intervals.")
        spans = []
        for row in rows:
            if type(row) is not dict or not row.keys() <= {"value", "from", "to", "source", "unverified"}:
                raise BadValue(column, "khoảng hiệu lực sai dạng.", "an interval of the wrong form.")
            value, first, last = row.get("value"), row.get("from"), row.get("to")
            spans.append(
                Span(
                    None if value is None else decoder(column, value),
                    BEGIN if first is None else self.day(column, first),
                    END if last is None else self.day(column, last),
                    not row.get("unverified", False),
                    self.shared_text(column, row.get("source") or ""),
                )
            )
        return tuple(spans)

    def _contact(self, column: str, value: Any) -> Contact:
        if type(value) is not dict or not value.keys() <= set(Contact.__slots__):
            raise BadValue(column, "liên hệ sai dạng.", "a contact of the wrong form.")
        return Contact(**{name: self.text(column, text) for name, text in value.items()})


_NONE: frozenset[str] = frozenset()


def _level(column: str, value: Any) -> Level:
    level = _LEVELS.get(value) if type(value) is str else None
    if level is None:
        raise BadValue(column, f"cần một trong {', '.join(_LEVELS)}.", f"one of {', '.join(_LEVELS)} is due.")
    return level


def _code(column: str, value: Any) -> UnitId:
    code = _parsed(column, value, None)
    if code.scheme is Scheme.QCVN102:
        raise BadValue(column, "mã QCVN 102 thuộc cột code102.", "a code of QCVN 102 belongs in code102.")
    return code


def _code102(column: str, value: Any) -> UnitId:
    return _parsed(column, value, Scheme.QCVN102)


def _parsed(column: str, value: Any, scheme: Scheme | None) -> UnitId:
    if type(value) is not str:
        raise BadValue(column, "cần chuỗi ký tự.", "text is due.")
    try:
        return UnitId.parse(value, scheme)
    except EdocxError as error:
        raise BadValue(column, error.text.vi, error.text.en, error.code) from error


def _capabilities(column: str, value: Any) -> Capabilities:
    bad = BadValue(column, "khả năng tiếp nhận sai dạng.", "capabilities of the wrong form.")
    if type(value) is not dict or not value.keys() <= set(Capabilities.__slots__):
        raise bad
    accepts, size, seals = value.get("accepts", []), value.get("max_bytes"), value.get("seals")
    if type(accepts) is not list or not all(type(item) is str and len(item) <= MAX_NAME for item in accepts):
        raise bad
    if not (size is None or (type(size) is int and size >= 0)) or not (seals is None or type(seals) is bool):
        raise bad
    return Capabilities(tuple(accepts), size, seals)


def unit_record(history: UnitHistory) -> dict[str, Any]:
    """Return a history as the JSON object that `RecordReader.history` reads back; what is not known is left out."""
    row: dict[str, Any] = {"id": history.identity}
    for column, fact in zip(FIELDS, history.facts, strict=True):
        if type(fact) is tuple:
            row[column] = [_span_record(span) for span in fact]
        elif fact is not None and fact != "" and fact is not NO_CONTACT and fact is not NO_CAPABILITIES:
            row[column] = _plain(fact)
    if history.opened != BEGIN:
        row["from"] = history.opened.isoformat()
    if history.closed != END:
        row["to"] = history.closed.isoformat()
    row |= {"statistical_code": history.statistical_code} if history.statistical_code else {}
    row |= {"formerly": list(history.formerly)} if history.formerly else {}
    row |= {"source": history.source} if history.source else {}
    row |= {"unverified": sorted(history.unverified)} if history.unverified else {}
    row["authority"] = history.authority
    return row


def succession_record(edge: Succession) -> dict[str, Any]:
    """Return an edge as the JSON object that `RecordReader.succession` reads back."""
    row: dict[str, Any] = {
        "kind": edge.kind.value,
        "predecessor": edge.predecessor,
        "successor": edge.successor,
        "on": edge.on.isoformat(),
    }
    row |= {"decree": edge.decree} if edge.decree else {}
    row |= {"custodian": edge.custodian} if edge.custodian else {}
    row |= {"source": edge.source} if edge.source else {}
    # Unsaid is local, as it is read: only whoever overrides it in reading makes more of a record.
    row |= {} if edge.local else {"authority": edge.authority}
    return row if edge.verified else row | {"unverified": True}


def _span_record(span: Span) -> dict[str, Any]:
    row: dict[str, Any] = {"value": None if span.value is None else _plain(span.value)}
    row |= {"from": span.start.isoformat()} if span.start != BEGIN else {}
    row |= {"to": span.end.isoformat()} if span.end != END else {}
    row |= {"source": span.source} if span.source else {}
    return row if span.verified else row | {"unverified": True}


def _plain(value: Any) -> Any:
    match value:
        case UnitId():
            return value.reference
        case Level():
            return value.value
        case Contact():
            return {name: text for name in Contact.__slots__ if (text := getattr(value, name))}
        case Capabilities(accepts, size, seals):
            known = {"accepts": list(accepts), "max_bytes": size, "seals": seals}
            return {name: item for name, item in known.items() if item is not None}
    return value
