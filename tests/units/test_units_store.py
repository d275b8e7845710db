"""The directory in a database: what differs from the shipped data, whole versions only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from edocx.errors import StateError, StoreUnavailable
from edocx.testing.territory import four_level_directory
from edocx.units import MemoryDirectory, Snapshot
from edocx.units.bulk import take_in
from edocx.units.difference import compare
from edocx.units.shipped import shipped_directory
from edocx.units.store import RECORDS, SNAPSHOTS, DirectoryStore

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'office.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine):
    store = DirectoryStore(engine)
    store.create_tables()
    return store


def test_an_empty_store_gives_the_shipped_data(store):
    assert store.load() is shipped_directory()
    assert store.version() == shipped_directory().snapshot.version


def test_what_is_saved_is_loaded_equal(store, engine):
    base = store.load()
    whole = four_level_directory()
    directory = MemoryDirectory(whole, whole.successions, Snapshot(2, NOW, "thử"))
    store.save(directory, based_on=base)
    again = DirectoryStore(engine).load()
    assert not compare(directory, again)
    assert again.snapshot == directory.snapshot
    with engine.connect() as connection:
        rows = connection.execute(sa.select(sa.func.count()).select_from(RECORDS)).scalar_one()
    assert rows == 1173 + 102 + 18 + 2


def test_units_taken_out_stay_out_and_edges_too(store):
    base = store.load()
    edge = base.successions[0]
    less = base.with_changes((), (), Snapshot(2, NOW, "thử"), without=["commune-30709"], without_successions=[edge])
    store.save(less, based_on=base)
    assert store.load().history("commune-30709") is None
    back = take_in(store.load(), b"id,code,name\ncommune-30709,H01.151,X\n", now=NOW, source="x").directory
    store.save(back, based_on=store.load())
    assert store.load().history("commune-30709").last.name == "X"


def test_a_save_over_somebody_elses_version_is_refused(store, engine):
    base = store.load()
    mine = take_in(base, b"id,name\nso-mot,A\n", now=NOW, source="x").directory
    theirs = take_in(base, b"id,name\nso-hai,B\n", now=NOW, source="y").directory
    store.save(theirs, based_on=base)
    with pytest.raises(StateError) as refused:
        store.save(mine, based_on=base)
    assert refused.value.code == "EDX-UNITS-STALE"
    assert refused.value.retryable
    assert store.load().history("so-mot") is None
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(SNAPSHOTS)).scalar_one() == 1


def test_two_savers_of_one_version_at_the_same_moment_are_told_apart(store, monkeypatch):
    base = store.load()
    mine = take_in(base, b"id,name\nso-mot,A\n", now=NOW, source="x").directory
    theirs = take_in(base, b"id,name\nso-hai,B\n", now=NOW, source="y").directory
    store.save(theirs, based_on=base)
    # Both looked before either wrote.
    monkeypatch.setattr(store, "_version", lambda _connection: base.snapshot.version)
    with pytest.raises(StateError) as refused:
        store.save(mine, based_on=base)
    monkeypatch.undo()
    assert refused.value.code == "EDX-UNITS-STALE"
    assert store.load().history("so-mot") is None


def test_a_save_that_fails_half_way_changes_nothing(store, engine):
    base = store.load()
    first = take_in(base, b"id,name\nso-mot,A\n", now=NOW, source="x").directory
    store.save(first, based_on=base)
    second = take_in(first, b"id,name\nso-mot,B\nso-hai,C\n", now=NOW, source="x").directory

    def fail(connection, cursor, statement, parameters, context, executemany):  # noqa: PLR0917
        if statement.startswith("INSERT INTO units_record"):
            raise sa.exc.OperationalError(statement, parameters, Exception("disk full"))

    sa.event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(StoreUnavailable) as refused:
        store.save(second, based_on=first)
    sa.event.remove(engine, "before_cursor_execute", fail)
    assert refused.value.retryable
    assert not compare(first, store.load())


def test_a_damaged_record_is_named_and_never_half_read(store, engine):
    base = store.load()
    store.save(take_in(base, b"id,name\nso-mot,A\n", now=NOW, source="x").directory, based_on=base)
    with engine.begin() as connection:
        connection.execute(RECORDS.update().values(record='{"id": 7}'))
    with pytest.raises(StoreUnavailable):
        store.load()


def test_a_database_without_the_tables_is_unavailable(engine):
    with pytest.raises(StoreUnavailable):
        DirectoryStore(engine).load()
