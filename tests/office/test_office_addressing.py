"""Genuine envelopes in the wrong place, envelopes that lost their seal, and envelopes larger than memory should be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edocx.content import Blob
from edocx.envelope.model import Attachment, Code, Envelope, Organization, Promulgation, ResponseFor
from edocx.envelope.write import compose
from edocx.errors import Refused
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.sealing import seal
from edocx.signing.report import Indication
from edocx.testing import scene
from edocx.units import UnitId
from edocx.units.history import UnitHistory
from edocx.units.unit import Capabilities

G22, DISTRICT = "G22", "H58.12"


def bring(net, data: bytes, recipient: str, *, kind=ParcelKind.DOCUMENT, document_id="x") -> None:
    """Somebody puts these bytes on the axis for a unit."""
    payload = Blob.from_bytes(data)
    parcel = Parcel.of(
        payload,
        sender="H58.05",
        recipients=(recipient,),
        document_id=document_id,
        created_at=net.clock.now(),
        kind=kind,
    )
    net.axis.submit(parcel, payload)
    net.run_until_quiet()


@pytest.mark.parametrize(
    "able,code",
    [
        (Capabilities(max_bytes=1000), "EDX-RECIPIENT-SIZE"),
        (Capabilities(accepts=("status",)), "EDX-RECIPIENT-TYPE"),
        (Capabilities(accepts=("eDoc", "status"), max_bytes=10_000_000), None),
        (Capabilities(), None),
    ],
)
def test_nothing_is_sent_to_a_unit_that_cannot_take_it(net, able, code):
    commune, document = net.office(scene.COMMUNE), net.sample()
    desk = commune._desk
    history = UnitHistory.of(
        "scene-h58.12", name="UBND huyện", code=UnitId.parse(DISTRICT), capabilities=able, source="test"
    )
    desk.directory = net.directory.with_changes([history])
    if code is None:
        commune.send(document, to=[G22, DISTRICT])
    else:
        with pytest.raises(Refused, match=code):
            commune.send(document, to=[G22, DISTRICT])
    net.run_until_quiet()
    assert net.office(G22).inbox_count() == (code is None), "all recipients, or none"


@pytest.mark.parametrize(
    "sender,sealer,code",
    [(DISTRICT, "H58.05", "EDX-SEAL-FOREIGN"), ("H58.05", "H58.05", None), ("000.00.05.H58", "H58.05", None)],
    ids=["another unit's", "its own", "its own in the other spelling"],
)
def test_a_document_in_one_units_name_under_anothers_seal_never_passes(net, sender, sealer, code):
    envelope = Envelope(
        sender=Organization(unit=sender, name="UBND"),
        to=(Organization(unit=G22),),
        document_id="x",
        code=Code(number="9", notation="UBND"),
        subject="Một văn bản",
        business="new",
        promulgation=Promulgation(place="Châu Thành", date=net.clock.now().date()),
        attachments=(Attachment(name="a.txt", content=Blob.from_bytes(b"x")),),
    )
    skeleton = compose(envelope)
    seal(skeleton, net.office(sealer)._desk.agency(), at=net.clock.now())
    bring(net, skeleton.save(net.folder / "x.edxml").read(), G22)
    (incoming,) = net.office(G22).inbox()
    told = {message.code: message for message in incoming.report.messages if message.severity == "error"}
    assert set(told) == ({code} if code else set())
    assert (incoming.report.indication is Indication.TOTAL_PASSED) == (code is None)
    if code is not None:
        assert (DISTRICT in told[code].en, "H58.05" in told[code].vi) == (True, True)


def knows_that_the_commune_seals(net, code):
    desk = net.office(code)._desk
    history = UnitHistory.of(
        "scene-h58.12.01", name="UBND xã", code=scene.STATIONS[-1].unit, capabilities=Capabilities(seals=True),
        source="test",
    )  # fmt: skip
    desk.directory = net.directory.with_changes([history])


def codes(report):
    return {message.code for message in report.messages if message.severity == "error"}


def test_a_genuine_envelope_for_another_unit_goes_to_the_clerk_with_its_warning(net):
    dispatch = net.office(scene.COMMUNE).send(net.sample(), to=[DISTRICT])
    bring(net, dispatch.envelope.read(), G22)
    (misdirected,) = net.office(G22).inbox()
    assert misdirected.report.indication is Indication.INDETERMINATE
    assert codes(misdirected.report) == {"EDX-NOT-ADDRESSED"}
    (right,) = net.office(DISTRICT).inbox()
    assert right.report.indication is Indication.TOTAL_PASSED


def test_an_envelope_stripped_of_its_seal_goes_to_the_clerk_with_its_warning(net):
    dispatch = net.office(scene.COMMUNE).send(net.sample(), to=[G22])
    knows_that_the_commune_seals(net, G22)
    stripped = re.sub(b"<ds:Signature .*?</ds:Signature>", b"", dispatch.envelope.read(), flags=re.DOTALL)
    assert stripped != dispatch.envelope.read()
    bring(net, stripped, G22)
    found = {frozenset(codes(incoming.report)): incoming.report.indication for incoming in net.office(G22).inbox()}
    assert found[frozenset({"EDX-SEAL-MISSING"})] is Indication.INDETERMINATE
    assert found.get(frozenset(), Indication.TOTAL_PASSED) is Indication.TOTAL_PASSED


def test_a_sealed_request_to_another_unit_has_no_effect_here(net):
    """The issuer asks the district to give the document back; somebody shows that request to the government office."""
    document, commune = net.sample(), net.office(scene.COMMUNE)
    commune.send(document, to=[G22])
    net.run_until_quiet()
    request = compose(
        Envelope(
            kind="status",
            sender=Organization(unit=scene.COMMUNE),
            response_for=(ResponseFor(unit=DISTRICT, code=str(document.number), document_id=str(document.id)),),
            status_code="13",
            description="Ban hành nhầm",
            timestamp=net.clock.now(),
        )
    )
    seal(request, commune._desk.agency(), at=net.clock.now())
    data = b"".join(request.pieces())
    bring(net, data, G22, kind=ParcelKind.STATUS, document_id=str(document.id))
    office = net.office(G22)
    assert office.inbox_count() == 1
    with office.store.read() as transaction:
        states = {
            message.state
            for message in transaction.inbox.of_document(str(document.id))
            if message.kind is ParcelKind.DOCUMENT
        }
    assert states == {IncomingState.PRESENTED}


CHILD = """
import sys
from pathlib import Path
from edocx.testing import scene
from edocx.testing.network import Network
with Network.four_levels(Path(sys.argv[1])) as net:
    document = net.sample()
    draft = document.draft.model_copy(update={"attachments": (Path(sys.argv[2]),)})
    net.office(scene.COMMUNE).send(document.model_copy(update={"draft": draft}), to=["G22"])
    net.run_until_quiet()
    (incoming,) = net.office("G22").inbox()
    assert incoming.report.indication == "TOTAL-PASSED", incoming.report.messages
    incoming.accept(by="van-thu")
    saved = incoming.save(Path(sys.argv[1]) / "out")
    assert saved[1].stat().st_size == Path(sys.argv[2]).stat().st_size
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux' /proc")
def test_memory_does_not_grow_with_what_is_sent_and_received(ready, tmp_path):
    peaks = []
    for megabytes in (1, 96):
        folder, big = tmp_path / f"net{megabytes}", tmp_path / f"{megabytes}.bin"
        shutil.copytree(ready, folder)
        with big.open("wb") as stream:
            for _ in range(megabytes):
                stream.write(os.urandom(1024) * 1024)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder), str(big)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] <= 24, peaks
