"""Blind changes to a file: bits flipped, pieces cut, doubled, swapped, overwritten; the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from edocx.testing.attacks import Attack

LONGEST = 400
"""Bytes of a piece that is cut, doubled or overwritten."""


def mutations(data: bytes, count: int, *, seed: int = 0) -> Iterator[Attack]:
    """Yield ``count`` changed copies of a file; each differs from it."""
    chance = random.Random(seed)  # noqa: S311 - tests must repeat
    made = 0
    while made < count:
        name = chance.choice(sorted(_CHANGES))
        changed = _CHANGES[name](data, chance)
        if changed != data:
            made += 1
            yield Attack(f"{name}-{made}", changed)


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random) -> bytes:
    place, size = _piece(data, chance)
    return data[:place] + data[place + size :]


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def _double(data: bytes, chance: random.Random) -> bytes:
    place, size = _piece(data, chance)
    return data[: place + size] + data[place : place + size] + data[place + size :]


def _splice(data: bytes, chance: random.Random) -> bytes:
    place, size = _piece(data, chance)
    target = chance.randrange(len(data))
    return data[:target] + data[place : place + size] + data[target + size :]


def _number(data: bytes, chance: random.Random) -> bytes:
    digits = [place for place, byte in enumerate(data) if 0x30 <= byte <= 0x39]  # noqa: PLR2004 - ASCII digits
    if not digits:
        return data
    changed = bytearray(data)
    changed[chance.choice(digits)] = chance.randrange(0x30, 0x3A)
    return bytes(changed)


def _overwrite(data: bytes, chance: random.Random) -> bytes:
    place, size = _piece(data, chance)
    return data[:place] + chance.choice([b"\0", b"\xff", b" ", b"<", b"("]) * size + data[place + size :]


def _piece(data: bytes, chance: random.Random) -> tuple[int, int]:
    return chance.randrange(len(data)), chance.randrange(1, LONGEST)


_CHANGES = {
    "flip": _flip,
    "cut": _cut,
    "truncate": _truncate,
    "double": _double,
    "splice": _splice,
    "number": _number,
    "overwrite": _overwrite,
}
