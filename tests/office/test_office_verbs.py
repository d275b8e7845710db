"""The verbs of an office: order, refusals, and what only a seal may say."""

from __future__ import annotations

import errno
import os
import tempfile
from datetime import UTC, datetime, timedelta

import pytest

from edocx.documents import StatusCode
from edocx.envelope.model import Envelope, Organization, ResponseFor
from edocx.envelope.write import compose
from edocx.errors import EdocxError, Refused, SigningRefused, StateError, StoreUnavailable, UnitError, UsageError
from edocx.office import OfficeConfig
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.routing.transitions import Handling
from edocx.signing.report import Indication
from edocx.testing import Pki, scene
from edocx.testing.network import Network
from edocx.units import UnitId


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offices") / "net"
    Network.four_levels(folder).close()
    return folder


@pytest.fixture
def net(ready, tmp_path):
    import shutil

    shutil.copytree(ready, tmp_path / "net")
    with Network.four_levels(tmp_path / "net") as network:
        yield network


@pytest.fixture
def draft(net):
    path, layout = scene.write_letter(net.folder)
    return scene.draft(path, layout)


def test_the_contract_example_works(net):
    net.office("H58.12.01").send(net.sample(), to=["G22"])
    net.run_until_quiet()
    assert net.office("G22").inbox_count() == 1


def test_numbers_run_from_01_and_none_serves_two_documents(net, draft):
    commune = net.office(scene.COMMUNE)
    issued = [commune.issue(commune.approve(draft, by="director"), seal="agency") for _ in range(3)]
    assert [document.number.number for document in issued] == ["01", "02", "03"]
    assert len({str(document.id) for document in issued}) == 3


def test_issuing_twice_gives_the_same_document(net, draft):
    commune = net.office(scene.COMMUNE)
    approved = commune.approve(draft, by="director", draft_id="d1")
    assert commune.approve(draft, by="director", draft_id="d1") == approved
    first = commune.issue(approved, seal="agency")
    assert commune.issue(approved, seal="agency") == first


@pytest.mark.parametrize("name", ["2023/15", "../../elsewhere", ".hidden"])
def test_a_drafts_own_id_names_no_path(net, draft, name):
    commune = net.office(scene.COMMUNE)
    document = commune.issue(commune.approve(draft, by="director", draft_id=name), seal="agency")
    assert document.pdf.parent == net.folder / "offices" / scene.COMMUNE / "issued"
    assert commune.document(name) == document


def test_a_failed_seal_keeps_the_reservation_and_the_number(net, draft, monkeypatch):
    from edocx.office import issuing, levels

    commune = net.office(scene.COMMUNE)
    approved = commune.approve(draft, by="director", draft_id="d1")

    def away(*_args, **_kwargs):
        raise SigningRefused(issuing.Text("a", "b"), hint=issuing.Text("c", "d"))

    with monkeypatch.context() as patch:
        patch.setattr(levels, "sign_to_level", away)
        with pytest.raises(SigningRefused):
            commune.issue(approved, seal="agency")
    other = commune.issue(commune.approve(draft, by="director", draft_id="d2"), seal="agency")
    assert other.number.number == "02"
    assert commune.issue(approved, seal="agency").number.number == "01"


def test_the_seal_is_not_the_persons_and_the_person_not_the_seal(net, draft):
    commune = net.office(scene.COMMUNE)
    with pytest.raises(SigningRefused) as caught:
        commune.approve(draft, by="agency")
    assert caught.value.code == "EDX-SIGNER-ROLE"
    approved = commune.approve(draft, by="director")
    with pytest.raises(SigningRefused):
        commune.issue(approved, seal="director")


def test_an_unknown_key_name_lists_the_known_ones(net, draft):
    with pytest.raises(UsageError) as caught:
        net.office(scene.COMMUNE).approve(draft, by="deputy")
    assert "director" in caught.value.hint.en


def replace_director(net, credential):
    credential.save(net.folder / "offices" / scene.COMMUNE / "director.p12")


