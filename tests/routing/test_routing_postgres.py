"""PostgreSQL: what the contract suite does not say of it (that runs over both databases)."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from random import Random

import pytest
import routing_scenario as scenario

from edocx.content import Blob
from edocx.errors import StoreUnavailable, UsageError
from edocx.routing.database import Store
from edocx.routing.health import examine
from edocx.testing.faults import Faults

BOOK = ("H58.12.01", "di/QĐ-UBND", 2023)


@pytest.fixture
def nursery():
    made = scenario.Nursery()
    yield made
    made.close()


@pytest.fixture
def world(postgres, tmp_path):
    """A folder whose two offices live on the server."""
    with ExitStack() as stack:
        for name in ("sender", "receiver"):
            (tmp_path / f"{name}.server").write_text(stack.enter_context(postgres.fresh()), encoding="utf-8")
        yield tmp_path


def test_concurrent_processes_take_each_number_once_and_keep_one_chain(postgres, tmp_path, clock):
    """Each thread opens the store by itself, as a process would: nothing in memory keeps them apart."""
    failures = []

    def take(url, who):
        try:
            with Store.open(url, clock=clock, folder=tmp_path) as store:
                for count in range(10):
                    with store.begin() as tx:
                        tx.register.reserve(*BOOK, f"d{who}-{count}")
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    with postgres.fresh() as url:
        threads = [threading.Thread(target=take, args=(url, who)) for who in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        with Store.open(url, clock=clock, folder=tmp_path) as store, store.read() as tx:
            assert [entry.number for entry in tx.register.entries(*BOOK)] == list(range(1, 41))
            assert tx.verify_journal().require().seq == 40


def test_a_reader_sees_one_moment(postgres_store):
    with postgres_store.read() as reading:
        assert reading.register.entries(*BOOK) == ()
        with postgres_store.begin() as tx:
            tx.register.reserve(*BOOK, "d1")
        assert reading.register.entries(*BOOK) == ()
    with postgres_store.read() as reading:
        assert len(reading.register.entries(*BOOK)) == 1


def test_a_hosts_own_transaction_carries_our_rows(postgres_store, parcel_of):
    with postgres_store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE host (id INTEGER)")
    for keep in (False, True):
        with postgres_store.engine.connect() as connection:
            connection.exec_driver_sql("INSERT INTO host VALUES (1)")
            with postgres_store.within(connection) as tx:
                assert tx.submit(*parcel_of(message_id="m1"))
            (connection.commit if keep else connection.rollback)()
    with postgres_store.read() as tx:
        assert tx.outbox.waiting() == 1
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM host").scalar_one() == 1
        tx.verify_journal().require()


def test_the_doctor_finds_a_sound_store_sound(postgres_store, parcel_of):
    with postgres_store.begin() as tx:
        tx.submit(*parcel_of())
    assert [finding for finding in examine(postgres_store, deep=True) if finding.severity == "error"] == []


def test_a_lost_connection_undoes_the_step_and_the_next_goes_on(postgres_store, postgres):
    def step():
        with postgres_store.begin() as tx:
            tx.register.reserve(*BOOK, "d1")
            own = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            postgres.order(f"SELECT pg_terminate_backend({own})")
            tx.register.reserve(*BOOK, "d2")

    with pytest.raises(StoreUnavailable, match="EDX-STORE-AWAY") as found:
        step()
    assert found.value.retryable
    with postgres_store.begin() as tx:
        assert tx.register.reserve(*BOOK, "d2").number == 1


def test_a_server_that_is_away_is_worth_another_try(tmp_path, clock):
    pytest.importorskip("psycopg", reason="PostgreSQL is tested where psycopg is installed")
    with pytest.raises(StoreUnavailable, match="EDX-STORE-AWAY") as found:
        Store.open(f"postgresql://nobody:bimat@/office?host={tmp_path}", clock=clock, folder=tmp_path)
    assert found.value.retryable
    assert "bimat" not in f"{found.value}{found.value.where}"


def test_a_store_on_a_server_needs_a_folder_and_is_not_backed_up_here(postgres_store, tmp_path):
    with pytest.raises(UsageError, match="EDX-STORE-FOLDER"):
        Store.open("postgresql://host/office")
    with pytest.raises(UsageError, match="EDX-STORE-BACKUP-SERVER"):
        postgres_store.backup(tmp_path / "copy")


def test_the_scenario_comes_to_the_same_end(world):
    scenario.run(world, 3)
    scenario.assert_whole(world, 3)


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
def test_killed_at_a_dozen_points_nothing_is_lost_and_nothing_twice(world, nursery):
    for unit in (scenario.SENDER, scenario.RECEIVER):
        with ExitStack() as stack:
            scenario.World(world, stack).axis.register(unit)
    random = Random(15)
    deaths = 0
    for _ in range(12):
        code = nursery.killed_at(world, 6, random.randint(1, 30))
        assert code in {0, -signal.SIGKILL}
        deaths += code != 0
    assert deaths > 3
    scenario.run(world, 6, minutes=10**5)
    scenario.assert_whole(world, 6)


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
@pytest.mark.parametrize(
    "count, kills",
    [(100, 20), pytest.param(1000, 200, marks=pytest.mark.slow)],
)
@pytest.mark.timeout(1200)
def test_workers_that_die_at_random_lose_nothing_on_a_server(world, nursery, count, kills):
    assert scenario.killed_at_random(world, nursery, count, kills) == kills + 3
    scenario.run(world, count, minutes=10**6)
    scenario.assert_whole(world, count)


def test_a_payload_file_lies_in_the_folder_given(postgres, tmp_path, clock):
    large = Blob.from_bytes(b"x" * 300_000)
    with postgres.fresh() as url, Store.open(url, clock=clock, folder=tmp_path, faults=Faults()) as store:
        store.keep(large)
        assert [path.name for path in store.payload_folder.glob("*/*")] == [large.sha256]
        assert tmp_path in store.payload_folder.parents
