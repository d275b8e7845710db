"""A director signs when he gets to it: the draft waits in the store, any process completes it, once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import pkcs12

from edocx.errors import SignaturePending, SigningRefused, StateError
from edocx.office import approving
from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture
def network(tmp_path):
    with Network.four_levels(tmp_path / "out") as made:
        yield made


def take_key_away(folder):
    """Leave the office the director's certificate only; return the key."""
    office = folder / "offices" / scene.COMMUNE
    key, certificate, others = pkcs12.load_key_and_certificates((office / "director.p12").read_bytes(), None)
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, *others))
    (office / "director.crt").write_bytes(pem)
    (office / "director.p12").unlink()
    config = office / "office.toml"
    config.write_text(config.read_text("utf-8").replace("file:director.p12", "certificate:director.crt"), "utf-8")
    return key


@pytest.fixture
def remote(tmp_path):
    """Give a network whose director has his key elsewhere, the key, and a draft that waits for it."""
    folder = tmp_path / "out"
    with Network.four_levels(folder):
        pass
    key = take_key_away(folder)
    path, layout = scene.write_letter(tmp_path)
    with Network.four_levels(folder) as made:
        with pytest.raises(SignaturePending) as pending:
            made.office(scene.COMMUNE).approve(scene.draft(path, layout), by="director", draft_id="thu-1")
        assert pending.value.where == "thu-1"
        yield made, key


def sign(key, digest):
    return key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def test_a_draft_whose_key_is_elsewhere_waits_and_is_completed_by_its_signature(remote):
    network, key = remote
    commune = network.office(scene.COMMUNE)
    (waiting,) = commune.awaiting()
    assert (waiting.id, waiting.by, waiting.hash_name) == ("thu-1", "director", "sha256")
    approved = commune.complete_approval(waiting.id, sign(key, waiting.digest))
    assert commune.awaiting() == ()
    document = commune.issue(approved, seal="agency")
    commune.send(document, to=["H58.12"])
    network.run_until_quiet()
    (incoming,) = network.office("H58.12").inbox()
    assert incoming.report.indication == "TOTAL-PASSED"


def test_a_waiting_draft_outlives_its_process(remote, tmp_path):
    network, key = remote
    network.close()
    code = (
        "import json, sys; from edocx.testing.network import Network; from pathlib import Path\n"
        "with Network.four_levels(Path(sys.argv[1])) as network:\n"
        "    print(json.dumps([(one.id, one.digest.hex()) for one in network.office('H58.12.01').awaiting()]))"
    )
    shown = subprocess.run([sys.executable, "-c", code, tmp_path / "out"], capture_output=True, check=True)
    ((draft_id, digest),) = json.loads(shown.stdout)
    with Network.four_levels(tmp_path / "out") as later:
        approved = later.office(scene.COMMUNE).complete_approval(draft_id, sign(key, bytes.fromhex(digest)))
        assert approved.id == draft_id


def test_approving_again_asks_again_and_prepares_nothing_new(remote):
    network, _ = remote
    commune = network.office(scene.COMMUNE)
    (before,) = commune.awaiting()
    with pytest.raises(SignaturePending):
        commune.approve(before.draft, by="director", draft_id="thu-1")
    assert commune.awaiting() == (before,)


def test_a_signature_of_something_else_is_refused_and_the_draft_goes_on_waiting(remote):
    network, key = remote
    commune = network.office(scene.COMMUNE)
    (waiting,) = commune.awaiting()
    with pytest.raises(SigningRefused, match="EDX-SIGN-MISMATCH"):
        commune.complete_approval("thu-1", sign(key, bytes(32)))
    assert commune.awaiting() == (waiting,)
    commune.complete_approval("thu-1", sign(key, waiting.digest))


def test_a_second_completion_changes_nothing(remote):
    network, key = remote
    commune = network.office(scene.COMMUNE)
    (waiting,) = commune.awaiting()
    first = commune.complete_approval("thu-1", sign(key, waiting.digest))
    again = commune.complete_approval("thu-1", sign(key, waiting.digest))
    assert again.pdf.sha256 == first.pdf.sha256


def test_a_waiting_draft_gets_no_number(remote):
    network, _ = remote
    commune = network.office(scene.COMMUNE)
    with pytest.raises(StateError):
        commune.approved("thu-1")
    assert commune.documents() == ()


def test_a_key_at_hand_leaves_nothing_waiting(network, tmp_path):
    path, layout = scene.write_letter(tmp_path)
    commune = network.office(scene.COMMUNE)
    commune.approve(scene.draft(path, layout), by="director")
    assert commune.awaiting() == ()


def test_two_processes_that_approve_one_draft_end_with_one_signature(network, tmp_path, monkeypatch):
    path, layout = scene.write_letter(tmp_path)
    draft, faster = scene.draft(path, layout), []
    file = approving._file

    def after_somebody_else(*given):
        if not faster:
            faster.append(None)
            with Network.four_levels(network.folder) as other:
                faster[0] = other.office(scene.COMMUNE).approve(draft, by="director", draft_id="thu-1")
        return file(*given)

    monkeypatch.setattr(approving, "_file", after_somebody_else)
    slower = network.office(scene.COMMUNE).approve(draft, by="director", draft_id="thu-1")
    assert slower.pdf.sha256 == faster[0].pdf.sha256


@pytest.mark.parametrize("handwritten", [True, False])
def test_a_handwritten_signature_stands_alone_and_who_has_none_is_named_in_words(tmp_path, tool, handwritten):
    tool("pdftotext")
    folder = tmp_path / "out"
    with Network.four_levels(folder):
        pass
    if not handwritten:
        config = folder / "offices" / scene.COMMUNE / "office.toml"
        kept = [line for line in config.read_text("utf-8").splitlines() if not line.startswith("image")]
        config.write_text("\n".join(kept), "utf-8")
    path, layout = scene.write_letter(tmp_path)
    with Network.four_levels(folder) as network:
        approved = network.office(scene.COMMUNE).approve(scene.draft(path, layout), by="director", draft_id="thu-1")
        approved.pdf.save(tmp_path / "approved.pdf")
    command = ["pdftotext", tmp_path / "approved.pdf", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ("Ký bởi: Nguyễn Văn A" in text) is not handwritten
