"""Recall, update, replace: cancelled at once before anybody opened it, a clerk's task after, nothing for strangers."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date, timedelta

import pytest

from edocx.documents import StatusCode, Urgency
from edocx.envelope.model import Envelope, Organization, ResponseFor
from edocx.envelope.write import compose
from edocx.errors import Refused, StateError, UsageError
from edocx.office import sending
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import Business, Parcel, ParcelKind
from edocx.routing.state import Basis
from edocx.routing.transitions import Change, Handling
from edocx.sealing import seal
from edocx.testing import scene
from edocx.testing.network import Network
from edocx.units.history import END, UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.succession import Succession, SuccessionKind

G22, DEPARTMENT = "G22", "H58.05"
REASON = "Ban hành nhầm phụ lục"


def sent(net, *to):
    document = net.sample()
    net.office(scene.COMMUNE).send(document, to=list(to) or [G22])
    net.run_until_quiet()
    return document


def settle(net):
    net.clock.advance(minutes=1)
    net.run_until_quiet()


def shown(net, document, recipient=G22, at=scene.COMMUNE):
    deliveries = net.office(at).trace(str(document.id)).deliveries
    return next(t.delivery.shown for t in deliveries if t.delivery.recipient == recipient)


def held(net, document, code=G22):
    with net.office(code).store.read() as transaction:
        return next(m for m in transaction.inbox.of_document(str(document.id)) if m.kind is ParcelKind.DOCUMENT)


@pytest.mark.parametrize("as_document", [False, True])
def test_a_recall_before_anybody_opened_it_is_agreed_at_once_and_the_content_goes(net, as_document):
    document = sent(net)
    net.office(scene.COMMUNE).recall(str(document.id), REASON, by="van-thu-xa", as_document=as_document)
    settle(net)
    assert shown(net, document).change is Change.AGREED
    assert net.office(G22).inbox_count() == 0
    message = held(net, document)
    assert message.state is IncomingState.RECALLED
    assert len(message.sha256) == 64
    with net.office(G22).store.read() as transaction:
        with pytest.raises(StateError) as caught:
            transaction.inbox.payload(message)
        assert caught.value.code == "EDX-PAYLOAD-ERASED"
        assert transaction.verify_journal().fault is None
        kept = transaction.documents.get(f"den/{message.id}").metadata
    assert (kept["document_id"], kept["subject"]) == (str(document.id), document.draft.subject)
    assert not [f for f in net.office(G22).doctor(deep=True) if f.severity == "error"]


def test_a_recall_after_acceptance_waits_for_the_clerk_who_agrees(net):
    document = sent(net)
    next(net.office(G22).inbox()).accept(by="van-thu")
    net.office(scene.COMMUNE).recall(str(document.id), REASON, by="van-thu-xa")
    settle(net)
    assert shown(net, document).change is Change.ASKED
    (request,) = net.office(G22).requests()
    assert (request.code, request.asked_by, request.reason) == ("13", scene.COMMUNE, REASON)
    assert held(net, document).state is IncomingState.ACCEPTED
    net.clock.advance(minutes=1)
    request.agree(by="van-thu")
    settle(net)
    assert shown(net, document).change is Change.AGREED
    assert held(net, document).state is IncomingState.RECALLED
    assert net.office(G22).requests() == ()


def test_a_refusal_needs_a_reason_and_keeps_everything(net):
    document = sent(net)
    next(net.office(G22).inbox()).accept(by="van-thu")
    net.office(scene.COMMUNE).recall(str(document.id), REASON, by="van-thu-xa")
    settle(net)
    (request,) = net.office(G22).requests()
    with pytest.raises(UsageError):
        request.refuse("  ", by="van-thu")
    net.clock.advance(minutes=1)
    request.refuse("Đã giải quyết xong", by="van-thu")
    settle(net)
    assert shown(net, document).change is Change.REFUSED
    remarks = [e.remark for e in net.office(scene.COMMUNE).trace(str(document.id)).events if e.what == "16"]
    assert remarks == ["Đã giải quyết xong"]
    assert held(net, document).state is IncomingState.ACCEPTED


def test_a_document_can_be_asked_back_again_after_a_refusal(net):
    document = sent(net)
    next(net.office(G22).inbox()).accept(by="van-thu")
    for _ in range(2):
        net.clock.advance(minutes=1)
        net.office(scene.COMMUNE).recall(str(document.id), REASON, by="van-thu-xa")
        settle(net)
        net.office(G22).request(str(document.id)).refuse("Đã giải quyết xong", by="van-thu")
        settle(net)
        assert shown(net, document).change is Change.REFUSED


def test_recalling_twice_is_recalling_once(net):
    document = sent(net)
    next(net.office(G22).inbox()).accept(by="van-thu")
    commune = net.office(scene.COMMUNE)
    first = commune.recall(str(document.id), REASON, by="van-thu-xa")
    assert commune.recall(str(document.id), REASON, by="van-thu-xa") == first
    settle(net)
    assert len(net.office(G22).requests()) == 1


def test_every_receiver_is_told_and_who_refused_is_left_out(net):
    document = sent(net, G22, DEPARTMENT)
    next(net.office(DEPARTMENT).inbox()).reject("Không thuộc thẩm quyền", by="van-thu-so")
    settle(net)
    asked = net.office(scene.COMMUNE).recall(str(document.id), REASON, by="van-thu-xa")
    assert asked.recipients == (G22,)


def test_a_recalled_document_is_frozen(net):
    document = sent(net)
    commune = net.office(scene.COMMUNE)
    commune.recall(str(document.id), REASON, by="van-thu-xa")
    with pytest.raises(StateError) as caught:
        commune.send(document, to=[DEPARTMENT])
    assert caught.value.code == "EDX-DOCUMENT-FROZEN"


def test_a_recall_that_overtakes_its_document_is_applied_when_it_comes(net):
    document = net.sample()
    commune = net.office(scene.COMMUNE)
    commune.send(document, to=[G22])
    commune.work()
    (document_entry,) = net.axis.pending(G22)
    commune.recall(str(document.id), REASON, by="van-thu-xa")
    commune.work()
    pending = net.axis.pending
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(net.axis, "pending", lambda unit: tuple(e for e in pending(unit) if e.kind is ParcelKind.STATUS))
        net.office(G22).work()
    with net.office(G22).store.read() as transaction:
        (kept,) = transaction.inbox.of_document(str(document.id))
    assert kept.state is IncomingState.APPLIED
    assert document_entry in net.axis.pending(G22)
    settle(net)
    assert net.office(G22).inbox_count() == 0
    assert shown(net, document).change is Change.AGREED


def forged_recall(net, document, *, claims, sealed_by):
    envelope = Envelope(
        kind="status",
        sender=Organization(unit=claims),
        response_for=(ResponseFor(unit=G22, code=str(document.number), document_id=str(document.id)),),
        status_code=StatusCode.RECALL_REQUESTED.value,
        description=REASON,
        timestamp=net.clock.now(),
    )
    put(net, document, envelope, sealed_by)


def put(net, document, envelope, sealed_by, *, business=None):
    skeleton = compose(envelope)
    if sealed_by:
        seal(skeleton, net.office(sealed_by)._desk.agency(), at=net.clock.now())
    payload = skeleton.save(net.folder / "forged.edxml")
    parcel = Parcel.of(
        payload,
        sender=DEPARTMENT,
        recipients=(G22,),
        document_id=str(document.id),
        created_at=net.clock.now(),
        kind=ParcelKind.STATUS if business is None else ParcelKind.DOCUMENT,
        business=business or Business.NEW,
    )
    net.axis.submit(parcel, payload)


@pytest.mark.parametrize(
    "claims,sealed_by", [(scene.COMMUNE, None), (scene.COMMUNE, DEPARTMENT), (DEPARTMENT, DEPARTMENT)]
)
def test_a_strangers_recall_is_a_foreign_claim_without_effect(net, claims, sealed_by):
    document = sent(net)
    forged_recall(net, document, claims=claims, sealed_by=sealed_by)
    settle(net)
    assert net.office(G22).inbox_count() == 1
    assert net.office(G22).requests() == ()
    seen = shown(net, document, at=G22)
    assert seen.change is Change.NONE
    assert [s.code for s in seen.foreign] == ["13"]


def test_a_strangers_withdrawal_document_changes_nothing(net):
    document = sent(net)
    envelope = Envelope(
        sender=Organization(unit=DEPARTMENT),
        to=(Organization(unit=G22),),
        document_id=str(document.id),
        business="withdraw",
        business_reason=REASON,
        business_target=str(document.id),
    )
    put(net, document, envelope, DEPARTMENT, business=Business.WITHDRAW)
    settle(net)
    assert net.office(G22).inbox_count() == 1
    assert [s.code for s in shown(net, document, at=G22).foreign] == ["withdraw"]


def test_an_update_reaches_an_accepted_document_as_a_task(net):
    document = sent(net)
    next(net.office(G22).inbox()).accept(by="van-thu")
    commune = net.office(scene.COMMUNE)
    asked = commune.update(
        str(document.id), "Gia hạn", by="van-thu-xa", due_date=date(2023, 7, 1), urgency=Urgency.URGENT
    )
    assert asked.recipients == (G22,)
    settle(net)
    (request,) = net.office(G22).requests()
    assert (request.code, request.reason) == ("update", "Gia hạn")
    net.clock.advance(minutes=1)
    request.agree(by="van-thu")
    settle(net)
    assert shown(net, document).change is Change.AGREED
    assert shown(net, document).handling is Handling.ACCEPTED
    assert held(net, document).state is IncomingState.ACCEPTED
    assert len(commune.trace(str(document.id)).deliveries) == 1, "an update is no delivery of its own"


def test_an_update_that_changes_nothing_is_a_usage_error(net):
    document = sent(net)
    with pytest.raises(UsageError):
        net.office(scene.COMMUNE).update(str(document.id), "Gia hạn", by="van-thu-xa")


def test_replaced_documents_point_both_ways_here_and_there(net):
    old = sent(net)
    next(net.office(G22).inbox()).accept(by="van-thu")
    commune, new = net.office(scene.COMMUNE), net.sample("van-ban-moi")
    dispatch = commune.replace(str(old.id), new, REASON, by="van-thu-xa")
    assert commune.replace(str(old.id), new, REASON, by="van-thu-xa") == dispatch
    settle(net)
    for code in (scene.COMMUNE, G22):
        office = net.office(code)
        assert office.trace(str(old.id)).replaced_by == str(new.id)
        assert office.trace(str(new.id)).replaces == (str(old.id),)
    (request,) = net.office(G22).requests()
    assert (request.code, request.replacement) == ("replace", str(new.id))
    (incoming,) = net.office(G22).inbox()
    assert incoming.document_id == str(new.id)
    net.clock.advance(minutes=1)
    request.agree(by="van-thu")
    settle(net)
    assert shown(net, old).change is Change.AGREED
    assert held(net, old).state is IncomingState.RECALLED
    with net.office(G22).store.read() as transaction:
        assert transaction.inbox.payload(held(net, old)).size > 0, "a replaced document stays readable"


def test_an_unopened_document_is_replaced_at_once(net):
    old = sent(net)
    new = net.sample("van-ban-moi")
    net.office(scene.COMMUNE).replace(str(old.id), new, REASON, by="van-thu-xa")
    settle(net)
    (incoming,) = net.office(G22).inbox()
    assert incoming.document_id == str(new.id)
    assert shown(net, old).change is Change.AGREED


def test_a_recall_needs_a_reason_and_somebody_who_holds_it(net):
    commune, document = net.office(scene.COMMUNE), net.sample()
    with pytest.raises(UsageError):
        commune.recall(str(document.id), " ", by="van-thu-xa")
    with pytest.raises(StateError) as caught:
        commune.recall(str(document.id), REASON, by="van-thu-xa")
    assert caught.value.code == "EDX-RECALL-NOBODY"


def merged_into_province():
    """The scene's directory in which the department has passed into the province the day after."""
    day = scene.MORNING.date() + timedelta(days=1)
    histories = [
        UnitHistory.of(
            f"scene:{station.code}",
            name=station.name,
            kind=station.kind,
            level=station.level,
            parent=f"scene:{station.above}" if station.above else None,
            code=station.unit,
            opened=date(2020, 9, 15),
            closed=day if station.code == DEPARTMENT else END,
        )
        for station in scene.STATIONS
    ]
    edge = Succession(SuccessionKind.MERGE, f"scene:{DEPARTMENT}", "scene:H58", day)
    return MemoryDirectory(histories, [edge])


