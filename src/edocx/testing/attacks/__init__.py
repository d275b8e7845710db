"""Forgeries of signed files, to test any verifier with: no one of them may pass.

Each generator takes a file that is signed and passes, and yields `Attack`: what the known families of attacks make of
it. They are for tests; nothing here signs anything.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attack:
    """One forged file: the family's name, and the bytes."""

    name: str
    data: bytes

    def __str__(self) -> str:
        return self.name
