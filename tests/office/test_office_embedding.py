"""A host that embeds the office sends inside its own transaction, and forgets it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture
def network(tmp_path):
    with Network.four_levels(tmp_path / "out") as made:
        yield made


def issued(network, tmp_path):
    path, layout = scene.write_letter(tmp_path)
    commune = network.office(scene.COMMUNE)
    return commune, commune.issue(commune.approve(scene.draft(path, layout), by="director"), seal="agency")


def host_table(office):
    with office.store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE host (document TEXT)"))


def test_what_a_host_sends_in_its_transaction_is_on_its_way_when_it_commits(network, tmp_path):
    commune, document = issued(network, tmp_path)
    host_table(commune)
    with commune.store.engine.begin() as connection:
        connection.execute(text("INSERT INTO host VALUES (:id)"), {"id": str(document.id)})
        sent = commune.send(document, to=["H58.12"], connection=connection)
        again = commune.send(document, to=["H58.12"], connection=connection)
        assert again.message_id == sent.message_id
    network.run_until_quiet()
    (incoming,) = network.office("H58.12").inbox()
    assert incoming.document_id == str(document.id)
    assert not [finding for finding in commune.doctor() if finding.severity == "error"]


def test_what_a_host_sends_and_rolls_back_was_never_sent(network, tmp_path):
    commune, document = issued(network, tmp_path)
    host_table(commune)
    with commune.store.engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("INSERT INTO host VALUES ('x')"))
        commune.send(document, to=["H58.12"], connection=connection)
        transaction.rollback()
    network.run_until_quiet()
    assert list(network.office("H58.12").inbox()) == []
    assert not [finding for finding in commune.doctor() if finding.severity == "error"]
    commune.send(document, to=["H58.12"])
    network.run_until_quiet()
    assert len(list(network.office("H58.12").inbox())) == 1
