"""The register of agencies: who may call, under which code, with which secrets; and the wishes an administrator grants.

Every function works in the caller's transaction. Acts of an administrator leave a line in ``audit``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update

from edocx.errors import Refused, Text, UnitError
from edocx.hub import refusal
from edocx.hub.schema import agencies, audit, requests, secrets
from edocx.hub.told_text import tidied
from edocx.hub.vault import Vault, hash_password, new_secret
from edocx.routing.parcel import is_plain_id, require_id
from edocx.units import UnitId

OVERLAP = timedelta(days=7)
"""How long an old secret goes on working after a new one was made: clients are changed one by one."""

MAX_WISH = 4_000
"""Characters of a filed request: against a register that a client fills."""

WISH_MEMORY = timedelta(hours=1)
"""How long a wish that was settled is not filed again: against its headers, said again by somebody else."""

MAX_OPEN_WISHES = 100
"""Requests of one agency that wait for the administrator; further ones are refused until some are settled."""

_LENGTHS = {"name": 500, "mail": 200, "mobile": 50, "fax": 50}
"""Characters kept of what an agency says of itself: SQLite would take any number, PostgreSQL refuses more."""

HMAC, KEY, PASSWORD, OUTGOING = "hmac", "key", "password", "outgoing"
"""Kinds of secrets: the axis' HMAC secret, LGSP's X-SecretKey, LGSP's password, ours at a neighbouring hub."""


@dataclass(frozen=True, slots=True)
class NewAgency:
    """What an administrator says of an agency; ``kind`` is ``system`` or ``hub`` (a neighbouring hub)."""

    code: str
    name: str
    old_code: str | None = None
    mail: str | None = None
    mobile: str | None = None
    fax: str | None = None
    parent: str | None = None
    level: int | None = None
    kind: str = "system"
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


def register(connection: Connection, wanted: NewAgency, *, now: datetime, by: str) -> Agency:
    """Enter an agency, or set its facts anew; it opens again if it was closed.

    Raises `UnitError` (``EDX-HUB-TAKEN``) when the other spelling belongs to another agency, `InputError` for a code
    that cannot be one.
    """
    for code in filter(None, (wanted.code, wanted.old_code, wanted.parent, wanted.served_by)):
        require_id(code, "code")
    known = find(connection, wanted.code)
    other = find(connection, wanted.old_code) if wanted.old_code else None
    if other is not None and (known is None or other.id != known.id):
        raise _taken(wanted.old_code or wanted.code)
    facts = {name: getattr(wanted, name) for name in NewAgency.__dataclass_fields__} | _tidied(
        {name: told for name in _LENGTHS if (told := getattr(wanted, name)) is not None}
    )
    row = facts | {"state": "open", "modified_at": now}
    if known is None:
        connection.execute(insert(agencies), row)
    else:
        connection.execute(update(agencies).where(agencies.c.id == known.id).values(**row | {"code": known.code}))
    note(connection, now=now, by=by, act="register", subject=wanted.code)
    return require(connection, wanted.code)


def close(connection: Connection, code: str, *, now: datetime, by: str) -> Agency:
    """Accept nothing more for an agency; what waits for it can still be fetched. Raises `UnitError`."""
    agency = require(connection, code)
    connection.execute(update(agencies).where(agencies.c.id == agency.id).values(state="closed", modified_at=now))
    note(connection, now=now, by=by, act="close", subject=agency.code)
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


