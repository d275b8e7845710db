"""A document that is sent again is shown to the clerk once."""

from __future__ import annotations

import pytest

from edocx.routing.inbox import IncomingState
from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as network:
        yield network


def sent_again(net, document, attempt=2):
    net.clock.advance(minutes=5)
    net.office(scene.COMMUNE).send(document, to=["G22"], attempt=attempt)
    net.run_until_quiet()


def states(net, document):
    with net.office("G22").store.read() as transaction:
        return [message.state for message in transaction.inbox.of_document(str(document.id))]


@pytest.mark.parametrize("accepted_before", [False, True])
def test_a_copy_of_what_the_clerk_has_is_a_duplicate_and_never_new(net, accepted_before):
    document, centre = net.sample(), net.office("G22")
    sent_again(net, document, attempt=1)
    if accepted_before:
        centre.accept(str(document.id), by="van-thu")
    sent_again(net, document)
    assert states(net, document)[1] is IncomingState.DUPLICATE
    assert centre.inbox_count() == (0 if accepted_before else 1)
    assert ("EDX-DOCUMENT-COPY" in {one.code for one in centre.doctor()}) is not accepted_before
    if not accepted_before:
        assert centre.accept(str(document.id), by="van-thu") == 1
    assert states(net, document) == [IncomingState.ACCEPTED, IncomingState.DUPLICATE]
    assert centre.inbox_count() == 0


def test_after_a_refusal_the_next_attempt_is_shown_and_can_be_accepted(net):
    document, centre = net.sample(), net.office("G22")
    sent_again(net, document, attempt=1)
    centre.reject(str(document.id), "Thiếu phụ lục", by="van-thu")
    net.run_until_quiet()
    sent_again(net, document)
    assert centre.inbox_count() == 1
    assert centre.incoming(str(document.id)).id == 2, "the one that waits, not the one that was refused"
