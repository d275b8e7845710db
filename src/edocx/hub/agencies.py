"""The register of agencies: who may call, under which code, with which secrets (wishes: `edocx.hub.wishes`).

Every function works in the caller's transaction. Acts of an administrator leave a line in ``audit``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select, update

from edocx.errors import Text, UnitError
from edocx.hub import refusal
from edocx.hub.schema import agencies, audit, secrets
from edocx.hub.told_text import tidied
from edocx.hub.vault import Vault, hash_password, new_secret
from edocx.routing.parcel import is_plain_id, require_id
from edocx.units import UnitId

OVERLAP = timedelta(days=7)
"""How long an old secret goes on working after a new one was made: clients are changed one by one."""

LENGTHS = {"name": 500, "mail": 200, "mobile": 50, "fax": 50}
"""Characters kept of what an agency says of itself: SQLite would take any number, PostgreSQL refuses more."""

FORGETTABLE = (
    *("old_code", "mail", "parent", "served_by", "seal"),
    *("max_bytes", "max_age_seconds", "per_minute", "takes_bytes", "takes_types"),
)
"""What an administrator may take away from an agency."""

_SYSTEM = "system"
_HUB_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*", re.ASCII)
"""A neighbouring hub's own code: a word, since it stands in headers, subjects and logs."""

HMAC, KEY, PASSWORD, OUTGOING = "hmac", "key", "password", "outgoing"
"""Kinds of secrets: the axis' HMAC secret, LGSP's X-SecretKey, LGSP's password, ours at a neighbouring hub."""


