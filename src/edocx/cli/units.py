"""``edocx units``: codes, the directory on any date, routes, successors; imports, registry and snapshots beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from edocx.cli import units_books as books
from edocx.cli import units_lists as lists
from edocx.cli import units_place as place
from edocx.cli import units_registry as registry
from edocx.cli import units_snapshot as snapshot
from edocx.cli import units_view as view
from edocx.cli.output import emit_json
from edocx.errors import Text, UnitError, UsageError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.command(name="import")(books.import_)
app.command()(books.export)
app.command()(books.diff)
app.command()(registry.confirm)
app.add_typer(registry.app, name="registry", help="Sổ đăng ký chứng thư / the certificate registry.")
app.add_typer(snapshot.app, name="snapshot", help="Danh bạ đã ký / the signed directory.")


@app.command()
def parse(code: str = typer.Argument(...), as_json: bool = place.JSON) -> None:
    """Đọc một mã định danh và nói rõ cách đọc. / Read a code and say how it was read."""
    from edocx.units.reading import read

    with place.explained(as_json):
        reading = read(code)
    if as_json:
        emit_json({"schema": 1, "input": code, **lists.reading_json(reading)})
    else:
        lists.show_reading(reading)


@app.command()
def convert(
    file: Path | None = typer.Argument(None, metavar="[FILE.csv]", help="CSV; mặc định stdin / stdin by default."),
    to: str = typer.Option(..., "--to", metavar="qd20|qcvn102"),
    as_json: bool = place.JSON,
) -> None:
    """Chuyển đổi cả bảng mã giữa hai bộ mã. / Convert a table of codes between the schemes."""
    from edocx.units.conversion import convert_table, read_codes

    if to not in ("qd20", "qcvn102"):
        raise UsageError(
            Text(f"Không biết bộ mã “{to}”.", f"The scheme '{to}' is not known."),
            hint=Text("Dùng --to qd20 hoặc --to qcvn102.", "Use --to qd20 or --to qcvn102."),
        )
    data = sys.stdin.buffer.read() if file is None else place.read(file)
    with place.explained(as_json), view.progress(Text("Đang chuyển đổi", "Converting")) as tell:
        rows = convert_table(read_codes(data, where=str(file or "stdin")), to, progress=tell)
    if as_json:
        emit_json({"schema": 1, "rows": [lists.conversion_json(row) for row in rows]})
    else:
        lists.show_conversions(rows)
    raise typer.Exit(1 if any(row.error for row in rows) else 0)


@app.command()
def show(code: str, at: str | None = place.AT, office: Path | None = place.OFFICE, as_json: bool = place.JSON) -> None:
    """Đơn vị nào mang mã này vào ngày đó. / Who holds a code on a day."""
    day, directory = place.day(at), place.directory(office)
    try:
        unit = directory.find(code, day) if directory.history(code) else directory.resolve(code, day)
        if unit is None:
            raise place.not_then(code, day)
    except UnitError as error:
        # A closed unit is shown as it last was, with the refusal that a sender would get.
        last = directory.latest(code, day) if error.code == "EDX-UNIT-CLOSED" else None
        view.show_refused(error, last.last if last else None, day, as_json=as_json)
        raise typer.Exit(error.exit_code) from error
    above, below = directory.parent(unit, day), directory.children(unit, day)
    if as_json:
        emit_json(view.unit_answer(unit, directory.snapshot, day, above, len(below), place.now()))
    else:
        view.show_unit(unit, directory, day, above, below, place.now())


@app.command()
def successors(
    code: str, at: str | None = place.AT, office: Path | None = place.OFFICE, as_json: bool = place.JSON
) -> None:
    """Ai tiếp nhận nhiệm vụ của đơn vị này. / Who took over from a unit."""
    day, directory = place.day(at), place.directory(office)
    with place.explained(as_json):
        history = directory.latest(code, day)
        if history is None:
            directory.resolve(code, day)
            raise place.not_then(code, day)
    found = directory.successors(history.last, day)
    if as_json:
        emit_json(view.successors_answer(code, history, found, directory, day, place.now()))
    else:
        view.show_successors(history, found, directory, day)


@app.command()
def route(
    sender: str = typer.Argument(..., metavar="FROM"),
    recipient: str = typer.Argument(..., metavar="TO"),
    at: str | None = place.AT,
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Đường đi của văn bản giữa hai đơn vị vào ngày đó. / The way of a document between two units on a day."""
    day, directory = place.day(at), place.directory(office)
    with place.explained(as_json):
        hops = directory.route(sender, recipient, day)
    if as_json:
        emit_json(view.route_answer(sender, recipient, hops, directory.snapshot, day, place.now()))
    else:
        view.show_route(hops)


@app.command()
def search(
    text: str,
    at: str | None = typer.Option(None, "--at", metavar="DATE", help="Mặc định: mọi thời kỳ / of any time."),
    limit: int = typer.Option(20, "--limit", min=1, max=1000),
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Tìm đơn vị theo tên, có dấu hay không dấu. / Find units by name, with or without diacritics."""
    directory = place.directory(office)
    day = place.day(at) if at else None
    found = directory.search(text, day, limit=limit)
    if as_json:
        emit_json(view.search_answer(text, found, directory.snapshot, day, place.now()))
    else:
        view.show_units(found)
