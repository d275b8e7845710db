"""The hub's outbox towards the broker: copies in this hub's custody, claimed, written and published.

Custody ends when the next hub has answered, not when the broker has: what was published and not answered is due again,
so a stream that was lost with everything in it is filled again from the database.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, select, update

from edocx.content import Blob
from edocx.errors import Refused, Text
from edocx.hub import agencies
from edocx.hub.admission import INITIAL, PROCESSING
from edocx.hub.broker_mail import Pen
from edocx.hub.configuration import BROKERED, Peer
from edocx.hub.due import is_due
from edocx.hub.promises import copies_told
from edocx.hub.relay_statement import digest_of
from edocx.hub.rerouting import UNSURE
from edocx.hub.schema import copies, messages
from edocx.hub.service import Service
from edocx.routing.transport.nats_subjects import lane_of, mail_subject, stream_name

BATCH = 128
"""Copies claimed in one commit."""

LONGEST_PAUSE = timedelta(minutes=5)
"""Between two publications of a copy that nobody answered."""

_COPY = (
    copies.c.recipient,
    copies.c.via,
    copies.c.tries,
    copies.c.attempt,
    copies.c.sha256.label("held"),
    copies.c.message_id.label("told_id"),
)

# Built once: building an expression takes longer than running it.
_CLAIM = (
    update(copies)
    .where(copies.c.message == bindparam("its_message"), copies.c.recipient == bindparam("its_recipient"))
    .values(tries=bindparam("more"), due_at=bindparam("again"), unsure=UNSURE + 1)
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message for all its recipients behind one neighbour, and the digest of the relay statement about it."""

    rows: tuple[Row[Any], ...]
    peer: Peer
    payload: Blob
    statement: str

    @property
    def subject(self) -> str:
        """Where it is published."""
        return mail_subject(self.peer.tree_unit, lane_of(self.rows[0].urgency))

    @property
    def stream(self) -> str:
        """The stream that takes it."""
        return stream_name(self.peer.tree_unit)

    @property
    def mark(self) -> str:
        """What the broker knows a repeat by, within its window: one attempt to publish is one message there."""
        first = self.rows[0]
        return f"{first.doc_id}.{first.via}.{first.held[:8]}.{first.attempt}.{first.tries}"

    @property
    def object_name(self) -> str:
        """The name of a large content in the object store."""
        return object_name(self.rows[0].doc_id, self.rows[0].held)


