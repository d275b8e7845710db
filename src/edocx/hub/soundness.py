"""Large contents are checked against their digest each time they are given out: a flipped bit is never a 200.

Small ones stand in the database and are checked when they are loaded (`edocx.routing.store.payloads.inline`). Of a
large one the digest is taken of the very bytes that go out, while they do: once at the start, or by the file's times,
would say nothing of what the disk gives now, and the hash costs less than base64 and the socket. The last piece is
held back until the digest is known, so that a damaged content never arrives whole: the connection is cut.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator

from sqlalchemy import Connection, delete, insert, select

from edocx.content import Blob
from edocx.errors import EdocxError
from edocx.hub.database import HubStore
from edocx.hub.metrics import Metrics
from edocx.hub.schema import damaged
from edocx.routing.store.payloads import INLINE_LIMIT, lost

_log = logging.getLogger("edocx.hub")


def sound_pieces(blob: Blob, store: HubStore, metrics: Metrics) -> Iterator[bytes]:
    """Yield a content's pieces, the last one only when all fit the digest.

    Raises `StoreUnavailable` (``EDX-STORE-PAYLOAD``) for one that is damaged or cannot be read, and notes it for the
    doctor, the log and the metrics.
    """
    if blob.size <= INLINE_LIMIT:
        yield from blob.pieces()
        return
    digest, held = hashlib.sha256(), b""
    try:
        for piece in blob.pieces():
            digest.update(piece)
            if held:
                yield held
            held = piece
    except OSError as error:
        _found(blob, store, metrics)
        raise lost(blob.sha256) from error
    if digest.hexdigest() != blob.sha256:
        _found(blob, store, metrics)
        raise lost(blob.sha256)
    yield held


def damaged_now(store: HubStore, connection: Connection) -> list[str]:
    """Return the digests of contents that were found damaged and still are; they are read once more."""
    return [sha256 for sha256 in connection.execute(select(damaged.c.sha256)).scalars() if _is_damaged(store, sha256)]


def _is_damaged(store: HubStore, sha256: str) -> bool:
    digest = hashlib.sha256()
    try:
        with store.read() as connection:
            blob = store.load(connection, sha256)
        for piece in blob.pieces():
            digest.update(piece)
    except OSError:
        return True
    except EdocxError as error:
        return error.retryable or error.code == "EDX-STORE-PAYLOAD"  # else it was let go since
    return digest.hexdigest() != sha256


def _found(blob: Blob, store: HubStore, metrics: Metrics) -> None:
    metrics.add("contents_damaged")
    _log.error("content damaged: %s", blob.sha256)
    now = store.now()

    def act(connection: Connection) -> None:
        connection.execute(delete(damaged).where(damaged.c.sha256 == blob.sha256))
        connection.execute(insert(damaged), {"sha256": blob.sha256, "found_at": now})

    try:
        store.write("damaged", act)
    except EdocxError as error:
        _log.error("content damaged, and not noted: %s", error.code)
