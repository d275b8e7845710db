"""TrustedDirectory: a state machine without IO that takes signed statements in order and gives out one directory.

A new state is taken like this; every step may refuse, and then nothing has changed:

1. root        signed by the keys of the root before **and** by its own, version one higher
2. timestamp   not expired (freeze), version and the snapshot it names not lower (rollback)
3. snapshot    exactly the bytes the timestamp names, not expired, no role's version lower (rollback)
4. national    exactly the bytes the snapshot names (mix-and-match); names the delegates
5. a delegate  likewise, and signed by whom national names for it
6. contents    exactly the bytes the statement names; only units, successions and certificates that are its own
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from edocx.errors import Refused, Text
from edocx.units import registry_csv
from edocx.units.directory import Snapshot
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.metadata import (
    NATIONAL,
    ROOT,
    SNAPSHOT,
    TIMESTAMP,
    Role,
    SignatureCheck,
    Statement,
    open_statement,
    read_role,
)
from edocx.units.registry import MemoryRegistry, RegistryEntry
from edocx.units.soundness import breaches
from edocx.units.succession import Succession
from edocx.units.unit import SIGNED
from edocx.units.units_json import read_document

MAX_ROOTS = 256
"""Most root changes in a row: against an endless chain of new roots."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The bytes behind what is in force, for keeping: without them a restart would forget what must not step back."""

    root: bytes
    timestamp: bytes | None
    snapshot: bytes | None
    roles: Mapping[str, tuple[bytes, bytes, bytes]]
    """Statement, directory document and registry table (maybe empty) of ``national`` and each delegate."""


@dataclass(frozen=True, slots=True)
class _Contents:
    """What one role's statement brought."""

    units: tuple[UnitHistory, ...] = ()
    successions: tuple[Succession, ...] = ()
    entries: tuple[RegistryEntry, ...] = ()


