"""The evidence bundle holds without us, and a tampered one is refused."""

from __future__ import annotations

import json
import zipfile

import pytest

from edocx.errors import InputError, Refused
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


def test_what_is_no_bundle_is_said_to_be_none(net, tmp_path):
    (tmp_path / "a.txt").write_text("x")
    out = sign_files(
        [tmp_path / "a.txt"], tmp_path / "a.asice", net.office(scene.COMMUNE)._desk.agency(), at=net.clock.now()
    )
    with pytest.raises(InputError) as caught:
        verify_bundle(out, criteria(net))
    assert caught.value.code == "EDX-BUNDLE-UNREADABLE"
