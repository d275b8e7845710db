"""``edocx units``: codes, the directory on any date, routes, successors, imports and the certificate registry."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.cli import units_view as view
from edocx.cli.output import emit_json, say
from edocx.errors import EdocxError, InputError, Text, UnitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Engine

    from edocx.office.configuration import OfficeConfig
    from edocx.units.memory import MemoryDirectory
    from edocx.units.registry_store import RegistryStore
    from edocx.units.store import DirectoryStore

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
registry_app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.add_typer(registry_app, name="registry", help="Sổ đăng ký chứng thư / the certificate registry.")

_OFFICE = typer.Option(None, "--office", metavar="FILE", help="office.toml.")
_AT = typer.Option(None, "--at", metavar="DATE", help="Ngày xét, mặc định hôm nay / day, today by default.")
_JSON = typer.Option(False, "--json", help="JSON.")
_DEFAULT_OFFICE = Path("office.toml")


@app.command()
def parse(code: str = typer.Argument(...), as_json: bool = _JSON) -> None:
    """Đọc một mã định danh và nói rõ cách đọc. / Read a code and say how it was read."""
    from edocx.units.reading import read

    with _explained(as_json):
        reading = read(code)
    if as_json:
        emit_json({"schema": 1, "input": code, **view.reading_json(reading)})
    else:
        view.show_reading(reading)


@app.command()
def convert(
    file: Path | None = typer.Argument(None, metavar="[FILE.csv]", help="CSV; mặc định stdin / stdin by default."),
    to: str = typer.Option(..., "--to", metavar="qd20|qcvn102"),
    as_json: bool = _JSON,
) -> None:
    """Chuyển đổi cả bảng mã giữa hai bộ mã. / Convert a table of codes between the schemes."""
    from edocx.units.conversion import convert_table, read_codes

    if to not in ("qd20", "qcvn102"):
        raise UsageError(
            Text(f"Không biết bộ mã “{to}”.", f"The scheme '{to}' is not known."),
            hint=Text("Dùng --to qd20 hoặc --to qcvn102.", "Use --to qd20 or --to qcvn102."),
        )
    data = sys.stdin.buffer.read() if file is None else _read(file)
    with _explained(as_json), view.progress(Text("Đang chuyển đổi", "Converting")) as tell:
        rows = convert_table(read_codes(data, where=str(file or "stdin")), to, progress=tell)
    if as_json:
        emit_json({"schema": 1, "rows": [view.conversion_json(row) for row in rows]})
    else:
        view.show_conversions(rows)
    raise typer.Exit(1 if any(row.error for row in rows) else 0)


@app.command()
def show(code: str, at: str | None = _AT, office: Path | None = _OFFICE, as_json: bool = _JSON) -> None:
    """Đơn vị nào mang mã này vào ngày đó. / Who holds a code on a day."""
    day, directory = _day(at), _directory(office)
    try:
        unit = directory.find(code, day) if directory.history(code) else directory.resolve(code, day)
        if unit is None:
            raise _not_then(code, day)
    except UnitError as error:
        # A closed unit is shown as it last was, with the refusal that a sender would get.
        last = directory.latest(code, day) if error.code == "EDX-UNIT-CLOSED" else None
        view.show_refused(error, last.last if last else None, day, as_json=as_json)
        raise typer.Exit(error.exit_code) from error
    above, below = directory.parent(unit, day), directory.children(unit, day)
    if as_json:
        emit_json(view.unit_answer(unit, directory.snapshot, day, above, len(below), _now()))
    else:
        view.show_unit(unit, directory, day, above, below, _now())


@app.command()
def successors(code: str, at: str | None = _AT, office: Path | None = _OFFICE, as_json: bool = _JSON) -> None:
    """Ai tiếp nhận nhiệm vụ của đơn vị này. / Who took over from a unit."""
    day, directory = _day(at), _directory(office)
    with _explained(as_json):
        history = directory.latest(code, day)
        if history is None:
            directory.resolve(code, day)
            raise _not_then(code, day)
    found = directory.successors(history.last, day)
    if as_json:
        emit_json(view.successors_answer(code, history, found, directory, day, _now()))
    else:
        view.show_successors(history, found, directory, day)


@app.command()
def route(
    sender: str = typer.Argument(..., metavar="FROM"),
    recipient: str = typer.Argument(..., metavar="TO"),
    at: str | None = _AT,
    office: Path | None = _OFFICE,
    as_json: bool = _JSON,
) -> None:
    """Đường đi của văn bản giữa hai đơn vị vào ngày đó. / The way of a document between two units on a day."""
    day, directory = _day(at), _directory(office)
    with _explained(as_json):
        hops = directory.route(sender, recipient, day)
    if as_json:
        emit_json(view.route_answer(sender, recipient, hops, directory.snapshot, day, _now()))
    else:
        view.show_route(hops)


@app.command()
def search(
    text: str,
    at: str | None = typer.Option(None, "--at", metavar="DATE", help="Mặc định: mọi thời kỳ / of any time."),
    limit: int = typer.Option(20, "--limit", min=1, max=1000),
    office: Path | None = _OFFICE,
    as_json: bool = _JSON,
) -> None:
    """Tìm đơn vị theo tên, có dấu hay không dấu. / Find units by name, with or without diacritics."""
    directory = _directory(office)
    day = _day(at) if at else None
    found = directory.search(text, day, limit=limit)
    if as_json:
        emit_json(view.search_answer(text, found, directory.snapshot, day, _now()))
    else:
        view.show_units(found)


@app.command(name="import")
def import_(
    file: Path,
    dry_run: bool = typer.Option(False, "--dry-run", help="Chỉ kiểm tra / check only."),
    office: Path | None = _OFFICE,
    as_json: bool = _JSON,
) -> None:
    """Nhập đơn vị hoặc quan hệ kế thừa: CSV, JSON, danh sách của trục; được tất cả hoặc không gì cả.

    Take in units or successions: CSV, JSON or the axis' list; all or nothing.
    """
    from edocx.units.agencies import is_agency_list, take_in_agencies
    from edocx.units.bulk import take_in

    data = _read(file)
    store = _store(office)
    base = store.load()
    with _explained(as_json), view.progress(Text("Đang đọc", "Reading")) as tell:
        if is_agency_list(data):
            made = take_in_agencies(base, data, now=_now(), where=str(file))
        else:
            made = take_in(base, data, now=_now(), source=file.name, where=str(file), progress=tell)
        if not dry_run and made.difference:
            store.save(made.directory, based_on=base)
    if as_json:
        emit_json(view.import_answer(made, dry_run=dry_run))
    else:
        view.show_import(made, dry_run=dry_run)


@app.command()
def export(
    form: str = typer.Option("csv", "--format", metavar="csv|json"),
    out: Path | None = typer.Option(None, "--out", metavar="FILE"),
    local: bool = typer.Option(False, "--local", help="Chỉ bản ghi của cơ quan / only this office's records."),
    edges: bool = typer.Option(False, "--successions", help="CSV: bảng kế thừa / the succession table."),
    office: Path | None = _OFFICE,
    as_json: bool = _JSON,
) -> None:
    """Xuất danh bạ. / Write the directory out."""
    from edocx.content import write_durably
    from edocx.units import units_csv, units_json

    directory = _directory(office)
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


@app.command()
def diff(old: Path, new: Path, as_json: bool = _JSON) -> None:
    """So sánh hai bản danh bạ JSON. / Compare two directory documents."""
    from edocx.units.difference import compare
    from edocx.units.units_json import load

    with _explained(as_json):
        difference = compare(load(old), load(new))
    if as_json:
        emit_json({"schema": 1, **view.difference_json(difference)})
    else:
        view.show_difference(difference)


@app.command()
def confirm(
    sha256: str = typer.Argument(..., help="SHA-256 của chứng thư / of the certificate."),
    unit: str = typer.Option(..., "--unit", metavar="CODE"),
    kind: str = typer.Option("organisation", "--kind", metavar="person|organisation|device"),
    name: str = typer.Option("", "--name", help="Họ tên / full name (person)."),
    by: str = typer.Option(..., "--by", help="Người xác nhận / who decides."),
    office: Path | None = _OFFICE,
    as_json: bool = _JSON,
) -> None:
    """Văn thư xác nhận một chứng thư chưa có trong sổ. / A clerk confirms a certificate unknown so far."""
    from edocx.units import UnitId
    from edocx.units.registry import HolderKind

    if kind not in [one.value for one in HolderKind] or (kind == "person" and not name):
        raise UsageError(
            Text("Cần --kind person|organisation|device; cá nhân cần --name.", "Give --kind, and --name for a person."),
            hint=Text("Xem edocx units confirm --help.", "See edocx units confirm --help."),
        )
    with _explained(as_json):
        store = _registry_store(office)
        code = UnitId.parse(unit)
        entry = store.confirm(sha256, kind=HolderKind(kind), unit=code, full_name=name, by=by)
    if as_json:
        emit_json({"schema": 1, "entry": view.entry_json(entry)})
    else:
        say(Text(f"Đã ghi chứng thư cho {entry.unit}.", f"The certificate is registered for {entry.unit}."))


@registry_app.command(name="import")
def registry_import(file: Path, office: Path | None = _OFFICE, as_json: bool = _JSON) -> None:
    """Nhập sổ chứng thư từ CSV, được tất cả hoặc không gì cả. / Take in a registry CSV, all or nothing."""
    with _explained(as_json):
        store = _registry_store(office)
        count = store.take_in(_read(file), where=str(file))
    if as_json:
        emit_json({"schema": 1, "added": count})
    else:
        say(Text(f"Đã thêm {count} dòng vào sổ chứng thư.", f"{count} entries were added to the registry."))


@registry_app.command()
def renew(
    old: str,
    new: str,
    valid_from: str = typer.Option(..., "--from", metavar="DATE"),
    valid_to: str = typer.Option("", "--to", metavar="DATE"),
    source: str = typer.Option("renewal", "--source"),
    office: Path | None = _OFFICE,
    as_json: bool = _JSON,
) -> None:
    """Ghi chứng thư gia hạn cho cùng chủ thể. / Register a renewed certificate for the same holder."""
    from edocx.units.table import read_moment

    try:
        begin, end = read_moment(valid_from), read_moment(valid_to)
    except ValueError as error:
        raise _bad_date(valid_from) from error
    if begin is None:
        raise _bad_date(valid_from)
    with _explained(as_json):
        store = _registry_store(office)
        entry = store.renew(old, new, valid_from=begin, valid_to=end, source=source)
    if as_json:
        emit_json({"schema": 1, "entry": view.entry_json(entry)})
    else:
        say(Text(f"Đã ghi chứng thư gia hạn cho {entry.unit}.", f"The renewal is registered for {entry.unit}."))


@registry_app.command()
def close(
    sha256: str = typer.Argument(..., help="SHA-256 của chứng thư / of the certificate."),
    by: str = typer.Option(..., "--by", help="Người quyết định / who decides."),
    at: str = typer.Option("", "--at", metavar="DATE", help="Mặc định: chưa từng có hiệu lực / it never held."),
    office: Path | None = _OFFICE,
    as_json: bool = _JSON,
) -> None:
    """Kết thúc dòng riêng của cơ quan trong sổ chứng thư. / End this office's own entries of a certificate."""
    from edocx.units.table import read_moment

    try:
        moment = read_moment(at)
    except ValueError as error:
        raise _bad_date(at) from error
    with _explained(as_json):
        count = _registry_store(office).close(sha256, by=by, at=moment)
    if as_json:
        emit_json({"schema": 1, "closed": count})
    else:
        say(Text(f"Đã kết thúc {count} dòng trong sổ chứng thư.", f"{count} registry entries were ended."))


