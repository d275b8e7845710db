"""The directory that comes with the package: level-1 codes, provinces, communes; see data/SOURCES.md."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from edocx.units import units_json
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.unit import SHIPPED

DOCUMENTS = ("units.json", "communes-1.json", "communes-2.json")
"""The first says version, age and successions; the others hold communes alone."""


@cache
def shipped_directory() -> MemoryDirectory:
    """Return the shipped directory, read once; its age and source are in ``snapshot``."""
    histories: list[UnitHistory] = []
    first, *others = map(_read, DOCUMENTS)
    for document in (first, *others):
        histories += [history for _, history in document.units]
    return MemoryDirectory(histories, (edge for _, edge in first.successions), first.snapshot)


def _read(name: str) -> units_json.Document:
    with files("edocx.units").joinpath("data", name).open("rb") as stream:
        return units_json.read_document(stream, where=name, authority=SHIPPED)  # type: ignore[arg-type]
