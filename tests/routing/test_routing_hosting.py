"""A host's own transaction on the store's database: it waits, it is refused, or its commit carries our rows."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, make_url, text

from edocx.errors import StoreUnavailable, UsageError
from edocx.routing.database import Store


@pytest.fixture
def hosted(store):
    with store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE host (who TEXT)"))
    return store


@contextmanager
def own_engine(store, **options):
    engine = create_engine(store.engine.url, **options)
    yield engine
    engine.dispose()


def write(store, parcel_of, name):
    with store.begin() as tx:
        assert tx.submit(*parcel_of(message_id=name))


def send_within(store, connection, parcel_of, name):
    with store.within(connection) as tx:
        assert tx.outbox.find(name) is None, "an office looks before it queues"
        assert tx.submit(*parcel_of(message_id=name))


def queued(store, *names):
    with store.read() as tx:
        tx.verify_journal().require()
        return [name for name in names if tx.outbox.find(name) is not None]


def test_hosts_that_write_at_once_all_send(hosted, parcel_of):
    failures = []

    def host(who):
        try:
            for count in range(8):
                with hosted.engine.begin() as connection:
                    connection.execute(text("INSERT INTO host VALUES (:who)"), {"who": str(who)})
                    send_within(hosted, connection, parcel_of, f"m{who}-{count}")
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=host, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    names = [f"m{who}-{count}" for who in range(4) for count in range(8)]
    assert queued(hosted, *names) == names


@pytest.mark.parametrize("begun", [False, True])
def test_a_host_that_sends_before_it_reads_or_writes_waits_for_its_turn(hosted, parcel_of, begun):
    """The writer before it commits while it waits: what it would have seen by then is old."""
    with hosted.engine.connect() as other, hosted.engine.connect() as connection:
        other.execute(text("INSERT INTO host VALUES ('first')"))
        with hosted.within(other) as tx:
            tx.submit(*parcel_of(message_id="m1"))
        if begun:
            connection.begin()
        waiting = threading.Thread(target=send_within, args=(hosted, connection, parcel_of, "m2"))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        other.commit()
        waiting.join()
        connection.commit()
    assert queued(hosted, "m1", "m2") == ["m1", "m2"]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_hosts_transaction_of_an_older_moment_is_refused_before_anything_is_written(postgres_store, parcel_of, level):
    with own_engine(postgres_store, isolation_level=level) as engine:
        with engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM journal")).scalar_one()
            write(postgres_store, parcel_of, "m1")
            with pytest.raises(StoreUnavailable, match="EDX-STORE-SNAPSHOT") as refused:
                send_within(postgres_store, connection, parcel_of, "m2")
            assert refused.value.retryable
            connection.commit()
        assert queued(postgres_store, "m1", "m2") == ["m1"]
        with engine.begin() as connection:
            send_within(postgres_store, connection, parcel_of, "m2")
            send_within(postgres_store, connection, parcel_of, "m3")
    assert queued(postgres_store, "m1", "m2", "m3") == ["m1", "m2", "m3"]


def test_a_host_that_read_a_file_before_somebody_wrote_is_told_to_begin_anew(sqlite_store, parcel_of):
    with sqlite_store.engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM journal")).scalar_one()
        write(sqlite_store, parcel_of, "m1")
        with pytest.raises(StoreUnavailable, match="EDX-STORE-SNAPSHOT") as refused:
            send_within(sqlite_store, connection, parcel_of, "m2")
        assert refused.value.retryable
        connection.rollback()
        send_within(sqlite_store, connection, parcel_of, "m2")
        connection.commit()
    assert queued(sqlite_store, "m1", "m2") == ["m1", "m2"]


def test_a_host_that_holds_the_turn_from_the_start_may_read_first(hosted, parcel_of):
    with hosted.writing_engine.begin() as connection:
        connection.execute(text("SELECT count(*) FROM host")).scalar_one()
        other = threading.Thread(target=write, args=(hosted, parcel_of, "m1"))
        other.start()
        other.join(0.2)
        assert other.is_alive()
        send_within(hosted, connection, parcel_of, "m2")
    other.join()
    assert queued(hosted, "m1", "m2") == ["m1", "m2"]


def test_a_connection_that_commits_by_itself_is_refused(hosted, parcel_of):
    with own_engine(hosted, isolation_level="AUTOCOMMIT") as engine, engine.connect() as connection:
        connection.execute(text("INSERT INTO host VALUES ('before')"))
        with pytest.raises(UsageError, match="EDX-STORE-AUTOCOMMIT"):
            send_within(hosted, connection, parcel_of, "m1")
        connection.execute(text("INSERT INTO host VALUES ('after')"))
    with hosted.read() as tx:
        assert tx.connection.execute(text("SELECT who FROM host")).scalars().all() == ["before", "after"]
    assert queued(hosted, "m1") == []


def test_a_connection_to_another_offices_database_is_refused(store, request, tmp_path, clock, parcel_of):
    if store.engine.dialect.name == "sqlite":
        other = Store.open(tmp_path / "other.db", clock=clock)
    else:
        url = request.getfixturevalue("another_url")
        other = Store.open(url, clock=clock, folder=tmp_path / "other")
    with other, other.engine.begin() as connection:
        for begun in (True, False):
            with pytest.raises(UsageError, match="EDX-STORE-FOREIGN"):
                send_within(store, connection, parcel_of, f"m-{begun}")
    with Store.open(tmp_path / "third.db", clock=clock) as file, file.engine.connect() as connection:
        with pytest.raises(UsageError, match="EDX-STORE-FOREIGN"):
            send_within(store, connection, parcel_of, "m2")
        assert not connection.in_transaction(), "what the office began and refused is not left open"
    assert queued(store, "m-True", "m-False", "m2") == []


@pytest.fixture
def another_url(postgres):
    with postgres.fresh() as url:
        yield url


def test_the_stores_database_by_another_path_is_the_same(sqlite_store, tmp_path, parcel_of):
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_store.path)
    engine = create_engine(f"sqlite:///{link}")
    with engine.begin() as connection:
        send_within(sqlite_store, connection, parcel_of, "m1")
    engine.dispose()
    assert queued(sqlite_store, "m1") == ["m1"]


def test_a_servers_own_default_isolation_changes_nothing(postgres, tmp_path, clock, parcel_of):
    with postgres.fresh() as url:
        postgres.order(f"ALTER DATABASE {make_url(url).database} SET default_transaction_isolation = 'serializable'")
        with Store.open(url, clock=clock, folder=tmp_path) as store, store.engine.connect() as connection:
            level = connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
            assert level == "read committed"
