"""The doctor of an office: each check has its own outcome, and what the axis keeps of the journal is compared."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import timedelta

import pytest
from office_scenario import rewrite_journal

from edocx.cli import main
from edocx.errors import Text, TransportUnavailable
from edocx.office.examination import examine_place
from edocx.routing.transport.local import LocalAxis
from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor") / "net"
    with Network.four_levels(folder) as network:
        network.office(scene.COMMUNE).send(network.sample(), to=["G22"])
        network.run_until_quiet()
    return folder


@pytest.fixture
def net(ready, tmp_path):
    shutil.copytree(ready, tmp_path / "net")
    with Network.four_levels(tmp_path / "net") as network:
        yield network


@pytest.fixture
def run(capfd):
    def call(*arguments, lang="vi"):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", lang, *map(str, arguments)])
        said = capfd.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def place_of(net, code=scene.COMMUNE):
    return net.folder / "offices" / code / "office.toml"


def harm(net, how, code=scene.COMMUNE):
    net.close()
    with sqlite3.connect(place_of(net, code).parent / "office.db") as connection:
        if how == "cut":
            # What was heard since the last head was left with the axis is not yet known there.
            connection.execute("DELETE FROM journal WHERE seq > (SELECT max(seq) FROM journal) - 6")
        else:
            rewrite_journal(connection)
    connection.close()


def found(examined):
    return {one.code: one.severity for one in examined}


@pytest.mark.parametrize("how,code", [("cut", "EDX-JOURNAL-CUT"), ("rewritten", "EDX-JOURNAL-REWRITTEN")])
def test_a_journal_that_the_axis_knows_otherwise_is_told_and_changes_nothing(net, run, how, code):
    assert "error" not in found(net.office(scene.COMMUNE).doctor()).values()
    harm(net, how)
    examined = examine_place(place_of(net), clock=net.clock)
    assert found(examined.findings)[code] == "error"
    assert not examined.well
    assert not list(place_of(net).parent.glob("*.restored.json")), "the doctor looks, and marks nothing"
    ended, out, _ = run("office", "doctor", "--office", place_of(net))
    assert (ended, code in out) == (1, True)


@pytest.mark.parametrize("how", ["cut", "rewritten"])
def test_what_was_reconciled_stays_on_record_with_time_and_actor(net, how):
    harm(net, how)
    with Network.four_levels(net.folder, clock=net.clock) as again:
        commune = again.office(scene.COMMUNE)
        commune.reconcile(by="lanh-dao-van-phong")
        assert "error" not in found(commune.doctor()).values()
    with Network.four_levels(net.folder, clock=net.clock) as later:
        commune = later.office(scene.COMMUNE)
        later.sample("d2")
        (kept,) = (one for one in commune.doctor() if one.code == "EDX-DOCTOR-FELL-BACK")
        assert kept.severity == "warning"
        assert "lanh-dao-van-phong" in kept.text.vi
        assert f"{later.clock.now():%d/%m/%Y}" in kept.text.en
        with commune.store.read() as transaction:
            lines = [json.loads(line.partition(" ")[2]) for line in transaction.journal_lines()]
        (line,) = [line for line in lines if line["event"] == "journal.fell-back"]
        assert (line["ids"]["by"], line["ids"]["kind"]) == ("lanh-dao-van-phong", "axis")


@pytest.mark.parametrize("harm", ["gone", "damaged", "a folder"])
def test_an_axis_that_cannot_be_used_is_one_finding_and_the_rest_is_still_examined(net, run, harm):
    axis, office = net.folder / "offices" / "axis.db", place_of(net)
    net.close()
    with sqlite3.connect(office.parent / "office.db") as connection:
        connection.execute("UPDATE journal SET line = replace(line, 'queued', 'quoted')")
    connection.close()
    for file in axis.parent.glob("axis.db*"):
        file.unlink()
    if harm == "gone":
        text = office.read_text("utf-8").replace("axis.db", "not/mounted/axis.db")
        office.write_text(text, "utf-8")
    elif harm == "damaged":
        axis.write_bytes(b"no database " * 1000)
    else:
        axis.mkdir()
    codes = found(examine_place(office, clock=net.clock).findings)
    assert [code for code in codes if code.startswith("EDX-AXIS-")], codes
    assert codes["EDX-JOURNAL-CHANGED"] == "error"
    ended, out, err = run("office", "doctor", "--office", office, "--json")
    assert (ended, err) == (1, "")
    assert json.loads(out)["well"] is False


def test_an_axis_file_that_is_damaged_where_nobody_reads_is_told(net, run):
    net.close()
    axis = net.folder / "offices" / "axis.db"
    with sqlite3.connect(axis) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'pieces'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with axis.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\1" * size)
    code, said, _ = run("office", "doctor", "--office", place_of(net))
    assert code == 1
    assert "EDX-AXIS-CORRUPT" in said


def test_an_axis_file_that_was_lost_and_made_anew_is_told(net, run):
    net.close()
    for path in (net.folder / "offices").glob("axis.db*"):
        path.unlink()
    for _ in range(2):  # the first run made it
        code, said, _ = run("office", "doctor", "--office", place_of(net))
        assert code == 1
        assert "EDX-DOCTOR-AXIS-UNIT" in said
        assert "EDX-DOCTOR-AXIS-LOST" in said


def test_another_axis_without_what_was_sent_is_told(net):
    net.close()
    (axis,) = (net.folder / "offices").glob("axis.db")
    axis.unlink()
    with LocalAxis.open(axis, clock=net.clock) as again:
        again.register(scene.COMMUNE)
    found = {one.code: one.severity for one in examine_place(place_of(net), clock=net.clock).findings}
    assert "EDX-DOCTOR-AXIS-UNIT" not in found
    assert found["EDX-DOCTOR-AXIS-LOST"] == "warning"


@pytest.mark.parametrize("asked,code", [("head_of", "EDX-AXIS-FULL"), ("try_writing", "EDX-AXIS-READONLY")])
def test_an_axis_that_fails_while_it_is_asked_stops_no_other_check(net, monkeypatch, asked, code):
    def fail(*_unit):
        raise TransportUnavailable(Text("không ghi được", "no writing"), hint=Text("a", "b"), code=code)

    commune = net.office(scene.COMMUNE)
    monkeypatch.setattr(net.axis, asked, fail)
    (place_of(net).parent / "agency.p12").unlink()
    commune._desk._signers.clear()
    codes = found(commune.doctor())
    assert codes[code] == "error"
    assert codes["EDX-FILE-UNREADABLE"] == "error", "the key that is gone is told too"


@pytest.mark.parametrize("harm", ["missing", "damaged", "a damaged head beside it"])
def test_a_store_that_cannot_be_opened_is_one_finding_and_keys_are_still_examined(net, harm):
    office = place_of(net)
    if harm == "a damaged head beside it":
        head = net.office(scene.COMMUNE).sign_head()
        head.write_bytes(b"{")
    net.close()
    for name in ("office.db", "office.db-wal", "office.db-shm") if harm != "a damaged head beside it" else ():
        (office.parent / name).unlink(missing_ok=True)
    if harm == "damaged":
        (office.parent / "office.db").write_bytes(b"no database " * 1000)
    for key in office.parent.glob("agency.p12"):
        key.unlink()
    codes = found(examine_place(office, clock=net.clock).findings)
    told = {"missing": "EDX-OFFICE-STORE-MISSING", "damaged": "EDX-STORE-CORRUPT"}.get(harm, "EDX-HEAD-UNREADABLE")
    assert codes[told] == "error"
    assert codes["EDX-FILE-UNREADABLE"] == "error", "the key that is gone"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_word_of_a_finding_is_shown_within_eighty_columns(net, run, lang):
    harm(net, "cut")
    examined = examine_place(place_of(net), clock=net.clock)
    _, out, _ = run("office", "doctor", "--office", place_of(net), lang=lang)
    assert max(map(len, out.splitlines())) <= 80
    said = " ".join(out.split())
    for one in examined.findings:
        if one.code.startswith("EDX-JOURNAL"):
            assert getattr(one.text, lang) in said


def test_a_clock_that_stood_ahead_is_told_even_after_later_lines(net):
    commune, right = net.office(scene.COMMUNE), net.clock.now()
    document = commune.document(scene.DRAFT_ID)
    net.clock.advance(days=10)
    commune.send(document, to=["H58.05"])
    net.clock.set(right + timedelta(minutes=1))
    said = commune.doctor()
    assert found(said)["EDX-DOCTOR-CLOCK"] == "error"
    assert found(said)["EDX-DOCTOR-DUE"] == "warning"
    net.run_until_quiet()
    said = commune.doctor()
    assert "EDX-DOCTOR-DUE" not in found(said), "what was due ten days later is gone already"
    (back,) = (one for one in said if one.code == "EDX-DOCTOR-CLOCK-BACK")
    assert (back.severity, f"{right + timedelta(days=10, hours=7):%d/%m/%Y}" in back.text.en) == ("warning", True)
    assert [i.document_id for i in net.office("H58.05").inbox()] == [str(document.id)]


@pytest.mark.parametrize("registry", [True, False])
def test_a_unit_that_is_not_the_stores_or_the_keys_is_told(net, registry):
    net.close()
    office = place_of(net)
    settings = office.read_text("utf-8").replace(f'unit = "{scene.COMMUNE}"', 'unit = "G22"')
    if not registry:
        settings = "".join(line for line in settings.splitlines(keepends=True) if not line.startswith("registry"))
    office.write_text(settings, "utf-8")
    examined = examine_place(office, clock=net.clock)
    (told,) = (one for one in examined.findings if one.code == "EDX-DOCTOR-UNIT")
    assert (told.severity, told.where, scene.COMMUNE in told.text.vi) == (
        "error",
        str(office.parent / "office.db"),
        True,
    )
    assert ("EDX-SIGNER-FOREIGN" in found(examined.findings)) == registry
    assert not examined.well
