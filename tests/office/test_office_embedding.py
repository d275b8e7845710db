"""A host that embeds the office sends inside its own transaction, and forgets it."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from edocx.content import Blob
from edocx.errors import UsageError
from edocx.routing.parcel import Parcel
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
        assert commune.send(document, to=["H58.12", "G22"], connection=connection).recipients == ("G22",)
        assert commune.send(document, to=["G22", "H58.12"], connection=connection).message_id == sent.message_id
        with sent.envelope.open() as stream:
            assert stream.read(5) == b"<?xml"
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


def test_a_step_that_fails_in_a_hosts_transaction_leaves_nothing_when_he_commits_all_the_same(network, tmp_path):
    commune, document = issued(network, tmp_path)
    host_table(commune)
    payload = Blob.from_bytes(b"x")
    parcel = Parcel.of(
        payload,
        sender=scene.COMMUNE,
        recipients=("H58.12",),
        document_id=str(document.id),
        created_at=network.clock.now(),
        message_id="m-lost",
    )

    def submit_and_fail(connection):
        with commune.store.within(connection) as transaction:
            transaction.submit(parcel, payload)
            raise RuntimeError("host")

    with commune.store.engine.begin() as connection:
        connection.execute(text("INSERT INTO host VALUES ('before')"))
        with pytest.raises(RuntimeError, match="host"):
            submit_and_fail(connection)
        connection.execute(text("INSERT INTO host VALUES ('after')"))
    with commune.store.read() as transaction:
        assert transaction.outbox.find("m-lost") is None
        assert "m-lost" not in "".join(transaction.journal_lines())
        rows = transaction.connection.execute(text("SELECT document FROM host")).scalars().all()
    assert rows == ["before", "after"], "the host's own rows are his"
    commune.send(document, to=["H58.12"])


def test_a_host_whose_driver_begins_late_still_decides_when_to_commit(network, tmp_path):
    commune, document = issued(network, tmp_path)
    engine = create_engine(f"sqlite:///{commune.store.path}")
    with engine.connect() as connection:
        sent = commune.send(document, to=["H58.12"], connection=connection)
        connection.rollback()
    engine.dispose()
    with commune.store.read() as transaction:
        assert transaction.outbox.find(sent.message_id) is None


@pytest.mark.parametrize("attempt", [0, -1])
def test_no_attempt_comes_before_the_first(network, tmp_path, attempt):
    commune, document = issued(network, tmp_path)
    with pytest.raises(UsageError) as refused:
        commune.send(document, to=["H58.12"], attempt=attempt)
    assert refused.value.code == "EDX-SEND-ATTEMPT"
