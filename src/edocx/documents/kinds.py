"""The 29 kinds of administrative document, and the three forms of copy (NĐ 30/2020 Điều 7, Phụ lục III).

The numbers of the edXML lists, of NĐ 30/2020 and of TT 05/2025/TT-BNV differ: kinds are told apart by name.
"""

from __future__ import annotations

import csv
import functools
import importlib.resources
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edocx.errors import Text, UsageError


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of document: Vietnamese name (its identity), English name, abbreviation ("" for công văn)."""

    name: str
    name_en: str
    abbreviation: str
    is_copy: bool = False

    def __str__(self) -> str:
        return self.name

    @classmethod
    def parse(cls, text: str) -> DocumentKind:
        """Find a kind by its Vietnamese name or abbreviation, whatever the case; raise `UsageError` otherwise."""
        found = _index().get(_key(text))
        if found is None:
            raise UsageError(
                Text(f"Không có loại văn bản “{text}”.", f"There is no document kind “{text}”."),
                hint=Text(
                    "Dùng tên trong NĐ 30/2020 Điều 7, ví dụ “Công văn”.",
                    "Use a name of NĐ 30/2020 Điều 7, such as “Công văn”.",
                ),
                code="EDX-KIND-UNKNOWN",
            )
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic read a kind from its name and write it as its name."""
        from pydantic_core import core_schema  # noqa: PLC0415 - keeps `import edocx` light

        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
            json_schema_input_schema=core_schema.str_schema(),
        )


@functools.cache
def document_kinds() -> tuple[DocumentKind, ...]:
    """Return the 29 kinds in the order of the decree."""
    return tuple(kind for kind in _table() if not kind.is_copy)


@functools.cache
def copy_kinds() -> tuple[DocumentKind, ...]:
    """Return sao y, trích sao and sao lục."""
    return tuple(kind for kind in _table() if kind.is_copy)


@functools.cache
def _table() -> tuple[DocumentKind, ...]:
    text = importlib.resources.files(__package__).joinpath("data/kinds.csv").read_text("utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["kind"] in {"document", "copy"}]
    return tuple(
        DocumentKind(
            re.sub(r"\s*\((?:cá biệt|bản sao)\)$", "", row["name_vi"]),
            re.sub(r"\s*\(.*\)$", "", row["name_en"]),
            row["abbreviation"],
            row["kind"] == "copy",
        )
        for row in rows
    )


@functools.cache
def _index() -> Mapping[str, DocumentKind]:
    index = {_key(kind.abbreviation): kind for kind in _table() if kind.abbreviation}
    return MappingProxyType(index | {_key(kind.name): kind for kind in _table()})


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()