@dataclass(slots=True)
class BrokerOutbox:
    """Claims and writes mail for the neighbours that the broker reaches."""

    service: Service
    _pens: dict[str, Pen] = field(default_factory=dict)

    def claim(self) -> tuple[Mail, ...]:
        """Take what is due, urgent first: each copy is due again after a while, unless it is answered before."""
        if not self.peers:
            return ()
        store, now = self.service.store, self.service.store.now()
        query = _due(self._mine(INITIAL) & is_due(now, self._longest))
        with store.read() as connection:
            if connection.execute(query.order_by(None).limit(1)).first() is None:
                return ()  # looking is free, a commit is not

        def act(connection: Connection) -> list[tuple[tuple[Row[Any], ...], str]]:
            # Several nodes of one hub claim from one database: none waits for what another holds.
            rows = connection.execute(query.limit(BATCH).with_for_update(skip_locked=True, of=copies)).all()
            claims = [
                {
                    "its_message": row.number,
                    "its_recipient": row.recipient,
                    "more": row.tries + 1,
                    "again": now + min(self._answer * 2 ** min(row.tries, 10), max(LONGEST_PAUSE, self._answer)),
                }
                for row in rows
            ]
            if claims:
                connection.execute(_CLAIM, claims)
            groups = itertools.groupby(rows, key=lambda row: (row.number, row.via, row.held, row.attempt))
            found = [tuple(group) for _, group in groups]
            # One commit for a batch: its statements are on disk before anything of it leaves.
            stated = self.service.relay_book.states(connection, [(group[0], group[0].via) for group in found])
            return list(zip(found, stated, strict=True))

        claimed = store.write("publish", act)
        with store.read() as connection:
            return tuple(
                Mail(group, self.peers[group[0].via], store.load(connection, group[0].held), digest_of(statement))
                for group, statement in claimed
            )

    def write(self, mail: Mail, *, inline: bool) -> bytes:
        """Write one message; a content not inline lies in the object store."""
        first = mail.rows[0]
        pen = self.pen(mail.peer.code)
        told = {
            "key": first.doc_id,
            "copies": copies_told(mail.rows),
            "from": first.origin,
            "to": json.dumps([row.recipient for row in mail.rows], ensure_ascii=False),
            "servicetype": "eDoc",
            "messagetype": first.message_type,
            "edx-relays": ";".join(filter(None, (first.passed, pen.system))),
            "edx-statement": mail.statement,
            "edx-message-id": first.told_id or "",
            "edx-document-id": quote(first.document_id, safe=""),
            "edx-business": first.business,
            "edx-urgency": str(first.urgency),
        }
        now = self.service.store.now()
        if inline:
            return pen.write(told, mail.payload.read(), now)
        return pen.write(told, b"", now, about=mail.payload.sha256, where=mail.object_name)

    def put_off(self, mails: Iterable[Mail], pause: timedelta) -> None:
        """Let mail that the broker did not take be due again soon."""
        rows = [row for mail in mails for row in mail.rows]
        due = self.service.store.now() + pause

        def act(connection: Connection) -> None:
            for row in rows:
                mine = _is(row) & (copies.c.state == INITIAL) & (copies.c.via == row.via)
                mine &= copies.c.attempt == row.attempt
                connection.execute(update(copies).where(mine).values(due_at=due, tries=row.tries))

        if rows:
            self.service.store.write("put off", act)

    def never_left(self, mails: Iterable[Mail]) -> None:
        """Take note that mail claimed was not even given to the broker: its way may still change."""
        rows = [row for mail in mails for row in mail.rows]

        def act(connection: Connection) -> None:
            for row in rows:
                mine = _is(row) & (copies.c.state == INITIAL) & (copies.c.via == row.via)
                mine &= copies.c.attempt == row.attempt
                connection.execute(update(copies).where(mine, copies.c.unsure > 0).values(unsure=copies.c.unsure - 1))

        if rows:
            self.service.store.write("not left", act)

    def rebuild(self, only: str | None = None) -> int:
        """Let everything in custody be due now, published or not: a stream was lost. Return how many copies.

        ``only`` names the neighbour whose stream it was; without it all are meant.
        """
        now = self.service.store.now()

        def act(connection: Connection) -> int:
            unanswered = update(copies).where(self._mine(INITIAL, only=only)).values(due_at=now)
            taken = self._mine(PROCESSING, only=only) & copies.c.relayed_as.is_not(None)
            connection.execute(update(copies).where(taken).values(due_at=now))
            return int(connection.execute(unanswered).rowcount)

        return self.service.store.write("rebuild", act) if self.peers else 0

    def questions(self) -> dict[str, list[str]]:
        """Return the docIds to ask each neighbour about, due now and not again for a while."""
        if not self.peers:
            return {}
        now = self.service.store.now()
        query = (
            select(messages.c.number, copies.c.recipient, copies.c.via, copies.c.relayed_as)
            .join(copies, copies.c.message == messages.c.number)
            .where(self._mine(PROCESSING), copies.c.relayed_as.is_not(None), is_due(now, self._longest))
            .order_by(copies.c.due_at)
            .limit(4 * BATCH)
        )
        with self.service.store.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return {}
        broker = self.service.config.broker
        assert broker is not None
        again = now + timedelta(seconds=broker.ask_seconds)

        def act(connection: Connection) -> None:
            for row in rows:
                mine = _is(row) & (copies.c.state == PROCESSING)
                connection.execute(update(copies).where(mine).values(due_at=again))

        self.service.store.write("ask", act)
        asked: dict[str, list[str]] = {}
        for row in rows:
            asked.setdefault(row.via, []).append(row.relayed_as)
        return {via: list(dict.fromkeys(keys)) for via, keys in asked.items()}

    @property
    def peers(self) -> dict[str, Peer]:
        """The neighbours that the broker reaches, by code."""
        return {peer.code: peer for peer in self.service.config.peers if peer.endpoint == BROKERED}

    def pen(self, code: str) -> Pen:
        """Return what signs towards a neighbour; raise `Refused` when its secret was not given."""
        if code not in self._pens:
            with self.service.store.read() as connection:
                agency = agencies.require(connection, code)
                now = self.service.store.now()
                secret = agencies.outgoing_secret(connection, agency, self.service.vault, now=now)
            system = self.service.config.system_code
            if secret is None or system is None:
                raise _no_secret(code)
            self._pens[code] = Pen(system, secret)
        return self._pens[code]

    def forget_pens(self) -> None:
        """Read the secrets again: one may have been changed."""
        self._pens.clear()

    @property
    def _answer(self) -> timedelta:
        broker = self.service.config.broker
        assert broker is not None
        return timedelta(seconds=broker.answer_seconds)

    @property
    def _longest(self) -> timedelta:
        broker = self.service.config.broker
        assert broker is not None
        return max(LONGEST_PAUSE, self._answer, timedelta(seconds=broker.ask_seconds))

    def _mine(self, state: str, *, only: str | None = None) -> ColumnElement[bool]:
        return and_(copies.c.state == state, copies.c.via.in_([only] if only else self.peers))


def object_name(doc_id: str, sha256: str) -> str:
    """Return under which name a content lies in the sending hub's bucket."""
    return f"{doc_id}-{sha256[:16]}"


def _due(mine: ColumnElement[bool]) -> Any:
    return (
        select(messages, *_COPY)
        .join(copies, copies.c.message == messages.c.number)
        .where(mine)
        .order_by(messages.c.urgency.desc(), messages.c.number, copies.c.via, copies.c.sha256, copies.c.attempt)
    )


def _is(row: Any) -> ColumnElement[bool]:
    return and_(copies.c.message == row.number, copies.c.recipient == row.recipient)


def _no_secret(code: str) -> Refused:
    return Refused(
        Text(f"Chưa có bí mật của trục {code}.", f"The secret of the hub {code} is missing."),
        hint=Text("Nhập bằng `edocx hub agencies outgoing`.", "Give it: `edocx hub agencies outgoing`."),
        code="EDX-HUB-LINE",
        where=code,
        retryable=True,
    )
