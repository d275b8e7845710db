"""The outbox: parcels waiting to be submitted, claimed under a lease, settled once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import exists, func, insert, select, update

from edocx.content import Blob
from edocx.errors import StateError, StoreUnavailable, Text
from edocx.routing.parcel import Parcel, ParcelKind, conflict
from edocx.routing.retry import Backoff
from edocx.routing.session import Session
from edocx.routing.store import outgoing, tables
from edocx.routing.store.prepared import Prepared

FOREVER = datetime.max.replace(tzinfo=UTC)

LEASE = timedelta(seconds=60)
"""How long a worker may take over one batch before another worker tries the same parcels."""

LONGEST_PAUSE = Backoff().ceiling
"""How far ahead a parcel may be due at most, unless a worker's own back-off allows more."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_parcels = tables.parcels


class Task(NamedTuple):
    """A claimed parcel with its payload: submit it before the lease ends.

    Attributes:
        parcel: what to submit; the bytes and the message id are those fixed when it was queued.
        payload: its bytes.
        lease: the claim's mark; settling needs it.
        attempts: attempts that failed before this one.
        round: 1, or more after a dead letter was queued anew.
        queued_at: when this round began.
    """

    parcel: Parcel
    payload: Blob
    lease: str
    attempts: int
    round: int
    queued_at: datetime


class _Claim(NamedTuple):
    """What settling a parcel needs to know of its claim."""

    message_id: str
    lease: str
    round: int
    attempts: int


class Outgoing(NamedTuple):
    """A parcel as it stands in the outbox: queued, sent or dead."""

    message_id: str
    kind: str
    sender: str
    document_id: str
    business: str
    state: str
    round: int
    attempts: int
    queued_at: datetime
    due_at: datetime
    receipt: str | None
    settled_at: datetime | None
    reason: str | None
    sha256: str