def test_a_status_for_an_unknown_document_is_acknowledged_and_kept(net):
    document = net.sample()
    envelope = Envelope(
        kind="status",
        sender=Organization(unit=DEPARTMENT),
        response_for=(ResponseFor(unit=G22, document_id="khong-biet"),),
        status_code="03",
        timestamp=net.clock.now(),
    )
    put(net, document, envelope, DEPARTMENT)
    settle(net)
    assert net.axis.pending(G22) == ()
    with net.office(G22).store.read() as transaction:
        (kept,) = transaction.inbox.in_state(*IncomingState, kind=ParcelKind.STATUS)
        assert kept.state is IncomingState.APPLIED
        assert transaction.inbox.payload(kept).size > 0


def test_a_status_with_a_hostile_id_is_quarantined_and_stops_nobody(net):
    document = net.sample()
    envelope = Envelope(
        kind="status",
        sender=Organization(unit=DEPARTMENT),
        response_for=(ResponseFor(unit=G22, document_id="x" * 5000),),
        status_code="03",
        timestamp=net.clock.now(),
    )
    put(net, document, envelope, DEPARTMENT)
    net.office(scene.COMMUNE).send(document, to=[G22])
    settle(net)
    assert net.office(G22).inbox_count() == 1
    with net.office(G22).store.read() as transaction:
        (kept,) = transaction.inbox.in_state(IncomingState.QUARANTINED, kind=ParcelKind.STATUS)
    assert kept.reason == "EDX-ID"