@contextmanager
def _explained(as_json: bool) -> Iterator[None]:
    """Say refusals with everything they carry: successors, nearest ancestor, faults by line and column."""
    try:
        yield
    except (UnitError, InputError) as error:
        view.explain(error, as_json=as_json)
        raise typer.Exit(error.exit_code) from error


def _read(file: Path) -> bytes:
    from edocx.content import Blob
    from edocx.units.table import MAX_BYTES

    return Blob.from_path(file).read(MAX_BYTES)


def _now() -> datetime:
    from edocx.clock import SystemClock

    return SystemClock().now()


def _day(at: str | None) -> date:
    from datetime import datetime

    from edocx.clock import VIETNAM
    from edocx.units.history import END
    from edocx.units.unit import day_of

    if at is None:
        return day_of(_now())
    try:
        moment = datetime.fromisoformat(at)
        day = day_of(moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM))
    except (ValueError, OverflowError) as error:
        raise _bad_date(at) from error
    if day == END:
        # The last day of the calendar stands for an open end: every unit would seem closed on it.
        raise _bad_date(at)
    return day


def _bad_date(text: str) -> EdocxError:
    return UsageError(
        Text(f"“{text}” không phải ngày.", f"'{text}' is not a date."),
        hint=Text("Viết như 2025-07-01.", "Write it like 2025-07-01."),
    )


