"""A hub that publishes signed states, and a stand-in for signatures."""

from __future__ import annotations

import hmac
from datetime import UTC, date, datetime, timedelta

from units_scene import unit

from edocx.errors import Refused
from edocx.units import Snapshot, UnitId
from edocx.units import metadata as meta
from edocx.units import publishing as pub
from edocx.units.registry_csv import write_registry

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=365)


class Key:
    """A stand-in for a signature scheme: this room is given signing and checking, it has none."""

    def __init__(self, name):
        self.name = name

    def __call__(self, content):
        return self.name, self.mac(content)

    def mac(self, content):
        return hmac.digest(self.name.encode(), content, "sha256")


def check(key, signature, content):
    if not hmac.compare_digest(Key(key).mac(content), signature):
        raise Refused(meta.Text("sai", "bad"), hint=meta.Text("", ""))


ROOT, TIME, SNAP, NATION, H20, H58 = (Key(name) for name in ("root", "time", "snap", "nation", "hub-20", "hub-58"))


def role(*keys, threshold=1, prefixes=()):
    return meta.Role(frozenset(key.name for key in keys), threshold, tuple(UnitId.parse(one) for one in prefixes))


def root(version=1, roles=None, signers=(ROOT,), expires=LATER):
    roles = {"root": role(ROOT), "timestamp": role(TIME), "snapshot": role(SNAP), "national": role(NATION)} | (
        roles or {}
    )
    return pub.write_root(version, expires, roles, signers)


class Hub:
    """Publishes one state after another, honestly unless told otherwise."""

    def __init__(self):
        self.delegations = {"h20": role(H20, prefixes=["H20"]), "h58": role(H58, prefixes=["H58"])}
        self.version = 0
        self.national = [unit("bo-moi", "G41", name="Bộ mới")]
        self.units = [
            unit("so-55", "H20.55", name="Sở năm mươi lăm", parent="ubnd-dong-thap-2025", opened=date(2025, 7, 1))
        ]
        self.edges = []
        self.entries = []

    def publish(self, *, expires=LATER, time_expires=SOON, version=None, h20_key=H20):
        self.version = version or self.version + 1
        v = self.version
        contents = pub.write_contents(self.units, self.edges, Snapshot(v, NOW, "h20"))
        level1 = pub.write_contents(self.national, (), Snapshot(v, NOW, "national"))
        certificates = write_registry(self.entries).encode() if self.entries else b""
        national = pub.write_role("national", v, expires, level1, [NATION], delegations=self.delegations)
        h20 = pub.write_role("h20", v, expires, contents, [h20_key], certificates=certificates)
        snapshot = pub.write_snapshot(v, expires, {"national": (v, national), "h20": (v, h20)}, [SNAP])
        timestamp = pub.write_timestamp(v, NOW, time_expires, (v, snapshot), [TIME])
        return {
            "timestamp": timestamp,
            "snapshot": snapshot,
            "national": (national, level1),
            "h20": (h20, contents, certificates),
        }


def take(trusted, state, now=NOW):
    trusted.take_timestamp(state["timestamp"], now)
    trusted.take_snapshot(state["snapshot"], now)
    trusted.take_role("national", *state["national"], now)
    data, contents, certificates = state["h20"]
    trusted.take_role("h20", data, contents, now, certificates)
