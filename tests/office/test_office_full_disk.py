"""A disk that has no room left: every verb says so in the same words, nothing is half done, and serving goes on."""

from __future__ import annotations

import errno
import os
from datetime import timedelta

import pytest

from edocx.errors import StoreUnavailable
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import ParcelKind
from edocx.routing.transitions import Handling
from edocx.testing import scene

G22 = "G22"
FULL = {"EDX-DISK-FULL", "EDX-STORE-FULL"}


def no_room(*_given):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def refused(net):
    """The commune's document, sent and refused; the refusal waits on the axis."""
    document = net.sample()
    net.office(scene.COMMUNE).send(document, to=[G22])
    net.run_until_quiet()
    net.office(G22).reject(str(document.id), "Không thuộc thẩm quyền", by="van-thu")
    net.office(G22).work()
    return document


def approved(office, net):
    path, layout = scene.write_letter(net.folder)
    return office.approve(scene.draft(path, layout), by="director", draft_id="second")


VERBS = {
    "approve": approved,
    "issue": lambda office, _: office.issue(office.approved("ready"), seal="agency"),
    "bundle": lambda office, net: office.bundle(scene.DRAFT_ID, net.folder / "evidence.asice"),
    "receipt": lambda office, net: office.receipt(net.folder / "letter.pdf", net.folder / "receipts"),
    "sign_head": lambda office, _: office.sign_head(),
    "backup": lambda office, net: office.backup(net.folder / "backup"),
    "send": lambda office, _: office.send(office.document(scene.DRAFT_ID), to=["H58.05"]),
    "recall": lambda office, net: office.recall(str(net.sample().id), "Nhầm", by="van-thu"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_is_told_by_every_verb_and_what_failed_can_be_done_again(net, monkeypatch, verb):
    net.office(scene.COMMUNE).send(net.sample(), to=[G22])
    net.run_until_quiet()
    path, layout = scene.write_letter(net.folder)
    office = net.office(scene.COMMUNE)
    office.approve(scene.draft(path, layout), by="director", draft_id="ready")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        with pytest.raises(StoreUnavailable) as told:
            VERBS[verb](office, net)
    assert (told.value.code in FULL, told.value.retryable) == (True, True)
    VERBS[verb](office, net)
    with office.store.read() as transaction:
        assert transaction.verify_journal().fault is None


def test_where_a_document_is_can_be_asked_on_a_full_disk(net, refused, monkeypatch):
    office = net.office(scene.COMMUNE)
    office.work()
    monkeypatch.setattr(os, "fsync", no_room)
    monkeypatch.setattr(os, "mkdir", no_room)
    (delivery,) = office.trace(str(refused.id)).deliveries
    assert delivery.delivery.shown.handling is Handling.REJECTED


def test_a_document_that_comes_while_the_disk_is_full_waits_and_is_shown_when_there_is_room(net, monkeypatch):
    net.office(scene.COMMUNE).send(net.sample(), to=[G22])
    net.office(scene.COMMUNE).work()
    centre = net.office(G22)
    centre._worker.step()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        with pytest.raises(StoreUnavailable):
            list(centre.inbox())
    net.clock.advance(minutes=10)
    assert [one.document_id for one in centre.inbox()] == [str(net.sample().id)]


def test_serving_goes_on_when_the_disk_has_room_again(net, refused, monkeypatch):
    office, rounds = net.office(scene.COMMUNE), []
    office._worker.step()  # the refusal lies in the store, and nobody has opened it
    with office.store.read() as transaction:
        assert transaction.inbox.in_state(IncomingState.NEW, kind=ParcelKind.STATUS)

    def heard(progress):
        rounds.append(progress.faults)
        patch.undo()
        net.clock.advance(minutes=10)  # longer than any lease
        if len(rounds) == 3:
            office.stop()

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        patch.setattr(os, "mkdir", no_room)
        office.serve(told=heard, every=timedelta(0))
    assert set(rounds[0]) & FULL
    assert rounds[-1] == ()
    (delivery,) = office.trace(str(refused.id)).deliveries
    assert delivery.delivery.shown.handling is Handling.REJECTED
