"""Objects of a PDF (ISO 32000-2 7.3) as plain values, from bytes; strict, and never guessing.

Names are ``str`` without the slash, strings ``bytes``, references `Ref`; numbers, booleans, null, arrays and
dictionaries are Python's own. Comments, keys given twice, and anything malformed raise `NotPlain`: two readers could
take them for two different things, which is what forgeries are made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_DEPTH = 40
"""Of arrays and dictionaries in one another."""

MAX_DIGITS = 12
"""Of a number that counts bytes or objects; more is no offset in any file."""


class NotPlain(Exception):
    """The file is outside of what is read here; somebody slower must judge it."""


UNREADABLE = (NotPlain, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What a file raises where its values are of other types than anybody expects: that too is not plain."""


class Ref(NamedTuple):
    """A reference to an indirect object."""

    number: int
    generation: int


@dataclass(slots=True)
class Parsed:
    """A value, and where it stands: from its first byte to just after its last.

    ``spans`` has for each key of a dictionary at the top where its value stands.
    """

    value: Any
    start: int
    end: int
    spans: dict[str, tuple[int, int]]


_WS = rb"\0\t\n\f\r "
_REGULAR = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_TOKEN = re.compile(
    rb"[%(ws)s]*(?:"
    rb"(<<)|(>>)|(\[)|(\])|"
    rb"/(%(regular)s*)|"
    rb"(\d{1,12})[%(ws)s]+(\d{1,5})[%(ws)s]+R(?!%(regular)s)|"
    rb"([+-]?\d{1,18})(?!%(regular)s)|"
    rb"([+-]?(?:\d{1,18}\.\d{0,18}|\.\d{1,18}))(?!%(regular)s)|"
    rb"(\()|"
    rb"(<)|"
    rb"(true|false|null)(?!%(regular)s)"
    rb")" % {b"ws": _WS, b"regular": _REGULAR}
)
_OPEN_DICT, _CLOSE_DICT, _NAME, _GENERATION = 1, 2, 5, 7
_OPEN, _CLOSE = (1, 3), (2, 4)
_WORDS = {b"true": True, b"false": False, b"null": None}
_PAREN = re.compile(rb"[()\\]")
_ESCAPE = re.compile(rb"\\(\r\n|[0-7]{1,3}|.)|\r\n|\r", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"(": b"(", b")": b")", b"\\": b"\\"}
_HASH = re.compile(rb"#([0-9A-Fa-f]{2})")
SPACE = re.compile(rb"[\0\t\n\f\r ]*")
_HEADER = re.compile(rb"(\d{1,10})[\0\t\n\f\r ]+(\d{1,5})[\0\t\n\f\r ]+obj(?![^\0\t\n\f\r ()<>\[\]{}/%])")


def parse(data: bytes, position: int) -> Parsed:
    """Parse one object that begins at ``position``, white space before it allowed; raise `NotPlain`."""
    builder = _Builder(data)
    end = builder.run(position)
    return Parsed(builder.result, builder.start, end, builder.spans)


def parse_header(data: bytes, position: int) -> tuple[int, int, int]:
    """Parse ``N G obj`` at exactly ``position``: number, generation, and where the object begins."""
    found = _HEADER.match(data, position)
    if found is None:
        raise NotPlain("no object where one is said to be")
    return int(found[1]), int(found[2]), found.end()


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same, types included: Python would take 1, 1.0 and true for equal."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def references_in(value: Any) -> list[Ref]:
    """Return every reference in a value, as often as it stands there."""
    found: list[Ref] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Ref):
            found.append(one)
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