def test_a_merged_units_successor_speaks_for_it_and_nobody_else(net):
    from edocx.office.voices import address_of, speaker_for

    desk = net.office(G22)._desk
    desk.directory = merged_into_province()
    assert speaker_for(desk, "H58", Basis.SEAL, [DEPARTMENT]).voice_of == "H58", "not yet merged"
    net.clock.set(net.clock.now() + timedelta(days=2))
    assert speaker_for(desk, "H58", Basis.SEAL, [DEPARTMENT]).voice_of == DEPARTMENT
    assert speaker_for(desk, "H58.12", Basis.SEAL, [DEPARTMENT]).voice_of == "H58.12"
    assert address_of(desk, DEPARTMENT) == "H58"
    assert address_of(desk, "H58.12") == "H58.12"


@pytest.mark.parametrize("unit_is", ["shipped", "signed", "local"])
def test_a_local_succession_lends_no_voice_over_a_unit_that_others_tell_of(net, unit_is):
    from edocx.office.voices import speaker_for

    desk = net.office(G22)._desk
    whole = merged_into_province()
    (edge,) = (one for one in whole.successions if one.predecessor == f"scene:{DEPARTMENT}")
    history = copy.copy(whole.history(edge.predecessor))
    history.authority = unit_is
    mine = replace(edge, authority="local")
    desk.directory = whole.with_changes([history], without_successions=[edge]).with_changes((), [mine])
    net.clock.set(net.clock.now() + timedelta(days=2))
    spoken_for = speaker_for(desk, "H58", Basis.SEAL, [DEPARTMENT]).voice_of
    assert spoken_for == (DEPARTMENT if unit_is == "local" else "H58")


