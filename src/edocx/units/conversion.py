"""Converting whole tables of codes, row by row; a row that cannot be converted says why and spoils no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edocx.errors import Text, UnitError
from edocx.units.table import Fault, FaultyTable, read_loosely
from edocx.units.unit_id import UnitId
from edocx.units.units_csv import EVERY, Progress


@dataclass(frozen=True, slots=True)
class Converted:
    """One row: its line, the text as it came, and the converted code or what is wrong, by column."""

    line: int
    input: str
    output: str | None
    error: Fault | None = None


def read_codes(data: bytes, *, where: str | None = None) -> Iterator[tuple[int, str | Fault]]:
    """Yield (line, code) from CSV with a column ``code``, or with one column only, with or without a header.

    A row that cannot be read yields its `Fault` in the place of the code. Raises `InputError` for another encoding,
    and `FaultyTable` when there are several columns and none is ``code``.
    """
    columns: list[str] = []
    place = 0
    for number, (line, row) in enumerate(read_loosely(data, where=where)):
        if isinstance(row, Fault):
            yield line, row
            continue
        cells = [cell.strip() for cell in row]
        if number == 0:
            columns = [cell.lower() for cell in cells]
            while len(columns) > 1 and not columns[-1]:
                columns.pop()
            place = columns.index("code") if "code" in columns else 0
            if "code" not in columns and len(columns) > 1:
                text = Text("bảng nhiều cột phải có cột code.", "a table of several columns has one named code.")
                raise FaultyTable([Fault(line, "code", "EDX-TABLE-COLUMN", text)], where)
            if "code" in columns or _is_header(cells[0] if cells else ""):
                continue
        if any(cells):
            yield line, _cell(line, cells, place, len(columns))


def convert_table(
    rows: Iterable[tuple[int, str | Fault]], to: str, *, progress: Progress | None = None
) -> list[Converted]:
    """Convert every code to ``qd20`` or ``qcvn102``; what cannot be is named in its row and spoils no other."""
    made = []
    for number, (line, text) in enumerate(rows):
        if progress is not None and number % EVERY == 0:
            progress(number)
        if isinstance(text, Fault):
            made.append(Converted(line, "", None, text))
            continue
        try:
            unit_id = UnitId.parse(text)
            converted = unit_id.to_qd20() if to == "qd20" else unit_id.to_qcvn102()
            made.append(Converted(line, text, converted.code))
        except UnitError as error:
            made.append(Converted(line, text, None, Fault(line, "code", error.code, error.text)))
    return made


def _cell(line: int, cells: list[str], place: int, width: int) -> str | Fault:
    """Return the code of a row; a row of another width may have lost a separator, and its code with it."""
    if any(cells[width:]) or len(cells) <= place:
        why = Text(f"có {len(cells)} ô, cần {width}.", f"it has {len(cells)} cells where {width} are due.")
        return Fault(line, "code" if len(cells) <= place else "", "EDX-TABLE-CELLS", why)
    if not cells[place]:
        return Fault(line, "code", "EDX-TABLE-VALUE", Text("thiếu mã.", "the code is missing."))
    return cells[place]


def _is_header(text: str) -> bool:
    """Say whether the only column's first line is a heading: nothing that could be a code has no digit."""
    return not any(char.isdigit() for char in text)
