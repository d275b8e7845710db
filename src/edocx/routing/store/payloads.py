"""Payloads, stored once by their digest: small ones in the database, larger ones as files beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, bindparam, func, null, select, update

from edocx.content import Blob, sync_folder, write_durably
from edocx.errors import InputError, LimitExceeded, StateError, StoreUnavailable, Text
from edocx.routing.faults import Faults
from edocx.routing.store import tables
from edocx.routing.store.failure import damaged, files_translated
from edocx.routing.store.prepared import Prepared
from edocx.routing.store.private_place import FILE, make_private_folder
from edocx.routing.store.upsert import upsert

LOST = "EDX-STORE-PAYLOAD"
"""The code of a payload that is gone, cut short or changed."""

INLINE_LIMIT = 128 * 1024
"""Largest payload kept in the database itself, in bytes: one fsync then covers state and content.

A file of its own takes three (file, name, row), so that a document of the usual 100 KB is inline."""

MAX_PAYLOAD = 2 * 1024**3
"""Largest payload kept at all, in bytes: against an axis or a peer that fills the disk with one parcel."""


_table = tables.payloads
_NEW = upsert(_table)
_ADD = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=["sha256"],
        # What was erased and comes again is there again; what is there stays as it is.
        set_={"content": _NEW.excluded.content, "erased_at": null()},
        where=_table.c.erased_at.is_not(None),
    ),
    ("sha256", "size", "content", "stored_at"),
)
_FIND = select(_table.c.size, _table.c.content, _table.c.erased_at).where(_table.c.sha256 == bindparam("wanted"))


class Payloads:
    """The payload folder and table of one store."""

    def __init__(self, folder: Path, *, faults: Faults, max_size: int = MAX_PAYLOAD) -> None:
        self.folder = folder
        self._faults = faults
        self._max_size = max_size

    def keep_file(self, blob: Blob) -> None:
        """Bring a payload larger than `INLINE_LIMIT` to its file, durably; smaller ones need nothing.

        Safe to repeat and to do before any transaction: a file without a row is only space. Raises
        `LimitExceeded` for what is too large and `InputError` when the bytes do not fit the digest.
        """
        require_size(blob, self._max_size)
        if blob.size <= INLINE_LIMIT:
            return
        with files_translated(str(self.folder)):
            self._write(blob)

    def _write(self, blob: Blob) -> None:
        place = self.place(blob.sha256)
        if place.is_file() and place.stat().st_size == blob.size:
            # Its bytes were synced before it got this name; the name itself may not have been.
            sync_folder(place.parent)
            return
        self._make_folder(place.parent)
        self._faults.reached("store.payload.before")
        write_durably(place, checked(blob))
        place.chmod(FILE)  # nobody else could enter its folder meanwhile
        self._faults.reached("store.payload.after")

    def record(self, connection: Connection, blob: Blob, now: datetime) -> None:
        """Make a payload known inside the transaction; its file is written first if it needs one."""
        self.keep_file(blob)
        content = b"".join(checked(blob)) if blob.size <= INLINE_LIMIT else None
        row = {"sha256": blob.sha256, "size": blob.size, "content": content, "stored_at": now}
        _ADD.run(connection, row)

    def load(self, connection: Connection, sha256: str) -> Blob:
        """Return a payload; raise `StoreUnavailable` when its row or file is gone or cut short."""
        row = connection.execute(_FIND, {"wanted": sha256}).one_or_none()
        if row is None:
            raise lost(str(self.place(sha256)))
        if row.erased_at is not None:
            raise erased(sha256)
        return self.blob(sha256, row.size, row.content)

    def size_of(self, connection: Connection, sha256: str) -> int:
        """Return a payload's length in bytes, also of one that was erased; 0 for one never known."""
        row = connection.execute(_FIND, {"wanted": sha256}).one_or_none()
        return 0 if row is None else int(row.size)

    def erase(self, connection: Connection, sha256: str, now: datetime) -> bool:
        """Forget a payload's content, unless a parcel, a document or a message not recalled needs it; tell which."""
        parcels, documents, inbox = tables.parcels, tables.documents, tables.inbox
        needed = (
            select(func.count()).where(parcels.c.sha256 == sha256).select_from(parcels),
            select(func.count()).where(documents.c.sha256 == sha256).select_from(documents),
            select(func.count())
            .where(inbox.c.sha256 == sha256, inbox.c.state.not_in(("recalled", "duplicate")))
            .select_from(inbox),
        )
        if any(connection.execute(query).scalar_one() for query in needed):
            return False
        forgotten = update(_table).where(_table.c.sha256 == sha256, _table.c.erased_at.is_(None))
        return bool(connection.execute(forgotten.values(content=None, erased_at=now)).rowcount)

    def blob(self, sha256: str, size: int, content: bytes | None) -> Blob:
        """Return the payload of a row already read; raise `StoreUnavailable` when its file is gone or cut short."""
        if content is not None:
            return inline(content, sha256, str(self.place(sha256)))
        place = self.place(sha256)
        if not place.is_file() or place.stat().st_size != size:
            raise lost(str(self.place(sha256)))
        return Blob(sha256, size, place, lambda: place.open("rb"))

    def place(self, sha256: str) -> Path:
        """Return where the file of a payload lies: 256 folders, so that none grows too long to list."""
        return self.folder / sha256[:2] / sha256

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        make_private_folder(folder)
        sync_folder(folder.parent)
        sync_folder(folder.parent.parent)


