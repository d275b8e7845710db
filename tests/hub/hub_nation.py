"""A nation of hubs over real sockets: a national one with two provincial ones below it, and a unit at each."""

from __future__ import annotations

from contextlib import ExitStack

from hub_scene import OfficialClient, enrol, serving

from edocx.hub import HubConfig, NewAgency, Peer, agencies, app
from edocx.testing.ports import held_port, port_of

COMMUNE, GOVERNMENT, FAR = "H58.12.01", "G22", "H37.01.02"
SECRETS = {code: f"s-{code}" for code in (COMMUNE, GOVERNMENT, FAR, "hub.H58", "hub.G22", "hub.H37")}


class Nation:
    """A national hub with two provincial ones below it, each on a socket of its own."""

    def __init__(self, folder, clock, stack, **settings):
        self.clock, self.stack = clock, stack
        held = {unit: stack.enter_context(held_port()) for unit in ("H58", "G22", "H37")}
        self.ports = {unit: port_of(line) for unit, line in held.items()}
        self.hubs = {unit: self._make(folder, unit, **settings) for unit in self.ports}
        self.running = {unit: stack.enter_context(ExitStack()) for unit in self.ports}
        for unit in self.ports:
            self.start(unit)

    def _make(self, folder, unit, **settings):
        peers = [("G22", "above")] if unit != "G22" else [("H58", "below"), ("H37", "below")]
        hub = app(
            HubConfig(
                database=folder / unit / "hub.db",
                unit=unit,
                relay_seconds=0,
                peers=tuple(
                    Peer(code=f"hub.{other}", endpoint=f"http://127.0.0.1:{self.ports[other]}", role=role)
                    for other, role in peers
                ),
                **settings,
            ),
            clock=self.clock,
        )
        local = {"H58": COMMUNE, "G22": GOVERNMENT, "H37": FAR}[unit]
        enrol(hub, NewAgency(local, local), secrets=SECRETS)
        for other, _ in peers:
            name = f"hub.{other}"
            # Each pair has one secret a direction; that of the caller's own code is what it shows.
            enrol(hub, NewAgency(name, name, kind="hub"), secrets={name: f"{name}>{unit}"})
            with hub.service.store.begin("outgoing") as connection:
                agency = agencies.find(connection, name)
                told = f"hub.{unit}>{other}"
                agencies.put_outgoing_secret(
                    connection, agency, hub.service.vault, told, now=self.clock.now(), by="test"
                )
        if unit == "G22":
            enrol(
                hub,
                NewAgency(COMMUNE, COMMUNE, served_by="hub.H58"),
                NewAgency(FAR, FAR, served_by="hub.H37"),
                secrets={},
            )
        return hub

    def start(self, unit):
        self.running[unit].enter_context(serving(self.hubs[unit], self.ports[unit]))

    def stop(self, unit):
        self.running[unit].close()

    def client(self, unit, code):
        return OfficialClient(("127.0.0.1", self.ports[unit]), code, SECRETS[code])

    @property
    def sender(self):
        return self.client("H58", COMMUNE)

    @property
    def receiver(self):
        return self.client("H37", FAR)

    def carry(self):
        while sum(hub.carrier.step() for hub in self.hubs.values()):
            pass

    def sent(self):
        rows = self.sender.call("getSentEdocList", servicetype="eDoc", messagetype="edoc").json()["data"]
        return {row["toCode"]: (row["receiveStatus"], row["receiveStatusDesc"]) for row in rows}