@pytest.mark.parametrize("case", ["expired", "not yet valid", "foreign", "somebody else's"])
def test_a_key_that_is_not_fit_is_refused_before_it_signs(net, draft, case):
    pki = Pki.create(key="p256")
    window = {
        "expired": (datetime(2023, 1, 2, tzinfo=UTC), datetime(2023, 2, 1, tzinfo=UTC)),
        "not yet valid": (datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
    }.get(case, (None, None))
    person = pki.issue_person("Nguyễn Văn B", "CƠ QUAN KHÁC", not_before=window[0], not_after=window[1])
    replace_director(net, person)
    if case == "somebody else's":
        # The chain is trusted, but the registry knows the certificate as nobody's.
        pki.save_trust(net.folder / "offices" / "trust")
    with pytest.raises(SigningRefused) as caught:
        net.office(scene.COMMUNE).approve(draft, by="director")
    assert caught.value.code == "EDX-CERT-NOT-FIT"
    with net.office(scene.COMMUNE).store.read() as transaction:
        assert not transaction.documents.in_state()


def test_one_unknown_recipient_refuses_the_whole_dispatch_and_names_it(net):
    commune, document = net.office(scene.COMMUNE), net.sample()
    with pytest.raises(UnitError) as caught:
        commune.send(document, to=["G22", "H58.99"])
    assert "H58.99" in str(caught.value)
    with commune.store.read() as transaction:
        assert transaction.outbox.waiting() == 0


def test_sending_to_nobody_is_a_usage_error(net):
    with pytest.raises(UsageError):
        net.office(scene.COMMUNE).send(net.sample(), to=[])


def test_sending_twice_is_sending_once_and_a_new_attempt_is_a_new_dispatch(net):
    commune, document = net.office(scene.COMMUNE), net.sample()
    first = commune.send(document, to=["G22"])
    net.clock.advance(hours=1)
    assert commune.send(document, to=["G22"]) == first
    assert commune.send(document, to=["G22"], attempt=2).message_id != first.message_id


def test_a_receiver_sees_who_sealed_and_who_signed(net):
    net.office(scene.COMMUNE).send(net.sample(), to=["G22"])
    net.run_until_quiet()
    (incoming,) = net.office("G22").inbox()
    assert incoming.report.indication is Indication.TOTAL_PASSED
    assert [(s.kind, s.unit) for s in incoming.report.signatures] == [("organisation", scene.COMMUNE)]
    (pdf,) = incoming.report.attachments
    assert [(s.kind, s.unit) for s in pdf.signatures] == [("person", scene.COMMUNE), ("organisation", scene.COMMUNE)]


def test_an_accepted_document_gets_an_arrival_number_and_cannot_be_decided_twice(net):
    net.office(scene.COMMUNE).send(net.sample(), to=["G22"])
    net.run_until_quiet()
    office = net.office("G22")
    (incoming,) = office.inbox()
    assert incoming.accept(by="van-thu") == 1
    with pytest.raises(StateError):
        incoming.accept(by="van-thu")
    with pytest.raises(StateError):
        incoming.reject("muộn", by="van-thu")
    assert office.inbox_count() == 0


def test_a_rejection_needs_a_reason_and_the_sender_reads_it(net):
    commune, document = net.office(scene.COMMUNE), net.sample()
    commune.send(document, to=["G22"])
    net.run_until_quiet()
    (incoming,) = net.office("G22").inbox()
    with pytest.raises(UsageError):
        incoming.reject(" ", by="van-thu")
    incoming.reject("Gửi nhầm nơi nhận", by="van-thu")
    net.clock.advance(minutes=1)
    net.run_until_quiet()
    trace = commune.trace(str(document.id))
    assert trace.deliveries[0].delivery.shown.handling is Handling.REJECTED
    assert [event.remark for event in trace.events if event.what == "02"] == ["Gửi nhầm nơi nhận"]


def test_the_attachments_come_out_as_they_went_in(net, tmp_path):
    document = net.sample()
    net.office(scene.COMMUNE).send(document, to=["G22"])
    net.run_until_quiet()
    (incoming,) = net.office("G22").inbox()
    (path,) = incoming.save(tmp_path / "files")
    assert path.read_bytes() == document.pdf.read_bytes()


def forge_status(net, document, *, seal_of=None, claims="G22"):
    """Somebody puts a 06 for G22 on the axis: unsealed, or sealed by another unit."""
    from edocx.sealing import seal

    forged = compose(
        Envelope(
            kind="status",
            sender=Organization(unit=claims),
            response_for=(ResponseFor(unit=scene.COMMUNE, code=str(document.number), document_id=str(document.id)),),
            status_code=StatusCode.COMPLETED.value,
            timestamp=net.clock.now(),
        )
    )
    if seal_of:
        seal(forged, net.office(seal_of)._desk.agency(), at=net.clock.now())
    payload = forged.save(net.folder / "forged.edxml")
    net.axis.submit(
        Parcel.of(
            payload,
            sender="H58.05",
            recipients=(scene.COMMUNE,),
            document_id=str(document.id),
            created_at=net.clock.now(),
            kind=ParcelKind.STATUS,
        ),
        payload,
    )


@pytest.mark.parametrize("seal_of", [None, "H58.05"])
def test_a_status_counts_only_from_the_unit_it_speaks_for(net, seal_of):
    commune, document = net.office(scene.COMMUNE), net.sample()
    commune.send(document, to=["G22"])
    net.run_until_quiet()
    forge_status(net, document, seal_of=seal_of)
    net.run_until_quiet()
    (tracked,) = commune.trace(str(document.id)).deliveries
    assert tracked.delivery.shown.handling is Handling.ARRIVED
    assert [statement.code for statement in tracked.delivery.shown.foreign] == ["06"]


def test_a_changed_envelope_is_quarantined_and_never_presented(net):
    document = net.sample()
    dispatch = net.office(scene.COMMUNE).send(document, to=["H58.12"])
    data = dispatch.envelope.read().replace("Bình Đức".encode(), "Bình Đưc".encode(), 1)
    (net.folder / "changed.edxml").write_bytes(data)
    from edocx.content import Blob

    payload = Blob.from_path(net.folder / "changed.edxml")
    net.axis.submit(
        Parcel.of(payload, sender="H58.12", recipients=("G22",), document_id="x", created_at=net.clock.now()), payload
    )
    office = net.office("G22")
    office.work()
    with office.store.read() as transaction:
        from edocx.routing.inbox import IncomingState

        (message,) = transaction.inbox.in_state(*IncomingState)
    assert str(message.state) == "quarantined"
    assert message.reason == "EDX-VERDICT"


def test_something_that_is_no_envelope_is_quarantined_with_its_code(net):
    from edocx.content import Blob
    from edocx.routing.inbox import IncomingState

    payload = Blob.from_bytes(b"<!DOCTYPE a><a/>")
    net.axis.submit(
        Parcel.of(payload, sender="H58.12", recipients=("G22",), document_id="x", created_at=net.clock.now()), payload
    )
    office = net.office("G22")
    office.work()
    with office.store.read() as transaction:
        (message,) = transaction.inbox.in_state(*IncomingState)
    assert message.reason == "EDX-XML-DTD"
    assert office.inbox_count() == 0


def test_two_offices_of_one_unit_share_one_store(net):
    from edocx.office import Office

    config = OfficeConfig.from_path(net.folder / "offices" / "G22" / "office.toml")
    net.office(scene.COMMUNE).send(net.sample(), to=["G22"])
    net.run_until_quiet()
    with Office.open(config, clock=net.clock, directory=net.directory) as second:
        assert second.inbox_count() == 1
        next(iter(second.inbox())).accept(by="van-thu")
    assert net.office("G22").inbox_count() == 0


def test_waiting_for_the_inbox_ends(net):
    assert list(net.office("G22").inbox(wait=timedelta(milliseconds=50))) == []


def test_the_settings_survive_their_file(net):
    config = OfficeConfig.from_path(net.folder / "offices" / scene.COMMUNE / "office.toml")
    assert config.unit == UnitId.parse(scene.COMMUNE)
    assert set(config.signers) == {"agency", "director"}


@pytest.mark.parametrize(
    "text,code",
    [
        ("unit = ", "EDX-CONFIG-SYNTAX"),
        ('unit = "H58"', "EDX-CONFIG-SETTING"),
        ('unit = "Н58"\nname = "x"\nstore = "a"\naxis = "local:b"\ntrust = ["t"]', "EDX-CONFIG-SETTING"),
        ('unit = "H58"\nname = "x"\nstore = "a"\naxis = "ftp:b"\ntrust = ["t"]', "EDX-CONFIG-SETTING"),
        ('unit = "H58"\nname = "x"\nstore = "a"\naxis = "local:b"\ntrust = ["t"]\ncolour = 1', "EDX-CONFIG-SETTING"),
    ],
)
def test_a_faulty_setting_is_named_with_its_file(tmp_path, text, code):
    path = tmp_path / "office.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        OfficeConfig.from_path(path)
    assert caught.value.code == code
    assert str(path) in str(caught.value)


def test_a_trace_of_an_unknown_document_is_refused(net):
    with pytest.raises(StateError):
        net.office("G22").trace("khong-co")


def test_every_refusal_is_ours():
    assert issubclass(SigningRefused, Refused)
    assert issubclass(Refused, EdocxError)


def test_a_trace_tells_times_nodes_actors_and_evidence(net):
    commune, document = net.office(scene.COMMUNE), net.sample()
    commune.send(document, to=["G22"])
    net.run_until_quiet()
    net.clock.advance(minutes=3)
    net.office("G22").accept(str(document.id), by="van-thu-tw")
    net.run_until_quiet()
    for office, sent in ((commune, True), (net.office("G22"), False)):
        found = office.trace(str(document.id))
        assert found.ways == (("H58.12.01", "H58.12", "H58", "G22"),)
        said = [(one.what, one.actor, one.person, one.basis) for one in found.events if one.what in {"01", "03"}]
        basis = "seal" if sent else "own"
        assert said == [("01", "G22", None, basis), ("03", "G22", "van-thu-tw", basis)]
    assert [one.evidence for one in commune.trace(str(document.id)).events] == [
        None,
        "SubmissionAcceptance",
        "ContentConsignment",
        "ConsignmentAcceptance",
    ]


@pytest.mark.parametrize("other", ["subject", "pdf", "key"])
def test_an_id_that_stands_for_another_draft_is_a_conflict(net, tmp_path, other):
    commune = net.office(scene.COMMUNE)
    path, layout = scene.write_letter(tmp_path)
    draft = scene.draft(path, layout)
    approved = commune.approve(draft, by="director", draft_id="d7")
    (tmp_path / "moved").mkdir()
    moved = path.rename(tmp_path / "moved" / path.name)
    assert commune.approve(draft.model_copy(update={"pdf": moved}), by="director", draft_id="d7") == approved
    asked = draft.model_copy(update={"pdf": moved} | ({"subject": "Việc khác"} if other == "subject" else {}))
    if other == "pdf":
        moved.write_bytes(moved.read_bytes() + b"\n")
    with pytest.raises(Refused) as refused:
        commune.approve(asked, by="agency" if other == "key" else "director", draft_id="d7")
    assert (refused.value.code, refused.value.where) == ("EDX-DRAFT-CONFLICT", "d7")
    assert commune.approved("d7") == approved


@pytest.mark.parametrize("write, code", [((os, "fsync"), "EDX-DISK-FULL"), ((tempfile, "mkdtemp"), "EDX-STORE-FULL")])
def test_a_full_disk_stops_sending_with_its_own_words(net, tmp_path, monkeypatch, write, code):
    commune = net.office(scene.COMMUNE)
    path, layout = scene.write_letter(tmp_path)
    document = commune.issue(commune.approve(scene.draft(path, layout), by="director"), seal="agency")
    commune.work()
    commune._desk.compared = False

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(*write, full)
        with pytest.raises(StoreUnavailable) as refused:
            commune.send(document, to=["G22"])
    assert refused.value.code == code
    commune.send(document, to=["G22"])
