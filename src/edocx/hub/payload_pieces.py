"""Payloads of a hub on PostgreSQL: small ones in their row, larger ones in pieces of a table of their own.

No file of one node's: any node can give out what another took in, and a backup of the database is a backup of all.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine, bindparam, func, null, select

from edocx.content import Blob
from edocx.hub.schema import payload_pieces
from edocx.routing.faults import Faults
from edocx.routing.store import tables
from edocx.routing.store.failure import translated
from edocx.routing.store.payloads import INLINE_LIMIT, MAX_PAYLOAD, checked, erased, inline, lost, require_size
from edocx.routing.store.pieces import even_pieces, piecewise
from edocx.routing.store.upsert import upsert

PIECE = 1024 * 1024
"""Bytes of one row: one round trip each, and never more than two of them in memory."""

_ADD = upsert(payload_pieces).on_conflict_do_nothing()
_NEW = upsert(tables.payloads)
_KNOW = _NEW.on_conflict_do_update(
    index_elements=["sha256"],
    # What was let go and comes again is there again; what is there stays as it is.
    set_={"content": _NEW.excluded.content, "erased_at": null()},
    where=tables.payloads.c.erased_at.is_not(None),
)
_PIECE = select(payload_pieces.c.content).where(
    payload_pieces.c.sha256 == bindparam("wanted"), payload_pieces.c.number == bindparam("number")
)
_HELD = select(func.coalesce(func.sum(func.length(payload_pieces.c.content)), 0)).where(
    payload_pieces.c.sha256 == bindparam("wanted")
)
_FIND = select(tables.payloads.c.size, tables.payloads.c.content, tables.payloads.c.erased_at).where(
    tables.payloads.c.sha256 == bindparam("wanted")
)


class PayloadPieces:
    """The payload tables of one hub's database."""

    def __init__(self, engine: Engine, where: str, *, faults: Faults) -> None:
        self._engine = engine
        self._where = where
        self._faults = faults

    def keep_file(self, blob: Blob) -> None:
        """Bring a payload larger than `INLINE_LIMIT` to the server, durably; smaller ones need nothing.

        One commit of its own, outside the writers' queue: nobody waits for a large file, and pieces that turn out not
        to fit their digest are never kept. Pieces without a row in the payload table are only space.
        Raises `LimitExceeded`, and `InputError` when bytes and digest differ.
        """
        require_size(blob, MAX_PAYLOAD)
        if blob.size <= INLINE_LIMIT:
            return
        with translated(self._where), self._engine.begin() as connection:
            if connection.execute(_HELD, {"wanted": blob.sha256}).scalar_one() == blob.size:
                return
            for number, piece in enumerate(even_pieces(checked(blob), PIECE)):
                connection.execute(_ADD, {"sha256": blob.sha256, "number": number, "content": piece})
            self._faults.reached("store.payload.before")
        self._faults.reached("store.payload.after")

    def record(self, connection: Connection, blob: Blob, now: datetime) -> None:
        """Make a payload known inside the transaction; its pieces are written first if it needs them."""
        self.keep_file(blob)
        content = b"".join(checked(blob)) if blob.size <= INLINE_LIMIT else None
        row = {"sha256": blob.sha256, "size": blob.size, "content": content, "stored_at": now}
        connection.execute(_KNOW, row)

    def load(self, connection: Connection, sha256: str) -> Blob:
        """Return a payload; raise `StoreUnavailable` when it is gone. Its pieces are read when they are wanted."""
        row = connection.execute(_FIND, {"wanted": sha256}).one_or_none()
        if row is None:
            raise lost(self._place(sha256))
        if row.erased_at is not None:
            raise erased(sha256)
        if row.content is not None:
            return inline(bytes(row.content), sha256, self._place(sha256))
        return Blob.from_opener(
            lambda: piecewise(partial(self.piece, sha256), size=row.size, piece=PIECE), sha256=sha256, size=row.size
        )

    def drop(self, connection: Connection, sha256: str) -> None:
        """Delete the pieces of a payload."""
        connection.execute(payload_pieces.delete().where(payload_pieces.c.sha256 == sha256))

    def piece(self, sha256: str, number: int) -> bytes:
        """Return one piece; raise `StoreUnavailable` when it is gone."""
        with translated(self._where), self._engine.connect() as connection:
            found = connection.execute(_PIECE, {"wanted": sha256, "number": number}).scalar_one_or_none()
        if found is None:
            raise lost(self._place(sha256))
        return bytes(found)

    def _place(self, sha256: str) -> str:
        return f"{self._where}#{sha256}"
