"""sendEdoc: what is taken, from whom, for whom, and what a repeat means (axis-http.md §1.9). One transaction.

The key of a message is (sender, messagetype, DocumentId, BussinessDocType, digest of the content without its trace).
A repeat gets the first docId; further recipients are added under it; a recipient whose copy failed or was answered
with 02 gets a new attempt; another content under a document's id is refused; one unknown recipient refuses it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from edocx.content import Blob
from edocx.errors import EdocxError, Refused, UnitError
from edocx.hub import agencies, promises, refusal
from edocx.hub.agencies import Agency
from edocx.hub.database import HubStore
from edocx.hub.inspection import Findings
from edocx.hub.letter_facts import LetterFacts
from edocx.hub.schema import copies, messages, verdicts
from edocx.routing.parcel import Business, ParcelKind, conflict, new_message_id
from edocx.routing.store.payloads import INLINE_LIMIT
from edocx.units.directory import Directory

EDOC, STATUS = "edoc", "status"
"""The two message types of the axis."""

INITIAL, PROCESSING, DONE, FAIL = "initial", "processing", "done", "fail"
"""States of a copy (§1.7)."""

REJECTION = "02"


@dataclass(frozen=True, slots=True)
class Offered:
    """A message as offered: its facts, who offers it, for whom, and the sending office's own id if it told one.

    ``recipients`` are codes as the caller spelt them; empty means those of the envelope. ``passed`` are the hubs that
    it came through, ``previous`` the digest of the last one's relay statement, ``findings`` what the door saw inside,
    ``attempts`` the numbers of the copies that a neighbouring hub told, by recipient.
    """

    caller: Agency
    facts: LetterFacts
    recipients: tuple[str, ...]
    payload: Blob
    message_id: str | None = None
    passed: tuple[str, ...] = ()
    previous: str = ""
    findings: Findings | None = None
    attempts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it: the docId, when it was first taken, whether anything new happened."""

    doc_id: str
    received_at: datetime
    new: bool


