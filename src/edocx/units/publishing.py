"""Publishing the directory: what the national hub and its delegates write and sign, and deltas between versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from edocx.clock import in_vietnam
from edocx.errors import Refused, Text
from edocx.units.difference import same_record
from edocx.units.directory import Snapshot
from edocx.units.history import UnitHistory
from edocx.units.metadata import NATIONAL, ROOT, SNAPSHOT, TIMESTAMP, Role, Sign, write_statement
from edocx.units.record import BadValue, RecordReader, succession_record, unit_record
from edocx.units.succession import Succession
from edocx.units.units_json import read_document, write_document


def write_contents(units: Iterable[UnitHistory], successions: Iterable[Succession], snapshot: Snapshot) -> bytes:
    """Write a role's directory document in the one order that makes equal contents equal bytes."""
    ordered = sorted(units, key=lambda unit: unit.identity)
    edges = sorted(successions, key=lambda edge: (edge.predecessor, edge.on, edge.successor or "", edge.kind.value))
    return "".join(write_document(ordered, edges, snapshot)).encode()


def write_root(version: int, expires: datetime, roles: Mapping[str, Role], signers: Iterable[Sign]) -> bytes:
    """Write the root: who speaks for ``root``, ``timestamp``, ``snapshot`` and ``national``."""
    named = {name: role.as_json() for name, role in roles.items()}
    return write_statement(ROOT, version, expires, {"roles": named}, signers)


def write_role(
    name: str,
    version: int,
    expires: datetime,
    contents: bytes,
    signers: Iterable[Sign],
    *,
    certificates: bytes = b"",
    delegations: Mapping[str, Role] | None = None,
) -> bytes:
    """Write the statement of ``national`` (with its delegations) or of a delegate over its contents."""
    body: dict[str, Any] = {"units": _meta(contents)}
    if certificates:
        body["registry"] = _meta(certificates)
    if name == NATIONAL:
        body["delegations"] = {delegate: role.as_json() for delegate, role in (delegations or {}).items()}
    return write_statement(name, version, expires, body, signers)


def write_snapshot(
    version: int, expires: datetime, statements: Mapping[str, tuple[int, bytes]], signers: Iterable[Sign]
) -> bytes:
    """Write the snapshot over the present statement of every role, given as (version, bytes)."""
    roles = {name: {"version": one, **_meta(data)} for name, (one, data) in statements.items()}
    return write_statement(SNAPSHOT, version, expires, {"roles": roles}, signers)


def write_timestamp(
    version: int, taken: datetime, expires: datetime, snapshot: tuple[int, bytes], signers: Iterable[Sign]
) -> bytes:
    """Write the timestamp that names the one present snapshot, given as (version, bytes)."""
    named = {"version": snapshot[0], **_meta(snapshot[1])}
    body = {"snapshot": named, "taken": in_vietnam(taken).isoformat()}
    return write_statement(TIMESTAMP, version, expires, body, signers)


def write_delta(old: bytes, new: bytes) -> bytes:
    """Write what turns one role's contents into the next: changed records whole, removed ones by name.

    The delta itself is not signed: what it makes must have the digest that the signed statement names.
    """
    before, after = read_document(old), read_document(new)
    was = {unit.identity: unit for _, unit in before.units}
    now = {unit.identity: unit for _, unit in after.units}
    old_edges, new_edges = {edge for _, edge in before.successions}, {edge for _, edge in after.successions}
    changed = [unit for name, unit in now.items() if name not in was or not same_record(was[name], unit)]
    snapshot = after.snapshot
    delta = {
        "schema": 1,
        "from": hashlib.sha256(old).hexdigest(),
        "to": hashlib.sha256(new).hexdigest(),
        "version": snapshot.version,
        "taken": in_vietnam(snapshot.taken).isoformat(),
        "expires": in_vietnam(snapshot.expires).isoformat() if snapshot.expires else None,
        "source": snapshot.source,
        "units": [unit_record(unit) for unit in changed],
        "removed": sorted(was.keys() - now.keys()),
        "successions": [succession_record(edge) for edge in new_edges - old_edges],
        "successions_removed": [succession_record(edge) for edge in old_edges - new_edges],
    }
    return json.dumps(delta, ensure_ascii=False).encode()


def apply_delta(old: bytes, delta: bytes) -> bytes:
    """Return the contents that a delta makes of the present ones.

    Raises `Refused` ``EDX-UNITS-DELTA`` when the delta is for other contents or does not give what it
    promises: fetch the whole contents then.
    """
    try:
        said = json.loads(delta)
        if said["from"] != hashlib.sha256(old).hexdigest():
            raise _unfit("bản sai khác dành cho nội dung khác", "the delta is for other contents")
        reader = RecordReader()
        document = read_document(old)
        units = {unit.identity: unit for _, unit in document.units}
        units |= {unit.identity: unit for unit in map(reader.history, said["units"])}
        for identity in said["removed"]:
            units.pop(identity, None)
        edges = {edge for _, edge in document.successions} | set(map(reader.succession, said["successions"]))
        edges -= set(map(reader.succession, said["successions_removed"]))
        expires = datetime.fromisoformat(said["expires"]) if said["expires"] else None
        taken = datetime.fromisoformat(said["taken"])
        snapshot = Snapshot(int(said["version"]), taken, str(said["source"]), expires)
    except (ValueError, KeyError, TypeError, RecursionError, BadValue) as error:
        raise _unfit("bản sai khác sai dạng", "the delta is malformed") from error
    made = write_contents(units.values(), edges, snapshot)
    if hashlib.sha256(made).hexdigest() != said["to"]:
        raise _unfit("kết quả không khớp mã băm", "the result has another digest than promised")
    return made


def _meta(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _unfit(vi: str, en: str) -> Refused:
    return Refused(
        Text(f"Không áp dụng được bản sai khác: {vi}.", f"The delta cannot be applied: {en}."),
        hint=Text("Tải toàn bộ nội dung.", "Fetch the whole contents."),
        code="EDX-UNITS-DELTA",
    )
