"""A whole office on PostgreSQL, from its settings: issue, send, receive, answer, fall back, reconcile."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from edocx.errors import StateError, UsageError
from edocx.office import Office, OfficeConfig
from edocx.routing.transitions import Handling
from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture
def net(tmp_path, postgres):
    with postgres.fresh() as url, Network.four_levels(tmp_path / "net") as made:
        place = made.folder / "offices" / scene.COMMUNE / "office.toml"
        lines = [line for line in place.read_text(encoding="utf-8").splitlines() if not line.startswith("store =")]
        place.write_text("\n".join([f'store = "{url}"', 'store_folder = "data"', *lines]), encoding="utf-8")
        yield made


def test_an_office_works_on_a_server_as_on_a_file(net, tmp_path):
    commune, document = net.office(scene.COMMUNE), net.sample()
    assert commune.store.engine.dialect.name == "postgresql"
    commune.send(document, to=["G22"])
    net.run_until_quiet()
    net.office("G22").accept(str(document.id), by="van-thu")
    net.run_until_quiet()
    (tracked,) = commune.trace(str(document.id)).deliveries
    assert tracked.delivery.shown.handling is Handling.ACCEPTED
    assert [one for one in commune.doctor() if one.severity == "error"] == []
    assert commune.bundle(str(document.id), tmp_path / "way.asice").is_file()
    with pytest.raises(UsageError, match="EDX-STORE-BACKUP-SERVER"):
        commune.backup(tmp_path / "backup")
    with pytest.raises(UsageError, match="EDX-STORE-BACKUP-SERVER"):
        Office.restore(OfficeConfig.from_path(net.folder / "offices" / scene.COMMUNE / "office.toml"), tmp_path)


def test_threads_of_a_host_send_in_their_own_transactions_at_once(net):
    commune, document = net.office(scene.COMMUNE), net.sample()
    with commune.store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE host (attempt INTEGER)"))
    failures = []

    def host(first):
        try:
            for attempt in range(first, first + 5):
                with commune.store.engine.begin() as connection:
                    connection.execute(text("INSERT INTO host VALUES (:attempt)"), {"attempt": attempt})
                    commune.send(document, to=["G22"], attempt=attempt, connection=connection)
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=host, args=(first,)) for first in (10, 20, 30, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(commune.trace(str(document.id)).deliveries) == 20
    with commune.store.read() as transaction:
        transaction.verify_journal().require()


def test_a_database_set_back_by_its_own_tools_is_noticed_and_reconciled(net, postgres):
    commune = net.office(scene.COMMUNE)
    net.run_until_quiet()
    database = commune.store.engine.url.database
    commune.store.engine.dispose()
    postgres.order(f"CREATE DATABASE copy_of_{database} TEMPLATE {database}")
    document = net.sample()
    commune.send(document, to=["G22"])
    net.run_until_quiet()
    net.close()
    postgres.order(f"DROP DATABASE {database} WITH (FORCE)", f"ALTER DATABASE copy_of_{database} RENAME TO {database}")
    with Network.four_levels(net.folder, clock=net.clock) as again:
        commune = again.office(scene.COMMUNE)
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            again.sample("another")
        assert commune.reconcile().sent == 1
        assert again.sample("another").number.number == "02"
        again.run_until_quiet()
        assert commune.trace(str(document.id)).deliveries[0].delivery.shown.handling is Handling.ARRIVED
