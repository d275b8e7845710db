"""The store: durable, cheap to open, and clear about what ails it."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from edocx.content import Blob
from edocx.errors import InputError, LimitExceeded, Refused, StateError, StoreUnavailable, UsageError
from edocx.routing.database import Store
from edocx.routing.store import engine as engine_module
from edocx.routing.store import migrate, tables
from edocx.routing.store.payloads import INLINE_LIMIT
from edocx.testing.faults import Crash, Faults


def test_the_head_in_the_code_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [tables.HEAD]


def test_migrations_lead_to_the_schema_in_the_code(store):
    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_a_current_store_is_opened_without_alembic(sqlite_store, clock, monkeypatch):
    upgrades = []
    monkeypatch.setattr(migrate, "_upgrade", upgrades.append)
    Store.open(sqlite_store.path, clock=clock).close()
    assert upgrades == []


def test_two_that_open_a_new_store_at_once_both_succeed(tmp_path, clock):
    failures = []

    def opened():
        try:
            Store.open(tmp_path / "new.db", clock=clock).close()
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=opened) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_store_is_durable_and_in_wal_mode(sqlite_store):
    with sqlite_store._engine.connect() as connection:
        ask = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert ask == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_store_of_a_newer_edocx_is_refused(sqlite_store, clock):
    with sqlite_store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match="EDX-STORE-NEWER"):
        Store.open(sqlite_store.path, clock=clock)


def test_a_file_that_is_no_database_is_named_so(tmp_path, clock):
    place = tmp_path / "office.db"
    place.write_bytes(b"khong phai co so du lieu" * 400)
    with pytest.raises(StoreUnavailable, match="EDX-STORE-CORRUPT") as found:
        Store.open(place, clock=clock)
    assert found.value.where == str(place)
    assert not found.value.retryable


def test_a_missing_folder_is_named_so(tmp_path, clock):
    with pytest.raises(StoreUnavailable, match="EDX-STORE-OPEN"):
        Store.open(tmp_path / "nowhere" / "office.db", clock=clock)


def test_a_locked_store_is_worth_another_try(sqlite_store, monkeypatch, clock):
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(sqlite_store.path, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        with (
            Store.open(sqlite_store.path, clock=clock) as other,
            pytest.raises(StoreUnavailable, match="EDX-STORE-LOCKED") as found,
            other.begin(),
        ):
            pytest.fail("the lock is held by another")
        assert found.value.retryable
    finally:
        holder.close()


def test_readers_do_not_wait_for_a_writer(store):
    with store.begin() as tx:
        tx.documents.put("d1", state="approved", metadata={})
        with store.read() as reading:
            assert reading.documents.find("d1") is None


def test_a_read_only_database_is_named_so(sqlite_store):
    with sqlite_store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="EDX-STORE-READONLY") as found, sqlite_store.begin() as tx:
        tx.journal("document.approved", document="d1")
    assert not found.value.retryable


def test_a_full_disk_is_worth_another_try_and_loses_nothing(sqlite_store):
    with sqlite_store.begin() as tx:
        tx.documents.put("d1", state="approved", metadata={})

    def bound(pages):
        with sqlite_store._engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    bound(1)
    with pytest.raises(StoreUnavailable, match="EDX-STORE-FULL") as found, sqlite_store.begin() as tx:
        tx.documents.put("d2", state="approved", metadata={"x": "y" * 200_000})
    assert found.value.retryable
    bound(1_000_000)
    with sqlite_store.begin() as tx:
        assert tx.documents.find("d2") is None
        tx.documents.put("d2", state="approved", metadata={})


def test_a_full_disk_under_the_payload_folder_is_named_so(store, monkeypatch):
    faults = Faults()
    faults.fail("store.payload.before", OSError(28, "No space left on device"))
    monkeypatch.setattr(store._payloads, "_faults", faults)
    with pytest.raises(StoreUnavailable, match="EDX-STORE-FULL"):
        store.keep(Blob.from_bytes(b"x" * (INLINE_LIMIT + 1)))


def test_a_transaction_inside_another_is_the_callers_mistake(store):
    with store.begin(), pytest.raises(UsageError, match="EDX-STORE-NESTED"), store.begin():
        pytest.fail("unreachable")
    with store.begin() as tx:
        assert tx.now


def test_other_databases_are_refused_by_name(clock):
    with pytest.raises(UsageError, match="EDX-STORE-URL"):
        Store.open("mysql://somewhere/x", clock=clock)


def test_a_url_names_a_path(tmp_path, clock):
    with Store.open(f"sqlite:///{tmp_path / 'office.db'}", clock=clock) as store:
        assert store.path == tmp_path / "office.db"


@pytest.mark.parametrize("size", [0, 1, INLINE_LIMIT, INLINE_LIMIT + 1, 3 * INLINE_LIMIT])
def test_a_payload_is_stored_once_and_comes_back_whole(store, parcel_of, size):
    content = os.urandom(size)
    for message in ("m1", "m2"):
        with store.begin() as tx:
            tx.submit(*parcel_of(content, message_id=message))
    with store.read() as tx:
        assert tx.payload(Blob.from_bytes(content).sha256).read() == content
    files = (
        [path for path in store._payloads.folder.rglob("*") if path.is_file()]
        if store._payloads.folder.exists()
        else []
    )
    assert len(files) == (1 if size > INLINE_LIMIT else 0)


def test_a_large_payload_is_on_disk_before_the_row_that_names_it(tmp_path, clock, parcel_of):
    faults = Faults()
    with Store.open(tmp_path / "office.db", clock=clock, faults=faults) as store, store.begin("send") as tx:
        tx.submit(*parcel_of(b"x" * (INLINE_LIMIT + 1)))
    assert faults.points == (
        "store.payload.before",
        "store.payload.after",
        "store.commit.before:send",
        "store.commit.after:send",
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_crash_before_the_commit_leaves_nothing(tmp_path, clock, parcel_of, number):
    store = Store.open(tmp_path / "office.db", clock=clock, faults=Faults.crash_at(number))
    parcel, payload = parcel_of(b"x" * (INLINE_LIMIT + 1))
    with pytest.raises(Crash), store.begin("send") as tx:
        tx.submit(parcel, payload)
    store.close()
    with Store.open(tmp_path / "office.db", clock=clock) as again:
        with again.begin("send") as tx:
            assert tx.outbox.find(parcel.message_id) is None
            assert tx.submit(parcel, payload)
        with again.read() as tx:
            assert tx.payload(payload.sha256).read() == payload.read()


def test_a_payload_cut_short_on_disk_is_found(store, parcel_of):
    parcel, payload = parcel_of(b"x" * (INLINE_LIMIT + 1))
    with store.begin() as tx:
        tx.submit(parcel, payload)
    store._payloads.place(payload.sha256).write_bytes(b"x")
    with store.read() as tx, pytest.raises(StoreUnavailable, match="EDX-STORE-PAYLOAD"):
        tx.payload(payload.sha256)


def test_a_payload_that_changed_after_it_was_digested_is_refused(store, tmp_path, parcel_of):
    place = tmp_path / "file"
    place.write_bytes(b"x" * (INLINE_LIMIT + 1))
    payload = Blob.from_path(place)
    place.write_bytes(b"y" * (INLINE_LIMIT + 1))
    with pytest.raises(InputError, match="EDX-PAYLOAD-DIGEST"):
        store.keep(payload)


def test_a_payload_over_the_limit_is_refused(store, monkeypatch):
    monkeypatch.setattr(store._payloads, "_max_size", 10)
    with pytest.raises(LimitExceeded, match="EDX-LIMIT-PAYLOAD"):
        store.keep(Blob.from_bytes(b"x" * 11))


def test_submitting_again_is_absorbed_and_another_content_refused(store, parcel_of):
    with store.begin() as tx:
        assert tx.submit(*parcel_of(message_id="m1"))
        assert not tx.submit(*parcel_of(message_id="m1"))
        with pytest.raises(Refused, match="EDX-PARCEL-CONFLICT"):
            tx.submit(*parcel_of(b"khac", message_id="m1"))
        parcel, _ = parcel_of(message_id="m2")
        with pytest.raises(Refused, match="EDX-PARCEL-CONFLICT"):
            tx.submit(parcel, Blob.from_bytes(b"khac"))


def test_a_document_moves_only_from_an_expected_state(store):
    with store.begin() as tx:
        tx.documents.put("d1", state="approved", metadata={"a": 1}, payload=Blob.from_bytes(b"v1"))
        tx.documents.move("d1", expected="approved", state="reserved", metadata={"a": 2})
        with pytest.raises(StateError, match="EDX-DOCUMENT-STATE"):
            tx.documents.move("d1", expected="approved", state="reserved")
        moved = tx.documents.move(
            "d1", expected=("approved", "reserved"), state="issued", payload=Blob.from_bytes(b"v2"), document_id="X,1"
        )
        assert (moved.metadata, tx.documents.payload(moved).read()) == ({"a": 2}, b"v2")
        assert tx.documents.find("X,1") == moved == tx.documents.get("d1")
        with pytest.raises(StateError, match="EDX-DOCUMENT-TAKEN"):
            tx.documents.put("d1", state="approved", metadata={})
        with pytest.raises(StateError, match="EDX-DOCUMENT-UNKNOWN"):
            tx.documents.get("d2")
        assert [filed.id for filed in tx.documents.in_state("issued")] == ["d1"]


def test_a_backup_is_a_whole_store(sqlite_store, tmp_path, clock, parcel_of):
    large, payload = parcel_of(b"x" * (INLINE_LIMIT + 1))
    with sqlite_store.begin() as tx:
        tx.submit(large, payload)
        head = tx.journal_head()
    copy = sqlite_store.backup(tmp_path / "backup")
    with pytest.raises(UsageError):
        sqlite_store.backup(tmp_path / "backup")
    with Store.open(copy, clock=clock) as restored, restored.read() as tx:
        assert tx.verify_journal(head).require() == head
        assert tx.payload(payload.sha256).read() == payload.read()