@dataclass(frozen=True, slots=True)
class NewAgency:
    """What an administrator says of an agency; None says nothing of it.

    ``kind`` is ``system`` (as of every new one of which nothing is said) or ``hub`` (a neighbouring hub).
    """

    code: str
    name: str
    old_code: str | None = None
    mail: str | None = None
    mobile: str | None = None
    fax: str | None = None
    parent: str | None = None
    level: int | None = None
    kind: str | None = None
    served_by: str | None = None
    max_bytes: int | None = None
    max_age_seconds: int | None = None
    per_minute: int | None = None
    takes_bytes: int | None = None
    takes_types: str | None = None
    seal: str | None = None


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency as registered.

    Attributes:
        id: the register's number of it.
        code: the code it is registered under.
        old_code: the other spelling, where recorded.
        state: ``open`` or ``closed``.
        served_by: the neighbouring hub it is reached through; None: it calls here.
        max_bytes, max_age_seconds, per_minute: its own limits, None for the hub's.
        takes_bytes, takes_types: what it can take as a recipient: bytes of a message, extensions of files with blanks
            between; None for anything.
        seal: its own rule for the seal at the door ("off", "record", "require"), None for the hub's.
    """

    id: int
    code: str
    name: str
    old_code: str | None
    parent: str | None
    kind: str
    state: str
    served_by: str | None
    max_bytes: int | None
    max_age_seconds: int | None
    per_minute: int | None
    takes_bytes: int | None
    takes_types: str | None
    seal: str | None

    @property
    def codes(self) -> tuple[str, ...]:
        """Both spellings of its code."""
        return (self.code, self.old_code) if self.old_code else (self.code,)


_COLUMNS = [agencies.c[name] for name in Agency.__dataclass_fields__]
# Built once: both are asked for in every call.
_FIND = select(*_COLUMNS).where(or_(agencies.c.code == bindparam("told"), agencies.c.old_code == bindparam("told")))
_SECRETS = (
    select(secrets.c.sealed)
    .where(secrets.c.agency == bindparam("agency"), secrets.c.kind == bindparam("kind"))
    .where(or_(secrets.c.expires_at.is_(None), secrets.c.expires_at > bindparam("now")))
    .order_by(secrets.c.id.desc())
)


def find(connection: Connection, code: str) -> Agency | None:
    """Return the agency that a code stands for, in either spelling; None when there is none."""
    if not is_plain_id(code):
        return None
    for spelling in dict.fromkeys((code, _normal(code))):
        row = connection.execute(_FIND, {"told": spelling}).first()
        if row is not None:
            return Agency(*row)
    return None


def every(connection: Connection) -> Sequence[Any]:
    """Return the rows of all agencies, by code."""
    return connection.execute(select(agencies).order_by(agencies.c.code)).all()


def register(
    connection: Connection, wanted: NewAgency, *, now: datetime, by: str, forget: Iterable[str] = ()
) -> Agency:
    """Enter an agency, or change what is said of one that is there: what is not named anew stays.

    Mail in custody for it goes its new way from here on, where nobody took it yet (`edocx.hub.rerouting`).

    ``forget`` names what is to be empty from now on (of `FORGETTABLE`).

    Raises `UnitError` for a code that is no unit's, or that belongs to another agency (``EDX-HUB-TAKEN``), `InputError`
    for a neighbouring hub's code that cannot be one, `Refused` for an agency that was closed (``EDX-HUB-SHUT``), and
    `UsageError` for an empty name, its own parent, or what is both told and forgotten.
    """
    known = find(connection, wanted.code)
    _require_sense(wanted, known, forget := tuple(forget))
    facts = {name: told for name in NewAgency.__dataclass_fields__ if (told := getattr(wanted, name)) is not None}
    facts |= dict.fromkeys(forget) | _codes_of(wanted, known)
    other = find(connection, facts["old_code"]) if facts.get("old_code") else None
    if other is not None and (known is None or other.id != known.id):
        raise _taken(facts["old_code"])
    _require_no_ring(connection, facts)
    facts |= tidied_facts({name: facts[name] for name in LENGTHS if facts.get(name) is not None})
    row = facts | {"state": "open", "modified_at": now}
    if known is None:
        connection.execute(insert(agencies), {"kind": _SYSTEM} | row)
    else:
        connection.execute(update(agencies).where(agencies.c.id == known.id).values(**row))
    note(connection, now=now, by=by, act="register", subject=facts["code"])
    made = require(connection, facts["code"])
    if known is None or made.served_by != known.served_by:
        from edocx.hub.rerouting import follow_register  # noqa: PLC0415 - which reads this register

        follow_register(connection, (*made.codes, wanted.code), made.served_by, now=now, by=by)
    return made


def _require_sense(wanted: NewAgency, known: Agency | None, forget: tuple[str, ...]) -> None:
    if known is not None and known.state != "open":
        raise refusal.shut_agency(known.code)
    if not wanted.name.strip():
        raise refusal.bad_parameter("name")
    for name in forget:
        if getattr(wanted, name) is not None:
            raise refusal.bad_parameter(name)
    own = {wanted.code, _normal(wanted.code), wanted.old_code, *(known.codes if known else ())}
    if wanted.parent is not None and {wanted.parent, _normal(wanted.parent)} & own:
        raise refusal.bad_parameter("parent")


def _require_no_ring(connection: Connection, facts: dict[str, Any]) -> None:
    """Raise `UsageError` for an old code that is the code itself, and for a parent that stands below its own child."""
    own = {code for code in (facts["code"], facts.get("old_code")) if code}
    if facts.get("old_code") == facts["code"]:
        raise refusal.bad_parameter("old_code")
    above, seen = facts.get("parent"), set[str]()
    while above is not None and above not in seen:
        seen.add(above)
        known = find(connection, above)
        if own & {above, *(known.codes if known else ())}:
            raise refusal.bad_parameter("parent")
        above = known.parent if known else None


def _codes_of(wanted: NewAgency, known: Agency | None) -> dict[str, str]:
    """Return the codes told, as they are written; refuse what is none. A known agency keeps the one it has."""
    is_hub = (wanted.kind or (known.kind if known else _SYSTEM)) != _SYSTEM
    found: dict[str, str] = {}
    for name in ("code", "old_code", "parent", "served_by"):
        told = getattr(wanted, name)
        if told is None:
            continue
        if name == "served_by" or is_hub or (known is not None and told in {*known.codes, known.parent}):
            # A hub's own system code ("hub.H58") is no unit's; what stands in the register already may stay there.
            found[name] = require_id(told, name)
            if (known is None or name == "served_by") and not _HUB_CODE.fullmatch(told):
                raise refusal.bad_parameter(name)
        else:
            found[name] = UnitId.parse(told).code
    return found | ({"code": known.code} if known else {})


def close(connection: Connection, code: str, *, now: datetime, by: str) -> Agency:
    """Accept nothing more for an agency; what waits for it can still be fetched. Raises `UnitError`."""
    agency = require(connection, code)
    connection.execute(update(agencies).where(agencies.c.id == agency.id).values(state="closed", modified_at=now))
    note(connection, now=now, by=by, act="close", subject=agency.code)
    return require(connection, code)


def reopen(connection: Connection, code: str, *, now: datetime, by: str) -> Agency:
    """Accept mail for a closed agency again. Raises `UnitError`."""
    agency = require(connection, code)
    connection.execute(update(agencies).where(agencies.c.id == agency.id).values(state="open", modified_at=now))
    note(connection, now=now, by=by, act="reopen", subject=agency.code)
    return require(connection, code)


def new_hmac_secret(
    connection: Connection,
    agency: Agency,
    vault: Vault,
    *,
    now: datetime,
    by: str,
    overlap: timedelta = OVERLAP,
    secret: str | None = None,
) -> str:
    """Give an agency a new HMAC secret and return it; the old one works on for ``overlap``, then no more."""
    made = secret or new_secret()
    _retire(connection, agency, HMAC, now=now, overlap=overlap)
    sealed = vault.seal(made, bound_to=f"{agency.id}:{HMAC}")
    connection.execute(insert(secrets), {"agency": agency.id, "kind": HMAC, "sealed": sealed, "created_at": now})
    note(connection, now=now, by=by, act="secret", subject=agency.code)
    return made


def new_lgsp_credentials(
    connection: Connection, agency: Agency, vault: Vault, *, now: datetime, by: str
) -> tuple[str, str]:
    """Give an agency a new X-SecretKey and a new password for the LGSP dialect, and return both: only hashes stay."""
    key, password = new_secret(), new_secret()
    _put_secret(connection, agency, KEY, vault.fingerprint(key, bound_to=f"{agency.id}:{KEY}"), now=now)
    _put_secret(connection, agency, PASSWORD, hash_password(password), now=now)
    note(connection, now=now, by=by, act="lgsp", subject=agency.code)
    return key, password


def _put_secret(connection: Connection, agency: Agency, kind: str, stored: bytes, *, now: datetime) -> None:
    connection.execute(delete(secrets).where(secrets.c.agency == agency.id, secrets.c.kind == kind))
    connection.execute(insert(secrets), {"agency": agency.id, "kind": kind, "sealed": stored, "created_at": now})


def stored_secrets(connection: Connection, agency: Agency, kind: str, *, now: datetime) -> tuple[bytes, ...]:
    """Return what is stored of an agency's secrets that work now, the newest first."""
    return tuple(connection.execute(_SECRETS, {"agency": agency.id, "kind": kind, "now": now}).scalars())


