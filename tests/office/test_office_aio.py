"""AsyncOffice offers every verb of Office, keeps the loop free, and does the same."""

from __future__ import annotations

import asyncio
import inspect
import shutil
import threading

import pytest

from edocx.aio import AsyncOffice
from edocx.errors import StateError, UsageError
from edocx.office import Office
from edocx.routing.transitions import Change, Handling
from edocx.testing import scene
from edocx.testing.network import Network


class Waited:
    """An AsyncOffice whose verbs are awaited one by one, so that both kinds are told the same story."""

    def __init__(self, office, runner):
        self.office, self._runner = AsyncOffice(office), runner

    def __getattr__(self, name):
        verb = getattr(self.office, name)
        return lambda *arguments, **options: self._runner.run(verb(*arguments, **options))

    def inbox(self):
        async def collected():
            return [incoming async for incoming in self.office.inbox()]

        return self._runner.run(collected())

    def do(self, verb, *arguments, **options):
        return self._runner.run(self.office.call(verb, *arguments, **options))


class Plain:
    def __init__(self, office):
        self.office = office

    def __getattr__(self, name):
        return getattr(self.office, name)

    def do(self, verb, *arguments, **options):
        return verb(*arguments, **options)


@pytest.fixture(params=["sync", "async"])
def pair(request, ready, tmp_path):
    shutil.copytree(ready, tmp_path / "net")
    with Network.four_levels(tmp_path / "net") as network, asyncio.Runner() as runner:
        offices = [network.office(code) for code in (scene.COMMUNE, "G22")]
        wrapped = [Plain(one) if request.param == "sync" else Waited(one, runner) for one in offices]
        yield network, *wrapped
        if request.param == "async":
            for one in wrapped:
                one.office._thread.shutdown()


def test_every_verb_of_the_office_is_there_with_the_same_arguments():
    public = {name for name, _ in inspect.getmembers(Office, inspect.isfunction) if not name.startswith("_")}
    public -= {"restore"}  # it needs no office that is open
    assert public - set(dir(AsyncOffice)) == set()
    for name in public:
        verbs = (getattr(Office, name), getattr(AsyncOffice, name))
        plain, awaited = (list(inspect.signature(verb).parameters) for verb in verbs)
        assert plain == awaited, name


def test_a_document_is_sent_accepted_and_recalled(pair):
    net, commune, centre = pair
    document = commune.document(scene.DRAFT_ID)
    commune.send(document, to=["G22"])
    commune.work()
    (incoming,) = centre.inbox()
    assert centre.do(incoming.accept, by="van-thu") == 1
    net.clock.advance(minutes=1)
    commune.recall(str(document.id), "Nhầm phụ lục", by="van-thu-xa")
    commune.work()
    centre.work()
    (request,) = centre.requests()
    net.clock.advance(minutes=1)
    centre.do(request.agree, by="van-thu")
    centre.work()
    commune.work()
    (tracked,) = commune.trace(str(document.id)).deliveries
    assert (tracked.delivery.shown.handling, tracked.delivery.shown.change) == (Handling.ACCEPTED, Change.AGREED)


def test_refusals_are_the_same(pair):
    _, commune, centre = pair
    with pytest.raises(UsageError):
        commune.send(commune.document(scene.DRAFT_ID), to=[])
    with pytest.raises(StateError):
        centre.trace("khong-co")
    with pytest.raises(StateError):
        centre.accept("khong-co", by="van-thu")


def test_the_loop_stays_free_while_a_verb_runs():
    class Slow:
        started, go, closed = threading.Event(), threading.Event(), False

        def work(self):
            self.started.set()
            assert self.go.wait(30)
            return "done"

        def close(self):
            self.closed = True

    slow = Slow()

    async def story():
        async with AsyncOffice(slow) as office:
            running = asyncio.create_task(office.work())
            await asyncio.to_thread(slow.started.wait, 30)
            assert not running.done(), "and yet we are here"
            slow.go.set()
            assert await running == "done"

    asyncio.run(story())
    assert slow.closed