class TrustedDirectory:
    """Takes statements in the order above; `directory` and `registry` join what was accepted."""

    def __init__(self, root: bytes, check: SignatureCheck) -> None:
        """Begin with a root that was got by a safe way (with the package, or by hand)."""
        self._check = check
        self._root = _self_signed(root, check)
        self._bytes: dict[str, tuple[bytes, ...]] = {ROOT: (root,)}
        self._statements: dict[str, Statement] = {}
        self._contents: dict[str, _Contents] = {}

    @classmethod
    def restore(cls, kept: Taken, check: SignatureCheck) -> TrustedDirectory:
        """Go on where `taken` left off: every signature is checked again, expiry only when something new is taken."""
        made = cls(kept.root, check)
        for name, data in ((TIMESTAMP, kept.timestamp), (SNAPSHOT, kept.snapshot)):
            if data is not None:
                made._statements[name] = open_statement(data, name, made._role(name), check)
                made._bytes[name] = (data,)
        for name in sorted(kept.roles, key=lambda name: name != NATIONAL):
            made._keep(name, *made._open(name, *kept.roles[name]), kept.roles[name])
        return made

    @property
    def taken(self) -> Taken:
        """What must be kept so that nothing accepted is ever undone by a restart (see `TrustedStore`)."""
        roles = {name: (one[0], one[1], one[2]) for name, one in self._bytes.items() if name in self._contents}
        timestamp, snapshot = (self._bytes.get(name, (None,))[0] for name in (TIMESTAMP, SNAPSHOT))
        return Taken(self._bytes[ROOT][0], timestamp, snapshot, roles)

    @property
    def root_version(self) -> int:
        """The version of the root in force."""
        return self._root.version

    def version(self, role: str) -> int:
        """Return the version of a role's statement in force, 0 where there is none."""
        held = self._statements.get(role)
        return held.version if held else 0

    def take_root(self, data: bytes) -> None:
        """Take the next root: signed by the present root's keys and its own, one version higher."""
        open_statement(data, ROOT, read_role(self._roles(self._root)[ROOT], ROOT), self._check)
        fresh = _self_signed(data, self._check)
        if fresh.version != self._root.version + 1 or fresh.version > MAX_ROOTS:
            raise _refused(ROOT, "EDX-UNITS-ROLLBACK", "phiên bản không kế tiếp", "its version is not the next one")
        self._root = fresh
        self._bytes[ROOT] = (data,)
        # Keys may have been taken away; what they signed is taken anew.
        for role in (TIMESTAMP, SNAPSHOT):
            self._statements.pop(role, None)
            self._bytes.pop(role, None)

    def take_timestamp(self, data: bytes, now: datetime) -> None:
        """Take a timestamp: in force now, and no step back."""
        _in_force(self._root, now)
        fresh = open_statement(data, TIMESTAMP, self._role(TIMESTAMP), self._check)
        held = self._statements.get(TIMESTAMP)
        if held is not None and (fresh.version < held.version or _named_version(fresh) < _named_version(held)):
            raise _refused(TIMESTAMP, "EDX-UNITS-ROLLBACK", "cũ hơn bản đang dùng", "it is older than the one in force")
        _in_force(fresh, now)
        self._statements[TIMESTAMP] = fresh
        self._bytes[TIMESTAMP] = (data,)

    def take_snapshot(self, data: bytes, now: datetime) -> None:
        """Take the snapshot that the timestamp names."""
        timestamp = self._needed(TIMESTAMP)
        _in_force(timestamp, now)
        _named(data, timestamp.body.get("snapshot"), SNAPSHOT)
        fresh = open_statement(data, SNAPSHOT, self._role(SNAPSHOT), self._check)
        if fresh.version != _named_version(timestamp):
            raise _refused(SNAPSHOT, "EDX-UNITS-MIX", "khác phiên bản được công bố", "its version is not the one named")
        held = self._statements.get(SNAPSHOT)
        for role, meta in (held.body["roles"] if held else {}).items():
            now_named = fresh.body["roles"].get(role)
            if now_named is None or now_named["version"] < meta["version"]:
                vi, en = f"vai trò {role} bị lùi phiên bản", f"the role {role} steps back"
                raise _refused(SNAPSHOT, "EDX-UNITS-ROLLBACK", vi, en)
        _in_force(fresh, now)
        self._statements[SNAPSHOT] = fresh
        self._bytes[SNAPSHOT] = (data,)

    def take_role(self, name: str, data: bytes, contents: bytes, now: datetime, certificates: bytes = b"") -> None:
        """Take the statement of ``national`` or of a delegate, with its directory document and registry table."""
        named = self._needed(SNAPSHOT)
        _in_force(named, now)
        meta = named.body["roles"].get(name)
        _named(data, meta, name)
        fresh, read = self._open(name, data, contents, certificates)
        if fresh.version != meta["version"] or fresh.version < self.version(name):
            raise _refused(name, "EDX-UNITS-MIX", "khác phiên bản được công bố", "its version is not the one named")
        _in_force(fresh, now)
        if name == NATIONAL:
            self._forget_delegates(fresh)
        self._keep(name, fresh, read, (data, contents, certificates))

    def _open(self, name: str, data: bytes, contents: bytes, certificates: bytes) -> tuple[Statement, _Contents]:
        """Check a role's statement and contents: its keys, the digests it names, and that all of it is its own."""
        role = self._role(name)
        statement = open_statement(data, name, role, self._check)
        _named(contents, statement.body.get("units"), name)
        if certificates or statement.body.get("registry"):
            _named(certificates, statement.body.get("registry"), name)
        read = _read_contents(contents, certificates, name)
        self._only_own(name, role, read)
        return statement, read

    def _keep(self, name: str, statement: Statement, read: _Contents, data: tuple[bytes, bytes, bytes]) -> None:
        self._statements[name], self._contents[name], self._bytes[name] = statement, read, data

    def _forget_delegates(self, fresh: Statement) -> None:
        """Drop what delegates brought whose keys or prefixes a new national statement changes or takes away."""
        held = self._statements.get(NATIONAL)
        before = held.body["delegations"] if held else {}
        after = fresh.body.get("delegations", {})
        for name in [name for name in self._contents if name != NATIONAL and before.get(name) != after.get(name)]:
            del self._contents[name]
            del self._statements[name]
            del self._bytes[name]

    def directory(self, base: MemoryDirectory) -> MemoryDirectory:
        """Return ``base`` (the shipped data) with everything accepted.

        Raises `Refused` while a role that the snapshot names was not taken at that very version, when a
        record would replace one of ``base`` that is not its role's, and when the whole is not sound.
        """
        timestamp, named = self._needed(TIMESTAMP), self._needed(SNAPSHOT).body["roles"]
        for name, meta in named.items():
            if self.version(name) != meta["version"]:
                raise _refused(name, "EDX-UNITS-ORDER", "chưa nhận phiên bản mới", "its new version was not taken yet")
        for name, contents in self._contents.items():
            for unit in contents.units:
                if not self._may_replace(name, base, unit.identity):
                    raise _foreign(name, unit.identity)
        units = [unit for contents in self._contents.values() for unit in contents.units]
        edges = [edge for contents in self._contents.values() for edge in contents.successions]
        taken = datetime.fromisoformat(str(timestamp.body.get("taken")))
        version = base.snapshot.version + timestamp.version
        joined = base.with_changes(units, edges, Snapshot(version, taken, "signed snapshot", timestamp.expires))
        first = next(breaches(joined), None)
        if first is not None:
            raise _refused(NATIONAL, "EDX-UNITS-UNSOUND", first.text.vi, f"{first.column}: {first.text.en}")
        return joined

    def _may_replace(self, name: str, base: MemoryDirectory, identity: str) -> bool:
        """Say whether a record of ``base`` is a role's to replace: by its codes, else by those above it."""
        first = held = base.history(identity)
        while held is not None:
            codes = [code for code in (*held.values("code"), *held.values("code102")) if code is not None]
            if codes and name == NATIONAL:
                return all(code.depth == 1 for code in codes)
            if codes:
                # A delegate's own prefix is a unit of level 1, which only national speaks for; below it, he does.
                role = self._role(name)
                return all(role.covers(code) and (held is not first or code.depth > 1) for code in codes)
            parent = held.last.parent
            held = None if parent is None else base.history(parent)
        return base.history(identity) is None

    def registry(self) -> MemoryRegistry:
        """Return every certificate entry accepted."""
        return MemoryRegistry(entry for contents in self._contents.values() for entry in contents.entries)

    def _roles(self, root: Statement) -> dict[str, object]:
        roles = root.body.get("roles")
        if type(roles) is not dict or not {ROOT, TIMESTAMP, SNAPSHOT, NATIONAL} <= roles.keys():
            raise _refused(ROOT, "EDX-UNITS-STATEMENT", "thiếu vai trò", "roles are missing")
        return roles

    def _role(self, name: str) -> Role:
        if name in (ROOT, TIMESTAMP, SNAPSHOT, NATIONAL):
            return read_role(self._roles(self._root)[name], name)
        delegations = self._needed(NATIONAL).body.get("delegations")
        if type(delegations) is not dict or name not in delegations:
            raise _refused(name, "EDX-UNITS-DELEGATE", "không được ủy quyền", "nobody delegated to it")
        return read_role(delegations[name], name)

    def _needed(self, name: str) -> Statement:
        held = self._statements.get(name)
        if held is None:
            raise _refused(name, "EDX-UNITS-ORDER", "chưa nhận", "it has not been taken yet")
        return held

    def _only_own(self, name: str, role: Role, read: _Contents) -> None:
        """Refuse contents that speak for others: level 1 belongs to national, a prefix to its delegate."""
        owner = {
            unit.identity: other
            for other, contents in self._contents.items()
            for unit in contents.units
            if other != name
        }
        covers: Callable[[UnitHistory], bool] = _level_one if name == NATIONAL else lambda unit: _under(role, unit)
        for unit in read.units:
            if unit.identity in owner or not covers(unit):
                raise _foreign(name, unit.identity)
        own = {unit.identity for unit in read.units}
        for edge in read.successions:
            if edge.predecessor not in own:
                raise _foreign(name, edge.predecessor)
        for entry in read.entries:
            level_one = entry.unit.depth == 1
            if not (level_one if name == NATIONAL else role.covers(entry.unit) and not level_one):
                raise _foreign(name, entry.unit.code)
            others = (one for other, contents in self._contents.items() if other != name for one in contents.entries)
            # A delegate that registers another's certificate as his own would speak in that other's name.
            if any(one.sha256 == entry.sha256 and registry_csv.conflicting(one, entry) for one in others):
                raise _foreign(name, entry.sha256)