def require_size(blob: Blob, limit: int) -> None:
    """Raise `LimitExceeded` for a payload that is too large to keep."""
    if blob.size > limit:
        raise LimitExceeded(
            Text(
                f"Gói tin dài {blob.size} byte, vượt giới hạn {limit}.",
                f"The payload has {blob.size} bytes, over the limit of {limit}.",
            ),
            hint=Text("Chia nhỏ tệp đính kèm hoặc tăng giới hạn.", "Split the attachments or raise the limit."),
            code="EDX-LIMIT-PAYLOAD",
        )


def inline(content: bytes, sha256: str, where: str) -> Blob:
    """Return a payload that stands in its row; raise `StoreUnavailable` when it is not what it was."""
    blob = Blob.from_bytes(content)
    if blob.sha256 != sha256:
        raise lost(where)
    return blob


def lost(where: str) -> StoreUnavailable:
    """Return the error for a payload that is gone, cut short or changed."""
    return damaged(
        where,
        Text("Nội dung của một gói tin bị mất hoặc hỏng.", "The content of a parcel is gone or damaged."),
        code=LOST,
    )


def erased(sha256: str) -> StateError:
    """Return the error for a content that was let go; its row stays."""
    return StateError(
        Text(
            "Nội dung đã được hủy (thu hồi hoặc hết hạn lưu); còn lưu dữ liệu đặc tả và giá trị băm.",
            "The content was deleted (recalled, or kept long enough); its metadata and digest stay.",
        ),
        hint=Text("Xem lịch sử văn bản.", "Look at the document's history."),
        code="EDX-PAYLOAD-ERASED",
        where=sha256,
    )


def _pieces(blob: Blob) -> Iterator[bytes]:
    try:
        yield from blob.pieces()
    except OSError as error:
        raise InputError(
            Text("Không đọc được nội dung cần gửi.", "The content to be kept cannot be read."),
            hint=Text("Kiểm tra tệp gốc còn đó không.", "Check whether the original file is still there."),
            code="EDX-FILE-UNREADABLE",
            where=None if blob.path is None else str(blob.path),
        ) from error


def checked(blob: Blob) -> Iterator[bytes]:
    """Yield a payload's pieces, never more than it announced; raise `InputError` unless they fit its digest."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(blob):
        digest.update(piece)
        size += len(piece)
        if size > blob.size:
            break
        yield piece
    if size != blob.size or digest.hexdigest() != blob.sha256:
        # A file changed after it was digested, or an axis that announces one thing and gives another.
        raise InputError(
            Text(
                "Nội dung không khớp với giá trị băm SHA-256 đã công bố.",
                "The content does not fit the SHA-256 digest announced for it.",
            ),
            hint=Text(
                "Tệp bị sửa sau khi tính giá trị băm, hoặc hỏng trên đường truyền: lấy lại tệp.",
                "The file changed after it was digested, or was damaged on its way: fetch it again.",
            ),
            code="EDX-PAYLOAD-DIGEST",
            where=blob.sha256,
        )
