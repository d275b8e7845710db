"""What is asked of a statement or its contents before it is taken, and how a refusal is said."""

from __future__ import annotations

import hashlib
from datetime import datetime

from edocx.errors import Refused, Text
from edocx.units.metadata import Role, Statement, read_role
from edocx.units.ownership import Contents, foreign_to, read_contents
from edocx.units.reach import Overreach


def still_counts(before: object, after: object, name: str) -> bool:
    """Say whether everything that a role's keys signed before has signatures enough after."""
    old, new = read_role(before, name), read_role(after, name)
    return old.keys <= new.keys and new.threshold <= old.threshold


def require_digests(statement: Statement, contents: bytes, certificates: bytes) -> None:
    """Refuse contents that are not exactly those the role's statement names."""
    require_named(contents, statement.body["units"], statement.role)
    if certificates or statement.body.get("registry"):
        require_named(certificates, statement.body.get("registry"), statement.role)


def own_contents(name: str, role: Role, contents: bytes, certificates: bytes) -> Contents:
    """Read what a role brought; `Refused` when anything in it is not its to speak for."""
    read = read_contents(contents, certificates, name)
    wrong = foreign_to(name, role, read)
    if wrong is not None:
        raise foreign(name, wrong)
    return read


def require_named(data: bytes, meta: object, name: str) -> None:
    """Refuse bytes that are not exactly those a statement above names."""
    digest = meta.get("sha256") if isinstance(meta, dict) else None
    if digest is None or hashlib.sha256(data).hexdigest() != digest:
        raise refused(name, "EDX-UNITS-MIX", "không phải bản được công bố", "it is not the one that was published")


def named_version(timestamp: Statement) -> int:
    """Return the snapshot's version that a timestamp names."""
    return int(timestamp.body["snapshot"]["version"])


def require_in_force(statement: Statement, now: datetime) -> None:
    """Refuse a statement that has expired."""
    if now >= statement.expires:
        day = statement.expires.isoformat()
        raise refused(statement.role, "EDX-UNITS-EXPIRED", f"hết hạn từ {day}", f"it expired at {day}")


def foreign(name: str, whose: str) -> Refused:
    """Make the refusal of a record that is another's."""
    vi, en = f"{whose} không thuộc phạm vi được giao", f"{whose} is not its to speak for"
    return refused(name, "EDX-UNITS-FOREIGN", vi, en)


def beyond(name: str, found: Overreach) -> Refused:
    """Make the refusal of what a delegate says of its own and may not."""
    vi, en = f"{found.identity}: {found.why.vi}", f"{found.identity}: {found.why.en}"
    return refused(name, "EDX-UNITS-OVERREACH", vi, en)


def refused(name: str, code: str, vi: str, en: str) -> Refused:
    """Make the refusal of a statement, with a stable code and the reason."""
    return Refused(
        Text(f"Bản công bố {name} bị từ chối: {vi}.", f"The statement {name} is refused: {en}."),
        hint=Text(
            "Giữ danh bạ đang dùng; tải lại từ trục, nếu lặp lại thì báo đơn vị vận hành.",
            "Keep the directory in use; fetch again, and tell the hub's operator if it stays.",
        ),
        code=code,
    )