def _not_then(code: str, day: date) -> UnitError:
    return UnitError(
        Text(f"{code} không tồn tại vào ngày {day:%d/%m/%Y}.", f"{code} does not exist on {day.isoformat()}."),
        hint=Text("Chọn ngày khác bằng --at.", "Choose another day with --at."),
        code="EDX-UNIT-CLOSED",
        where=code,
    )


def _office_file(office: Path | None) -> Path | None:
    if office is not None:
        return office
    return _DEFAULT_OFFICE if _DEFAULT_OFFICE.is_file() else None


def _settings(office: Path | None) -> OfficeConfig | None:
    place = _office_file(office)
    if place is None:
        return None
    from edocx.office.configuration import OfficeConfig

    return OfficeConfig.from_path(place)


def _engine(office: Path | None) -> Engine:
    settings = _settings(office)
    if settings is None:
        raise UsageError(
            Text("Chưa có văn phòng nào ở đây.", "There is no office here."),
            hint=Text("Chỉ rõ --office office.toml.", "Name one: --office office.toml."),
            code="EDX-UNITS-NO-OFFICE",
        )
    from edocx.routing.store.engine import sqlite_engine

    return sqlite_engine(settings.store)


def _base(office: Path | None) -> MemoryDirectory:
    """Return what the office's own records stand on: the directory file it names, else the shipped data."""
    settings = _settings(office)
    if settings is not None and settings.directory is not None:
        from edocx.units.units_json import load

        return load(settings.directory)
    from edocx.units.shipped import shipped_directory

    return shipped_directory()


def _directory(office: Path | None) -> MemoryDirectory:
    settings = _settings(office)
    if settings is None or not settings.store.exists():
        # Looking something up makes no database.
        return _base(office)
    return _store(office).load()


def _store(office: Path | None) -> DirectoryStore:
    from edocx.units.store import DirectoryStore

    base = _base(office)
    store = DirectoryStore(_engine(office), lambda: base)
    store.create_tables()
    return store


def _registry_store(office: Path | None) -> RegistryStore:
    from edocx.units.registry_store import RegistryStore

    store = RegistryStore(_engine(office))
    store.create_tables()
    return store