def file_request(connection: Connection, agency: Agency, act: str, wish: dict[str, str], *, now: datetime) -> int:
    """Write down what an agency wants changed in the register, within its own subtree; return the request's number.

    The same wish again is the same request while it is open, and for `WISH_MEMORY` after: the headers of a
    call can be replayed (axis-http.md §1.3), and an administrator who settled a wish is not to find it there again.
    """
    code = wish.get("code", "")
    require_id(code, "code")
    above = wish.get("pcode", "")
    if above:
        require_id(above, "pcode")
    if not _below(agency, code, above if find(connection, code) is None else ""):
        raise refusal.outside_subtree()
    text = json.dumps({name: tidied(told, MAX_WISH) for name, told in wish.items()}, ensure_ascii=False, sort_keys=True)
    if len(text) > MAX_WISH:
        raise refusal.too_large(MAX_WISH)
    mine, still_open = requests.c.agency == agency.code, requests.c.state == "open"
    remembered = and_(mine, or_(still_open, requests.c.settled_at > now - WISH_MEMORY))
    same = and_(remembered, requests.c.act == act, requests.c.wish == text)
    known = connection.execute(select(requests.c.id).where(same).order_by(requests.c.id.desc()).limit(1)).scalar()
    if known is not None:
        return int(known)
    waiting = connection.execute(select(func.count()).select_from(requests).where(mine, still_open)).scalar_one()
    if waiting >= MAX_OPEN_WISHES:
        raise refusal.too_many_wishes()
    row = {"agency": agency.code, "act": act, "code": code, "wish": text, "state": "open", "filed_at": now}
    return int(connection.execute(insert(requests), row).inserted_primary_key[0])  # type: ignore[index]


def open_requests(connection: Connection) -> Sequence[Any]:
    """Return the requests that wait for an administrator, oldest first."""
    return connection.execute(select(requests).where(requests.c.state == "open").order_by(requests.c.id)).all()


def settle_request(connection: Connection, number: int, *, grant: bool, now: datetime, by: str) -> Any:
    """Grant or refuse a request; granting does what it asks. Return its row. Raises `Refused` for one not open."""
    row = connection.execute(select(requests).where(requests.c.id == number, requests.c.state == "open")).first()
    if row is None:
        raise Refused(
            Text("Không có yêu cầu đang chờ với số này.", "No open request has this number."),
            hint=Text("Xem danh sách bằng `edocx hub agencies requests`.", "List: `edocx hub agencies requests`."),
            code="EDX-HUB-REQUEST",
            where=str(number),
        )
    if grant and row.act == "register":
        wish = json.loads(row.wish)
        known = find(connection, row.code)
        facts = _tidied({name: wish[name] for name in _LENGTHS if name in wish})
        if known is None:
            parent = wish.get("pcode") or row.agency
            register(connection, NewAgency(row.code, facts.pop("name", row.code), parent=parent), now=now, by=by)
        # Of an agency that is known only how to reach it changes: no limits, no code, no place in the tree.
        known = require(connection, row.code)
        change = facts | {"state": "open", "modified_at": now}
        connection.execute(update(agencies).where(agencies.c.id == known.id).values(**change))
    elif grant:
        close(connection, row.code, now=now, by=by)
    state = {"state": "granted" if grant else "refused", "settled_at": now, "settled_by": by}
    connection.execute(update(requests).where(requests.c.id == number).values(**state))
    note(connection, now=now, by=by, act=str(state["state"]), subject=str(number))
    return row


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


def _tidied(told: dict[str, str]) -> dict[str, str]:
    return {name: tidied(text, _LENGTHS[name]) for name, text in told.items()}


def _retire(connection: Connection, agency: Agency, kind: str, *, now: datetime, overlap: timedelta) -> None:
    mine = and_(secrets.c.agency == agency.id, secrets.c.kind == kind)
    connection.execute(update(secrets).where(mine, secrets.c.expires_at.is_(None)).values(expires_at=now + overlap))
    connection.execute(delete(secrets).where(mine, secrets.c.expires_at <= now))


def _below(agency: Agency, code: str, parent: str) -> bool:
    """Tell whether a code stands below an agency: by the code tree, or by the parent named for a new one."""
    if code in agency.codes:
        return False
    if parent in agency.codes:
        return True
    try:
        wanted = UnitId.parse(code)
        mine = [UnitId.parse(one) for one in agency.codes]
    except UnitError:
        return False
    return any(one.contains(wanted) for one in mine)


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