def _self_signed(data: bytes, check: SignatureCheck) -> Statement:
    """Open a root with the keys that it names itself; that they may is decided by who passes it in."""
    try:
        roles = json.loads(base64.b64decode(json.loads(data)["payload"]))["roles"]
        role = read_role(roles[ROOT], ROOT)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(ROOT, "EDX-UNITS-STATEMENT", "không đọc được", "it cannot be read") from error
    return open_statement(data, ROOT, role, check)


def _level_one(unit: UnitHistory) -> bool:
    codes = [*unit.values("code"), *unit.values("code102")]
    return all(code is None or code.depth == 1 for code in codes) and any(codes)


def _under(role: Role, unit: UnitHistory) -> bool:
    codes = [code for code in (*unit.values("code"), *unit.values("code102")) if code is not None]
    return bool(codes) and all(role.covers(code) and code.depth > 1 for code in codes)


def _read_contents(contents: bytes, certificates: bytes, name: str) -> _Contents:
    document = read_document(contents, where=name, authority=SIGNED)
    entries = registry_csv.read_registry_bytes(certificates, where=name, authority=SIGNED) if certificates else []
    return _Contents(
        tuple(unit for _, unit in document.units),
        tuple(edge for _, edge in document.successions),
        tuple(replace(entry, authority=SIGNED) for entry in entries),
    )


