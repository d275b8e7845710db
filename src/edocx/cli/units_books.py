"""``edocx units import | export | diff``: the directory as files."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from edocx.cli import units_lists as lists
from edocx.cli import units_place as place
from edocx.cli import units_view as view
from edocx.cli.output import emit_json, language, say
from edocx.errors import Text, UsageError


def import_(
    file: Path,
    dry_run: bool = typer.Option(False, "--dry-run", help="Chỉ kiểm tra / check only."),
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Nhập đơn vị hoặc quan hệ kế thừa: CSV, JSON, danh sách của trục; được tất cả hoặc không gì cả.

    Take in units or successions: CSV, JSON or the axis' list; all or nothing.
    """
    from edocx.units.agencies import is_agency_list, take_in_agencies
    from edocx.units.bulk import take_in

    data = place.read(file)
    store = place.store(office)
    base = store.load()
    with place.explained(as_json), view.progress(Text("Đang đọc", "Reading")) as tell:
        if is_agency_list(data):
            made = take_in_agencies(base, data, now=place.now(), where=str(file))
        else:
            made = take_in(base, data, now=place.now(), source=file.name, where=str(file), progress=tell)
        if not dry_run and made.difference:
            store.save(made.directory, based_on=base)
    # What an earlier version took in and what others have told since.
    idle = [unit.identity for unit in store.overruled()]
    if as_json:
        emit_json(lists.import_answer(made, dry_run=dry_run) | ({"overruled": idle} if idle else {}))
        return
    lists.show_import(made, dry_run=dry_run)
    if idle:
        named = f"{', '.join(idle[:5])}{' …' if len(idle) > 5 else ''}"  # noqa: PLR2004
        told = Text(
            f"! {len(idle)} bản ghi riêng không được dùng vì dữ liệu kèm theo hoặc bản ký nói khác: {named}",
            f"! {len(idle)} local records do not count, as the shipped data or a signed one says otherwise: {named}",
        )
        for line in view.wrapped(told.in_language(language()), "  "):
            say(line)


def export(
    form: str = typer.Option("csv", "--format", metavar="csv|json"),
    out: Path | None = typer.Option(None, "--out", metavar="FILE"),
    local: bool = typer.Option(False, "--local", help="Chỉ bản ghi của cơ quan / only this office's records."),
    edges: bool = typer.Option(False, "--successions", help="CSV: bảng kế thừa / the succession table."),
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Xuất danh bạ. / Write the directory out."""
    from edocx.content import write_durably
    from edocx.units import units_csv, units_json

    directory = place.directory(office)
    histories = [history for history in directory if not local or history.authority == "local"]
    if as_json or form == "json":
        lines = units_json.write_document(histories, directory.successions, directory.snapshot)
    elif form == "csv":
        lines = units_csv.write_successions(directory.successions) if edges else units_csv.write_units(histories)
    else:
        raise UsageError(
            Text(f"Không biết dạng “{form}”.", f"The format '{form}' is not known."),
            hint=Text("Dùng csv hoặc json.", "Use csv or json."),
        )
    pieces = (line.encode() for line in lines)
    if out is not None:
        write_durably(out, pieces)
        return
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.flush()


def diff(old: Path, new: Path, as_json: bool = place.JSON) -> None:
    """So sánh hai bản danh bạ JSON. / Compare two directory documents."""
    from edocx.units.difference import compare
    from edocx.units.units_json import load

    with place.explained(as_json):
        difference = compare(load(old, as_is=True), load(new, as_is=True))
    if as_json:
        emit_json({"schema": 1, **lists.difference_json(difference)})
    else:
        lists.show_difference(difference)
