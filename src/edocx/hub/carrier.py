"""The carrier: hands copies on to the neighbouring hub, keeps custody until it has answered, asks how they fared.

It may be killed between any two statements and several may work at once: the next hub knows a repeat by its sender,
DocumentId and content (axis-http.md §1.9), so what was done is done again without harm.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Row, select, update

from edocx.content import Blob
from edocx.errors import EdocxError, TransportUnavailable, UnitError
from edocx.hub import agencies, refusal
from edocx.hub.admission import DONE, FAIL, INITIAL, PROCESSING
from edocx.hub.bodies import unpadded
from edocx.hub.configuration import BROKERED, Peer
from edocx.hub.due import has_passed, is_due
from edocx.hub.mailroom import MAX_DESCRIPTION
from edocx.hub.neighbourhood import GREET_AGAIN, Met, greet, learn, note
from edocx.hub.promises import copies_told, is_for_good
from edocx.hub.relay_statement import bounded, digest_of
from edocx.hub.rerouting import NO_SUCH_UNIT, follow_settings, mark_leaving, turn_back
from edocx.hub.schema import copies, messages
from edocx.hub.service import Service
from edocx.hub.soundness import sound_pieces
from edocx.routing.transport.axis_exchange import AxisExchange
from edocx.routing.transport.axis_rows import rows_of
from edocx.routing.transport.http_line import UNREACHED
from edocx.routing.transport.nats_line import NatsLine

BATCH = 64
"""Copies looked at in one step."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
"""Between attempts towards a hub that is away: doubling, up to this; custody has no end."""

ASK_AGAIN = timedelta(minutes=1)
"""How often the next hub is asked what became of a copy it took."""

OUR_OWN = frozenset(
    {
        "EDX-AXIS-CREDENTIALS",
        "EDX-AXIS-OPERATION",
        "EDX-HUB-SENDER",
        "EDX-HUB-SUBTREE",
        "EDX-HUB-METHOD",
        "EDX-HUB-PATH",
        "EDX-HUB-PLAIN-HTTP",
    }
)
"""Answers that speak of the line between two hubs and not of the message: a wrong secret, a wrong address, a hub or a
sender that is not known to its neighbour. They settle nothing."""

_COPY = (
    copies.c.recipient,
    copies.c.via,
    copies.c.tries,
    copies.c.attempt,
    copies.c.sha256.label("held"),
    copies.c.message_id.label("told_id"),
)
_CRLF = b"\r\n"


