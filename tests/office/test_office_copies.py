"""A document that is sent again is shown to the clerk once; another one of its number is shown and told apart."""

from __future__ import annotations

import pytest

from edocx.content import Blob
from edocx.errors import StateError
from edocx.office.sending import document_envelope, sealed
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import Parcel
from edocx.routing.transitions import Change, Handling
from edocx.signing.report import Indication
from edocx.testing import scene

G22, DEPARTMENT = "G22", "H58.05"


def settle(net):
    net.clock.advance(minutes=5)
    net.run_until_quiet()


def send(net, document, attempt=1):
    net.office(scene.COMMUNE).send(document, to=[G22], attempt=attempt)
    settle(net)


def send_another(net, document, subject="Về một việc khác", unit=scene.COMMUNE, **changes):
    """Let a unit send another content under a document's id; return the message id."""
    desk = net.office(unit)._desk
    envelope = document_envelope(desk, document, (desk.organization(net.office(G22).unit),))
    envelope = envelope.model_copy(update={"subject": subject, **changes})
    payload = Blob.from_bytes(sealed(desk, envelope, net.folder / "another.edxml").read())
    parcel = Parcel.of(
        payload, sender=unit, recipients=(G22,), document_id=str(document.id), created_at=net.clock.now()
    )
    net.axis.submit(parcel, payload)
    settle(net)
    return parcel.message_id


def messages(net, document):
    with net.office(G22).store.read() as transaction:
        return transaction.inbox.of_document(str(document.id))


def states(net, document):
    return [message.state for message in messages(net, document)]


def shown(net, document, at=scene.COMMUNE):
    return [t.delivery.shown.handling for t in net.office(at).trace(str(document.id)).deliveries]


@pytest.mark.parametrize("accepted_before", [False, True])
def test_a_document_sent_again_is_absorbed_and_never_new(net, accepted_before):
    document, centre = net.sample(), net.office(G22)
    send(net, document)
    if accepted_before:
        centre.accept(str(document.id), by="van-thu")
    send(net, document, attempt=2)
    assert states(net, document)[1] is IncomingState.DUPLICATE
    assert centre.inbox_count() == (0 if accepted_before else 1)
    if not accepted_before:
        assert centre.accept(str(document.id), by="van-thu") == 1
    assert states(net, document) == [IncomingState.ACCEPTED, IncomingState.DUPLICATE]
    assert centre.inbox_count() == 0
    assert len(centre.register("in", 2023)) == 1


def test_the_statuses_already_sent_answer_both_attempts(net):
    document, commune = net.sample(), net.office(scene.COMMUNE)
    send(net, document)
    net.office(G22).accept(str(document.id), by="van-thu")
    send(net, document, attempt=2)
    assert shown(net, document) == [Handling.ACCEPTED, Handling.ACCEPTED]
    assert shown(net, document, at=G22) == [Handling.ACCEPTED], "here it is one document"
    net.office(G22).incoming(str(document.id)).complete(by="chuyen-vien")
    settle(net)
    assert shown(net, document) == [Handling.COMPLETED, Handling.COMPLETED]
    net.clock.advance(days=30)
    assert commune.overdue() == ()
    with commune.store.begin() as transaction:
        assert transaction.deliveries.expire(net.clock.now()) == 0, "the second attempt was answered with the first"


def test_after_a_refusal_the_next_attempt_is_new_and_answered_for_itself(net):
    document, centre = net.sample(), net.office(G22)
    send(net, document)
    centre.reject(str(document.id), "Thiếu phụ lục", by="van-thu")
    settle(net)
    send(net, document, attempt=2)
    assert centre.inbox_count() == 1
    assert centre.incoming(str(document.id)).id == messages(net, document)[1].id, "not the one that was refused"
    assert centre.accept(str(document.id), by="van-thu") == 1
    settle(net)
    assert shown(net, document) == [Handling.REJECTED, Handling.ACCEPTED]
    assert shown(net, document, at=G22) == [Handling.REJECTED, Handling.ACCEPTED]


