"""What was kept long enough: named first, deleted when asked, and the journal goes on unbroken."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from edocx.cli import main
from edocx.errors import StateError, UsageError
from edocx.office.bundle import verify_bundle, write_bundle
from edocx.signing.judgement import Criteria
from edocx.testing import scene
from edocx.testing.network import Network

G22, DEPARTMENT = "G22", "H58.05"
YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """One document: finished at one receiver, refused at another, accepted and never finished at a third."""
    folder = tmp_path_factory.mktemp("retention") / "net"
    with Network.four_levels(folder) as network:
        document = network.sample()
        network.office(scene.COMMUNE).send(document, to=[G22, DEPARTMENT, "H58.12"])
        network.run_until_quiet()
        network.office(G22).accept(str(document.id), by="van-thu")
        network.office(G22).incoming(str(document.id)).complete(by="chuyen-vien")
        network.office(DEPARTMENT).reject(str(document.id), "Không thuộc thẩm quyền", by="van-thu-so")
        network.office("H58.12").accept(str(document.id), by="van-thu-huyen")
        network.run_until_quiet()
    return folder


@pytest.fixture
def net(ready, tmp_path):
    shutil.copytree(ready, tmp_path / "net")
    with Network.four_levels(tmp_path / "net") as network:
        network.clock.advance(days=400)
        yield network


def journal(office):
    with office.store.read() as transaction:
        assert transaction.verify_journal().fault is None
        return transaction.journal_lines()


def named(office, **options):
    return [(one.direction, one.document_id) for one in office.retention(YEAR, **options).contents]


def test_naming_changes_nothing(net):
    document = str(net.sample().id)
    for code, expected in ((scene.COMMUNE, "out"), (G22, "in"), (DEPARTMENT, "in")):
        before = journal(net.office(code))
        assert named(net.office(code)) == [(expected, document)]
        assert journal(net.office(code)) == before
        assert named(net.office(code)) == [(expected, document)]


def test_what_is_not_finished_or_still_young_stays(net):
    document = str(net.sample().id)
    assert named(net.office("H58.12")) == []
    assert named(net.office("H58.12"), unfinished=True) == [("in", document)]
    assert net.office(G22).retention(timedelta(days=500)).contents == ()
    net.office(scene.COMMUNE).send(net.sample("d2"), to=[G22])
    net.run_until_quiet()
    net.clock.advance(days=400)
    assert named(net.office(G22)) == [("in", document)], "what waits for the clerk is never old enough"


def test_what_is_asked_back_stays_until_it_is_answered(net):
    document = net.sample()
    net.office(scene.COMMUNE).recall(str(document.id), "Nhầm", by="van-thu-xa", to=[G22])
    net.run_until_quiet()
    net.clock.advance(days=400)
    assert named(net.office(G22)) == []


@pytest.mark.parametrize("code", [scene.COMMUNE, G22])
def test_what_is_deleted_is_gone_and_everything_about_it_stays(net, tmp_path, code):
    office, document = net.office(code), net.sample()
    before = office.trace(str(document.id))
    gone = office.retention(YEAR, delete=True, by="luu-tru").contents
    assert len(gone) == 1
    with office.store.read() as transaction, pytest.raises(StateError) as caught:
        transaction.payload(gone[0].sha256)
    assert caught.value.code == "EDX-PAYLOAD-ERASED"
    assert not list(office.store.payload_folder.glob(f"*/{gone[0].sha256}"))
    last = json.loads(journal(office)[-1].partition(" ")[2])
    assert (last["event"], last["ids"]["by"], last["ids"]["sha256"]) == ("payload.erased", "luu-tru", gone[0].sha256)
    assert not [one for one in office.doctor(deep=True) if one.severity == "error" and one.code.startswith("EDX-STORE")]
    assert office.trace(str(document.id)) == before
    assert named(office) == []
    assert office.retention(YEAR, delete=True, by="luu-tru").contents == ()
    bundle = write_bundle(office._desk, str(document.id), tmp_path / "e.asice")
    assert verify_bundle(bundle, Criteria(net.trust, net.clock.now())).faults == ()


def test_the_issued_document_stays_and_sending_it_again_gives_the_first_answer(net):
    commune, document = net.office(scene.COMMUNE), net.sample()
    first = commune.send(document, to=[G22, DEPARTMENT, "H58.12"])
    commune.retention(YEAR, delete=True, by="luu-tru")
    again = commune.send(document, to=[G22, DEPARTMENT, "H58.12"])
    assert again == first
    with pytest.raises(StateError):
        again.envelope.read()
    with commune.store.read() as transaction:
        assert transaction.documents.payload(transaction.documents.get(scene.DRAFT_ID)).size > 0
    assert commune.document(scene.DRAFT_ID).pdf.is_file()


@pytest.mark.parametrize("days,by,code", [(29, "luu-tru", "EDX-RETENTION-SHORT"), (365, None, "EDX-RETENTION-BY")])
def test_too_short_a_time_and_nobody_are_refused(net, days, by, code):
    with pytest.raises(UsageError) as caught:
        net.office(G22).retention(timedelta(days=days), delete=True, by=by)
    assert caught.value.code == code
    assert named(net.office(G22))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_command_names_first_and_deletes_with_delete(net, capfd, lang):
    place = net.folder / "offices" / G22 / "office.toml"
    net.close()

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", lang, "office", "retention", "--office", str(place), *arguments])
        return ended.value.code or 0, capfd.readouterr().out

    code, out = run("--older-than", "365")
    assert (code, "--delete" in out) == (0, True)
    assert max(map(len, out.splitlines())) <= 80
    assert json.loads(run("--older-than", "365", "--json")[1])["deleted"] is False
    assert run("--older-than", "365", "--delete")[0] == 2
    told = json.loads(run("--older-than", "365", "--delete", "--by", "luu-tru", "--json")[1])
    assert (told["deleted"], len(told["contents"])) == (True, 1)
    assert json.loads(run("--older-than", "365", "--json")[1])["contents"] == []
