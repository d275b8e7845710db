"""Tables from outside: CSV as offices really send it, and every fault named by line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from edocx.clock import VIETNAM
from edocx.errors import InputError, LimitExceeded, Text

MAX_BYTES = 256 * 1024 * 1024
"""Largest table read: against memory taken by hostile files (200,000 rows need about 40 MB)."""

MAX_ROWS = 1_000_000
"""Most rows of a table: the national axis lists about 123,000 units."""

MAX_CELL = 8192
"""Longest cell, in characters: against single cells that fill memory and messages."""

MAX_FAULTS = 1000
"""Most faults listed for one file: a file of the wrong kind has one in every row."""


_excel_says = re.compile(r"sep=([,;\t])", re.IGNORECASE).fullmatch


class Fault(NamedTuple):
    """What is wrong in a row: its line (1 is the first of the file), the column's name, a code and the reason.

    Line 0 is the file as a whole: what its rows would make of units that stand elsewhere.
    """

    line: int
    column: str
    code: str
    text: Text

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "the whole file"
        return f"{place}, {self.column}: {self.text.en}" if self.column else f"{place}: {self.text.en}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: the line it begins on, and its cells by column name."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


class Faults(list[Fault]):
    """The faults found so far: all are counted in ``total``, the first `MAX_FAULTS` are kept."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        super().__init__()
        self.total = 0
        self.extend(faults)

    def append(self, fault: Fault) -> None:
        """Count a fault, and keep it while there is room."""
        self.total += 1
        if len(self) < MAX_FAULTS:
            super().append(fault)

    def extend(self, faults: Iterable[Fault]) -> None:
        """Count and keep several."""
        for fault in faults:
            self.append(fault)


class FaultyTable(InputError):
    """A table that was refused whole; `faults` lists what is wrong, by line and column.

    `total` counts the faults of the stage that refused; of more than `MAX_FAULTS` the first are listed.
    """

    default_code = "EDX-TABLE-FAULTS"

    def __init__(self, faults: Iterable[Fault], where: str | None = None, *, unchecked: bool = False) -> None:
        """``unchecked`` says that the faults kept later checks (codes, cycles, overlaps) from being made."""
        found = faults if isinstance(faults, Faults) else Faults(faults)
        self.faults = tuple(found)
        self.total = found.total
        first = self.faults[0]
        vi, en = f"{self.total} lỗi", f"{self.total} fault{'' if self.total == 1 else 's'}"
        if self.total > len(self.faults):
            # Later stages (the directory as a whole) were not reached.
            vi, en = f"ít nhất {vi}, liệt kê {len(self.faults)} lỗi đầu", f"at least {en}, {len(self.faults)} listed"
        place = f"ở dòng {first.line}" if first.line else "của cả tệp"
        more = Text("", "")
        if unchecked:
            more = Text(" Các kiểm tra tiếp theo chưa được thực hiện.", " Further checks were not made.")
        super().__init__(
            Text(
                f"Bảng có {vi}; lỗi đầu {place}"
                f"{f', cột {first.column}' if first.column else ''}: {first.text.vi}{more.vi}",
                f"The table has {en}; the first on {first}{more.en}",
            ),
            hint=Text(
                "Sửa các dòng được liệt kê rồi nhập lại; chưa có dòng nào được nhập.",
                "Mend the rows listed and import again; nothing was imported.",
            ),
            where=where,
        )


def read_table(
    data: bytes, *, required: frozenset[str], optional: frozenset[str], faults: Faults, where: str | None = None
) -> Iterator[Row]:
    """Read CSV: UTF-8 or UTF-16 with BOM, separated by comma, semicolon or tab, with a header.

    Excel's first line ``sep=;`` and empty columns at the end are passed over, and so are blank lines. Yields rows as
    they come; a broken row (too few or many cells, one longer than `MAX_CELL`, a quote never closed) goes to
    ``faults`` and the next ones are read on. Raises `InputError` for another encoding (the byte offset in ``where``),
    `FaultyTable` for missing, unknown or repeated columns, `LimitExceeded` past `MAX_BYTES` or `MAX_ROWS`.
    """
    columns: list[str] | None = None
    for number, (line, cells) in enumerate(read_loosely(data, where=where)):
        if columns is None:
            if isinstance(cells, Fault):
                raise FaultyTable([cells], where, unchecked=True)
            columns = _columns(_trimmed(cells), required, optional, where)
        elif number > MAX_ROWS:
            raise _too_many_rows(where)
        elif isinstance(cells, Fault):
            faults.append(cells)
        elif any(cell.strip() for cell in cells):
            row = _row(line, columns, _trimmed(cells, len(columns)))
            if isinstance(row, Row):
                yield row
            else:
                faults.extend(row)
    if not columns:
        raise FaultyTable([Fault(1, "", "EDX-TABLE-EMPTY", Text("tệp rỗng.", "the file is empty."))], where)


