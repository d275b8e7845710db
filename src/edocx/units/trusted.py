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
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from edocx.errors import EdocxError, Refused
from edocx.units.acceptance import (
    beyond,
    foreign,
    named_version,
    own_contents,
    refused,
    require_digests,
    require_in_force,
    require_named,
    still_counts,
)
from edocx.units.directory import Snapshot
from edocx.units.joining import join
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
from edocx.units.ownership import Contents, clash, not_replaceable
from edocx.units.reach import LevelOne, overreach
from edocx.units.registry import MemoryRegistry, RegistryEntry

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
    refused: Mapping[str, str] = field(default_factory=dict)
    """The delegates whose published statement was refused, with its SHA-256: they do not hold up the others."""
    good: Mapping[str, tuple[bytes, bytes, bytes]] = field(default_factory=dict)
    """What delegates are served with whose contents in force were set aside when the directory was last joined."""


class TrustedDirectory:
    """Takes statements in the order above; `directory` and `registry` join what was accepted."""

    def __init__(self, root: bytes, check: SignatureCheck) -> None:
        """Begin with a root that was got by a safe way (with the package, or by hand)."""
        self._check = check
        self._root = _self_signed(root, check)
        self._bytes: dict[str, tuple[bytes, ...]] = {ROOT: (root,)}
        self._statements: dict[str, Statement] = {}
        self._contents: dict[str, Contents] = {}
        self._good: dict[str, Contents] = {}
        self._good_bytes: dict[str, tuple[bytes, ...]] = {}
        self._refused: dict[str, str] = {}
        self._refusals: dict[str, EdocxError] = {}
        self._aside: dict[str, Refused] = {}

    @classmethod
    def restore(cls, kept: Taken, check: SignatureCheck) -> TrustedDirectory:
        """Go on where `taken` left off: every signature is checked again, expiry only when something new is taken."""
        made = cls(kept.root, check)
        for name, data in ((TIMESTAMP, kept.timestamp), (SNAPSHOT, kept.snapshot)):
            if data is not None:
                made._statements[name] = open_statement(data, name, made._role(name), check)
                made._bytes[name] = (data,)
        for name in sorted(kept.roles, key=lambda name: name != NATIONAL):
            data, contents, certificates = kept.roles[name]
            role = made._role(name)
            statement = open_statement(data, name, role, check)
            require_digests(statement, contents, certificates)
            made._keep(name, statement, own_contents(name, role, contents, certificates), kept.roles[name])
        made._remember(kept.good)
        made._refused.update(kept.refused)
        for name in kept.refused:
            made._refusals[name] = refused(name, "EDX-UNITS-REFUSED", "đã bị từ chối trước đó", "it was refused before")
        return made

    @property
    def taken(self) -> Taken:
        """What must be kept so that nothing accepted is ever undone by a restart (see `TrustedStore`)."""
        roles = {name: (one[0], one[1], one[2]) for name, one in self._bytes.items() if name in self._contents}
        timestamp, snapshot = (self._bytes.get(name, (None,))[0] for name in (TIMESTAMP, SNAPSHOT))
        good = {name: (one[0], one[1], one[2]) for name, one in self._good_bytes.items() if name in self._aside}
        return Taken(self._bytes[ROOT][0], timestamp, snapshot, roles, dict(self._refused), good)

    @property
    def refusals(self) -> Mapping[str, EdocxError]:
        """The delegates that are not heard at their published version, and why; filled by taking and joining.

        Their last good contents are served where there are some. An operator should be told of each.
        """
        return MappingProxyType({**self._aside, **self._refusals})

    @property
    def root_version(self) -> int:
        """The version of the root in force."""
        return self._root.version

    def version(self, role: str) -> int:
        """Return the version of a role's statement in force, 0 where there is none."""
        held = self._statements.get(role)
        return held.version if held else 0

    @property
    def published(self) -> Mapping[str, int]:
        """The roles that the snapshot in force names, with their versions; empty before one was taken."""
        held = self._statements.get(SNAPSHOT)
        return {} if held is None else {name: meta["version"] for name, meta in held.body["roles"].items()}

    @property
    def delegations(self) -> Mapping[str, Role]:
        """Who speaks for which prefix, as the national statement in force says."""
        held = self._statements.get(NATIONAL)
        return {} if held is None else {name: self._role(name) for name in held.body.get("delegations", {})}

    def take_root(self, data: bytes) -> None:
        """Take the next root: signed by the present root's keys and its own, one version higher."""
        open_statement(data, ROOT, read_role(self._roles(self._root)[ROOT], ROOT), self._check)
        fresh = _self_signed(data, self._check)
        if fresh.version != self._root.version + 1 or fresh.version > MAX_ROOTS:
            raise refused(ROOT, "EDX-UNITS-ROLLBACK", "phiên bản không kế tiếp", "its version is not the next one")
        before, after = self._roles(self._root), self._roles(fresh)
        lost = {role for role in (TIMESTAMP, SNAPSHOT, NATIONAL) if not still_counts(before[role], after[role], role)}
        self._root = fresh
        self._bytes[ROOT] = (data,)
        # Keys that were taken away may have signed anything, the highest version too: forget what rests on
        # them. What keys still in force signed stays, so that nothing steps back.
        if lost & {TIMESTAMP, SNAPSHOT}:
            self._forget(TIMESTAMP)
        if lost:
            self._forget(SNAPSHOT)
        if NATIONAL in lost:
            for role in list(self._contents):
                self._forget(role)

    def take_timestamp(self, data: bytes, now: datetime) -> None:
        """Take a timestamp: in force now, and no step back."""
        require_in_force(self._root, now)
        fresh = open_statement(data, TIMESTAMP, self._role(TIMESTAMP), self._check)
        held = self._statements.get(TIMESTAMP)
        if held is not None and (fresh.version < held.version or named_version(fresh) < named_version(held)):
            raise refused(TIMESTAMP, "EDX-UNITS-ROLLBACK", "cũ hơn bản đang dùng", "it is older than the one in force")
        if held is not None and fresh.version == held.version and fresh.sha256 != held.sha256:
            vi, en = "một phiên bản có hai nội dung", "one version has two contents"
            raise refused(TIMESTAMP, "EDX-UNITS-MIX", vi, en)
        require_in_force(fresh, now)
        self._statements[TIMESTAMP] = fresh
        self._bytes[TIMESTAMP] = (data,)

    def take_snapshot(self, data: bytes, now: datetime) -> None:
        """Take the snapshot that the timestamp names."""
        timestamp = self._needed(TIMESTAMP)
        require_in_force(timestamp, now)
        require_named(data, timestamp.body.get("snapshot"), SNAPSHOT)
        fresh = open_statement(data, SNAPSHOT, self._role(SNAPSHOT), self._check)
        if fresh.version != named_version(timestamp):
            raise refused(SNAPSHOT, "EDX-UNITS-MIX", "khác phiên bản được công bố", "its version is not the one named")
        held = self._statements.get(SNAPSHOT)
        before, after = held.body["roles"] if held else {}, fresh.body["roles"]
        # Only a new national statement may withdraw a delegate or its keys; `_check_floors` sees whether it does.
        national = after.get(NATIONAL, {"version": 0})["version"] > before.get(NATIONAL, {"version": 0})["version"]
        for role, meta in before.items():
            back = role not in after or after[role]["version"] < meta["version"]
            if back and (role == NATIONAL or not national):
                vi, en = f"vai trò {role} bị lùi phiên bản", f"the role {role} steps back"
                raise refused(SNAPSHOT, "EDX-UNITS-ROLLBACK", vi, en)
        require_in_force(fresh, now)
        self._statements[SNAPSHOT] = fresh
        self._bytes[SNAPSHOT] = (data,)

    def take_role(self, name: str, data: bytes, contents: bytes, now: datetime, certificates: bytes = b"") -> None:
        """Take the statement of ``national`` or of a delegate, with its directory document and registry table.

        A delegate's statement that is refused though it is exactly the one published is noted in `refusals`:
        `directory` then goes on with that delegate's last good contents, and all the others.
        """
        named = self._needed(SNAPSHOT)
        require_in_force(named, now)
        meta = named.body["roles"].get(name)
        require_named(data, meta, name)
        role = self._role(name)
        with self._noted(name, meta["sha256"]):
            fresh = open_statement(data, name, role, self._check)
            if fresh.version != meta["version"] or fresh.version < self.version(name):
                raise refused(name, "EDX-UNITS-MIX", "khác phiên bản được công bố", "its version is not the one named")
            require_in_force(fresh, now)
        # Other contents than the statement names are the wire's fault, not the delegate's.
        require_digests(fresh, contents, certificates)
        with self._noted(name, meta["sha256"]):
            read = own_contents(name, role, contents, certificates)
            # National is heard first: a delegate cannot block it by claiming what it may come to say.
            others = (other for one, other in self._contents.items() if name not in (one, NATIONAL))
            found = clash(read, others)
            if found is not None:
                raise foreign(name, found)
        if name == NATIONAL:
            self._check_floors(fresh, named)
        self._keep(name, fresh, read, (data, contents, certificates))

    def _keep(self, name: str, statement: Statement, read: Contents, data: tuple[bytes, bytes, bytes]) -> None:
        self._statements[name], self._contents[name], self._bytes[name] = statement, read, data
        self._refused.pop(name, None)
        self._refusals.pop(name, None)

    def _remember(self, good: Mapping[str, tuple[bytes, bytes, bytes]]) -> None:
        """Take up again what delegates were served with last; without effect where the delegation changed since."""
        for name, (data, contents, certificates) in good.items():
            with suppress(EdocxError):
                role = self._role(name)
                require_digests(open_statement(data, name, role, self._check), contents, certificates)
                self._good[name] = own_contents(name, role, contents, certificates)
                self._good_bytes[name] = good[name]

    def _forget(self, name: str) -> None:
        for held in (self._statements, self._bytes, self._contents, self._refused, self._refusals):
            held.pop(name, None)
        self._good.pop(name, None)
        self._good_bytes.pop(name, None)

    @contextmanager
    def _noted(self, name: str, sha256: str) -> Iterator[None]:
        """Note the refusal of a delegate's statement that is the very one published."""
        try:
            yield
        except EdocxError as error:
            if name != NATIONAL:
                self._refused[name], self._refusals[name] = sha256, error
            raise

    def _check_floors(self, fresh: Statement, named: Statement) -> None:
        """Forget delegates whose keys or prefixes a new national statement changes; hold the others to their version.

        Only with the delegation may a delegate's version go: that is how one is withdrawn, and how one whose
        lost key signed the highest version there is begins again.
        """
        held = self._statements.get(NATIONAL)
        before, after = held.body.get("delegations", {}) if held else {}, fresh.body.get("delegations", {})
        changed = [name for name in {**self._contents, **self._refused} if before.get(name) != after.get(name)]
        for name in self._contents:
            meta = named.body["roles"].get(name)
            if name not in (*changed, NATIONAL) and (meta is None or meta["version"] < self.version(name)):
                vi, en = f"vai trò {name} bị lùi phiên bản", f"the role {name} steps back"
                raise refused(SNAPSHOT, "EDX-UNITS-ROLLBACK", vi, en)
        for name in changed:
            if name != NATIONAL:
                self._forget(name)

    def directory(self, base: MemoryDirectory) -> MemoryDirectory:
        """Return ``base`` (the shipped data) with everything accepted.

        A delegate that was refused, replaces what is not its own, says of its own more than it may (`reach`), or
        makes the whole unsound is left at its last good contents or out, and named in
        `refusals`. Raises `Refused` while something that the timestamp and the snapshot name was not taken, and when
        ``national`` is at fault.
        """
        self._check_complete()
        self._aside = {}
        above = LevelOne.of(base, self._contents[NATIONAL])
        candidates = {name: self._candidates(name, base, above) for name in self._contents}
        timestamp = self._needed(TIMESTAMP)
        taken = datetime.fromisoformat(str(timestamp.body["taken"]))
        version = base.snapshot.version + timestamp.version
        snapshot = Snapshot(version, taken, "signed snapshot", timestamp.expires)
        joined, served, found = join(base, candidates, snapshot)
        for name, breach in found.items():
            en = f"{breach.column}: {breach.text.en}"
            self._aside[name] = refused(name, "EDX-UNITS-UNSOUND", breach.text.vi, en)
        if NATIONAL in found:
            raise self._aside.pop(NATIONAL)
        self._good_bytes = {
            name: self._bytes[name] if one is self._contents[name] else self._good_bytes[name]
            for name, one in served.items()
        }
        self._good = served
        return joined

    def _candidates(self, name: str, base: MemoryDirectory, above: LevelOne) -> tuple[Contents, ...]:
        """Return what a role may be served with: what is in force, else what was served last."""
        fit: list[Contents] = []
        for contents in filter(None, (self._contents[name], self._good.get(name))):
            wrong = not_replaceable(name, self._role(name), base, contents)
            if wrong is None and name != NATIONAL:
                wrong = clash(contents, [self._contents[NATIONAL]])
            refusal = None if wrong is None else foreign(name, wrong)
            if name == NATIONAL and refusal is not None:
                raise refusal
            if refusal is None and name != NATIONAL:
                found = overreach(self._role(name), base, above, contents)
                refusal = None if found is None else beyond(name, found)
            if refusal is None:
                fit.append(contents)
            else:
                self._aside.setdefault(name, refusal)
        return tuple(fit[:1] if name == NATIONAL else fit)

    def _check_complete(self) -> None:
        """Refuse to answer while anything named was not taken as it is named: freeze, mix-and-match."""
        timestamp, snapshot, national = (self._needed(name) for name in (TIMESTAMP, SNAPSHOT, NATIONAL))
        if snapshot.sha256 != timestamp.body["snapshot"]["sha256"]:
            raise refused(SNAPSHOT, "EDX-UNITS-ORDER", "chưa nhận bản mới", "the new one was not taken yet")
        named = snapshot.body["roles"]
        heard = [NATIONAL, *(name for name in named if name in national.body.get("delegations", {}))]
        for name in heard:
            held, meta = self._statements.get(name), named.get(name)
            digests = (held.sha256 if held else None, self._refused.get(name))
            if meta is None or meta["sha256"] not in digests:
                raise refused(name, "EDX-UNITS-ORDER", "chưa nhận phiên bản mới", "its new version was not taken yet")

    def registry(self) -> MemoryRegistry:
        """Return every certificate entry accepted; a delegate left out of the last `directory` is left out here too."""
        self._check_complete()
        entries: list[RegistryEntry] = []
        national = self._contents[NATIONAL]
        for name, current in self._contents.items():
            contents = self._good.get(name) if name in self._aside else current
            if contents is not None and (name == NATIONAL or clash(contents, [national]) is None):
                entries += contents.entries
        return MemoryRegistry(entries)

    def _roles(self, root: Statement) -> dict[str, object]:
        roles = root.body.get("roles")
        if type(roles) is not dict or not {ROOT, TIMESTAMP, SNAPSHOT, NATIONAL} <= roles.keys():
            raise refused(ROOT, "EDX-UNITS-STATEMENT", "thiếu vai trò", "roles are missing")
        return roles

    def _role(self, name: str) -> Role:
        if name in (ROOT, TIMESTAMP, SNAPSHOT, NATIONAL):
            return read_role(self._roles(self._root)[name], name)
        delegations = self._needed(NATIONAL).body.get("delegations")
        if type(delegations) is not dict or name not in delegations:
            raise refused(name, "EDX-UNITS-DELEGATE", "không được ủy quyền", "nobody delegated to it")
        return read_role(delegations[name], name)

    def _needed(self, name: str) -> Statement:
        held = self._statements.get(name)
        if held is None:
            raise refused(name, "EDX-UNITS-ORDER", "chưa nhận", "it has not been taken yet")
        return held


def _self_signed(data: bytes, check: SignatureCheck) -> Statement:
    """Open a root with the keys that it names itself; that they may is decided by who passes it in."""
    try:
        roles = json.loads(base64.b64decode(json.loads(data)["payload"]))["roles"]
        role = read_role(roles[ROOT], ROOT)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise refused(ROOT, "EDX-UNITS-STATEMENT", "không đọc được", "it cannot be read") from error
    return open_statement(data, ROOT, role, check)
