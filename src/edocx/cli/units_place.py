"""Where ``edocx units`` answers from: the office's database and files, or the shipped data; and on which day."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.cli import units_view as view
from edocx.errors import EdocxError, InputError, Refused, Text, UnitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Engine

    from edocx.office.configuration import OfficeConfig
    from edocx.units.memory import MemoryDirectory
    from edocx.units.registry_store import RegistryStore
    from edocx.units.store import DirectoryStore

OFFICE = typer.Option(None, "--office", metavar="FILE", help="office.toml.")
AT = typer.Option(None, "--at", metavar="DATE", help="Ngày xét, mặc định hôm nay / day, today by default.")
JSON = typer.Option(False, "--json", help="JSON.")
_DEFAULT_OFFICE = Path("office.toml")


@contextmanager
def explained(as_json: bool) -> Iterator[None]:
    """Say refusals with everything they carry: successors, nearest ancestor, faults by line and column."""
    try:
        yield
    except (UnitError, InputError, Refused) as error:
        view.explain(error, as_json=as_json)
        raise typer.Exit(error.exit_code) from error


def read(file: Path) -> bytes:
    """Read a whole file, up to the largest table."""
    from edocx.content import Blob
    from edocx.units.table import MAX_BYTES

    return Blob.from_path(file).read(MAX_BYTES)


def now() -> datetime:
    """Return the present moment."""
    from edocx.clock import SystemClock

    return SystemClock().now()


def day(at: str | None) -> date:
    """Return the day that --at names, today without it; raise `UsageError` for what is none."""
    from datetime import datetime

    from edocx.clock import VIETNAM
    from edocx.units.history import END
    from edocx.units.unit import day_of

    if at is None:
        return day_of(now())
    try:
        moment = datetime.fromisoformat(at)
        day = day_of(moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM))
    except (ValueError, OverflowError) as error:
        raise bad_date(at) from error
    if day == END:
        # The last day of the calendar stands for an open end: every unit would seem closed on it.
        raise UsageError(
            Text(f"{at} là ngày để ngỏ, không phải ngày xét được.", f"{at} stands for an open end, no day to ask for."),
            hint=Text("Dùng ngày đến 2200-12-31, ví dụ 2025-07-01.", "Use a day up to 2200-12-31, such as 2025-07-01."),
        )
    return day


def bad_date(text: str) -> EdocxError:
    """Make the error for a text that is no date."""
    return UsageError(
        Text(f"“{text}” không phải ngày.", f"'{text}' is not a date."),
        hint=Text("Viết như 2025-07-01.", "Write it like 2025-07-01."),
    )


def not_then(code: str, day: date) -> UnitError:
    """Make the error for a unit that a day does not know."""
    return UnitError(
        Text(f"{code} không tồn tại vào ngày {day:%d/%m/%Y}.", f"{code} does not exist on {day.isoformat()}."),
        hint=Text("Chọn ngày khác bằng --at.", "Choose another day with --at."),
        code="EDX-UNIT-CLOSED",
        where=code,
    )


def settings(office: Path | None) -> OfficeConfig | None:
    """Read the office named, or the one in the current folder; None where there is none."""
    place = office or (_DEFAULT_OFFICE if _DEFAULT_OFFICE.is_file() else None)
    if place is None:
        return None
    from edocx.office.configuration import OfficeConfig

    return OfficeConfig.from_path(place)


def engine(office: Path | None) -> Engine:
    """Open the office's database; raise `UsageError` where there is no office."""
    return _open(needed(office))


def base(office: Path | None) -> MemoryDirectory:
    """Return what the office's own records stand on: its directory file or the shipped data, and what was signed."""
    known = settings(office)
    if known is None:
        from edocx.units.shipped import shipped_directory

        return shipped_directory()
    from edocx.office.records import base_of, unsigned_base

    # Looking something up makes no database.
    return base_of(known, _open(known))[0] if _made(known) else unsigned_base(known)


def directory(office: Path | None) -> MemoryDirectory:
    """Return the directory to answer from."""
    known = settings(office)
    if known is None or not _made(known):
        return base(office)
    return store(office).load()


def store(office: Path | None) -> DirectoryStore:
    """Open the office's own records of units."""
    from edocx.units.store import DirectoryStore

    known = needed(office)
    below = base(office)
    opened = DirectoryStore(_open(known), lambda: below)
    opened.create_tables()
    return opened


def registry_store(office: Path | None) -> RegistryStore:
    """Open the office's own certificate registry."""
    from edocx.units.registry_store import RegistryStore

    opened = RegistryStore(engine(office))
    opened.create_tables()
    return opened


def needed(office: Path | None) -> OfficeConfig:
    """Read the office's settings; raise `UsageError` where there is no office."""
    known = settings(office)
    if known is None:
        raise UsageError(
            Text("Chưa có văn phòng nào ở đây.", "There is no office here."),
            hint=Text("Chỉ rõ --office office.toml.", "Name one: --office office.toml."),
            code="EDX-UNITS-NO-OFFICE",
        )
    return known


def _open(known: OfficeConfig) -> Engine:
    from edocx.routing.store.engine import sqlite_engine
    from edocx.routing.store.postgres import postgres_engine, postgres_url

    url = postgres_url(known.store)
    return sqlite_engine(Path(known.store)) if url is None else postgres_engine(url)


def _made(known: OfficeConfig) -> bool:
    return known.on_server or Path(known.store).exists()