class Outbox:
    """The outbox within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.lost: tuple[str, ...] = ()
        """Codes of why parcels were given up while they were claimed: their content could not be had."""

    def add(self, parcel: Parcel, payload: Blob) -> bool:
        """Queue a parcel with its payload; tell whether it is new (a repeat with equal content is absorbed).

        Raises `Refused` (``EDX-PARCEL-CONFLICT``) when the message id stands for something else already,
        and when the payload is not the one that the parcel describes.
        """
        if (payload.sha256, payload.size) != (parcel.sha256, parcel.size):
            raise conflict(parcel.message_id)
        session = self._session
        session.keep(payload)
        if outgoing.ADD.run(session.connection, outgoing.parcel_row(parcel, session.now)) == 0:
            if self._same(parcel):
                return False
            raise conflict(parcel.message_id)
        rows = [outgoing.delivery_row(parcel, recipient, session.now) for recipient in parcel.recipients]
        outgoing.ADD_DELIVERIES.run_each(session.connection, rows)
        session.journal.add(
            "parcel.queued",
            {
                "message_id": parcel.message_id,
                "document_id": parcel.document_id,
                "kind": parcel.kind,
                "recipients": len(parcel.recipients),
                "sha256": parcel.sha256,
            },
        )
        return True

    def recover(self, parcel: Parcel, payload: Blob, receipt: str, received_at: datetime) -> bool:
        """Note what the axis took before this store was restored: it is sent, and never goes again.

        Tells whether this store knew nothing of it. One that still waits here was taken too.
        """
        if self.find(parcel.message_id) is not None:
            place = {"its_id": parcel.message_id, "to": "sent", "its_receipt": receipt, "at": received_at}
            outgoing.TAKEN.run(self._session.connection, place)
            return False
        self._session.keep(payload)
        row = {**outgoing.parcel_row(parcel, received_at), "state": "sent", "receipt": receipt}
        connection = self._session.connection
        connection.execute(insert(_parcels), {**row, "settled_at": received_at})
        rows = [outgoing.delivery_row(parcel, recipient, received_at) for recipient in parcel.recipients]
        outgoing.ADD_DELIVERIES.run_each(connection, rows)
        ids: dict[str, str | int | None] = {"message_id": parcel.message_id, "document_id": parcel.document_id}
        self._session.journal.add(
            "parcel.recovered", {**ids, "kind": parcel.kind, "receipt": receipt, "sha256": parcel.sha256}
        )
        return True

    def claim(
        self, lease: str, *, limit: int = 16, lasting: timedelta = LEASE, longest: timedelta = LONGEST_PAUSE
    ) -> tuple[Task, ...]:
        """Take up to ``limit`` due parcels under a lease, urgent ones first.

        A quarter of each batch goes to whoever has waited longest, whatever its urgency, so that a flood
        of urgent parcels never starves the rest. What is due later than any pause or lease allows (``longest``)
        was put there by a clock that stood ahead and was put right since: it is due now.
        """
        now = self._session.now
        latest = _after(now, max(longest, lasting))
        place = {"moment": now, "latest": latest, "most": limit}
        due = self._session.connection.execute(outgoing.CLAIMABLE, place).all()
        # How long those of another time have waited nobody knows: they go first among their equals.
        since = {row.id: row.due_at if row.due_at <= now else _LONG_AGO for row in due}
        aged = sorted(due, key=lambda row: (since[row.id], row.id))[: max(1, limit // 4)]
        urgent = sorted(due, key=lambda row: (-row.urgency, since[row.id], row.id))
        chosen = list(dict.fromkeys(row.message_id for row in (*aged, *urgent)))[:limit]
        if not chosen:
            return ()
        until = now + lasting
        leases = ({"its_id": message_id, "held": lease, "until": until} for message_id in chosen)
        outgoing.LEASE.run_each(self._session.connection, leases)
        order = {row.message_id: place for place, row in enumerate(urgent)}
        return tuple(sorted(self._tasks(chosen, lease), key=lambda task: order[task.parcel.message_id]))

    def release(self, lease: str) -> int:
        """Give back everything claimed under ``lease`` or a lease that begins with it and a dot; return how many."""
        held = is_under(_parcels.c.lease, lease) & outgoing.IS_QUEUED
        freed = update(_parcels).where(held).values(lease=None, due_at=self._session.now)
        return int(self._session.connection.execute(freed).rowcount)

    def mark_sent(self, task: Task, receipt: str) -> None:
        """Record that the axis took the parcel.

        The receipt is a fact whoever learnt it first, so a lapsed lease does not matter; a repeat is absorbed.
        """
        self._settle(_claim_of(task), "sent", receipt=receipt)

    def put_off(self, task: Task, due: datetime, reason: str) -> None:
        """Record a failed attempt with its error code; the parcel is due again at ``due``."""
        values: dict[str, Any] = {"tried": task.attempts + 1, "due": due, "because": reason}
        if self._changed(outgoing.PUT_OFF, _claim_of(task), values):
            self._session.journal.add(
                "parcel.retried",
                {"message_id": task.parcel.message_id, "attempt": task.attempts + 1, "reason": reason},
            )

    def hold_back(self, task: Task, due: datetime) -> None:
        """Give a claimed parcel back untried, due again at ``due``: no attempt is used up, nothing happened to it."""
        self._changed(outgoing.HELD_BACK, _claim_of(task), {"due": due})

    def hold_all(self, destination: str, due: datetime, *, longest: timedelta = LONGEST_PAUSE) -> int:
        """Put off everything queued that goes to one destination alone, untried, until ``due``; return how many.

        A hundred thousand parcels for a province that is away then stand in nobody's way.
        """
        to, others = tables.deliveries.alias(), tables.deliveries.alias()
        mine = exists().where(
            to.c.message_id == _parcels.c.message_id, to.c.recipient == destination, to.c.direction == "out"
        )
        alone = ~exists().where(
            others.c.message_id == _parcels.c.message_id, others.c.recipient != destination, others.c.direction == "out"
        )
        latest = _after(self._session.now, max(longest, LEASE))
        sooner = (_parcels.c.due_at < due) | (_parcels.c.due_at > latest)
        waiting = outgoing.IS_QUEUED & _parcels.c.lease.is_(None) & sooner
        held = update(_parcels).where(waiting, mine, alone).values(due_at=due)
        return int(self._session.connection.execute(held).rowcount)

    def bury(self, task: Task, reason: str) -> None:
        """Give up on a parcel: a dead letter, with the error code that says why."""
        self._settle(_claim_of(task), "dead", reason=reason)

    def redrive(self, message_id: str, *, by: str | None = None) -> None:
        """Queue a dead letter anew, same id and same bytes; raise `StateError` when it is not dead.

        ``by`` is the account of whoever decided so, for the journal.
        """
        row = self.find(message_id)
        if row is None or row.state != "dead":
            raise StateError(
                Text("Gói tin này không ở trạng thái bị bỏ.", "This parcel is no dead letter."),
                hint=Text("Chỉ gửi lại được gói tin đã bị bỏ.", "Only a dead letter can be queued anew."),
                code="EDX-OUTBOX-NOT-DEAD",
                where=message_id,
            )
        now = self._session.now
        values = {"state": "queued", "round": row.round + 1, "attempts": 0, "queued_at": now, "due_at": now}
        self._session.connection.execute(
            update(_parcels)
            .where(_parcels.c.message_id == message_id)
            .values(**values, lease=None, reason=None, settled_at=None)
        )
        self._session.journal.add("parcel.requeued", {"message_id": message_id, "round": row.round + 1, "by": by})

    def find(self, message_id: str) -> Outgoing | None:
        """Return how a parcel stands, or None when it was never queued here."""
        query = select(*(_parcels.c[name] for name in Outgoing._fields)).where(_parcels.c.message_id == message_id)
        row = self._session.connection.execute(query).one_or_none()
        return None if row is None else Outgoing(*row)

    def of_document(self, document_id: str, kind: ParcelKind) -> tuple[Outgoing, ...]:
        """Return the parcels of a kind that concern a document, in the order in which they were queued."""
        columns = [_parcels.c[name] for name in Outgoing._fields]
        about = (_parcels.c.document_id == document_id) & (_parcels.c.kind == kind)
        query = select(*columns).where(about).order_by(_parcels.c.id)
        return tuple(Outgoing(*row) for row in self._session.connection.execute(query))

    def dead(self) -> tuple[Outgoing, ...]:
        """Return the dead letters, oldest first."""
        columns = [_parcels.c[name] for name in Outgoing._fields]
        query = select(*columns).where(_parcels.c.state == "dead").order_by(_parcels.c.settled_at)
        return tuple(Outgoing(*row) for row in self._session.connection.execute(query))

    def newest_sent(self) -> Outgoing | None:
        """Return the parcel that the axis took last, or None when it took nothing yet."""
        columns = [_parcels.c[name] for name in Outgoing._fields]
        query = select(*columns).where(_parcels.c.state == "sent").order_by(_parcels.c.id.desc()).limit(1)
        row = self._session.connection.execute(query).one_or_none()
        return None if row is None else Outgoing(*row)

    def dead_about(self, subject: str) -> tuple[Outgoing, ...]:
        """Return the dead letters that concern a document, or that bear a message id, in the order of queuing."""
        columns = [_parcels.c[name] for name in Outgoing._fields]
        about = (_parcels.c.document_id == subject) | (_parcels.c.message_id == subject)
        query = select(*columns).where(_parcels.c.state == "dead", about).order_by(_parcels.c.id)
        return tuple(Outgoing(*row) for row in self._session.connection.execute(query))

    def senders(self) -> frozenset[str]:
        """Return every unit that sent from here."""
        return frozenset(self._session.connection.scalars(select(_parcels.c.sender).distinct()))

    def waiting(self) -> int:
        """Return how many parcels are queued, due or not."""
        counted = select(func.count()).select_from(_parcels).where(outgoing.IS_QUEUED)
        return int(self._session.connection.execute(counted).scalar_one())

    def delayed(self) -> dict[str, int]:
        """Return why queued parcels wait for another try, with how many wait for each reason's sake."""
        query = (
            select(_parcels.c.reason, func.count())
            .where(outgoing.IS_QUEUED, _parcels.c.reason.is_not(None))
            .group_by(_parcels.c.reason)
            .order_by(_parcels.c.reason)
        )
        return {str(reason): int(count) for reason, count in self._session.connection.execute(query)}

    def next_due(self, *, longest: timedelta = LONGEST_PAUSE) -> datetime | None:
        """Return when the next queued parcel is due (or its lease ends), or None when none is queued.

        Due later than ``longest`` from now is due now, as for `claim`.
        """
        now = self._session.now
        latest = _after(now, max(longest, LEASE))
        lanes = self._session.connection.execute(outgoing.DUE, {"moment": FOREVER, "latest": latest, "most": 1})
        return min((row.due_at if row.due_at <= latest else now for row in lanes), default=None)

    def misdated(self, *, longest: timedelta = LONGEST_PAUSE, most: int = 20) -> tuple[str, ...]:
        """Return message ids of parcels that are due in an impossible future: the clock stood ahead once."""
        latest = _after(self._session.now, max(longest, LEASE))
        return tuple(self._session.connection.scalars(outgoing.IMPOSSIBLE, {"latest": latest, "most": most}))

    def _tasks(self, chosen: list[str], lease: str) -> list[Task]:
        rows = self._session.connection.execute(outgoing.CLAIMED, {"chosen": chosen}).all()
        recipients = self._recipients(chosen)
        tasks = []
        for row in rows:
            try:
                payload = self._session.payloads.blob(row.sha256, row.size, row.content)
            except StoreUnavailable as error:
                # One lost file must not stop the outbox: its parcel is a dead letter, with the reason.
                self._settle(_Claim(row.message_id, lease, row.round, row.attempts), "dead", reason=error.code)
                self.lost += (error.code,)
                continue
            parcel = outgoing.parcel_of(row, recipients[row.message_id])
            tasks.append(Task(parcel, payload, lease, row.attempts, row.round, row.queued_at))
        return tasks

    def _recipients(self, chosen: list[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = dict.fromkeys(chosen, ())
        for row in self._session.connection.execute(outgoing.RECIPIENTS, {"chosen": chosen}):
            found[row.message_id] += (row.recipient,)
        return found

    def _same(self, parcel: Parcel) -> bool:
        row = self._session.connection.execute(outgoing.FIND, {"its_id": parcel.message_id}).one()
        return outgoing.parcel_of(row, self._recipients([parcel.message_id])[parcel.message_id]) == parcel

    def _settle(self, claim: _Claim, state: str, *, receipt: str | None = None, reason: str | None = None) -> None:
        values = {"to": state, "its_receipt": receipt, "because": reason, "at": self._session.now}
        change = outgoing.SENT if state == "sent" else outgoing.BURIED
        if self._changed(change, claim, {**values, "tried": claim.attempts + 1}):
            self._session.journal.add(
                f"parcel.{state}",
                {"message_id": claim.message_id, "receipt": receipt, "reason": reason, "round": claim.round},
            )

    def _changed(self, change: Prepared, claim: _Claim, values: dict[str, Any]) -> bool:
        place = {"its_id": claim.message_id, "its_round": claim.round, "its_lease": claim.lease}
        return change.run(self._session.connection, {**place, **values}) == 1


def _after(now: datetime, pause: timedelta) -> datetime:
    return now + pause if pause < FOREVER - now else FOREVER


def is_under(column: Any, lease: str) -> Any:
    """Return the condition that a lease is ``lease`` or one of its branches, such as ``lease.worker``."""
    return column.is_not(None) & ((column == lease) | column.startswith(f"{lease}.", autoescape=True))


def _claim_of(task: Task) -> _Claim:
    return _Claim(task.parcel.message_id, task.lease, task.round, task.attempts)
