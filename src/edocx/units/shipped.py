"""The directory that comes with the package: level-1 codes, provinces, communes; see data/SOURCES.md."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from edocx.units import units_json
from edocx.units.memory import MemoryDirectory
from edocx.units.unit import SHIPPED


@cache
def shipped_directory() -> MemoryDirectory:
    """Return the shipped directory, read once; its age and source are in ``snapshot``."""
    with files("edocx.units").joinpath("data", "units.json").open("rb") as stream:
        document = units_json.read_document(stream, where="units.json", authority=SHIPPED)  # type: ignore[arg-type]
    return units_json.directory_of(document)
