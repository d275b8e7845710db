"""The day that is played: who writes to whom, when, how urgently, and what becomes of it. Pure, and repeatable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Literal, NamedTuple

from edocx.documents import Urgency
from edocx.testing import territory

PROVINCE, ABOVE, BESIDE = "H58", "G22", "H20"
"""The province, the Government Office, and a neighbouring province."""

OUTSIDE = (ABOVE, BESIDE)

_FAN_OUT = (1,) * 6 + (2,) * 4 + (3,) * 3 + (4,) * 2 + (6,) * 3 + (11, 12)
"""Recipients of twenty documents: 3.6 each."""

_URGENCIES = (0,) * 14 + (1,) * 3 + (2, 3, 4)
"""Of twenty documents six are urgent, one of them at a fixed hour."""

_SLOTS = (3, 6, 9, 10, 9, 7, 5, 3, 2, 4, 7, 9, 9, 7, 5, 3, 2)
"""The load of each half-hour from 07:30 to 16:00: two peaks and a lunch between them."""

_SEALED = 1 + 18 + 11 + 172 + 125
"""The province, its departments, districts and communes, and as many offices under departments as make 327."""

UNSIGNED_OF, TAKEN_BACK_OF, REFUSED_OF = 20, 100, 50
"""One of so many documents is unsigned (5 %), is recalled or replaced (1 %); one of so many copies refused (2 %)."""

Turn = Literal["", "recall", "replace"]


class Letter(NamedTuple):
    """One document of the day.

    Attributes:
        number: its place in the day, from 1.
        sender: code of the issuing unit.
        signed: whether it is signed and sealed.
        recipients: codes, each once.
        urgency: its lane.
        slot: the half-hour, from 0.
        refused_by: recipients that will refuse it.
        turn: whether it is recalled or replaced later in the day.
    """

    number: int
    sender: str
    signed: bool
    recipients: tuple[str, ...]
    urgency: Urgency
    slot: int
    refused_by: frozenset[str]
    turn: Turn


@dataclass(frozen=True)
class Plan:
    """The size of a province and of its day.

    Attributes:
        documents: documents of the day.
        organisations: units of the province that have a seal (of 1,174).
        persons: people who can sign.
        seed: of everything drawn by lot.
    """

    documents: int = 2_000
    organisations: int = 327
    persons: int = 2_238
    seed: int = 2023
    slots: int = field(default=len(_SLOTS), init=False)

    @cached_property
    def above(self) -> dict[str, str | None]:
        """Every unit of the axis with the one above it: 1,174 in the province, and two outside."""
        return {ABOVE: None, BESIDE: ABOVE, PROVINCE: ABOVE, **{code: _parent(code) for code in _codes()}}

    @cached_property
    def sealed(self) -> tuple[str, ...]:
        """The units of the province that have a seal, from the top down and spread over the tree."""
        codes = [PROVINCE, *_codes()][:_SEALED]
        return tuple(codes[place * len(codes) // self.organisations] for place in range(self.organisations))

    @cached_property
    def unsealed(self) -> tuple[str, ...]:
        """The units of the province without a seal."""
        return tuple(code for code in self.above if code not in {*self.sealed, *OUTSIDE})

    @cached_property
    def letters(self) -> tuple[Letter, ...]:
        """The documents of the day in the order of their hours."""
        return tuple(self._letters())

    @cached_property
    def copies(self) -> int:
        """How many copies of documents arrive: one for each recipient, replacements too."""
        return sum(len(letter.recipients) * (2 if letter.turn == "replace" else 1) for letter in self.letters)

    def signers(self, code: str) -> int:
        """Return how many people sign at a sealed unit."""
        place = self.sealed.index(code)
        share, rest = divmod(self.persons, len(self.sealed))
        return share + (place < rest)

    def _letters(self) -> Iterator[Letter]:
        lot = Random(self.seed)  # noqa: S311 - a day that repeats
        neighbours = _Neighbours(self.sealed, self.above)
        slots = sorted(lot.choices(range(len(_SLOTS)), weights=_SLOTS, k=self.documents))
        copies = 0
        sizes: list[int] = []
        urgencies: list[int] = []
        for number, slot in enumerate(slots, start=1):
            sizes = sizes or lot.sample(_FAN_OUT, len(_FAN_OUT))
            urgencies = urgencies or lot.sample(_URGENCIES, len(_URGENCIES))
            signed = number % UNSIGNED_OF != 0
            sender = lot.choice(self.sealed if signed else self.unsealed)
            recipients = neighbours.draw(lot, sender, sizes.pop())
            turn: Turn = ""
            if number % TAKEN_BACK_OF == TAKEN_BACK_OF // 2 + 1:
                turn = "recall" if number % (2 * TAKEN_BACK_OF) < TAKEN_BACK_OF else "replace"
            refused = set()
            for recipient in recipients:
                copies += 1
                if copies % REFUSED_OF == 0 and not turn:
                    refused.add(recipient)
            urgency = Urgency(urgencies.pop())
            yield Letter(number, sender, signed, recipients, urgency, slot, frozenset(refused), turn)


class _Neighbours:
    """Draws recipients: mostly near in the tree, sometimes anywhere, now and then outside the province."""

    def __init__(self, sealed: tuple[str, ...], above: Mapping[str, str | None]) -> None:
        self._all = sealed
        self._above = above
        self._near: dict[str, list[str]] = {}
        for code in sealed:
            self._near.setdefault(above[code] or "", []).append(code)

    def draw(self, lot: Random, sender: str, size: int) -> tuple[str, ...]:
        """Return ``size`` different units, never the sender."""
        parent = self._above[sender] or ""
        near = [*self._near.get(parent, ()), *self._near.get(sender, ()), parent]
        near = [code for code in near if code in self._all]
        found: dict[str, None] = {}
        for _ in range(50 * size):
            pool = lot.choices((near or self._all, self._all, OUTSIDE), weights=(60, 35, 5))[0]
            code = lot.choice(pool)
            if code != sender:
                found[code] = None
            if len(found) == min(size, len(self._all) - 1):
                break
        return tuple(found)


def _codes() -> tuple[str, ...]:
    units = territory.tien_giang_2023().units
    return tuple(str(code) for unit in units for code in unit.values("code"))


def _parent(code: str) -> str:
    return code.rpartition(".")[0]
