"""Finding units by name: Vietnamese as people type it, with or without diacritics."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import accumulate, islice

from edocx.units.history import FIELDS, UnitHistory
from edocx.units.unit import Unit

MAX_QUERY = 200
"""Longest query looked at: against work that grows with hostile input."""

MAX_LOOKED_AT = 500
"""Most hits ranked for one query ("a" is in every name): keeps an answer within milliseconds."""

MAX_SCANNED = 3000
"""Most lines with the rarest word of a query that are searched for its other words."""


MAX_WORDS = 8
"""Most words whose frequency is counted to begin with the rarest."""

SAMPLE = 400_000
"""Characters in which frequencies are counted: the first names stand for all."""


_PLACES = (FIELDS.index("name"), FIELDS.index("code"), FIELDS.index("code102"))


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
        self._former = bytearray()
        names: list[str] = []
        for history in histories:
            facts = history.facts
            found: list[str] = []
            for place in _PLACES:
                fact = facts[place]
                if type(fact) is tuple:
                    found += [str(span.value) for span in fact if span.value]
                elif fact:
                    found.append(str(fact))
            own = len(dict.fromkeys(found))
            found += history.formerly
            several = found if len(found) == 1 else dict.fromkeys(found)
            names += several
            self._owners += [history] * len(several)
            self._former += bytes(own) + b"\1" * (len(several) - own)
        # A line break in a name would shift every line after it.
        names = [name.replace("\n", " ") if "\n" in name else name for name in names]
        self._names = names
        self._text = "\n" + _strip("\n".join(names)).decode("ascii") + "\n"
        self._starts = list(accumulate((len(line) + 1 for line in self._text[1:].split("\n")), initial=1))

    def find(self, query: str, day: date | None, limit: int) -> tuple[Unit, ...]:
        """Return the best matches: whole name, then beginning, then beginning of a word, then anywhere.

        Among equals a unit's own names come before those of what was merged into it.
        """
        wanted = fold(query[:MAX_QUERY])
        if not wanted:
            return ()
        exact = unicodedata.normalize("NFC", query[:MAX_QUERY]).casefold()
        found: dict[str, Unit] = {}
        for *_, line in sorted(self._score(line, wanted, exact) for line in self._lines(wanted)):
            history = self._owners[line]
            if history.identity in found:
                continue
            # Cut into states only where the answer needs it: most of what is ranked is never shown.
            unit = history.last if day is None else history.at(day)
            if unit is not None:
                found[history.identity] = unit
                if len(found) == limit:
                    break
        return tuple(found.values())

    def _lines(self, wanted: str) -> Iterable[int]:
        """Return the lines that hold the whole query, else those that hold all its words in any order."""
        found = dict.fromkeys(islice(self._scan(wanted), MAX_LOOKED_AT))
        if len(found) == MAX_LOOKED_AT:
            # Too many to rank them all: make sure that the best places are among them.
            begins = dict.fromkeys(islice(self._scan(f"\n{wanted}"), MAX_LOOKED_AT))
            if len(begins) == MAX_LOOKED_AT:
                begins |= dict.fromkeys(islice(self._scan(f"\n{wanted}\n"), MAX_LOOKED_AT))
            found |= begins | dict.fromkeys(islice(self._scan(f" {wanted}"), MAX_LOOKED_AT))
        words = wanted.split()
        if found or len(words) == 1:
            return found
        rarest = min(words[:MAX_WORDS], key=lambda word: self._text.count(word, 0, SAMPLE))
        lines = islice(self._scan(rarest), MAX_SCANNED)
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

    def _score(self, line: int, wanted: str, exact: str) -> tuple[int, int, bool, int, str, str, int]:
        begin, end = self._starts[line], self._starts[line + 1] - 1
        text, name = self._text, self._names[line]
        if text.startswith(wanted, begin, end):
            place = 0 if end - begin == len(wanted) else 1
        else:
            place = 2 if text.find(f" {wanted}", begin, end) >= 0 else 3
        # What a unit is called itself comes before the communes that went into it under that name.
        return (
            place,
            self._former[line],
            exact not in name.casefold(),
            end - begin,
            name,
            self._owners[line].identity,
            line,
        )