def test_another_content_under_one_id_is_shown_and_each_is_addressed_by_its_message(net):
    document, centre = net.sample(), net.office(G22)
    send(net, document)
    (first,) = messages(net, document)
    second = send_another(net, document)
    assert states(net, document) == [IncomingState.PRESENTED, IncomingState.PRESENTED]
    for verb in (centre.incoming, centre.trace, lambda one: centre.accept(one, by="van-thu")):
        with pytest.raises(StateError) as caught:
            verb(str(document.id))
        assert caught.value.code == "EDX-DOCUMENT-AMBIGUOUS"
        assert all(one in caught.value.hint.en for one in (first.message_id, second))
    assert centre.accept(second, by="van-thu") == 1
    (tracked,) = centre.trace(second).deliveries
    assert (tracked.message_id, tracked.delivery.shown.handling) == (second, Handling.ACCEPTED)
    (tracked,) = centre.trace(first.message_id).deliveries
    assert tracked.delivery.shown.handling is Handling.ARRIVED, "what was said of the one is not said of the other"
    assert centre.accept(first.message_id, by="van-thu") == 2
    (one, two) = centre.register("in", 2023)
    assert (one.duplicate, two.duplicate) == (True, False)
    assert one.subject == "Về một việc khác"


def test_a_strangers_document_of_the_same_id_hides_no_recall(net):
    document, centre = net.sample(), net.office(G22)
    send(net, document)
    (genuine,) = messages(net, document)
    own = net.office(DEPARTMENT)._desk.own_organization()
    send_another(net, document, unit=DEPARTMENT, sender=own)
    centre.accept(genuine.message_id, by="van-thu")
    net.office(scene.COMMUNE).recall(str(document.id), "Nhầm phụ lục", by="van-thu-xa")
    settle(net)
    (request,) = centre.requests()
    assert (request.document_id, request.asked_by) == (str(document.id), scene.COMMUNE)
    net.clock.advance(minutes=1)
    centre.request(genuine.message_id).agree(by="van-thu")
    assert [t.delivery.shown.change for t in centre.trace(genuine.message_id).deliveries] == [Change.AGREED]


def test_a_recall_takes_the_repeats_content_along(net):
    document, centre = net.sample(), net.office(G22)
    send(net, document)
    send(net, document, attempt=2)
    net.office(scene.COMMUNE).recall(str(document.id), "Nhầm phụ lục", by="van-thu-xa")
    settle(net)
    assert centre.inbox_count() == 0
    with centre.store.read() as transaction:
        kept = [m for m in transaction.inbox.of_document(str(document.id)) if m.kind == "document"]
        for message in kept:
            with pytest.raises(StateError) as caught:
                transaction.inbox.payload(message)
            assert caught.value.code == "EDX-PAYLOAD-ERASED"
        assert transaction.verify_journal().fault is None
    assert len(kept) == 2


def test_two_workers_who_open_both_attempts_at_once_show_one(net, monkeypatch):
    from edocx.office import presenting, received

    document, centre = net.sample(), net.office(G22)
    net.office(scene.COMMUNE).send(document, to=[G22])
    net.office(scene.COMMUNE).send(document, to=[G22], attempt=2)
    net.office(scene.COMMUNE).work()
    looks: list[int] = []
    first_copy = received.first_copy

    def blind_at_first(transaction, message, digest):
        looks.append(message.id)
        # The other worker's commit falls between our look and our transaction.
        return None if looks.count(message.id) <= 2 else first_copy(transaction, message, digest)

    monkeypatch.setattr(presenting, "first_copy", blind_at_first)
    settle(net)
    assert centre.inbox_count() == 1
    assert states(net, document) == [IncomingState.PRESENTED, IncomingState.DUPLICATE]


def test_a_copy_that_passes_takes_the_place_of_one_that_waits_and_does_not(net):
    document, centre = net.sample(), net.office(G22)
    misdirected = net.office(scene.COMMUNE)._desk.organization(net.office(DEPARTMENT).unit)
    send_another(net, document, subject=document.draft.subject, to=(misdirected,))
    (waiting,) = centre.inbox()
    assert waiting.report.indication is not Indication.TOTAL_PASSED
    send(net, document)
    assert states(net, document) == [IncomingState.DUPLICATE, IncomingState.PRESENTED]
    assert [one.report.indication for one in centre.inbox()] == [Indication.TOTAL_PASSED]