@dataclass(frozen=True, slots=True)
class Door:
    """Decides about messages for one hub; ``lines`` are the neighbouring hubs that it has a line to."""

    store: HubStore
    directory: Directory | None = None
    above: str | None = None
    lines: frozenset[str] = frozenset()

    def admit(self, offered: Offered) -> Taken:
        """Take a message in, durably; raise `Refused`, `UnitError` with the reason, and then nothing was taken."""
        payload = offered.payload
        self.store.keep(payload)
        try:
            taken = self.store.write("send", lambda connection: self._admit(connection, offered))
            if isinstance(taken, Refused):
                raise taken
        except Refused:
            # Against a disk filled by messages that are refused.
            if payload.size > INLINE_LIMIT:
                self.store.drop_unnamed(payload.sha256)
            raise
        if not taken.new and payload.size > INLINE_LIMIT:
            self.store.drop_unnamed(payload.sha256)
        return taken

    def _admit(self, connection: Connection, offered: Offered) -> Taken | Refused:
        """Take a message in; return, instead of raising, a refusal that this same transaction writes down."""
        now = self.store.now()
        origin = self._origin(connection, offered)
        try:
            known = _known(connection, offered, origin)
        except EdocxError:
            self._ways(connection, offered, now.date(), {})  # whom nobody knows is named before another fault
            raise
        held = _held(connection, known)
        try:
            ways = self._onwards(connection, offered, now.date(), held)
        except Refused as error:
            answer = _for_good(connection, offered, error, held, now)
            if answer is None:
                raise
            return answer
        if known is None:
            number, doc_id = self._take(connection, offered, origin, now)
            received_at, new = now, True
        else:
            number, doc_id, received_at, new = known.number, known.doc_id, known.received_at, False
        added = _deliver(connection, number, ways, offered, now)
        if added and not new:
            self.store.record(connection, offered.payload)
        if new:
            # Only once: the same 02 repeated speaks of the attempt that it spoke of before.
            _hear_rejection(connection, offered, origin, now)
        return Taken(doc_id, received_at, new or added)

    def _origin(self, connection: Connection, offered: Offered) -> str:
        """Return whose message it is; a neighbouring hub speaks for the units reached through it, nobody else does."""
        claimed = agencies.find(connection, offered.facts.sender)
        caller = offered.caller
        if claimed is not None and claimed.code == caller.code:
            return caller.code
        if caller.kind == "hub":
            if claimed is not None and claimed.served_by == caller.code:
                return claimed.code
            if claimed is None and caller.code == self.above:
                # From above comes what stands nowhere below us; a unit that calls here itself is never spoken for.
                return offered.facts.sender
        raise refusal.wrong_sender(offered.facts.sender, caller.code)

    def _onwards(
        self, connection: Connection, offered: Offered, day: date, held: Mapping[str, bool]
    ) -> list[tuple[str, str | None]]:
        ways = self._ways(connection, offered, day, held)
        if offered.caller.kind == "hub" and any(via == offered.caller.code for _, via in ways):
            raise refusal.loop(offered.caller.code)  # it would go back to where it came from
        return ways

    def _ways(
        self, connection: Connection, offered: Offered, day: date, held: Mapping[str, bool]
    ) -> list[tuple[str, str | None]]:
        """Return each recipient with the hub that takes it on (None: fetched here); all of them, or a refusal.

        Of a copy that is held already nothing is asked anew: a repeat after the unit was closed, spelt anew or not
        known any more is still a repeat, and a hub that asks by repeating must hear that we have it.
        """
        codes = offered.recipients or offered.facts.recipients
        promised = promises.given(connection, offered.caller.code, offered.previous) if offered.previous else {}
        found: dict[str, str | None] = {}
        unknown: list[str] = []
        for code in codes:
            agency = agencies.find(connection, code)
            mine = next((name for name in _spelt(agency, code) if held.get(name) is False), None)
            if mine is not None:
                found.setdefault(mine, None)  # `_deliver` leaves its way as it is
                continue
            if promises.holds(promised, code, offered.attempts):
                raise refusal.turned_away(code)
            if agency is not None and agency.state != "open":
                raise refusal.closed_unit(agency.code, self._heirs(agency.code, day))
            if agency is not None:
                _require_takes(agency, offered)
                if agency.served_by is not None and agency.served_by not in self.lines:
                    raise refusal.no_line(agency.served_by)
                found.setdefault(agency.code, agency.served_by)
            elif self._beyond(code, day):
                found.setdefault(code, self.above)
            else:
                unknown.append(code)
        if unknown:
            raise refusal.unknown_units(tuple(unknown))
        if not found:
            raise refusal.nobody()
        return list(found.items())

    def _beyond(self, code: str, day: date) -> bool:
        """Tell whether a unit unknown here stands somewhere above; refuse one that the directory knows is closed."""
        if self.above is None:
            return False
        if self.directory is None:
            return True  # the hub above answers for it: custody stays here until it has
        try:
            self.directory.resolve(code, day)
        except UnitError as error:
            if error.code == "EDX-UNIT-CLOSED":
                raise refusal.closed_unit(code, error.successors) from error
            return False
        return True

    def _heirs(self, code: str, day: date) -> tuple[str, ...]:
        if self.directory is None:
            return ()
        try:
            self.directory.resolve(code, day)
        except UnitError as error:
            return error.successors
        return ()

    def _take(self, connection: Connection, offered: Offered, origin: str, now: datetime) -> tuple[int, str]:
        facts = offered.facts
        self.store.record(connection, offered.payload)
        row = {
            "doc_id": new_message_id(now),
            "sender": offered.caller.code,
            "origin": origin,
            "message_id": offered.message_id,
            "message_type": message_type(facts.kind),
            "document_id": facts.document_id,
            "business": facts.business,
            "digest": facts.digest,
            "sha256": offered.payload.sha256,
            "size": offered.payload.size,
            "urgency": facts.urgency,
            "title": facts.title,
            "notation": facts.notation,
            "passed": ";".join(offered.passed),
            "previous": offered.previous,
            "received_at": now,
        }
        made = connection.execute(insert(messages), row).inserted_primary_key
        assert made is not None
        if offered.findings is not None:
            connection.execute(insert(verdicts), _verdict(int(made[0]), offered.findings, now))
        return int(made[0]), str(row["doc_id"])


def _spelt(agency: Agency | None, code: str) -> tuple[str, ...]:
    """Return under which codes a copy may be held; the register may have been changed since."""
    return (code,) if agency is None else tuple(dict.fromkeys((agency.code, *agency.codes, code)))


def _for_good(
    connection: Connection, offered: Offered, error: Refused, held: Mapping[str, bool], now: datetime
) -> Refused | None:
    """Return what a neighbouring hub is told that counts the attempts of its copies; None where nothing is promised.

    Nothing is promised of a copy that was here at any time: its recipient may have had it in hands.
    """
    codes = offered.recipients or offered.facts.recipients
    if not offered.attempts or not offered.previous or not promises.is_of_a_unit(error):
        return None
    if len(codes) > 1:
        return promises.for_each(error, codes[0])
    code, attempt = codes[0], offered.attempts.get(codes[0], 0)
    was_here = any(name in held for name in _spelt(agencies.find(connection, code), code))
    if was_here or not 0 < attempt <= promises.LATEST:
        return None
    asked = promises.Asked(offered.caller.code, offered.previous, code, attempt)
    return promises.give(connection, asked, error, now=now)