def read_loosely(data: bytes, *, where: str | None = None) -> Iterator[tuple[int, list[str] | Fault]]:
    """Read CSV row by row as (line, cells); a row that is no CSV is its fault, and the next ones are read on.

    After a broken quote reading goes on with the very next line: what the quote would have swallowed is data.
    Raises `InputError` and `LimitExceeded` as `decode` does.
    """
    text, separator, before = opened(decode(data, where))
    done = 0  # lines read whole
    lines: Iterable[str] = io.StringIO(text, newline="")
    kept: list[str] = []
    while True:
        reader = csv.reader(lines, delimiter=separator, strict=True)
        begun = done
        try:
            for cells in reader:
                yield before + done + 1, cells
                done = begun + reader.line_num
        except csv.Error as error:
            yield before + done + 1, _no_csv(before + done + 1, error)
            # Listed once: a file of broken quotes must not be copied for each.
            kept = kept or list(io.StringIO(text, newline=""))
            done += 1
            lines = (kept[place] for place in range(done, len(kept)))
        else:
            return


def opened(text: str) -> tuple[str, str, int]:
    """Return a table's text from its header on, the separator, and how many lines stand before the header."""
    header, _, rest = text.partition("\n")
    said = _excel_says(header.strip().strip('"'))
    if said is not None:
        return rest, said[1], 1
    # Vietnamese Excel writes semicolons.
    return text, max(",;\t", key=header.count), 0


def _no_csv(line: int, error: csv.Error) -> Fault:
    return Fault(line, "", "EDX-TABLE-CSV", Text("không đúng cú pháp CSV.", f"not CSV: {error}."))


def _trimmed(cells: list[str], due: int = 0) -> list[str]:
    """Return cells without empty ones at the end beyond those due: spreadsheets write columns that nobody filled."""
    end = len(cells)
    while end > due and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def decode(data: bytes, where: str | None = None) -> str:
    """Return the text of a table: UTF-8 with or without BOM, or UTF-16 with one; `InputError` for others."""
    if len(data) > MAX_BYTES:
        raise LimitExceeded(
            Text(
                f"Bảng dài {len(data)} byte, giới hạn {MAX_BYTES}.",
                f"The table has {len(data)} bytes; the limit is {MAX_BYTES}.",
            ),
            hint=Text("Chia bảng thành nhiều tệp.", "Split the table into several files."),
            code="EDX-LIMIT-SIZE",
            where=where,
        )
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            Text(
                f"Bảng không phải UTF-8: byte thứ {error.start}, dòng {line}.",
                f"The table is not UTF-8: byte {error.start}, line {line}.",
            ),
            hint=Text(
                "Lưu lại bằng UTF-8 (trong Excel: “CSV UTF-8”); các bảng mã cũ như TCVN3, VNI, CP1258 không được nhận.",
                "Save it as UTF-8 (in Excel: 'CSV UTF-8'); old encodings such as TCVN3, VNI or CP1258 are not taken.",
            ),
            code="EDX-TABLE-ENCODING",
            where=f"{where}: line {line}, byte {error.start}" if where else f"line {line}, byte {error.start}",
        ) from error


def read_moment(text: str) -> datetime | None:
    """Read an ISO date (its first moment in Vietnam) or datetime (without zone: Vietnam's); empty or 9999 is None.

    Raises ``ValueError`` for anything else and for years outside 1900-2200.
    """
    if not text or text.startswith("9999-12-31"):
        return None
    moment = datetime.fromisoformat(text)
    if not 1900 <= moment.year <= 2200:  # noqa: PLR2004  # arithmetic at the calendar's ends fails
        raise ValueError("the year is not between 1900 and 2200")
    return moment.replace(tzinfo=VIETNAM) if moment.tzinfo is None else moment


def _columns(cells: list[str], required: frozenset[str], optional: frozenset[str], where: str | None) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    faults = [
        Fault(1, name, "EDX-TABLE-COLUMN", Text(f"thiếu cột {name}.", f"the column {name} is missing."))
        for name in sorted(required - set(columns))
    ]
    for place, name in enumerate(columns):
        if name not in required | optional:
            shown = name[:40]
            faults.append(
                Fault(1, shown, "EDX-TABLE-COLUMN", Text(f"không biết cột “{shown}”.", f"unknown column '{shown}'."))
            )
        elif name in columns[:place]:
            faults.append(
                Fault(1, name, "EDX-TABLE-COLUMN", Text(f"cột {name} lặp lại.", f"the column {name} stands twice."))
            )
    if faults:
        raise FaultyTable(faults, where, unchecked=True)
    return columns


def _too_many_rows(where: str | None) -> LimitExceeded:
    return LimitExceeded(
        Text(f"Bảng có hơn {MAX_ROWS} dòng.", f"The table has more than {MAX_ROWS} rows."),
        hint=Text("Chia bảng thành nhiều tệp.", "Split the table into several files."),
        code="EDX-LIMIT-ROWS",
        where=where,
    )


def _row(line: int, columns: list[str], cells: list[str]) -> Row | list[Fault]:
    if len(cells) != len(columns):
        why = Text(
            f"có {len(cells)} ô, cần {len(columns)}.", f"it has {len(cells)} cells where {len(columns)} are due."
        )
        # The first column that has no cell, where there is one.
        return [Fault(line, "".join(columns[len(cells) : len(cells) + 1]), "EDX-TABLE-CELLS", why)]
    faults = []
    for name, cell in zip(columns, cells, strict=True):
        if len(cell) > MAX_CELL:
            why = Text(
                f"ô dài {len(cell)} ký tự, tối đa {MAX_CELL}.",
                f"the cell has {len(cell)} characters, at most {MAX_CELL}.",
            )
            faults.append(Fault(line, name, "EDX-TABLE-CELL", why))
    return faults or Row(line, {name: cell.strip() for name, cell in zip(columns, cells, strict=True)})
