"""Checks at the door: seal, signed files, marks of secrecy, malware, what a recipient can take; each by its policy."""

from __future__ import annotations

import socket
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hub_clamd import EICAR, fake_clamd
from hub_scene import SECRETS, A, B, C, OfficialClient, document, enrol, open_hub, serving, status, written

from edocx.content import Blob
from edocx.envelope import compose, read
from edocx.envelope.model import Attachment
from edocx.errors import InputError, UsageError
from edocx.hub import HubConfig, NewAgency
from edocx.hub.clamd import Clamd
from edocx.hub.configuration import DoorPolicy
from edocx.hub.inspection import FRESH
from edocx.hub.schema import verdicts
from edocx.sealing import seal
from edocx.signing.keys import open_signer
from edocx.testing import scene
from edocx.testing.network import Network
from edocx.testing.registry import write_registrations


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A letter signed by a person and an agency, its trust and registry, and a way to seal an envelope around it."""
    folder = tmp_path_factory.mktemp("net")
    with Network.four_levels(folder) as network:
        letter = network.sample()
        payload = network.office(scene.COMMUNE)
        payload.send(letter, to=[scene.GOVERNMENT])
        payload.work()
        (entry,) = network.axis.pending(scene.GOVERNMENT)
        yield Signed(folder, network.axis.fetch(entry).read())


class Signed:
    def __init__(self, folder: Path, edxml: bytes) -> None:
        self.folder, self.edxml = folder, edxml
        self.trust = folder / "trust"
        self.registry = next(iter(sorted(folder.rglob("registry.csv"))))

    @property
    def pdf(self) -> bytes:
        return self.part().read()

    def part(self) -> Blob:
        (place,) = self._placed()
        return next(one.content for one in read(place).attachments if one.name.endswith(".pdf"))

    def _placed(self):
        place = self.folder / "sealed.edxml"
        if not place.exists():
            place.write_bytes(self.edxml)
        yield place

    def door(self, **more) -> DoorPolicy:
        return DoorPolicy(**({"trust": self.trust, "registry": self.registry} | more))


@contextmanager
def served(folder, clock, door, **settings):
    hub = open_hub(folder, clock=clock, door=door, **settings)
    try:
        with serving(hub) as address:
            yield hub, lambda code=A: OfficialClient(address, code, SECRETS[code])
    finally:
        hub.service.close()


def kept(hub):
    with hub.service.store.read() as connection:
        return [(row.seal, row.files, row.scan, row.codes) for row in connection.execute(verdicts.select())]


@pytest.fixture
def clock():
    from edocx.testing.clock import FixedClock

    return FixedClock(scene.MORNING + timedelta(hours=1))


def test_a_sealed_letter_with_signed_files_passes_the_strictest_door(tmp_path, clock, signed):
    with served(tmp_path, clock, signed.door(seal="require", files="require")) as (hub, client):
        assert client().send(signed.edxml).json()["status"] == "OK"
        assert kept(hub) == [("passed", "passed", None, "")]


def test_what_carries_no_seal_or_no_signed_file_is_refused_by_name(tmp_path, clock, signed):
    with served(tmp_path, clock, signed.door(seal="require")) as (_, client):
        told = client().send(document()).json()
        assert (told["EdxCode"], told["ErrorDesc"].isascii()) == ("EDX-HUB-UNSEALED", True)
        assert "chữ ký số" in told["ErrorDescVi"]
        assert "seal" in told["ErrorDescEn"]
        assert client(B).waiting() == []
    with served(tmp_path / "b", clock, signed.door(files="require")) as (_, client):
        assert client().send(document()).json()["EdxCode"] == "EDX-HUB-UNSIGNED-FILES"
        # A status carries no files.
        assert client().send(status("01", sender=A, to=B), kind="status").json()["status"] == "OK"


@pytest.mark.parametrize(
    "old, new",
    [
        (scene.SUBJECT.encode(), scene.SUBJECT.replace("Hè", "Đông").encode()),
        (b"<edXML:OrganId>G22<", b"<edXML:OrganId>H58<"),
    ],
)
def test_an_envelope_altered_after_its_seal_is_refused(tmp_path, clock, signed, old, new):
    altered = signed.edxml.replace(old, new)
    assert altered != signed.edxml
    with served(tmp_path, clock, signed.door(seal="require")) as (_, client):
        assert client().send(altered, to=B).json()["EdxCode"] == "EDX-HUB-SEAL"


def test_a_seal_of_another_unit_is_refused_where_a_registry_says_whose_it_is(tmp_path, clock, signed):
    from edocx.testing.pki import Pki

    pki = Pki.create(key="p256")
    stranger = pki.issue_organisation("SỞ NÔNG NGHIỆP", "TIỀN GIANG")
    stranger.save(tmp_path / "c.p12")
    pki.save_trust(tmp_path / "trust")
    pki.register(stranger, C)
    (tmp_path / "registry.csv").write_text(write_registrations(pki.registrations), "utf-8")
    skeleton = compose(read(_place(tmp_path, document(sender=A))))
    seal(skeleton, open_signer(f"file:{tmp_path / 'c.p12'}"), at=clock.now())
    edxml = skeleton.save(tmp_path / "sealed.edxml").read()
    for registry, code in ((tmp_path / "registry.csv", "EDX-HUB-SEALER"), (None, None)):
        door = DoorPolicy(seal="require", trust=tmp_path / "trust", registry=registry)
        with served(tmp_path / f"hub-{code}", clock, door) as (_, client):
            assert client().send(edxml).json().get("EdxCode") == code


def _place(folder, edxml):
    place = folder / "plain.edxml"
    place.write_bytes(edxml)
    return place


def test_on_record_everything_goes_on_and_is_written_down(tmp_path, clock, signed):
    with served(tmp_path, clock, signed.door(seal="record", files="record")) as (hub, client):
        client().send(document())
        client().send(signed.edxml.replace("Hè".encode(), "Hà".encode()), to=B)
        assert [row["from"] for row in client(B).waiting()] == [A, A]
        assert kept(hub)[0] == ("none", "none", None, "EDX-HUB-UNSEALED EDX-HUB-UNSIGNED-FILES")
        assert kept(hub)[1][:2] == ("failed", "passed")
        assert 'edocx_hub_door_remarks_total{code="EDX-HUB-UNSEALED"} 1' in hub.service.metrics.text({})


def test_an_agency_may_have_its_own_rule_for_seals(tmp_path, clock, signed):
    with served(tmp_path, clock, signed.door(seal="require")) as (hub, client):
        enrol(hub, NewAgency(C, "Sở dùng phần mềm cũ", seal="record"))
        assert client(C).send(document(sender=C)).json()["status"] == "OK"
        assert client(A).send(document(sender=A)).json()["EdxCode"] == "EDX-HUB-UNSEALED"


def test_without_trust_a_seal_is_doubtful_never_good(tmp_path, clock, signed):
    with served(tmp_path, clock, DoorPolicy(seal="record")) as (hub, client):
        client().send(signed.edxml)
        assert kept(hub)[0][0] == "doubtful"
    with pytest.raises(ValueError, match="without trust"):
        DoorPolicy(seal="require")


def test_trust_that_changes_on_disk_is_read_again(tmp_path, clock, signed):
    trust = tmp_path / "trust"
    trust.mkdir()
    from edocx.testing.pki import Pki

    Pki.create(key="p256").save_trust(trust)
    with served(tmp_path / "hub", clock, DoorPolicy(seal="require", trust=trust)) as (_, client):
        assert client().send(signed.edxml).json()["EdxCode"] == "EDX-HUB-SEAL"
        for file in signed.trust.iterdir():
            (trust / f"new-{file.name}").write_bytes(file.read_bytes())
        clock.advance(FRESH)
        assert client().send(signed.edxml).json()["status"] == "OK"


def test_a_door_that_cannot_judge_does_not_open(tmp_path, clock):
    with pytest.raises(InputError):
        open_hub(tmp_path, clock=clock, door=DoorPolicy(seal="require", trust=tmp_path / "khong-co"))
    with pytest.raises(UsageError, match="EDX-HUB-SCANNER-URL"):
        open_hub(tmp_path, clock=clock, door=DoorPolicy(scanner="http://x"))


@pytest.mark.parametrize("subject", ["MẬT", "Báo cáo (Tối mật)", "Độ mật: A"])
def test_a_marked_state_secret_is_refused_and_nothing_of_it_stays(client, subject):
    told = client(A).send(document(subject=subject)).json()
    assert told["EdxCode"] == "EDX-HUB-SECRET"
    assert client(B).waiting() == []
    assert client(A).send(document(subject="Về bảo mật thông tin")).json()["status"] == "OK"


def test_a_recipient_gets_only_what_it_can_take_and_else_nobody_gets_it(client, hub):
    enrol(hub, NewAgency(C, "Sở", takes_bytes=3_000, takes_types="pdf docx"))
    assert client(A).send(document(to=(B, C))).json()["status"] == "OK"
    large = client(A).send(document(to=(B, C), number="2", content=b"%PDF-1.7" + b"x" * 4000)).json()
    assert (large["EdxCode"], large["EdxWhere"]) == ("EDX-HUB-TAKES-SIZE", C)
    other = client(A).send(with_file("bang-ke.exe", b"MZ", to=(B, C))).json()
    assert (other["EdxCode"], "pdf, docx" in other["ErrorDescVi"]) == ("EDX-HUB-TAKES-TYPE", True)
    assert len(client(B).waiting()) == len(client(C).waiting()) == 1


def with_file(name: str, content: bytes, **more) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        envelope = read(_place(Path(folder), document(number="3", **more)))
        return written(
            envelope.model_copy(update={"attachments": (Attachment(name=name, content=Blob.from_bytes(content)),)})
        )


def test_malware_is_refused_whatever_else_the_policy_says(tmp_path, clock):
    with (
        fake_clamd(tmp_path) as (address, scanner),
        served(tmp_path, clock, DoorPolicy(scanner=address, scanner_down="record")) as (hub, client),
    ):
        assert client().send(document()).json()["status"] == "OK"
        told = client().send(document(number="2", content=b"%PDF-1.7\n" + EICAR)).json()
        assert (told["EdxCode"], told["EdxWhere"]) == ("EDX-HUB-MALWARE", "1")
        assert scanner.scanned == 2
        assert [row[2] for row in kept(hub)] == ["clean"]
        assert len(client(B).waiting()) == 1


@pytest.mark.parametrize("way", ["away", "deaf", "full", "garbage"])
@pytest.mark.parametrize("policy", ["refuse", "record"])
def test_a_scanner_that_is_down_is_a_policy_not_a_silence(tmp_path, clock, policy, way):
    with scanner_in_trouble(tmp_path, way) as address:
        door = DoorPolicy(scanner=address, scanner_down=policy, scanner_seconds=0.3)
        with served(tmp_path, clock, door) as (hub, client):
            reply = client().send(document())
            if policy == "refuse":
                assert (reply.status, reply.json()["EdxCode"]) == (503, "EDX-HUB-SCANNER")
                assert client(B).waiting() == []
            else:
                assert reply.json()["status"] == "OK"
                assert kept(hub) == [(None, None, "unscanned", "EDX-HUB-SCANNER")]


@contextmanager
def scanner_in_trouble(folder, way):
    if way == "full":
        with fake_clamd(folder, limit=3) as (address, _):
            yield address
        return
    with socket.create_server(("127.0.0.1", 0)) as line:
        if way == "garbage":
            import threading

            def greet():
                peer, _ = line.accept()
                with peer:
                    peer.sendall(b"220 smtp.example\0")
                    peer.settimeout(60)
                    while peer.recv(1000):
                        pass

            threading.Thread(target=greet, daemon=True).start()
        port = line.getsockname()[1]
        if way == "away":
            line.close()
        yield f"clamd://127.0.0.1:{port}"


def test_an_address_of_a_scanner_is_read_in_both_forms():
    assert Clamd.from_url("clamd:///run/clamd.ctl", seconds=1).address == "/run/clamd.ctl"
    assert Clamd.from_url("clamd://av.example", seconds=1).address == ("av.example", 3310)
    for bad in ("clamd://", "tcp://x:1", "clamd://x:y"):
        with pytest.raises(UsageError, match="EDX-HUB-SCANNER-URL"):
            Clamd.from_url(bad, seconds=1)


def test_the_door_s_places_are_taken_from_the_settings_file(tmp_path):
    place = tmp_path / "hub.toml"
    place.write_text('[door]\nseal = "require"\ntrust = "trust"\nregistry = "so.csv"\n')
    door = HubConfig.from_path(place).door
    assert (door.trust, door.registry) == (tmp_path / "trust", tmp_path / "so.csv")
    place.write_text('[door]\nseal = "maybe"\n')
    with pytest.raises(UsageError, match=r"door\.seal"):
        HubConfig.from_path(place)


def test_a_door_that_could_be_passed_by_unopened_parcels_is_no_setting(tmp_path):
    for door in (DoorPolicy(seal="record"), DoorPolicy(files="record"), DoorPolicy(scanner="clamd:///c")):
        with pytest.raises(ValueError, match="passed by"):
            HubConfig(envelope="off", door=door)
    place = tmp_path / "hub.toml"
    place.write_text('envelope = "off"\n[door]\nseal = "record"\n')
    with pytest.raises(UsageError, match="passed by"):
        HubConfig.from_path(place)


def test_the_lgsp_door_is_the_same_door(tmp_path, clock, signed):
    with served(tmp_path, clock, signed.door(seal="require")) as (hub, _):
        from edocx.hub import agencies, refusal
        from edocx.hub.agencies import Agency

        with hub.service.store.read() as connection:
            caller: Agency = agencies.find(connection, A)
        with pytest.raises(type(refusal.unsealed()), match="EDX-HUB-UNSEALED"):
            hub.service.look_into(Blob.from_bytes(document()), caller)
