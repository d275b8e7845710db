"""Wire text to values: dates in three orders, numbers that are words, flags. Pure; says what it tolerated."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from types import MappingProxyType
from typing import Final, NamedTuple

from edocx.clock import VIETNAM
from edocx.documents.words import Urgency
from edocx.envelope import names as n


class Moment(NamedTuple):
    """A point in time as read: value, and the quirks of its spelling."""

    value: dt.datetime
    quirks: tuple[str, ...]
    has_clock: bool


_YEAR_FIRST: Final = re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})(?:[ T](.+))?")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?:[ T](.+))?")
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T](.+))?")
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,9}")

_FLAGS: Final = MappingProxyType(
    {"true": True, "1": True, "có": True, "yes": True, "false": False, "0": False, "không": False, "no": False}
)
_URGENCY: Final = MappingProxyType({item.label.vi.casefold(): int(item) for item in Urgency} | {"hoả tốc": 3})
_PAPER: Final = MappingProxyType({"có": 1, "true": 1, "không": 0, "false": 0})
_WORDS: Final = MappingProxyType(
    {
        n.PRIORITY: _URGENCY,
        n.PAPER: _PAPER,
        n.TYPE: MappingProxyType({"văn bản quy phạm pháp luật": 1, "văn bản hành chính": 2}),
        n.STEERING: MappingProxyType({"không": 0, "chỉ đạo": 1, "chỉ đạo có báo cáo": 2, "false": 0, "true": 1}),
    }
)


def read_moment(text: str) -> Moment | None:
    """Read a date or a date with time; ``None`` for what no calendar knows.

    The order is told by where the four digits of the year stand, never guessed. Text without a zone
    means Vietnam (QĐ 28/2018 Điều 14.4); a date is then the day in Vietnam.
    """
    quirks: tuple[str, ...] = ()
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day, clock = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year, clock = match.groups()
        quirks = ("date-day-first",)
    elif match := _ISO.fullmatch(text):
        year, month, day, clock = match.groups()
        quirks = ("date-iso",)
    else:
        return None
    try:
        value = dt.datetime(int(year), int(month), int(day), tzinfo=VIETNAM)
        if clock:
            value = _with_clock(value, clock.strip())
    except (ValueError, OverflowError):
        return None
    return Moment(value, quirks, bool(clock))


def plain_date(text: str) -> dt.date | None:
    """Read a day written as edXML wants it, ``yyyy/MM/dd``; ``None`` for all else, which `read_moment` judges."""
    if len(text) != len("yyyy/MM/dd") or text[4] != "/" or text[7] != "/":
        return None
    digits = text[:4] + text[5:7] + text[8:]
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _with_clock(day: dt.datetime, clock: str) -> dt.datetime:
    match = _CLOCK.fullmatch(clock)
    if not match:
        raise ValueError(clock)
    hour, minute, second, fraction, zone = match.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    value = day.replace(hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=micro)
    if zone:
        offset = dt.timedelta() if zone == "Z" else _offset(zone)
        value = value.replace(tzinfo=dt.timezone(offset)).astimezone(VIETNAM)
    return value


def _offset(zone: str) -> dt.timedelta:
    size = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -size if zone[0] == "-" else size


def read_integer(text: str) -> int | None:
    """Read a whole number of at most nine digits, or return ``None``."""
    return int(text) if _INTEGER.fullmatch(text) else None


def read_word(name: str, text: str) -> int | None:
    """Read a number that stands as a word of the list for an element, or return ``None``."""
    words = _WORDS.get(name)
    return words.get(_plain(text)) if words else None


def read_flag(text: str) -> bool | None:
    """Read true or false, also as 1 and 0 or as có and không; ``None`` for anything else."""
    return _FLAGS.get(_plain(text))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()
