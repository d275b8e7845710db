"""The evidence bundle holds without us, and a tampered one is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile

import pytest
from office_scenario import rewrite_journal

from edocx.errors import InputError, Refused, StateError, StoreUnavailable
from edocx.office.bundle import verify_bundle, write_bundle
from edocx.signing.container.sign import sign_files
from edocx.signing.judgement import Criteria
from edocx.signing.report import Indication
from edocx.testing import scene
from edocx.testing.network import Network
from edocx.units.registry import CsvRegistry
from edocx.verification import verify


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    with Network.four_levels(tmp_path_factory.mktemp("bundle") / "net") as network:
        document = network.sample()
        network.office(scene.COMMUNE).send(document, to=["G22"])
        network.run_until_quiet()
        next(network.office("G22").inbox()).accept(by="van-thu")
        network.clock.advance(minutes=1)
        network.run_until_quiet()
        yield network


@pytest.fixture
def bundle(net, tmp_path):
    return write_bundle(net.office(scene.COMMUNE)._desk, scene.DRAFT_ID, tmp_path / "evidence.asice")


def criteria(net):
    registry = CsvRegistry.from_path(net.folder / "offices" / "registry.csv")
    return Criteria(net.trust, net.clock.now(), registry)


def test_a_third_party_verifies_the_bundle_with_trust_alone(net, bundle):
    found = verify_bundle(bundle, criteria(net)).require()
    assert found.report.indication is Indication.TOTAL_PASSED
    assert [(s.kind, s.unit) for s in found.report.signatures] == [("organisation", scene.COMMUNE)]
    assert [event["what"] for event in found.claim["events"]] == ["queued", "sent", "01", "03"]
    sealed_by = {s.unit for one in found.report.attachments for s in one.signatures if one.format == "edxml"}
    assert sealed_by == {scene.COMMUNE, "G22"}, "the statuses bear their speaker's own seal"
    assert verify(bundle, trust=net.trust, at=net.clock.now()).indication is Indication.TOTAL_PASSED


def rewritten(bundle, out, change):
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, change(entry.filename, old.read(entry)))
    return out


@pytest.mark.parametrize("name", ["trace.json", "journal.txt", "document.pdf", "message-1.edxml"])
def test_a_tampered_bundle_is_refused(net, bundle, tmp_path, name):
    def change(entry, data):
        return data.replace(b"2023", b"2024", 1) if entry == name else data

    with pytest.raises((Refused, InputError)):
        verify_bundle(rewritten(bundle, tmp_path / "t.asice", change), criteria(net)).require()


@pytest.mark.parametrize("forgery", ["a line left out", "another head", "a file left out", "a file not of the journal"])
def test_even_the_agency_cannot_seal_a_bundle_that_does_not_fit_together(net, bundle, tmp_path, forgery):
    folder = tmp_path / "forged"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder, [n for n in archive.namelist() if "META-INF" not in n and n != "mimetype"])
    claim = json.loads((folder / "trace.json").read_text())
    lines = (folder / "journal.txt").read_text().splitlines(keepends=True)
    if forgery == "a line left out":
        (folder / "journal.txt").write_text("".join(lines[:2] + lines[3:]))
    elif forgery == "another head":
        (folder / "journal.txt").write_text("".join(lines[:-1]))
    elif forgery == "a file left out":
        (folder / "message-2.edxml").unlink()
    else:
        from edocx.content import Blob

        (folder / "message-2.edxml").write_text("<a/>")
        claim["files"][1]["sha256"] = Blob.from_path(folder / "message-2.edxml").sha256
    (folder / "trace.json").write_text(json.dumps(claim))
    out = sign_files(
        sorted(folder.iterdir()), tmp_path / "f.asice", net.office(scene.COMMUNE)._desk.agency(), at=net.clock.now()
    )
    assert verify_bundle(out, criteria(net)).faults


def unpacked(bundle, folder):
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder, [n for n in archive.namelist() if "META-INF" not in n and n != "mimetype"])
    return folder


def resealed(net, folder, out, unit=scene.COMMUNE):
    return sign_files(sorted(folder.iterdir()), out, net.office(unit)._desk.agency(), at=net.clock.now())


def forge_event(folder, code="03", **changes):
    claim = json.loads((folder / "trace.json").read_text())
    next(one for one in claim["events"] if one["what"] == code).update(changes)
    (folder / "trace.json").write_text(json.dumps(claim))


def stripped(bundle, out):
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            if "signatures" not in entry.filename:
                new.writestr(entry, old.read(entry))
    return out


def test_a_bundle_without_a_seal_is_refused_whatever_is_signed_inside(net, bundle, tmp_path):
    forged = stripped(bundle, tmp_path / "stripped.asice")
    found = verify_bundle(forged, criteria(net))
    assert not found.passed
    assert any("no seal" in one.en for one in found.faults)
    with pytest.raises(Refused):
        found.require()
    report = verify(forged, trust=net.trust, at=net.clock.now())
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "EDX-PARTIAL-COVERAGE")
    outside = {message.where for message in report.messages if message.code == "EDX-PARTIAL-COVERAGE"}
    assert {"trace.json", "journal.txt", "document.pdf"} <= outside


def test_a_file_added_outside_the_seal_is_a_fault(net, bundle, tmp_path):
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr("note.txt", "x")
    assert any("note.txt" in one.en for one in verify_bundle(bundle, criteria(net)).faults)


@pytest.mark.parametrize("name", ["META-INF/notes.xml", "META-INF/signatures2.xml", "META-INF/evidence-97.txt"])
def test_whatever_is_added_beside_the_seal_is_a_fault(net, bundle, tmp_path, name):
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr(name, "<x/>")
    try:
        assert any(name in one.en for one in verify_bundle(bundle, criteria(net)).faults)
    except InputError:
        assert "signatures" in name


def test_an_event_under_another_events_name_is_a_fault(net, bundle, tmp_path):
    folder = unpacked(bundle, tmp_path / "f")
    forge_event(folder, evidence="ConsignmentRejection")
    found = verify_bundle(resealed(net, folder, tmp_path / "f.asice"), criteria(net))
    assert any("another event's name" in one.en for one in found.faults)


def test_no_evidence_is_sealed_over_a_journal_that_was_written_anew(tmp_path):
    with Network.four_levels(tmp_path / "net") as network:
        document = network.sample()
        network.office(scene.COMMUNE).send(document, to=["G22"])
        network.run_until_quiet()
        network.office(scene.COMMUNE).bundle(scene.DRAFT_ID, tmp_path / "whole.asice")
        with sqlite3.connect(network.folder / "offices" / scene.COMMUNE / "office.db") as connection:
            rewrite_journal(connection)
        connection.close()
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            network.office(scene.COMMUNE).bundle(scene.DRAFT_ID, tmp_path / "forged.asice")
    assert not (tmp_path / "forged.asice").exists()


def test_another_units_seal_makes_no_evidence_of_this_unit(net, bundle, tmp_path):
    forged = resealed(net, unpacked(bundle, tmp_path / "f"), tmp_path / "f.asice", "G22")
    found = verify_bundle(forged, criteria(net))
    assert not found.passed
    assert any("G22" in one.en for one in found.faults)
    alone = verify_bundle(forged, Criteria(net.trust, net.clock.now()))
    assert alone.passed
    assert any("Not checked" in one.en and "Signed by" in one.en for one in alone.remarks)


@pytest.mark.parametrize(
    "changes",
    [
        {"remark": "Đồng ý hoàn toàn"},
        {"remark": None},
        {"person": "nguoi-khac"},
        {"at": "2023-06-16T08:00:00+07:00"},
    ],
)
@pytest.mark.parametrize("code", ["02", "03"])
def test_reason_person_and_time_are_those_of_the_sealed_status(rejected, tmp_path, code, changes):
    folder = unpacked(
        write_bundle(rejected.office(scene.COMMUNE)._desk, scene.DRAFT_ID, tmp_path / "e.asice"), tmp_path / "f"
    )
    assert verify_bundle(tmp_path / "e.asice", criteria(rejected)).passed
    forge_event(folder, code=code, **changes)
    found = verify_bundle(resealed(rejected, folder, tmp_path / "f.asice"), criteria(rejected))
    if code == "03" and changes == {"remark": None}:
        assert found.passed, "a status without a remark carries its code's name"
        return
    assert any("reason, person or time" in one.en for one in found.faults)
    with pytest.raises(Refused):
        found.require()


@pytest.fixture(scope="module")
def rejected(tmp_path_factory):
    with Network.four_levels(tmp_path_factory.mktemp("rejected") / "net") as network:
        document = network.sample()
        network.office(scene.COMMUNE).send(document, to=["G22", "H58.05"])
        network.run_until_quiet()
        network.clock.advance(minutes=1)
        network.office("G22").accept(str(document.id), by="van-thu")
        network.office("H58.05").reject(str(document.id), "Không thuộc thẩm quyền", by="van-thu-so")
        network.run_until_quiet()
        yield network


@pytest.mark.parametrize("changes", [{"what": "06"}, {"actor": scene.COMMUNE}, {"what": "02", "basis": "nothing"}])
def test_an_event_that_no_enclosed_status_states_is_a_fault(net, bundle, tmp_path, changes):
    folder = unpacked(bundle, tmp_path / "f")
    forge_event(folder, **changes)
    found = verify_bundle(resealed(net, folder, tmp_path / "f.asice"), criteria(net))
    assert any("states the event" in one.en for one in found.faults)


def test_the_recipients_own_bundle_encloses_what_it_answered(net, tmp_path):
    document = net.sample()
    office = net.office("G22")
    found = verify_bundle(write_bundle(office._desk, str(document.id), tmp_path / "in.asice"), criteria(net)).require()
    assert {event["what"] for event in found.claim["events"]} >= {"01", "03"}


def test_what_is_no_bundle_is_said_to_be_none(net, tmp_path):
    (tmp_path / "a.txt").write_text("x")
    out = sign_files(
        [tmp_path / "a.txt"], tmp_path / "a.asice", net.office(scene.COMMUNE)._desk.agency(), at=net.clock.now()
    )
    with pytest.raises(InputError) as caught:
        verify_bundle(out, criteria(net))
    assert caught.value.code == "EDX-BUNDLE-UNREADABLE"


@pytest.fixture
def own_net(net, tmp_path):
    shutil.copytree(net.folder, tmp_path / "own")
    with Network.four_levels(tmp_path / "own", clock=net.clock) as network:
        yield network


def in_store(network, statement, *values):
    with sqlite3.connect(network.folder / "offices" / scene.COMMUNE / "office.db") as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize("harm", ["a lost row", "other bytes", "a large file"])
def test_no_bundle_is_made_of_damaged_evidence(own_net, tmp_path, harm):
    commune = own_net.office(scene.COMMUNE)
    with commune.store.read() as transaction:
        (tracked,) = transaction.deliveries.of_document(str(commune.document(scene.DRAFT_ID).id))
        sha256 = transaction.outbox.find(tracked.message_id).sha256
        payload = transaction.payload(sha256).read()
    if harm == "a large file":
        place = commune.store.payload_folder / sha256[:2] / sha256
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(payload[:-1] + b"?")
        in_store(own_net, "UPDATE payloads SET content = NULL WHERE sha256 = ?", sha256)
    else:
        content = None if harm == "a lost row" else b"other bytes"
        in_store(own_net, "UPDATE payloads SET content = ? WHERE sha256 = ?", content, sha256)
        (commune.store.payload_folder / sha256[:2] / sha256).unlink(missing_ok=True)
    with pytest.raises(StoreUnavailable) as refused:
        commune.bundle(scene.DRAFT_ID, tmp_path / "e.asice")
    assert (refused.value.code, sha256 in refused.value.where) == ("EDX-STORE-PAYLOAD", True)
    assert not (tmp_path / "e.asice").exists()


def test_no_bundle_is_made_of_a_journal_that_was_changed(own_net, tmp_path):
    in_store(own_net, "UPDATE journal SET line = line || ' ' WHERE seq = 2")
    with pytest.raises(StoreUnavailable) as refused:
        own_net.office(scene.COMMUNE).bundle(scene.DRAFT_ID, tmp_path / "e.asice")
    assert refused.value.where == "line 2"
    assert not (tmp_path / "e.asice").exists()


def test_a_bundle_that_is_refused_is_never_headed_as_passed(net, bundle, tmp_path):
    folder = unpacked(bundle, tmp_path / "f")
    forge_event(folder, remark="khác")
    forged = resealed(net, folder, tmp_path / "f.asice")
    found = verify_bundle(forged, criteria(net))
    assert (found.report.indication, found.indication) == (Indication.TOTAL_PASSED, Indication.TOTAL_FAILED)
    assert verify_bundle(bundle, criteria(net)).indication is Indication.TOTAL_PASSED
