"""What hubs tell each other about mail: took it, refused it, how did it fare. Every word may come twice or late.

A receipt counts only for the attempt it speaks of and only from the hub that the copy went to, so an old one that is
replayed changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Row, bindparam, select, update

from edocx.errors import EdocxError
from edocx.hub import agencies, mailroom, refusal
from edocx.hub.admission import FAIL, INITIAL, PROCESSING
from edocx.hub.broker_mail import Reader
from edocx.hub.broker_outbox import object_name
from edocx.hub.carrier import OUR_OWN, fate_in
from edocx.hub.gate import Caller
from edocx.hub.mailroom import MAX_DESCRIPTION
from edocx.hub.rerouting import NO_SUCH_UNIT, turn_back
from edocx.hub.schema import copies, messages
from edocx.hub.service import Service
from edocx.routing.transport.nats_frame import Frame
from edocx.routing.transport.nats_line import SMALLEST

MOST_TOLD = 2_000
"""Receipts, questions or fates in one message."""

MOST_ASKED = 500
"""Messages looked up by one statement: databases take only so many values."""

_DOC_ID = 64
_Key = TypeVar("_Key")


# Built once: building an expression takes longer than running it.
_MESSAGES = select(messages.c.doc_id, messages.c.number, messages.c.size).where(
    messages.c.doc_id.in_(bindparam("doc_ids", expanding=True))
)
_WAITED_FOR = select(copies.c.message).where(
    copies.c.message.in_(bindparam("numbers", expanding=True)), copies.c.state == INITIAL, copies.c.via.is_not(None)
)
_LARGE = (
    select(copies.c.message, copies.c.sha256)
    .where(copies.c.message.in_(bindparam("numbers", expanding=True)), copies.c.size > SMALLEST)
    .distinct()
)
_SETTLE = (
    update(copies)
    .where(
        copies.c.message == bindparam("its_message"),
        copies.c.recipient == bindparam("its_recipient"),
        copies.c.attempt == bindparam("its_attempt"),
        copies.c.via == bindparam("its_via"),
        copies.c.state == INITIAL,
    )
    .values(
        state=bindparam("new_state"),
        relayed_as=bindparam("taken"),
        due_at=bindparam("due"),
        description=bindparam("reason"),
        tries=0,
        updated_at=bindparam("now"),
    )
)


class _Refused(NamedTuple):
    """A copy that the next hub did not take."""

    number: int
    recipient: str
    attempt: int


class Heard(NamedTuple):
    """What follows from talk: fates to tell other hubs by code, and contents that nobody needs any more."""

    fates: dict[str, list[dict[str, Any]]]
    spent: list[str]


@dataclass(frozen=True, slots=True)
class Talk:
    """Understands and makes talk for one hub."""

    service: Service

    def hear(self, frames: Iterable[Frame]) -> Heard:
        """Take in messages, durably in one commit; what is no talk of a neighbouring hub is counted and dropped."""
        reader, receipts, told, asked = Reader.of(self.service.gate), [], [], dict[str, list[str]]()
        for frame in frames:
            read = self._read(reader, frame)
            if read is None:
                continue
            caller, words = read
            receipts += [(caller, one) for one in words.get("receipts", ())]
            told += [(caller, one) for one in words.get("fates", ())]
            asked.setdefault(caller.agency.code, []).extend(str(key) for key in words.get("questions", ()))
        spent: list[str] = []
        if receipts or told:
            spent = self.service.store.write("talk", lambda connection: self._settle(connection, receipts, told))
        return Heard({hub: self._fates(hub, keys) for hub, keys in asked.items() if keys}, spent)

    def _read(self, reader: Reader, frame: Frame) -> tuple[Caller, dict[str, list[Any]]] | None:
        try:
            caller = reader.believe(frame)
            if hashlib.sha256(frame.body).hexdigest() != caller.parameters.get("hash-file"):
                raise refusal.wrong_hash()
            words = json.loads(frame.body)
        except (EdocxError, ValueError, RecursionError):
            self.service.metrics.add("broker_poisoned")
            return None
        lists = isinstance(words, dict) and all(
            isinstance(found, list) and len(found) <= MOST_TOLD for found in words.values()
        )
        return (caller, words) if lists else None

    def _settle(
        self, connection: Connection, receipts: list[tuple[Caller, Any]], told: list[tuple[Caller, Any]]
    ) -> list[str]:
        spent = self._take_receipts(connection, [(who, one) for who, one in receipts if isinstance(one, dict)])
        for caller, fate in told:
            if isinstance(fate, dict):
                self._take_fate(connection, caller, fate)
        return spent

    def _take_receipts(self, connection: Connection, receipts: list[tuple[Caller, dict[str, Any]]]) -> list[str]:
        """Note what became of the copies of many messages; return the contents that nobody needs any more."""
        found: dict[str, Row[Any]] = {}
        for batch in _batches(dict.fromkeys(str(one.get("key")) for _, one in receipts)):
            found |= {row.doc_id: row for row in connection.execute(_MESSAGES, {"doc_ids": batch})}
        settled: list[dict[str, Any]] = []
        for caller, receipt in receipts:
            message, values = found.get(str(receipt.get("key"))), self._values(receipt)
            if message is not None and values is not None:
                mine = {"its_message": message.number, "its_via": caller.agency.code, "now": self.service.store.now()}
                pairs = self._not_turned_back(connection, mine, receipt)
                settled += [mine | values | {"its_recipient": who, "its_attempt": nth} for who, nth in pairs]
        if settled:
            connection.execute(_SETTLE, settled)
        return self._spent(connection, {row.number: row.doc_id for row in found.values() if row.size > SMALLEST})

    def _not_turned_back(
        self, connection: Connection, mine: dict[str, Any], receipt: dict[str, Any]
    ) -> list[tuple[str, int]]:
        """Return the copies that a receipt settles: those refused for their unit go another way where there is one."""
        pairs = _pairs(receipt.get("copies"))
        code = receipt.get("code")
        if not isinstance(code, str) or code not in NO_SUCH_UNIT:
            return pairs
        number, via, above = mine["its_message"], mine["its_via"], self.service.door.above
        told = [_Refused(number, *pair) for pair in pairs]
        for_good = receipt.get("never") is True
        return [
            (one.recipient, one.attempt)
            for one in told
            if not turn_back(connection, one, via, above, for_good=for_good, now=self.service.store.now())
        ]

    def _values(self, receipt: dict[str, Any]) -> dict[str, Any] | None:
        taken, code = receipt.get("as"), receipt.get("code")
        if isinstance(taken, str) and 0 < len(taken) <= _DOC_ID:
            broker = self.service.config.broker
            assert broker is not None
            due = self.service.store.now() + timedelta(seconds=broker.ask_seconds)
            return {"new_state": PROCESSING, "taken": taken, "due": due, "reason": None}
        if isinstance(code, str) and code in OUR_OWN:
            # It says nothing of the message: the copy stays in custody, and is published again after its pause.
            self.service.metrics.add("lines_refused")
            return None
        if isinstance(code, str):
            reason = str(receipt.get("vi") or code)[:MAX_DESCRIPTION]
            return {"new_state": FAIL, "taken": None, "due": None, "reason": reason}
        return None

    def _spent(self, connection: Connection, doc_ids: Mapping[int, str]) -> list[str]:
        """Return the contents of messages that no copy waits for: they need not lie in the object store."""
        spent: list[str] = []
        for batch in _batches(doc_ids):
            waiting = set(connection.execute(_WAITED_FOR, {"numbers": batch}).scalars())
            settled = [number for number in batch if number not in waiting]
            rows = connection.execute(_LARGE, {"numbers": settled}) if settled else ()
            spent += [object_name(doc_ids[row.message], row.sha256) for row in rows]
        return spent

    def _take_fate(self, connection: Connection, caller: Caller, fate: dict[str, Any]) -> None:
        values = fate_in(fate)
        if values is None:
            return
        where = (copies.c.relayed_as == str(fate.get("senderDocId"))) & (copies.c.state == PROCESSING)
        where &= (copies.c.via == caller.agency.code) & (copies.c.recipient == str(fate.get("toCode")))
        connection.execute(update(copies).where(where).values(**values, updated_at=self.service.store.now()))

    def _fates(self, hub: str, keys: list[str]) -> list[dict[str, Any]]:
        """Return how the mail fared that a neighbouring hub asks about: settled copies of its own messages only."""
        found: list[dict[str, Any]] = []
        with self.service.store.read() as connection:
            agency = agencies.require(connection, hub)
            for key in dict.fromkeys(keys):
                rows = mailroom.sent(connection, agency, "", key)
                statements = self.service.relay_book.of_copies(connection, rows)
                found += [row for row in mailroom.sent_rows(rows, statements) if fate_in(row) is not None]
        return found


def _batches(keys: Iterable[_Key]) -> Iterator[list[_Key]]:
    listed = list(keys)
    return (listed[start : start + MOST_ASKED] for start in range(0, len(listed), MOST_ASKED))


def _pairs(told: object) -> list[tuple[str, int]]:
    listed = told if isinstance(told, list) else []
    shaped = [pair for pair in listed if isinstance(pair, list) and len(pair) == 2]  # noqa: PLR2004 - a pair
    return [(str(recipient), attempt) for recipient, attempt in shaped if isinstance(attempt, int)]
