"""The broker: mail between hubs over NATS JetStream, and calls of offices over NATS.

::

    database (copies in custody) --publish--> stream of the next hub --pull--> its database (unique key)
             ^                                                                       |
             +-------------- receipt, refusal, fate: over this hub's stream ---------+

The streams hold nothing that the databases do not hold: what was not answered is published again, and a stream that is
missing is made anew and filled from the database. A hub has one stream and four durable pull consumers (three lanes
and the talk between hubs), shared by all its nodes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from edocx.content import Blob
from edocx.errors import EdocxError, InputError
from edocx.hub.broker_calls import BrokerCalls
from edocx.hub.broker_intake import Intake, Said
from edocx.hub.broker_mail import Reader
from edocx.hub.broker_outbox import BrokerOutbox, Mail
from edocx.hub.broker_settings import BrokerConfig
from edocx.hub.broker_streams import ensure
from edocx.hub.broker_talk import Talk
from edocx.hub.refusal import wrong_hash
from edocx.hub.service import Service
from edocx.routing.transport.nats_frame import Frame, unpack
from edocx.routing.transport.nats_line import NatsLine, translated
from edocx.routing.transport.nats_subjects import LANES, bucket_name, stream_name, talk_subject

if TYPE_CHECKING:
    from nats.aio.msg import Msg

PULLED = 64
"""Messages of one lane taken in together, in one or two commits."""

THREADS = {"top": 16, "middle": 16, "bottom": 32}
"""Threads that take mail in, by lane, and so the acts in one commit: a full lower lane leaves the upper its own."""

ACK_SECONDS = 10.0
"""How long the servers may take to acknowledge a batch before it counts as not taken."""

AT_ONCE = 8
"""Batches whose acknowledgements or answers are waited for while others are begun."""

AGAIN = timedelta(seconds=1)
"""After which mail that the servers did not take is published again."""

NAK_SECONDS = 2.0
"""After which a message that could not be taken in (a full disk, a database that is away) is delivered again."""

WATCH_SECONDS = 5.0
"""Between two looks whether the streams are still those that were filled."""

STOP_SECONDS = 30.0
"""How long work under way may take to end; what is left then is delivered again."""

PULL_SECONDS = 1.0
_log = logging.getLogger("edocx.hub")


@dataclass(slots=True)
class Broker:
    """Works for one hub, or one node of it: `step` does what is there to do, `start` does so until `stop`."""

    service: Service
    asgi: ASGIApp | None = None
    line: NatsLine = field(init=False)
    outbox: BrokerOutbox = field(init=False)
    intake: Intake = field(init=False)
    talk: Talk = field(init=False)
    connected: bool = False
    _pools: dict[str, ThreadPoolExecutor] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _living: Any = None
    _halt: asyncio.Event | None = None
    _pulls: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Prepare; nothing is connected yet."""
        self.line = NatsLine(self.config.settings(), self.config.password)
        self.outbox, self.intake = BrokerOutbox(self.service), Intake(self.service)
        self.talk = Talk(self.service)
        self._pools = {lane: ThreadPoolExecutor(count, f"edocx-{lane}") for lane, count in THREADS.items()}
        self._pools["write"] = ThreadPoolExecutor(4, "edocx-write")

    @property
    def config(self) -> BrokerConfig:
        """The settings."""
        found = self.service.config.broker
        assert found is not None
        return found

    @property
    def unit(self) -> str:
        """Whose hub this is."""
        found = self.service.config.unit
        assert found is not None
        return found

    def step(self, *, wait: float = 0.05) -> int:
        """Publish what is due, take in what waits, understand what was told; return how many messages moved.

        Raises `TransportUnavailable` while the servers are away: everything stays in the database.
        """
        return self.line.run(self._round(wait))

    def answer_calls(self) -> None:
        """Answer the calls of offices from now on, for hosts that `step` by themselves."""
        self.line.run(self._answer_calls())

    def start(self) -> None:
        """Work until `stop`, connecting again whenever the servers were away."""
        self._living = asyncio.run_coroutine_threadsafe(self._live(), self.line.loop())

    def stop(self) -> None:
        """End the work: what is under way is finished or delivered again later."""
        self._stopping.set()
        if self._living is not None:
            self.line.loop().call_soon_threadsafe(self._wake)
            with contextlib.suppress(TimeoutError):  # what hangs is cancelled with the line
                self._living.result(STOP_SECONDS)
            self._living = None
        self.line.close()
        for pool in self._pools.values():
            pool.shutdown()

    def _wake(self) -> None:
        if self._halt is not None:
            self._halt.set()

    async def _live(self) -> None:
        self._halt = asyncio.Event()
        while not self._stopping.is_set():
            try:
                with translated(self.config.servers):
                    await self._serve()
            except EdocxError as error:
                _log.error("broker failed: %s", error.code)
            except ExceptionGroup as errors:
                _log.error("broker failed: %s", type(errors.exceptions[0]).__name__)
            self.connected = False
            await self._nap(AGAIN.total_seconds())

    async def _serve(self) -> None:
        await self._ensure()
        calls = await self._answer_calls()
        self.connected = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self._publish, self.config.poll_seconds))
            group.create_task(self._repeat(self._ask, min(1.0, self.config.ask_seconds)))
            for lane in LANES:
                group.create_task(self._repeat(partial(self._take_in, lane, PULL_SECONDS), 0))
            group.create_task(self._repeat(partial(self._listen, PULL_SECONDS), 0))
            group.create_task(self._repeat(self._watch, WATCH_SECONDS))
        await self._finish()
        if calls is not None:
            await calls.unsubscribe()

    async def _repeat(self, act: Callable[[], Awaitable[int]], pause: float) -> None:
        while not self._stopping.is_set():
            if not await act() and pause:
                await self._nap(pause)

    async def _nap(self, seconds: float) -> None:
        """Pause, and wake at once when the work ends."""
        assert self._halt is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._halt.wait(), seconds)

    async def _round(self, wait: float) -> int:
        await self._watch()
        moved = await self._publish()
        taken = await asyncio.gather(*(self._take_in(lane, wait) for lane in LANES), self._listen(wait))
        moved += sum(taken) + await self._ask()
        await self._finish()
        return moved

    async def _ensure(self) -> None:
        """Make what is missing at the servers; fill a stream that was lost from the database."""
        lost = await ensure(await self.line.jetstream(), self.config, self.unit)
        if lost:
            await asyncio.to_thread(self.outbox.rebuild)

    async def _watch(self) -> int:
        """Make what is missing, and publish again what lay in a neighbour's stream that was lost and made anew."""
        await self._ensure()
        errors = import_module("nats.js.errors")
        for code, peer in self.outbox.peers.items():
            try:
                found = await (await self.line.jetstream(peer.domain)).stream_info(stream_name(peer.tree_unit))
            except (errors.Error, TimeoutError):
                continue  # away, or none of our business: what is not answered is published again in time
            if self._made.setdefault(code, found.created) != found.created:
                self._made[code] = found.created
                await asyncio.to_thread(self.outbox.rebuild, code)
        return 0

    async def _answer_calls(self) -> Any:
        if self.asgi is None:
            return None
        calls = BrokerCalls(self.asgi, self.line, self.unit, self.service)
        return await calls.subscribe()

    async def _publish(self) -> int:
        """Publish what is due; what the servers did not take is due again soon."""
        # The line first: what is claimed counts as maybe gone, and must not for servers that are away.
        limit, js, loop = await self.line.inline_limit(), await self.line.jetstream(), asyncio.get_running_loop()
        mails = await asyncio.to_thread(self.outbox.claim)
        if not mails:
            return 0
        inline = [mail.payload.size <= limit for mail in mails]
        written = await asyncio.gather(
            *(
                loop.run_in_executor(self._pools["write"], self._written, *one)
                for one in zip(mails, inline, strict=True)
            )
        )
        await asyncio.to_thread(
            self.outbox.never_left, [mail for mail, data in zip(mails, written, strict=True) if data is None]
        )
        waiting: list[tuple[Mail, asyncio.Future[Any]]] = []
        for mail, data, small in zip(mails, written, inline, strict=True):
            if data is None:
                continue  # its neighbour's secret is missing: due again after the pause it was claimed for
            if not small:
                await self.line.put(bucket_name(self.unit, "mail"), mail.object_name, mail.payload)
            told = {"Nats-Msg-Id": mail.mark}
            waiting.append((mail, await js.publish_async(mail.subject, data, stream=mail.stream, headers=told)))
        await self._behind(self._see_taken(waiting))
        return len(waiting)

    async def _see_taken(self, waiting: Sequence[tuple[Mail, asyncio.Future[Any]]]) -> None:
        """Wait for the servers' word; what they did not take is due again soon."""
        taken = await _settled([future for _, future in waiting])
        failed = [mail for (mail, _), good in zip(waiting, taken, strict=True) if not good]
        if failed:
            await asyncio.to_thread(self.outbox.put_off, failed, AGAIN)

    async def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on while the next batch is begun; at most `AT_ONCE` at the same time."""
        while len(self._under_way) >= AT_ONCE:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # What was claimed or delivered comes again: it was neither put off nor acknowledged.
            _log.error("broker failed: %s", type(error).__name__)

    async def _finish(self) -> None:
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _written(self, mail: Mail, inline: bool) -> bytes | None:
        try:
            return self.outbox.write(mail, inline=inline)
        except EdocxError as error:
            _log.error("mail for %s: %s", mail.peer.code, error.code)
            return None

    async def _take_in(self, lane: str, wait: float) -> int:
        """Take in a batch of one lane, answer it, acknowledge it: in this order."""
        batch = await self._pull(lane, wait)
        if not batch:
            return 0
        reader = Reader.of(self.service.gate)
        outcomes = await asyncio.gather(*(self._take(message, reader, lane) for message in batch))
        answered = [(message, said) for message, said in zip(batch, outcomes, strict=True) if said is not None]
        await self._behind(self._answer(answered))
        return len(answered)

    async def _answer(self, answered: Sequence[tuple[Msg, list[Said]]]) -> None:
        """Tell the senders what became of their mail, then acknowledge it."""
        told = await self._tell(said for _, found in answered for said in found)
        for message, found in answered:
            if all(said.hub in told for said in found):
                await message.ack()
            else:
                await message.nak(delay=NAK_SECONDS)  # its sender cannot be told now: it comes again, and so does this

    async def _take(self, message: Msg, reader: Reader, lane: str) -> list[Said] | None:
        """Take one message in; None when it is delivered again later, nothing to say to one that is no mail."""
        loop, pool = asyncio.get_running_loop(), self._pools[lane]
        try:
            frame = unpack(message.data)
            caller, place = await loop.run_in_executor(pool, self.intake.place_of, frame, reader)
            content = await self._content(caller.agency.code, frame, place)
            return await loop.run_in_executor(pool, self.intake.take, caller, content)
        except EdocxError as error:
            if error.retryable or error.code == "EDX-NATS-OBJECT":
                await message.nak(delay=NAK_SECONDS)
                return None
            # Whoever wrote it is not known, or it is no mail at all: it must not come for ever.
            self.service.metrics.add("broker_poisoned")
            _log.error("mail not understood: %s", error.code)
            return []
        except Exception as error:  # noqa: BLE001 - one poisoned message must not hold up the batch it came in
            # Nothing is lost: unanswered, it stays in its sender's custody and is published again after a pause.
            self.service.metrics.add("broker_poisoned")
            _log.error("mail not understood: %s", type(error).__name__)
            return []

    async def _content(self, hub: str, frame: Frame, place: str) -> Blob:
        if not place:
            return Blob.from_bytes(frame.body)
        peer = self.outbox.peers.get(hub)
        if peer is None:
            raise wrong_hash()  # it has no bucket that we know of
        limit, folder = self.service.config.max_bytes, self.service.store.spool
        bucket = bucket_name(peer.tree_unit, "mail")
        return await self.line.take(bucket, place, limit=limit, folder=folder, domain=peer.domain)

    async def _tell(self, words: Iterable[Said]) -> set[str]:
        """Publish answers, one message for each hub; return the hubs whose answers are with the broker now."""
        by_hub: dict[str, list[dict[str, Any]]] = {}
        for said in words:
            by_hub.setdefault(said.hub, []).append(said.what)
        return await self._talk_to({hub: {"receipts": found} for hub, found in by_hub.items()})

    async def _talk_to(self, words: dict[str, dict[str, Any]]) -> set[str]:
        """Publish words to hubs; return those whose servers took them. Others are asked or told again in time."""
        js, futures = await self.line.jetstream(), dict[str, asyncio.Future[Any]]()
        for hub, told in words.items():
            peer = self.outbox.peers.get(hub)
            if peer is None:
                continue
            body = json.dumps(told, ensure_ascii=False).encode()
            pen = await asyncio.to_thread(self.outbox.pen, hub)
            data = pen.write({"kind": "talk"}, body, self.service.store.now())
            subject, stream = talk_subject(peer.tree_unit), stream_name(peer.tree_unit)
            futures[hub] = await js.publish_async(subject, data, stream=stream)
        taken = await _settled(list(futures.values()))
        return {hub for hub, good in zip(futures, taken, strict=True) if good}

    async def _listen(self, wait: float) -> int:
        """Understand what other hubs told, answer their questions, acknowledge."""
        batch = await self._pull("talk", wait)
        if not batch:
            return 0
        heard = await asyncio.to_thread(self.talk.hear, list(_frames(batch)))
        await self._talk_to({hub: {"fates": fates} for hub, fates in heard.fates.items() if fates})
        for name in heard.spent:
            await self.line.drop(bucket_name(self.unit, "mail"), name)
        for message in batch:
            await message.ack()
        return len(batch)

    async def _ask(self) -> int:
        questions = await asyncio.to_thread(self.outbox.questions)
        await self._talk_to({hub: {"questions": keys} for hub, keys in questions.items()})
        return sum(len(keys) for keys in questions.values())

    async def _pull(self, consumer: str, wait: float) -> Sequence[Msg]:
        js = await self.line.jetstream()
        known = self._pulls.get(consumer)
        if known is None or known[0] is not js:
            bound = await js.pull_subscribe_bind(consumer=consumer, stream=stream_name(self.unit))
            known = self._pulls[consumer] = (js, bound)
        try:
            return await known[1].fetch(PULLED, timeout=wait)
        except TimeoutError:
            return ()


async def _settled(futures: Sequence[asyncio.Future[Any]]) -> list[bool]:
    """Wait for acknowledgements, not for ever; tell of each whether it came."""
    if futures:
        await asyncio.wait(futures, timeout=ACK_SECONDS)
    for future in futures:
        future.cancel()
    return [future.done() and not future.cancelled() and future.exception() is None for future in futures]


def _frames(batch: Iterable[Msg]) -> Iterable[Frame]:
    for message in batch:
        try:
            yield unpack(message.data)
        except InputError:
            _log.error("talk not understood")