def test_a_split_unit_is_written_to_at_whoever_holds_its_register(net):
    from edocx.office.voices import address_of

    desk = net.office(G22)._desk
    day = scene.MORNING.date() + timedelta(days=1)
    heirs = ("scene:H58", "scene:H58.12")

    def split(**known):
        edges = [Succession(SuccessionKind.SPLIT, f"scene:{DEPARTMENT}", heir, day, **known) for heir in heirs]
        return merged_into_province().with_changes(
            successions=edges, without_successions=merged_into_province().successions
        )

    net.clock.set(net.clock.now() + timedelta(days=2))
    desk.directory = split(custodian="scene:H58.12")
    assert address_of(desk, DEPARTMENT) == "H58.12"
    desk.directory = split()
    assert address_of(desk, DEPARTMENT) == DEPARTMENT, "nobody is named: the carrier's refusal says who could be"


def test_a_received_state_secret_is_quarantined_and_cannot_be_accepted(net):
    document = net.sample()
    envelope = Envelope(
        sender=Organization(unit=DEPARTMENT),
        to=(Organization(unit=G22),),
        document_id="mot-van-ban-mat",
        subject="TỐI MẬT: kế hoạch",
        business="new",
    )
    put(net, document, envelope, DEPARTMENT, business=Business.NEW)
    settle(net)
    with net.office(G22).store.read() as transaction:
        (message,) = transaction.inbox.in_state(IncomingState.QUARANTINED)
    assert message.reason == "EDX-SECRET"
    incoming = net.office(G22).incoming("mot-van-ban-mat")
    with pytest.raises(Refused) as caught:
        incoming.accept(by="van-thu")
    assert caught.value.code == "EDX-SECRET"
    incoming.reject("Không nhận bí mật nhà nước qua trục", by="van-thu")


def test_a_wider_dispatch_leaves_out_who_has_the_document(net):
    document = sent(net, G22)
    commune = net.office(scene.COMMUNE)
    assert commune.send(document, to=[G22, DEPARTMENT]).recipients == (DEPARTMENT,)
    assert commune.send(document, to=[DEPARTMENT, G22]).recipients == (G22,)
    settle(net)
    assert [net.office(code).inbox_count() for code in (G22, DEPARTMENT)] == [1, 1]


def test_two_dispatches_that_cross_leave_out_whom_the_other_was_sent_to(net, monkeypatch):
    document, other, seal = net.sample(), [], sending.sealed

    def after_somebody_else(*given):
        if not other:
            other.append(None)
            with Network.four_levels(net.folder) as elsewhere:
                other[0] = elsewhere.office(scene.COMMUNE).send(document, to=[G22, "H58.12"])
        return seal(*given)

    monkeypatch.setattr(sending, "sealed", after_somebody_else)
    assert net.office(scene.COMMUNE).send(document, to=[G22, DEPARTMENT]).recipients == (DEPARTMENT,)
    assert other[0].recipients == (G22, "H58.12")
    settle(net)
    assert [net.office(code).inbox_count() for code in (G22, DEPARTMENT, "H58.12")] == [1, 1, 1]