@dataclass(slots=True)
class Carrier:
    """Works for one hub; `step` does what is due."""

    service: Service
    _lines: dict[str, AxisExchange] = field(default_factory=dict)
    _greeted: datetime | None = None

    def step(self) -> int:
        """Hand on what is due and ask after what was handed on; return how many copies changed."""
        self._greet_neighbours()
        return self._hand_on() + self._ask_after()

    def stop(self) -> None:
        """Close the lines; the next step opens new ones."""
        for line in self._lines.values():
            line.close()

    def _greet_neighbours(self) -> None:
        """Ask each neighbour for its time and the keys it knows, now and then."""
        now = self.service.store.now()
        if not has_passed(self._greeted, now, GREET_AGAIN):
            return
        self._greeted = now
        follow_settings(self.service.store, self.service.door.above)
        for peer in self.service.config.peers:
            try:
                met, told = greet(self._line(peer.code), self.service.store.now())
            except EdocxError as error:
                met, told = Met(now, error=error.code), []
            self.service.store.write("greet", partial(self._note, peer, met, told))

    def _note(self, peer: Peer, met: Met, told: list[Mapping[str, Any]], connection: Connection) -> None:
        note(connection, peer, met)
        learn(connection, peer, self.service.config, told, met.asked_at)

    def _hand_on(self) -> int:
        now = self.service.store.now()
        with self.service.store.read() as connection:
            waiting = (copies.c.state == INITIAL) & self._by_http() & is_due(now, LONGEST_PAUSE)
            query = (
                select(messages, *_COPY)
                .join(copies, copies.c.message == messages.c.number)
                .where(waiting)
                .order_by(messages.c.urgency.desc(), messages.c.number, copies.c.via, copies.c.sha256)
                .limit(BATCH)
            )
            rows = connection.execute(query).all()
        moved, away = 0, set[str]()
        for (_, via, _), group in itertools.groupby(rows, key=lambda row: (row.number, row.via, row.held)):
            if via not in away:
                found = self._hand_on_message(list(group), via)
                moved += found
                if not found:
                    away.add(via)
        return moved

    def _hand_on_message(self, rows: Sequence[Row[Any]], via: str) -> int:
        """Submit one message for all its recipients behind one hub; one by one if one of them is refused."""
        try:
            line, payload = self._line(via), self._content(rows[0])
        except EdocxError as error:
            return self._not_taken(rows, via, error)
        rows, statement = self.service.store.write("statement", lambda connection: self._leave(connection, rows, via))
        if not rows:
            return 1  # it goes another way since it was looked up
        try:
            key = _submit(line, rows, payload, self._pieces(payload), statement)
        except EdocxError as error:
            if not isinstance(error, TransportUnavailable) or error.code == UNREACHED:
                self._settle(rows, {"unsure": copies.c.unsure - 1})
            return self._not_taken(rows, via, error)
        due = self.service.store.now() + ASK_AGAIN
        return self._settle(rows, {"state": PROCESSING, "relayed_as": key, "due_at": due, "tries": 0, "unsure": 0})

    def _content(self, row: Row[Any]) -> Blob:
        with self.service.store.read() as connection:
            return self.service.store.load(connection, row.held)

    def _pieces(self, payload: Blob) -> Iterator[bytes]:
        return sound_pieces(payload, self.service.store, self.service.metrics)

    def _leave(self, connection: Connection, rows: Sequence[Row[Any]], via: str) -> tuple[list[Row[Any]], str]:
        """Write down that an attempt leaves, and what this hub states of it, before its first byte does."""
        left = mark_leaving(connection, rows, via)
        return left, digest_of(self.service.relay_book.state(connection, left[0], via)) if left else ""

    def _not_taken(self, rows: Sequence[Row[Any]], via: str, error: EdocxError) -> int:
        """Put off what may be taken later, go another way where there is one now, or give up with the reason."""
        if isinstance(error, TransportUnavailable) or error.retryable or self._is_of_the_line(error, via):
            return self._put_off(rows)
        if isinstance(error, UnitError) and len(rows) > 1:
            return sum(self._hand_on_message([row], via) for row in rows)
        if error.code in NO_SUCH_UNIT and self._turned_back(rows[0], via, for_good=is_for_good(error)):
            return 1
        return self._settle(rows, {"state": FAIL, "description": error.text.vi, "due_at": None})

    def _turned_back(self, row: Row[Any], via: str, *, for_good: bool) -> bool:
        above, now = self.service.door.above, self.service.store.now()
        return self.service.store.write(
            "reroute", lambda connection: turn_back(connection, row, via, above, for_good=for_good, now=now)
        )

    def _is_of_the_line(self, error: EdocxError, via: str) -> bool:
        """Tell whether a refusal is of this hub or its line, not of the message; note it for the operator then."""
        hubs = {via, self.service.config.system_code}  # one of them closed, or unknown to the other
        ours = error.code in OUR_OWN or (isinstance(error, UnitError) and error.where in hubs)
        if ours:
            met = Met(self.service.store.now(), error=error.code)
            peer = self._peer(via)
            self.service.store.write("refused", lambda connection: note(connection, peer, met))
            self.service.metrics.add("lines_refused")
            # Its secret may be given anew, or its address: the next attempt reads them again.
            line = self._lines.pop(via, None)
            if line is not None:
                line.close()
        return ours

    def _ask_after(self) -> int:
        """Take over what the next hub knows of the copies it took: done, or failed and why."""
        now = self.service.store.now()
        with self.service.store.read() as connection:
            taken = (copies.c.state == PROCESSING) & self._by_http() & copies.c.relayed_as.is_not(None)
            taken &= is_due(now, max(LONGEST_PAUSE, ASK_AGAIN))
            query = (
                select(messages, *_COPY, copies.c.relayed_as)
                .join(copies, copies.c.message == messages.c.number)
                .where(taken)
                .order_by(copies.c.via, copies.c.relayed_as)
                .limit(BATCH)
            )
            rows = connection.execute(query).all()
        moved = 0
        for (via, key), group in itertools.groupby(rows, key=lambda row: (row.via, row.relayed_as)):
            held = list(group)
            try:
                told = {"servicetype": "eDoc", "messagetype": held[0].message_type, "docId": key}
                known = {str(row.get("toCode")): row for row in rows_of(self._line(via).call("getSentEdocList", told))}
            except EdocxError:
                self._put_off(held)
                continue
            moved += sum(self._learn(row, known.get(row.recipient, {}), now) for row in held)
        return moved

    def _learn(self, row: Row[Any], known: Any, now: datetime) -> int:
        values = fate_in(known)
        if values is None:
            self._settle([row], {"due_at": now + ASK_AGAIN})
            return 0
        return self._settle([row], values)

    def _put_off(self, rows: Sequence[Row[Any]]) -> int:
        pause = min(FIRST_PAUSE * 2 ** min(rows[0].tries, 10), LONGEST_PAUSE)
        self._settle(rows, {"tries": copies.c.tries + 1, "due_at": self.service.store.now() + pause})
        return 0

    def _settle(self, rows: Sequence[Row[Any]], values: dict[str, Any]) -> int:
        now = self.service.store.now()

        def act(connection: Connection) -> None:
            for row in rows:
                mine = (copies.c.message == row.number) & (copies.c.recipient == row.recipient)
                mine &= (copies.c.via == row.via) & (copies.c.attempt == row.attempt)
                connection.execute(update(copies).where(mine).values(**values, updated_at=now))

        self.service.store.write("relay", act)
        return len(rows)

    def _by_http(self) -> ColumnElement[bool]:
        """Leave out what the broker carries."""
        brokered = [peer.code for peer in self.service.config.peers if peer.endpoint == BROKERED]
        return copies.c.via.is_not(None) & copies.c.via.not_in(brokered)

    def _line(self, via: str) -> AxisExchange:
        if via not in self._lines:
            self._lines[via] = self._opened(self._peer(via))
        return self._lines[via]

    def _peer(self, code: str) -> Peer:
        found = next((peer for peer in self.service.config.peers if peer.code == code), None)
        if found is None:
            raise refusal.no_line(code)
        return found

    def _opened(self, peer: Peer) -> AxisExchange:
        with self.service.store.read() as connection:
            agency = agencies.require(connection, peer.code)
            secret = agencies.outgoing_secret(connection, agency, self.service.vault, now=self.service.store.now())
        system = self.service.config.system_code
        if secret is None or system is None:
            raise refusal.no_line(peer.code)
        clock, plain = self.service.store.clock, self.service.config.plain_http
        if peer.endpoint == BROKERED:
            from edocx.routing.transport.nats import NatsExchange  # noqa: PLC0415 - nats-py is an extra

            broker = self.service.config.broker
            assert broker is not None
            line = NatsLine(broker.settings(), broker.password)
            return NatsExchange(line, hub=peer.tree_unit, system=system, secret=secret, clock=clock)
        return AxisExchange(peer.endpoint, system=system, secret=secret, clock=clock, plain_http=plain)