def hmac_secrets(connection: Connection, agency: Agency, vault: Vault, *, now: datetime) -> tuple[str, ...]:
    """Return the HMAC secrets of an agency that work now."""
    found = stored_secrets(connection, agency, HMAC, now=now)
    return tuple(vault.open(sealed, bound_to=f"{agency.id}:{HMAC}") for sealed in found)


def put_outgoing_secret(
    connection: Connection, agency: Agency, vault: Vault, secret: str, *, now: datetime, by: str
) -> None:
    """Keep the secret that a neighbouring hub gave us, encrypted; the one before is forgotten.

    Raises `UsageError` for an empty one: a script whose input ended would take the line down.
    """
    if not secret.strip():
        raise refusal.bad_parameter("secret")
    _put_secret(connection, agency, OUTGOING, vault.seal(secret, bound_to=f"{agency.id}:{OUTGOING}"), now=now)
    note(connection, now=now, by=by, act="outgoing", subject=agency.code)


def outgoing_secret(connection: Connection, agency: Agency, vault: Vault, *, now: datetime) -> str | None:
    """Return the secret that a neighbouring hub gave us; None when there is none."""
    found = stored_secrets(connection, agency, OUTGOING, now=now)
    return vault.open(found[0], bound_to=f"{agency.id}:{OUTGOING}") if found else None


def note(connection: Connection, *, now: datetime, by: str, act: str, subject: str) -> None:
    """Write a line of what an administrator did."""
    connection.execute(insert(audit), {"at": now, "who": by, "act": act, "subject": subject})


def split_known(connection: Connection, codes: Iterable[str]) -> tuple[list[Agency], list[str]]:
    """Return the agencies that codes stand for, each once in order, and the codes that nobody knows."""
    known: dict[str, Agency] = {}
    unknown: list[str] = []
    for code in codes:
        agency = find(connection, code)
        if agency is None:
            unknown.append(code)
        else:
            known.setdefault(agency.code, agency)
    return list(known.values()), unknown


def tidied_facts(told: dict[str, str]) -> dict[str, str]:
    """Return what an agency says of itself, in letters and lengths that every database takes."""
    return {name: tidied(text, LENGTHS[name]) for name, text in told.items()}


def _retire(connection: Connection, agency: Agency, kind: str, *, now: datetime, overlap: timedelta) -> None:
    mine = and_(secrets.c.agency == agency.id, secrets.c.kind == kind)
    connection.execute(update(secrets).where(mine, secrets.c.expires_at.is_(None)).values(expires_at=now + overlap))
    connection.execute(delete(secrets).where(mine, secrets.c.expires_at <= now))


def _normal(code: str) -> str:
    try:
        return UnitId.parse(code).code
    except UnitError:
        return code


def require(connection: Connection, code: str) -> Agency:
    """Return the agency of a code; raise `UnitError` when there is none."""
    found = find(connection, code)
    if found is None:
        raise refusal.unknown_units((code,))
    return found


def _taken(code: str) -> UnitError:
    return UnitError(
        Text(f"Mã {code} đã thuộc về đơn vị khác.", f"The code {code} belongs to another agency."),
        hint=Text("Kiểm tra mã cũ và mã mới.", "Check the old and the new code."),
        code="EDX-HUB-TAKEN",
        where=code,
    )
