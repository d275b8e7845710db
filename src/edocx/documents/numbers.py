"""The number and notation of a document, and the identifier the axis knows it by."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from edocx.errors import Text, UsageError
from edocx.units import UnitId

MAX_NUMBER = 11
MAX_NOTATION = 30
"""NĐ 30/2020 Phụ lục VI: CodeNumber S11, CodeNotation S30."""

_NUMBER = re.compile(r"[0-9]+[0-9A-Za-zĐđ]*")


class _TextValue:
    """Shared by values that travel as their text: pydantic reads them by ``parse`` and writes ``str``."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        raise TypeError(text)  # pragma: no cover - each value parses itself

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415 - keeps `import edocx` light

        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
            json_schema_input_schema=core_schema.str_schema(),
        )


@dataclass(frozen=True, slots=True)
class DocumentNumber(_TextValue):
    """Số, ký hiệu: ``05/UBND-VP`` is number ``05`` and notation ``UBND-VP`` (NĐ 30/2020 Phụ lục I).

    The number is text: it has a leading zero under 10, and letters occur (``12a``).
    """

    number: str
    notation: str

    def __post_init__(self) -> None:
        bad = not _NUMBER.fullmatch(self.number) or len(self.number) > MAX_NUMBER
        if bad or not 0 < len(self.notation) <= MAX_NOTATION or self.notation.startswith("/"):
            raise UsageError(
                Text("Số, ký hiệu văn bản không hợp lệ.", "The document's number or notation is not valid."),
                hint=Text("Ví dụ đúng: 05/UBND-VP.", "A valid example: 05/UBND-VP."),
                code="EDX-NUMBER-INVALID",
            )

    @classmethod
    def of(cls, ordinal: int, notation: str) -> DocumentNumber:
        """Format a register's ordinal as the decree writes it: two digits at least."""
        return cls(f"{ordinal:02d}", unicodedata.normalize("NFC", notation))

    @classmethod
    def parse(cls, text: str) -> DocumentNumber:
        """Split ``number/notation`` at the first slash."""
        number, _, notation = unicodedata.normalize("NFC", text).partition("/")
        return cls(number.strip(), notation.strip())

    def __str__(self) -> str:
        return f"{self.number}/{self.notation}"


@dataclass(frozen=True, slots=True)
class DocumentId(_TextValue):
    """The identifier of a document on the axis, opaque to everybody but its issuer.

    Written as ``OrganId,yyyy/MM/dd,number/notation`` (the form of the national samples); any text is read.
    """

    text: str

    @classmethod
    def of(cls, unit: UnitId, issued_on: date, number: DocumentNumber) -> DocumentId:
        """Make the identifier of a document that ``unit`` issues."""
        return cls(f"{unit},{issued_on:%Y/%m/%d},{number}")

    @classmethod
    def parse(cls, text: str) -> DocumentId:
        """Take received text as it is, in NFC."""
        return cls(unicodedata.normalize("NFC", text))

    def __str__(self) -> str:
        return self.text