def _submit(
    line: AxisExchange, rows: Sequence[Row[Any]], payload: Blob, pieces: Iterator[bytes], statement: str
) -> str:
    first = rows[0]
    told = {
        "from": first.origin,
        "to": json.dumps([row.recipient for row in rows], ensure_ascii=False),
        "servicetype": "eDoc",
        "messagetype": first.message_type,
        "hash-file": unpadded(payload.sha256),
        "edx-relays": ";".join(filter(None, (first.passed, line.system))),
        "edx-statement": statement,
        "edx-copies": copies_told(rows),
        "edx-message-id": first.told_id or "",
        "edx-document-id": quote(first.document_id, safe=""),
        "edx-business": first.business,
        "edx-urgency": str(first.urgency),
    }
    body = itertools.chain(pieces, (_CRLF,))
    reply = line.call("sendEdoc", told, body=body, length=payload.size + len(_CRLF), binary=True)
    return str(reply.get("DocId") or "")


def fate_in(known: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a row of the next hub's list of sent mail makes of our copy; None while nothing is settled there."""
    state = str(known.get("receiveStatus") or "")
    if state not in {DONE, FAIL}:
        return None
    description = str(known.get("receiveStatusDesc") or "")[:MAX_DESCRIPTION] if state == FAIL else None
    downstream = json.dumps(bounded(known.get("edxStatements")))
    return {"state": state, "description": description, "due_at": None, "downstream": downstream}
