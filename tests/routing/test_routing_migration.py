"""A store of the first schema, with years of work in it, is brought up to date and goes on working."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import routing_scenario as scenario
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, insert, select, text

from edocx.errors import StoreUnavailable
from edocx.routing.database import Store
from edocx.routing.store import migrate, tables
from edocx.routing.store.engine import sqlite_engine, writing
from edocx.routing.store.postgres import postgres_engine, postgres_url

COUNT = 4
COUNTED = ("parcels", "deliveries", "statements", "inbox")


def first_schema(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with engine.connect() as bare, writing(bare) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def pour(full: Store, engine: Engine) -> dict[str, int]:
    """Copy every row into a database of the first schema, as far as that has columns; return how many there were."""
    old = MetaData()
    old.reflect(engine)
    counts = {}
    with full.engine.connect() as source, engine.connect() as bare, writing(bare) as target, target.begin():
        for table in tables.metadata.sorted_tables:
            if table.name not in old.tables:
                continue
            kept = [column for column in table.columns if column.name in old.tables[table.name].columns]
            # As plain values: what a moment looks like on disk is part of the schema.
            rows = [dict(row._mapping) for row in source.execute(select(*kept))]
            counts[table.name] = len(rows)
            if rows:
                target.execute(insert(table), rows)
            if rows and target.dialect.name == "postgresql" and table.name in COUNTED:
                # A sequence does not see ids that were given.
                last = f"(SELECT max(id) FROM {table.name})"
                target.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last})"))
    return counts


def engine_on(place: str) -> Engine:
    url = postgres_url(place)
    return sqlite_engine(scenario.Path(place)) if url is None else postgres_engine(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_places(request, tmp_path):
    """Two places for stores that do not exist yet."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield {name: str(tmp_path / "old" / f"{name}.db") for name in ("sender", "receiver")}
        else:
            server = request.getfixturevalue("postgres")
            yield {name: stack.enter_context(server.fresh("template0")) for name in ("sender", "receiver")}


def test_a_store_of_the_first_schema_keeps_all_it_held_and_goes_on(tmp_path, empty_places):
    full, old = tmp_path / "full", tmp_path / "old"
    full.mkdir()
    scenario.run(full, COUNT)
    old.mkdir()
    (full / "axis.db").rename(old / "axis.db")
    for name, place in empty_places.items():
        engine = engine_on(place)
        first_schema(engine)
        with Store.open(full / f"{name}.db") as store:
            counts = pour(store, engine)
            files = store.payload_folder
        engine.dispose()
        assert min(counts[table] for table in ("parcels", "deliveries", "statements", "inbox", "journal")) > 0
        if "://" in place:
            (old / f"{name}.server").write_text(place, encoding="utf-8")
            (old / name).mkdir()
            files.rename(old / name / "office.payloads")
        else:
            files.rename(old / f"{name}.db.payloads")
    scenario.assert_whole(old, COUNT)
    scenario.run(old, COUNT + 2, minutes=10)
    scenario.assert_whole(old, COUNT + 2)


def test_a_migration_that_fails_leaves_the_old_store_as_it_was(tmp_path, monkeypatch):
    place = tmp_path / "office.db"
    engine = sqlite_engine(place)
    first_schema(engine)
    with engine.connect() as bare, writing(bare) as connection, connection.begin():
        connection.execute(text("ALTER TABLE payloads ADD COLUMN erased_at VARCHAR(27)"))
    with pytest.raises(StoreUnavailable):
        Store.open(place)
    with engine.connect() as connection:
        assert migrate.revision(connection) == "0001"
    engine.dispose()
