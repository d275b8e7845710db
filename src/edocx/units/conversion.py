"""Converting whole tables of codes, row by row; a row that cannot be converted says why and spoils no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edocx.errors import Text, UnitError
from edocx.units.table import Fault, FaultyTable, decode, read_table
from edocx.units.unit_id import UnitId
from edocx.units.units_csv import EVERY, Progress


@dataclass(frozen=True, slots=True)
class Converted:
    """One row: its line, the text as it came, and the converted code or the refusal."""

    line: int
    input: str
    output: str | None
    error: UnitError | None = None


def read_codes(data: bytes, *, where: str | None = None) -> Iterator[tuple[int, str]]:
    """Yield (line, code) from CSV with a column ``code``, or with one column only, with or without a header.

    Raises as `read_table`, and `FaultyTable` when there are several columns and none is ``code``.
    """
    first = decode(data[:65536].rpartition(b"\n")[0] or data, where).split("\n", 1)[0].strip()
    columns = [cell.strip().strip('"').lower() for cell in first.replace(";", ",").replace("\t", ",").split(",")]
    if "code" in columns:
        others = frozenset(columns) - {"code"}
        for row in read_table(data, required=frozenset({"code"}), optional=others, where=where):
            yield row.line, row["code"]
        return
    if len(columns) > 1:
        text = Text("bảng nhiều cột phải có cột code.", "a table of several columns has one named code.")
        raise FaultyTable([Fault(1, "code", "EDX-TABLE-COLUMN", text)], where)
    for line, text_of_row in enumerate(decode(data, where).splitlines(), start=1):
        code = text_of_row.strip().strip('"')
        if code and not (line == 1 and _is_header(code)):
            yield line, code


def convert_table(rows: Iterable[tuple[int, str]], to: str, *, progress: Progress | None = None) -> list[Converted]:
    """Convert every code to ``qd20`` or ``qcvn102``."""
    made = []
    for number, (line, text) in enumerate(rows):
        if progress is not None and number % EVERY == 0:
            progress(number)
        try:
            unit_id = UnitId.parse(text)
            converted = unit_id.to_qd20() if to == "qd20" else unit_id.to_qcvn102()
            made.append(Converted(line, text, converted.code))
        except UnitError as error:
            made.append(Converted(line, text, None, error))
    return made


def _is_header(text: str) -> bool:
    """Say whether the only column's first line is a heading: nothing that could be a code has no digit."""
    return not any(char.isdigit() for char in text)
