"""The office's own documents on their way from approval to archive; their contents are opaque here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, insert, select, update

from edocx.content import Blob
from edocx.errors import StateError, Text
from edocx.routing.session import Session
from edocx.routing.store import tables
from edocx.routing.store.prepared import Prepared

_documents = tables.documents

# Made once: building a statement costs more than running it.
_EITHER = (_documents.c.id == bindparam("its_id")) | (_documents.c.document_id == bindparam("its_id"))
_FIND = select(_documents).where(_EITHER)
_IS_TAKEN = Prepared(select(_documents.c.id).where(_EITHER))
_ADD = Prepared(insert(_documents), ("id", "state", "metadata", "sha256", "created_at", "changed_at"))


class Filed(NamedTuple):
    """A document as the store holds it.

    Attributes:
        id: the office's own id.
        state: a word of the office, such as approved, reserved, issued, sent.
        document_id: the wire's DocumentId once there is one.
        metadata: the office's JSON object.
        sha256: digest of its present payload, or None.
        created_at: when it was put here.
        changed_at: when it last changed its state.
    """

    id: str
    state: str
    document_id: str | None
    metadata: dict[str, Any]
    sha256: str | None
    created_at: datetime
    changed_at: datetime


class Dossier:
    """The office's documents within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, document: str, *, state: str, metadata: dict[str, Any], payload: Blob | None = None) -> Filed:
        """File a new document; raise `StateError` when the id is taken."""
        session = self._session
        if _IS_TAKEN.first(session.connection, {"its_id": document}) is not None:
            raise _taken(document)
        if payload is not None:
            session.keep(payload)
        sha256 = payload.sha256 if payload else None
        row: dict[str, Any] = {
            "id": document,
            "state": state,
            "metadata": _json(metadata),
            "sha256": sha256,
            "created_at": session.now,
            "changed_at": session.now,
        }
        _ADD.run(session.connection, row)
        session.journal.add(f"document.{state}", {"document": document, "state": state, "sha256": sha256})
        now = session.now
        return Filed(document, state, None, json.loads(row["metadata"]), sha256, now, now)

    def move(
        self,
        document: str,
        *,
        expected: str | tuple[str, ...],
        state: str,
        metadata: dict[str, Any] | None = None,
        payload: Blob | None = None,
        document_id: str | None = None,
        by: str | None = None,
    ) -> Filed:
        """Move a document from an expected state to another, with what changed; None leaves a field as it is.

        Raises `StateError` when it is in no expected state: somebody else was faster, or the step is out
        of order. The comparison and the change are one transaction.
        """
        before = self.get(document)
        allowed = (expected,) if isinstance(expected, str) else expected
        if before.state not in allowed:
            raise _unexpected(before, allowed)
        session = self._session
        values: dict[str, Any] = {"state": state, "changed_at": session.now}
        if metadata is not None:
            values["metadata"] = _json(metadata)
        if payload is not None:
            session.keep(payload)
            values["sha256"] = payload.sha256
        if document_id is not None:
            values["document_id"] = document_id
        session.connection.execute(update(_documents).where(_documents.c.id == document).values(**values))
        ids = {"document": document, "document_id": document_id or before.document_id, "by": by}
        session.journal.add(
            f"document.{state}",
            {**ids, "previous_state": before.state, "state": state, "sha256": payload.sha256 if payload else None},
        )
        return self.get(document)

    def annotate(
        self,
        document: str,
        event: str,
        metadata: dict[str, Any],
        *,
        by: str | None = None,
        payload: Blob | None = None,
    ) -> Filed:
        """Add what became known of a document without moving it, under an event of the journal such as ``recalled``.

        ``payload`` takes the place of its present one: the same document with more evidence in it.
        """
        before = self.get(document)
        values: dict[str, Any] = {"metadata": _json({**before.metadata, **metadata})}
        if payload is not None:
            self._session.keep(payload)
            values["sha256"] = payload.sha256
        self._session.connection.execute(update(_documents).where(_documents.c.id == before.id).values(**values))
        ids = {"document": before.id, "document_id": before.document_id, "by": by}
        self._session.journal.add(f"document.{event}", {**ids, "sha256": values.get("sha256")})
        return self.get(before.id)

    def get(self, document: str) -> Filed:
        """Return a document; raise `StateError` when there is none."""
        found = self.find(document)
        if found is None:
            raise StateError(
                Text("Không có văn bản này trong kho.", "The store holds no such document."),
                hint=Text("Kiểm tra mã văn bản.", "Check the document's id."),
                code="EDX-DOCUMENT-UNKNOWN",
                where=document,
            )
        return found

    def find(self, document: str) -> Filed | None:
        """Return a document by the office's id or by the wire's DocumentId, or None."""
        row = self._session.connection.execute(_FIND, {"its_id": document}).first()
        return None if row is None else _filed(row)

    def in_state(self, *states: str, since: datetime | None = None) -> tuple[Filed, ...]:
        """Return the documents in any of the states (all when none is named), oldest first; or those put here since."""
        query = select(_documents).order_by(_documents.c.created_at, _documents.c.id)
        if states:
            query = query.where(_documents.c.state.in_(states))
        if since is not None:
            query = query.where(_documents.c.created_at >= since)
        return tuple(_filed(row) for row in self._session.connection.execute(query))

    def payload(self, filed: Filed) -> Blob:
        """Return a document's present payload; raise `StateError` when it has none."""
        if filed.sha256 is None:
            raise StateError(
                Text("Văn bản này chưa có nội dung.", "This document has no content yet."),
                hint=Text("Lưu nội dung trước.", "File its content first."),
                code="EDX-DOCUMENT-EMPTY",
                where=filed.id,
            )
        return self._session.payloads.load(self._session.connection, filed.sha256)


def _json(metadata: dict[str, Any]) -> str:
    return json.dumps(metadata, ensure_ascii=False, sort_keys=True)


def _filed(row: Row[Any]) -> Filed:
    return Filed(**{**row._asdict(), "metadata": json.loads(row.metadata)})


def _taken(document: str) -> StateError:
    return StateError(
        Text("Mã văn bản này đã có trong kho.", "The store holds a document with this id."),
        hint=Text("Dùng mã khác, hoặc cập nhật văn bản đã có.", "Use another id, or move the document that is there."),
        code="EDX-DOCUMENT-TAKEN",
        where=document,
    )


def _unexpected(filed: Filed, allowed: tuple[str, ...]) -> StateError:
    return StateError(
        Text(
            f"Văn bản đang ở trạng thái '{filed.state}', cần '{', '.join(allowed)}'.",
            f"The document is '{filed.state}'; this step needs '{', '.join(allowed)}'.",
        ),
        hint=Text(
            "Có thể người khác đã thao tác trước; tải lại văn bản.",
            "Somebody may have been faster; load the document again.",
        ),
        code="EDX-DOCUMENT-STATE",
        where=filed.id,
    )
