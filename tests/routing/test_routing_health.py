"""The doctor: what it finds is what is wrong, and a whole store is called whole."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edocx.content import Blob
from edocx.errors import InputError, UsageError
from edocx.routing import health
from edocx.routing.database import Store
from edocx.routing.journal import Head
from edocx.routing.state import Basis, Speaker
from edocx.routing.store import engine, place
from edocx.routing.store.payloads import INLINE_LIMIT
from edocx.routing.transitions import Passage, rows
from edocx.testing.faults import Crash, Faults


@pytest.fixture
def store(sqlite_store):
    # What the doctor looks at here are the file's own ailments.
    return sqlite_store


def codes(store, *known, **options):
    return [finding.code for finding in health.examine(store, *known, **options) if finding.code != "EDX-DOCTOR-SQLITE"]


@pytest.fixture
def large(store, parcel_of):
    parcel, payload = parcel_of(b"x" * (INLINE_LIMIT + 1))
    with store.begin() as tx:
        tx.submit(parcel, payload)
    return store.payload_folder / payload.sha256[:2] / payload.sha256


@pytest.mark.usefixtures("large")
def test_a_whole_store_is_called_whole(store):
    assert codes(store, deep=True) == []


def test_an_sqlite_with_the_wal_bug_is_named(store, monkeypatch):
    monkeypatch.setattr(health, "FIXED_WAL", (99, 0, 0))
    assert "EDX-DOCTOR-SQLITE" in [finding.code for finding in health.examine(store)]


def test_a_store_that_cannot_be_written_is_named(store):
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    assert codes(store) == ["EDX-STORE-READONLY"]


def test_a_store_that_another_holds_locked_is_named(store, monkeypatch, clock):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with Store.open(store.path, clock=clock) as other:
            assert codes(other) == ["EDX-STORE-LOCKED"]


def test_looking_changes_nothing(store, parcel_of):
    with store.begin() as tx:
        tx.submit(*parcel_of())
    before = store.path.with_name("office.db-wal").read_bytes()
    codes(store)
    assert store.path.with_name("office.db-wal").read_bytes() == before


def test_a_payload_that_is_gone_or_changed_is_named(store, large):
    content = large.read_bytes()
    large.write_bytes(b"y" * len(content))
    assert codes(store) == []
    assert codes(store, deep=True) == ["EDX-STORE-PAYLOAD"]
    large.unlink()
    assert codes(store) == ["EDX-STORE-PAYLOAD"]


def test_a_cut_journal_is_named_by_whoever_knows_its_head(store):
    assert codes(store, Head(3, "0" * 64)) == ["EDX-JOURNAL-CUT"]


def test_a_row_that_points_nowhere_is_named(store, parcel_of):
    with store.begin() as tx:
        tx.submit(*parcel_of())
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.commit()
        raw = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("DELETE FROM payloads")
        raw.execute("PRAGMA foreign_keys = ON")
    assert "EDX-STORE-CORRUPT" in codes(store)


def test_dead_letters_and_a_full_disk_are_named(store, parcel_of, monkeypatch):
    with store.begin() as tx:
        tx.submit(*parcel_of())
        (task,) = tx.outbox.claim("a")
        tx.outbox.bury(task, "EDX-UNIT-UNKNOWN")
    monkeypatch.setattr(health, "LOW_DISK", 2**62)
    assert codes(store) == ["EDX-DOCTOR-DEAD", "EDX-DOCTOR-DISK"]


def test_what_a_crash_left_behind_is_swept_and_nothing_else(tmp_path, clock, parcel_of, large):
    parcel, payload = parcel_of(b"z" * (INLINE_LIMIT + 1))
    crashing = Store.open(tmp_path / "office.db", clock=clock, faults=Faults.crash_at(3))
    with pytest.raises(Crash), crashing.begin() as tx:
        tx.submit(parcel, payload)
    crashing.close()
    stray = large.parent.parent / payload.sha256[:2] / payload.sha256
    part = large.with_name(".half.part")
    part.write_bytes(b"half")
    with Store.open(tmp_path / "office.db", clock=clock) as store:
        assert codes(store) == ["EDX-DOCTOR-STRAYS"]
        now = datetime.now(UTC)
        assert health.sweep(store, now=now).files == 0
        swept = health.sweep(store, now=now + timedelta(days=2))
        assert (swept.files, swept.size) == (2, payload.size + 4)
        assert (large.exists(), stray.exists(), part.exists()) == (True, False, False)
        assert codes(store, deep=True) == []


def test_a_host_and_its_outbox_row_are_one_commit(store, parcel_of):
    parcel, payload = parcel_of()
    with store._engine.connect() as bare:
        connection = bare.execution_options(edocx_writes=True)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE host (a)")

        def fail():
            with connection.begin(), store.within(connection) as tx:
                connection.exec_driver_sql("INSERT INTO host VALUES (1)")
                tx.submit(parcel, payload)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with store.read() as tx:
            assert tx.outbox.find(parcel.message_id) is None
        with connection.begin(), store.within(connection) as tx:
            connection.exec_driver_sql("INSERT INTO host VALUES (1)")
            tx.submit(parcel, payload)
    with store.read() as tx:
        assert tx.outbox.find(parcel.message_id).state == "queued"
        assert tx.verify_journal().require().seq == 1


def test_a_file_that_vanishes_is_the_callers_not_the_stores(store, parcel_of, tmp_path):
    place_ = tmp_path / "file"
    place_.write_bytes(b"noi dung")
    payload = Blob.from_path(place_)
    place_.unlink()
    parcel, _ = parcel_of(b"noi dung")
    with pytest.raises(InputError, match="EDX-FILE-UNREADABLE"), store.begin() as tx:
        tx.submit(parcel, payload)


def test_a_document_nobody_answered_expires_and_a_late_answer_still_counts(store, parcel_of, clock):
    with store.begin() as tx:
        tx.submit(*parcel_of(recipients=("G22", "H58.07")))
        (task,) = tx.outbox.claim("a")
        tx.outbox.mark_sent(task, "r1")
        tx.record_status("D1", "G22", "01", speaker=Speaker("G22", "G22", Basis.SEAL), claimed_at=tx.now)
    clock.advance(days=2)
    for expected in (1, 0):
        with store.begin() as tx:
            assert tx.deliveries.expire(clock.now() - timedelta(days=1)) == expected

    def passages():
        with store.read() as tx:
            return [tracked.delivery.shown.passage for tracked in tx.deliveries.of_document("D1")]

    assert passages() == [Passage.ARRIVED, Passage.EXPIRED]
    with store.begin() as tx:
        tx.record_status("D1", "H58.07", "03", speaker=Speaker("H58.07", "H58.07", Basis.SEAL), claimed_at=tx.now)
    assert passages() == [Passage.ARRIVED, Passage.ARRIVED]


@pytest.mark.parametrize("kind, refused", [("nfs4", True), ("cifs", True), ("ext4", False), ("tmpfs", False)])
def test_a_network_file_system_is_refused(tmp_path, clock, monkeypatch, kind, refused):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/x / ext4 rw 0 0\nserver:/y {tmp_path} {kind} rw 0 0\nbroken\n")
    monkeypatch.setattr(place, "MOUNTS", mounts)
    if refused:
        with pytest.raises(UsageError, match="EDX-STORE-NETWORK"):
            Store.open(tmp_path / "office.db", clock=clock)
        assert not (tmp_path / "office.db").exists()
    else:
        Store.open(tmp_path / "office.db", clock=clock).close()


def test_without_a_table_of_mounts_nothing_is_refused(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(place, "MOUNTS", Path(os.devnull) / "none")
    Store.open(tmp_path / "office.db", clock=clock).close()
    assert (tmp_path / "office.db").is_file()


def test_every_transition_can_be_printed():
    printed = rows()
    assert len(printed) == len(set(printed)) == 5 * 5 + 8 * 6 + 4 * 6
    assert ("handling", "accepted", "02", "returned", "") in printed