def _named(data: bytes, meta: object, name: str) -> None:
    """Refuse bytes that are not exactly those a statement above names."""
    digest = meta.get("sha256") if isinstance(meta, dict) else None
    if digest is None or hashlib.sha256(data).hexdigest() != digest:
        raise _refused(name, "EDX-UNITS-MIX", "không phải bản được công bố", "it is not the one that was published")


def _named_version(timestamp: Statement) -> int:
    meta = timestamp.body.get("snapshot")
    return int(meta["version"]) if isinstance(meta, dict) else 0


def _in_force(statement: Statement, now: datetime) -> None:
    if now >= statement.expires:
        day = statement.expires.isoformat()
        raise _refused(statement.role, "EDX-UNITS-EXPIRED", f"hết hạn từ {day}", f"it expired at {day}")


def _foreign(name: str, whose: str) -> Refused:
    vi, en = f"{whose} không thuộc phạm vi được giao", f"{whose} is not its to speak for"
    return _refused(name, "EDX-UNITS-FOREIGN", vi, en)


def _refused(name: str, code: str, vi: str, en: str) -> Refused:
    return Refused(
        Text(f"Bản công bố {name} bị từ chối: {vi}.", f"The statement {name} is refused: {en}."),
        hint=Text(
            "Giữ danh bạ đang dùng; tải lại từ trục, nếu lặp lại thì báo đơn vị vận hành.",
            "Keep the directory in use; fetch again, and tell the hub's operator if it stays.",
        ),
        code=code,
    )
