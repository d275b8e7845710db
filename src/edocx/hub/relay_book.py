"""The hub's own book of relay statements: made once, kept, and given out with what came back from behind."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, Row, bindparam, insert, select

from edocx.hub.admission import DONE, FAIL
from edocx.hub.configuration import HubConfig
from edocx.hub.database import HubStore
from edocx.hub.relay_statement import Fact, bounded, make_statement
from edocx.hub.schema import own_secrets, statements
from edocx.hub.vault import KEY_BYTES, Vault, read_keys

_RELAY = "relay"


@dataclass(frozen=True, slots=True)
class RelayBook:
    """Makes and keeps statements; a hub without a unit states nothing."""

    store: HubStore
    system: str | None
    key: Ed25519PrivateKey | None

    @classmethod
    def open(cls, config: HubConfig, store: HubStore, vault: Vault) -> RelayBook:
        """Open the book; the key is made when there is none. Raises `KeyFileError`.

        It lies in the database, sealed under the key that lies outside: every node has it, and every backup. A hub of
        an earlier version kept it in a file of its own beside the database, from which it is taken over.
        """
        if config.system_code is None:
            return cls(store, None, None)
        with store.read() as connection:
            told = _kept_seed(connection, vault)
        if told is None:
            file = config.relay_key_path
            earlier = base64.b64encode(read_keys(file)[0]).decode() if file.exists() else None
            told = store.write("relay key", lambda connection: _common_seed(connection, vault, earlier))
        return cls(store, config.system_code, Ed25519PrivateKey.from_private_bytes(base64.b64decode(told)))

    @property
    def public_key(self) -> Ed25519PublicKey | None:
        """The key by which others know this hub's statements."""
        return self.key.public_key() if self.key else None

    def state(self, connection: Connection, row: Row[Any], via: str) -> str:
        """Return the statement about a message handed on, made in the caller's transaction when there is none.

        It is on disk before the message leaves; a repeat finds it.
        """
        return self.states(connection, [(row, via)])[0]

    def states(self, connection: Connection, handed: Sequence[tuple[Row[Any], str]]) -> list[str]:
        """Return the statements about messages handed on; those that there are not yet are made together."""
        numbers = list({row.number for row, _ in handed})
        known = {(one.message, one.via): one.statement for one in connection.execute(_MADE, {"numbers": numbers})}
        left, new = self.store.now(), list[dict[str, Any]]()
        for row, via in handed:
            if (row.number, via) not in known:
                known[row.number, via] = self._state(row, following=via, left=left)
                new.append({"message": row.number, "via": via, "statement": known[row.number, via]})
        if new:
            connection.execute(_MAKE, new)
        return [known[row.number, via] for row, via in handed]

    def of_copies(self, connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, list[str]]:
        """Return for each recipient of one message what this hub and those behind it stated."""
        if self.key is None:
            return {}
        found: dict[str, list[str]] = {}
        for row in rows:
            if row.via is None:
                left = row.updated_at if row.state in {DONE, FAIL} else None
                found[row.recipient] = [self._state(row, following=row.recipient, left=left)]
            elif (own := _kept(connection, row.number, row.via)) is not None:
                found[row.recipient] = [own, *bounded(json.loads(row.downstream or "[]"))]
        return found

    def _state(self, row: Row[Any], *, following: str, left: Any) -> str:
        assert self.key is not None
        assert self.system is not None
        fact = Fact(self.system, row.doc_id, row.digest, row.previous, row.received_at, left, following)
        return make_statement(fact, self.key)


# Built once: building an expression takes longer than running it.
_MADE = select(statements).where(statements.c.message.in_(bindparam("numbers", expanding=True)))
_MAKE = insert(statements)


def _kept_seed(connection: Connection, vault: Vault) -> str | None:
    sealed = connection.execute(select(own_secrets.c.sealed).where(own_secrets.c.name == _RELAY)).scalar_one_or_none()
    return None if sealed is None else vault.open(bytes(sealed), bound_to=_RELAY)


def _common_seed(connection: Connection, vault: Vault, earlier: str | None) -> str:
    """Return the seed that all nodes of the hub sign with, making it at the first, of the earlier one if there is."""
    kept = _kept_seed(connection, vault)
    if kept is not None:
        return kept
    seed = earlier or base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    connection.execute(insert(own_secrets), {"name": _RELAY, "sealed": vault.seal(seed, bound_to=_RELAY)})
    return seed


def _kept(connection: Connection, number: int, via: str) -> str | None:
    mine = (statements.c.message == number) & (statements.c.via == via)
    return connection.execute(select(statements.c.statement).where(mine)).scalar_one_or_none()