class _Builder:
    """Builds one object from tokens, without recursion."""

    __slots__ = ("_keys", "_stack", "data", "result", "spans", "start")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.result: Any = None
        self.start = -1
        self.spans: dict[str, tuple[int, int]] = {}
        self._stack: list[Any] = []
        self._keys: list[str | None] = []

    def run(self, position: int) -> int:
        data, match = self.data, _TOKEN.match
        while True:
            found = match(data, position)
            if found is None:
                raise NotPlain("no object")
            kind = found.lastindex
            end = found.end()
            begin = found.start(6) if kind == _GENERATION else found.start(kind or 0) - (kind == _NAME)
            if self.start < 0:
                self.start = begin
            position = end
            if kind in _OPEN:
                self._open({} if kind == _OPEN_DICT else [], begin)
                continue
            if kind in _CLOSE:
                value, begin = self._close(dict if kind == _CLOSE_DICT else list), -1
            elif kind == _NAME and self._expects_key():
                self._key(_name(found[5]))
                continue
            else:
                value, position = _atom(found, data)
            if self._put(value, begin, position):
                return position

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._keys[-1] is None and type(self._stack[-1]) is dict

    def _open(self, empty: Any, begin: int) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise NotPlain("nested too deeply")
        if len(self._stack) == 1:
            self._mark(begin)
        self._stack.append(empty)
        self._keys.append(None)

    def _close(self, kind: type) -> Any:
        if not self._stack or type(self._stack[-1]) is not kind or self._keys[-1] is not None:
            raise NotPlain("not closed as it was opened")
        self._keys.pop()
        return self._stack.pop()

    def _key(self, name: str) -> None:
        if name in self._stack[-1]:
            raise NotPlain("a key stands twice")
        self._keys[-1] = name

    def _put(self, value: Any, begin: int, end: int) -> bool:
        """Put a finished value where it belongs; say whether it is the whole object."""
        if not self._stack:
            self.result = value
            return True
        holder = self._stack[-1]
        if type(holder) is list:
            holder.append(value)
            return False
        key = self._keys[-1]
        if key is None:
            raise NotPlain("a value without a key")
        if len(self._stack) == 1:
            if begin >= 0:
                self._mark(begin)
            self.spans[key] = (self.spans[key][0], end)
        holder[key] = value
        self._keys[-1] = None
        return False

    def _mark(self, begin: int) -> None:
        key = self._keys[0]
        if key is not None:
            self.spans[key] = (begin, begin)


def _atom(found: re.Match[bytes], data: bytes) -> tuple[Any, int]:
    """Return the value that a token begins, and where it ends."""
    value: Any
    match found.lastindex:
        case 10:
            return _literal(data, found.end())
        case 11:
            return _hexadecimal(data, found.end())
        case 5:
            value = _name(found[5])
        case 7:
            value = Ref(int(found[6]), int(found[7]))
        case 8:
            value = int(found[8])
        case 9:
            value = float(found[9])
        case _:
            value = _WORDS[found[12]]
    return value, found.end()


def _name(raw: bytes) -> str:
    if b"#" in raw:
        if len(_HASH.findall(raw)) != raw.count(b"#"):
            raise NotPlain("a name with a stray #")
        raw = _HASH.sub(lambda match: bytes.fromhex(match[1].decode()), raw)
    return raw.decode("latin-1")


def _hexadecimal(data: bytes, position: int) -> tuple[bytes, int]:
    end = data.find(b">", position)
    if end < 0:
        raise NotPlain("a hexadecimal string does not end")
    try:
        return bytes.fromhex(data[position:end].decode("ascii")), end + 1
    except ValueError as error:  # an odd number of digits too: legal, and made by nobody
        raise NotPlain("a malformed hexadecimal string") from error


def _literal(data: bytes, position: int) -> tuple[bytes, int]:
    depth, place = 1, position
    while depth:
        found = _PAREN.search(data, place)
        if found is None:
            raise NotPlain("a string does not end")
        place = found.end()
        if found[0] == b"\\":
            place += 1
        else:
            depth += 1 if found[0] == b"(" else -1
    raw = data[position : place - 1]
    if b"\\" in raw or b"\r" in raw:
        raw = _ESCAPE.sub(_unescape, raw)
    return raw, place


def _unescape(match: re.Match[bytes]) -> bytes:
    # ISO 32000-2 7.3.4.2: an end of line without a backslash is a line feed, one after a backslash is nothing.
    what = match[1]
    if what is None:
        return b"\n"
    if what in {b"\r\n", b"\r", b"\n"}:
        return b""
    if what[0] in b"01234567":
        return bytes([int(what, 8) & 0xFF])
    return _ESCAPED.get(what, what)
