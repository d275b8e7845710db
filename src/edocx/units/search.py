"""Finding units by name: Vietnamese as people type it, with or without diacritics."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import accumulate, islice

from edocx.units.history import UnitHistory
from edocx.units.unit import Unit

MAX_QUERY = 200
"""Longest query looked at: against work that grows with hostile input."""

MAX_LOOKED_AT = 1000
"""Most hits ranked for one query ("a" is in every name): keeps an answer within milliseconds."""


MAX_WORDS = 8
"""Most words whose frequency is counted to begin with the rarest."""

SAMPLE = 400_000
"""Characters in which frequencies are counted: the first names stand for all."""


def fold(text: str) -> str:
    """Return text as it is compared: lower case, no diacritics, đ as d, single blanks; ASCII only."""
    return " ".join(_strip(text).decode("ascii").split())


def _strip(text: str) -> bytes:
    # Dropping what ASCII lacks after NFD removes the marks at C speed; đ has no decomposition.
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return plain.encode("ascii", "ignore")


class SearchIndex:
    """All names ever held, folded into one string that is scanned at memory speed."""

    def __init__(self, histories: Iterable[UnitHistory]) -> None:
        self._owners: list[UnitHistory] = []
        names: list[str] = []
        for history in histories:
            for name in dict.fromkeys((*history.values("name"), *history.formerly, *_codes(history))):
                if name:
                    names.append(name.replace("\n", " "))
                    self._owners.append(history)
        self._names = names
        self._text = "\n" + _strip("\n".join(names)).decode("ascii") + "\n"
        self._starts = list(accumulate((len(line) + 1 for line in self._text[1:].split("\n")), initial=1))

    def find(self, query: str, day: date | None, limit: int) -> tuple[Unit, ...]:
        """Return the best matches: whole name, then beginning, then beginning of a word, then anywhere."""
        wanted = fold(query[:MAX_QUERY])
        if not wanted:
            return ()
        exact = unicodedata.normalize("NFC", query[:MAX_QUERY]).casefold()
        scored: dict[str, tuple[tuple[int, ...], Unit]] = {}
        for line in self._lines(wanted):
            history = self._owners[line]
            unit = history.last if day is None else history.at(day)
            if unit is None:
                continue
            score = self._score(line, wanted, exact)
            held = scored.get(unit.identity)
            if held is None or score < held[0]:
                scored[unit.identity] = (score, unit)
        best = sorted(scored.values(), key=lambda pair: (pair[0], pair[1].name, pair[1].identity))
        return tuple(unit for _, unit in best[:limit])

    def _lines(self, wanted: str) -> Iterable[int]:
        """Return the lines that hold the whole query, else those that hold all its words in any order."""
        found = dict.fromkeys(islice(self._scan(wanted), MAX_LOOKED_AT))
        if len(found) == MAX_LOOKED_AT:
            # Too many to rank them all: make sure that the best places are among them.
            for pattern in (f"\n{wanted}\n", f"\n{wanted}", f" {wanted}"):
                found |= dict.fromkeys(islice(self._scan(pattern), MAX_LOOKED_AT))
        words = wanted.split()
        if found or len(words) == 1:
            return found
        rarest = min(words[:MAX_WORDS], key=lambda word: self._text.count(word, 0, SAMPLE))
        lines = islice(self._scan(rarest), MAX_LOOKED_AT * 3)
        return [line for line in lines if all(word in self._line(line) for word in words)]

    def _scan(self, pattern: str) -> Iterator[int]:
        text, starts = self._text, self._starts
        place = text.find(pattern)
        while place >= 0:
            line = bisect_right(starts, place + (pattern[0] == "\n")) - 1
            yield line
            place = text.find(pattern, starts[line + 1] - 1)

    def _line(self, line: int) -> str:
        return self._text[self._starts[line] : self._starts[line + 1] - 1]

    def _score(self, line: int, wanted: str, exact: str) -> tuple[int, ...]:
        text = self._line(line)
        place = 0 if text == wanted else 1 if text.startswith(wanted) else 2 if f" {wanted}" in text else 3
        return place, exact not in self._names[line].casefold(), len(text)


def _codes(history: UnitHistory) -> Iterator[str]:
    for field in ("code", "code102"):
        for code in history.values(field):
            if code is not None:
                yield code.code