def _require_takes(agency: Agency, offered: Offered) -> None:
    """Raise `Refused` when a recipient cannot take a message of this size, or files of these types."""
    if agency.takes_bytes is not None and offered.payload.size > agency.takes_bytes:
        raise refusal.takes_less(agency.code, agency.takes_bytes)
    if agency.takes_types is not None:
        taken = tuple(agency.takes_types.lower().split())
        if any(one not in taken for one in offered.facts.types):
            raise refusal.takes_other_types(agency.code, taken)


def _verdict(number: int, findings: Findings, now: datetime) -> dict[str, Any]:
    told = {"seal": findings.seal, "files": findings.files, "scan": findings.scan}
    return {"message": number, "at": now, "codes": " ".join(findings.codes), **told}


# Built once: SQLAlchemy takes longer to build an expression than SQLite to answer it.
_SAME = select(messages).where(
    *(messages.c[name] == bindparam(name) for name in ("origin", "message_type", "document_id", "business"))
)
_NAMED = select(messages).where(*(messages.c[name] == bindparam(name) for name in ("origin", "message_id")))
_HELD = select(copies.c.recipient, copies.c.state, copies.c.rejected_at).where(copies.c.message == bindparam("message"))


def message_type(kind: ParcelKind) -> str:
    """Return a kind as the axis calls it."""
    return STATUS if kind is ParcelKind.STATUS else EDOC


def _known(connection: Connection, offered: Offered, origin: str) -> Any:
    """Return the row of the same message if it came before; refuse another content under the same id."""
    facts = offered.facts
    if offered.message_id is not None:
        named = connection.execute(_NAMED, {"origin": origin, "message_id": offered.message_id}).first()
        if named is not None and (named.digest, named.document_id) != (facts.digest, facts.document_id):
            raise conflict(offered.message_id)
        if named is not None:
            return named
    told = {
        "origin": origin,
        "message_type": message_type(facts.kind),
        "document_id": facts.document_id,
        "business": facts.business,
    }
    rows = connection.execute(_SAME, told).all()
    for row in rows:
        if row.digest == facts.digest:
            return row
    # A document is numbered once; a unit may well recall twice, update twice and report many statuses.
    if rows and facts.kind is ParcelKind.DOCUMENT and facts.business in {Business.NEW, Business.REPLACE}:
        raise conflict(facts.document_id)
    return None


def _held(connection: Connection, known: Any) -> Mapping[str, bool]:
    return {} if known is None else _held_of(connection, known.number)


def _held_of(connection: Connection, number: int) -> Mapping[str, bool]:
    """Return the recipients that a message has copies for, and of each whether a new attempt may be made."""
    return {
        row.recipient: row.state == FAIL or row.rejected_at is not None
        for row in connection.execute(_HELD, {"message": number})
    }


def _deliver(
    connection: Connection, number: int, ways: list[tuple[str, str | None]], offered: Offered, now: datetime
) -> bool:
    """Make a copy for each recipient that has none, a new attempt where the last one failed; tell if any was made."""
    told: dict[str, Any] = {
        "message_id": offered.message_id,
        "sha256": offered.payload.sha256,
        "size": offered.payload.size,
    }
    held = _held_of(connection, number)
    fresh = [
        told
        | {
            "message": number,
            "recipient": recipient,
            "attempt": 1,
            "state": INITIAL,
            "via": via,
            "due_at": now if via else None,
            "tries": 0,
            "unsure": 0,
            "created_at": now,
            "updated_at": now,
        }
        for recipient, via in ways
        if recipient not in held
    ]
    if fresh:
        connection.execute(insert(copies), fresh)
    again = [(recipient, via) for recipient, via in ways if held.get(recipient)]
    for recipient, via in again:
        change = told | {
            "attempt": copies.c.attempt + 1,
            "state": INITIAL,
            "rejected_at": None,
            "description": None,
            "via": via,
            "due_at": now if via else None,
            "tries": 0,
            "unsure": 0,
            "relayed_as": None,
            "updated_at": now,
        }
        where = (copies.c.message == number) & (copies.c.recipient == recipient)
        connection.execute(update(copies).where(where).values(**change))
    return bool(fresh or again)


def _hear_rejection(connection: Connection, offered: Offered, origin: str, now: datetime) -> None:
    """Note a 02 on the copy it speaks of: the sender may then send the same document again."""
    facts = offered.facts
    if facts.kind is not ParcelKind.STATUS or facts.status_code != REJECTION:
        return
    for issuer in facts.recipients:
        agency = agencies.find(connection, issuer)
        named = agency.code if agency else issuer
        numbers = select(messages.c.number).where(
            messages.c.origin == named, messages.c.document_id == facts.document_id, messages.c.message_type == EDOC
        )
        connection.execute(
            update(copies).where(copies.c.recipient == origin, copies.c.message.in_(numbers)).values(rejected_at=now)
        )
