"""The axis' list rows as entries, and which of them may be a parcel of ours. Pure.

Rows of hubs of ours carry members more (``edx…``): message id, DocumentId, digest, exact time. Foreign ones do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from edocx.clock import VIETNAM
from edocx.routing.parcel import TOP_URGENCY, Business, Parcel, ParcelKind
from edocx.routing.transport import Entry

SKEW = timedelta(minutes=15)
"""How far an axis' clock may be from ours when its rows are matched by time."""

_TIME_FORMS = ("", "%d/%m/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S")


def rows_of(reply: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of a list reply; what is no object is left out."""
    data = reply.get("data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def entry_of(row: Mapping[str, Any], kind: ParcelKind, unit: str, now: datetime) -> Entry:
    """Read a row of the received list; over a foreign axis the message id is the docId again."""
    key = str(row.get("docId") or "")
    business, urgency, size = row.get("edxBusiness"), row.get("edxUrgency"), row.get("edxSize")
    return Entry(
        key=key,
        message_id=str(row.get("edxMessageId") or key),
        kind=kind,
        sender=str(row.get("from") or ""),
        recipient=unit,
        document_id=str(row["edxDocumentId"]) if row.get("edxDocumentId") else None,
        business=Business(business) if business in set(Business) else Business.NEW,
        urgency=urgency if isinstance(urgency, int) and 0 <= urgency <= TOP_URGENCY else 0,
        sha256=str(row["edxSha256"]) if row.get("edxSha256") else None,
        size=size if isinstance(size, int) else None,
        arrived_at=moment_of(row.get("edxReceivedAt")) or moment_of(row.get("created_time")) or now,
    )


def may_be(row: Mapping[str, Any], parcel: Parcel, tried_at: datetime) -> bool:
    """Tell whether a row of the sent list may be the parcel tried at a moment.

    Rows carry no DocumentId: they are matched by receiver, notation and time (axis-http §1.9). A doubt counts as
    yes, since a wrong no would send the document twice.
    """
    if row.get("edxMessageId"):
        return bool(row["edxMessageId"] == parcel.message_id)
    if row.get("toCode") not in parcel.recipients:
        return False
    notation, printed = str(row.get("notation") or "").strip(), parcel.document_id.rpartition(",")[2].strip()
    if notation and "," in parcel.document_id and notation != printed:
        return False
    sent = moment_of(row.get("sentTime"))
    return sent is None or sent >= tried_at - SKEW


def moment_of(text: object) -> datetime | None:
    """Read an axis' time: ISO from hubs of ours, else Vietnamese local time in the forms seen; None when unreadable."""
    if not isinstance(text, str) or not text:
        return None
    for form in _TIME_FORMS:
        try:
            told = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - see below
        except ValueError:
            continue
        return told if told.tzinfo else told.replace(tzinfo=VIETNAM)
    return None
