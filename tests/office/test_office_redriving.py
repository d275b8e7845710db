"""What was given up says so, with its reason and what to do; and it goes again when somebody tells it to."""

from __future__ import annotations

import json
import sqlite3

import pytest

from edocx.cli import main
from edocx.errors import StateError
from edocx.routing.transitions import Handling, Passage
from edocx.routing.transport.local import LocalAxis
from edocx.testing import scene
from edocx.testing.network import Network

CENTRE, MINISTRY = "H58.12", "G22"


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as made:
        yield made


@pytest.fixture
def axis(net):
    with LocalAxis.open(net.folder / "offices" / "axis.db", clock=net.clock) as opened:
        yield opened


def given_up(net, axis):
    """A document that the axis would not take, since it does not know the recipient any more."""
    commune, document = net.office(scene.COMMUNE), net.sample()
    axis.close_unit(MINISTRY)
    sent = commune.send(document, to=[MINISTRY])
    done = commune.work()
    assert done.dead == 1
    assert done.faults
    return commune, document, sent


def passages(office, document):
    return {t.delivery.recipient: t.delivery.shown.passage for t in office.trace(str(document.id)).deliveries}


def test_what_was_given_up_goes_again_and_arrives_once(net, axis):
    commune, document, sent = given_up(net, axis)
    assert passages(commune, document) == {MINISTRY: Passage.DEAD}
    axis.register(MINISTRY)
    (again,) = commune.redrive(str(document.id), by="van-thu")
    assert (again.message_id, again.recipients, again.kind) == (sent.message_id, (MINISTRY,), "document")
    assert again.reason
    net.run_until_quiet()
    assert [one.document_id for one in net.office(MINISTRY).inbox()] == [str(document.id)]
    (tracked,) = commune.trace(str(document.id)).deliveries
    assert tracked.delivery.shown.handling is Handling.ARRIVED
    with commune.store.read() as transaction:
        (line,) = [line for line in transaction.journal_lines() if '"parcel.requeued"' in line]
    assert '"by":"van-thu"' in line


def test_only_what_was_given_up_goes_again(net, axis):
    commune, document, sent = given_up(net, axis)
    axis.register(MINISTRY)
    commune.redrive(sent.message_id, by="van-thu")
    for known in (str(document.id), sent.message_id, "unknown"):
        with pytest.raises(StateError, match="EDX-REDRIVE-NOTHING"):
            commune.redrive(known, by="van-thu")


def test_a_status_that_was_given_up_goes_again_too(net, axis):
    commune, document = net.office(scene.COMMUNE), net.sample()
    commune.send(document, to=[MINISTRY])
    commune.work()
    axis.close_unit(scene.COMMUNE)
    ministry = net.office(MINISTRY)
    assert ministry.work().dead == 1
    axis.register(scene.COMMUNE)
    (again,) = ministry.redrive(str(document.id), by="van-thu")
    assert again.kind == "status"
    net.run_until_quiet()
    (tracked,) = commune.trace(str(document.id)).deliveries
    assert tracked.delivery.shown.handling is Handling.ARRIVED


def test_a_document_recalled_since_is_not_sent_any_more(net, axis):
    commune, document, _ = given_up(net, axis)
    commune.send(document, to=[CENTRE])
    net.run_until_quiet()
    commune.recall(str(document.id), "nhầm", by="van-thu")
    axis.register(MINISTRY)
    with pytest.raises(StateError, match="EDX-DOCUMENT-FROZEN"):
        commune.redrive(str(document.id), by="van-thu")
    net.run_until_quiet()
    assert list(net.office(MINISTRY).inbox()) == []


def command(capsys, *words):
    """Run a command; return its exit code and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "en", "office", *map(str, words)])
    return ended.value.code or 0, capsys.readouterr().out


def test_the_command_says_that_a_dispatch_is_dead_and_what_to_do(net, axis, capsys):
    document = net.sample()
    net.close()
    place = net.folder / "offices" / scene.COMMUNE / "office.toml"
    axis.close_unit(MINISTRY)
    for _ in range(2):  # a repeat finds it dead already
        code, said = command(capsys, "send", document.id, "--to", MINISTRY, "--office", place)
        assert code == 1
        assert "Queued" not in said
        assert "NOT sent" in said
        assert "EDX-" in said
        assert "edocx office redrive" in said
    code, said = command(capsys, "send", document.id, "--to", MINISTRY, "--office", place, "--json")
    told = json.loads(said)
    assert (code, told["state"]) == (1, "dead")
    code, said = command(capsys, "doctor", "--office", place)
    assert f"edocx office redrive {told['message_id']}" in " ".join(said.split())
    code, said = command(capsys, "redrive", document.id, "--by", "van-thu", "--office", place)
    assert (code, "NOT sent" in said) == (1, True)
    axis.register(MINISTRY)
    code, said = command(capsys, "redrive", document.id, "--by", "van-thu", "--office", place, "--json")
    assert (code, json.loads(said)["messages"][0]["state"]) == (0, "sent")
    assert axis.pending(MINISTRY)


def test_work_says_what_waits_for_another_try_even_when_nothing_is_due(net, capsys):
    document, place = net.sample(), net.folder / "offices" / scene.COMMUNE / "office.toml"
    net.close()
    axis = net.folder / "offices" / "axis.db"
    with sqlite3.connect(axis) as connection:
        connection.execute("DROP TABLE messages")
    connection.close()
    command(capsys, "send", document.id, "--to", MINISTRY, "--office", place)
    for _ in range(2):
        code, said = command(capsys, "work", "--office", place, "--json")
        told = json.loads(said)
        assert (code, told["sent"], list(told["delayed"].values())) == (0, 0, [1])
    code, said = command(capsys, "work", "--office", place)
    assert next(iter(told["delayed"])) in said
