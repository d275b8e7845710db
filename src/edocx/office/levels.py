"""The level of the agency's seal on a document: B-B, or what the settings ask for, now or when a service returns.

Issuing does not wait for a time-stamping service that is away, unless the settings say so: the document is sealed at
B-B, and a task is kept with it in the same transaction. `lift` does the tasks that are due; doing one twice is
harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from edocx.content import Blob
from edocx.errors import EdocxError
from edocx.office.desk import Desk
from edocx.routing.dossier import Filed
from edocx.routing.retry import Backoff
from edocx.routing.transaction import Transaction
from edocx.signing.keys import Signer
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.field_text import FieldValue
from edocx.signing.pdf.form import SEAL_FIELD
from edocx.signing.pdf.sign import LevelTask, Signed, run_task, sign_to_level

OWED, REACHED = "level-owed", "level-reached"
"""The dossier's states of a task to lift a document."""

PAUSES = Backoff(first=timedelta(minutes=1), ceiling=timedelta(hours=1))
"""When a task is tried again; it is never given up, as the document lives for decades."""


def seal_document(
    desk: Desk,
    source: Path,
    out: Path,
    signer: Signer,
    *,
    fill: Mapping[str, FieldValue],
    image: Path | None,
) -> Signed:
    """Seal a document at the level of the settings, or at B-B with a task left where they allow it.

    Raises what `edocx.signing.pdf.sign.sign_to_level` raises; `Unavailable` only under ``on_failure = "fail"``.
    """
    settings = desk.config.timestamp
    return sign_to_level(
        source,
        out,
        signer,
        at=desk.clock.now(),
        field=SEAL_FIELD,
        level=settings.level if settings else "B-B",
        timestamps=desk.timestamps if settings else None,
        evidence=desk.evidence if settings else None,
        unstamped="defer" if settings and settings.on_failure == "later" else "fail",
        fill=fill,
        appearance=Appearance(image=image) if image else None,
    )


def owe(transaction: Transaction, own_id: str, task: LevelTask) -> None:
    """Keep the task that is left of a seal, in the transaction that issues its document."""
    metadata = {
        "document": own_id,
        "level": task.level,
        "since": task.since.isoformat(),
        "reason": task.reason,
        "due": transaction.now.isoformat(),
        "failures": 0,
    }
    transaction.documents.put(f"muc.{own_id}", state=OWED, metadata=metadata)


def owed(desk: Desk) -> tuple[Filed, ...]:
    """Return the tasks that are left, oldest first."""
    with desk.store.read() as transaction:
        return transaction.documents.in_state(OWED)


def lift(desk: Desk) -> int:
    """Do the tasks that are due; return how many documents reached their level."""
    if desk.timestamps is None:
        return 0
    now = desk.clock.now()
    due = (task for task in owed(desk) if datetime.fromisoformat(task.metadata["due"]) <= now)
    return sum(_lift(desk, task, now) for task in due)


def _lift(desk: Desk, task: Filed, now: datetime) -> bool:
    assert desk.timestamps is not None
    own_id = str(task.metadata["document"])
    with desk.store.read() as transaction:
        before = transaction.documents.get(own_id)
        payload = transaction.documents.payload(before)
    with desk.workspace() as folder:
        path = payload.save(folder / "document.pdf").path
        assert path is not None
        described = {name: task.metadata[name] for name in ("level", "since", "reason")}
        try:
            run_task(
                LevelTask.model_validate({"file": path, **described}),
                at=now,
                timestamps=desk.timestamps,
                evidence=desk.evidence,
            )
        except EdocxError as error:
            _put_off(desk, task, error.code)
            return False
        lifted = desk.store.keep(Blob.from_path(path))
        with desk.store.begin("lift") as transaction:
            if transaction.documents.get(own_id).sha256 == before.sha256:
                transaction.documents.annotate(own_id, "lifted", {"level": task.metadata["level"]}, payload=lifted)
                transaction.documents.move(task.id, expected=OWED, state=REACHED)
    return True


def _put_off(desk: Desk, task: Filed, reason: str) -> None:
    failures = int(task.metadata["failures"]) + 1
    pause = PAUSES.pause(failures, Random(task.id))  # noqa: S311 - jitter, not secrecy
    with desk.store.begin("lift") as transaction:
        changed: dict[str, Any] = {"due": (transaction.now + pause).isoformat(), "failures": failures, "reason": reason}
        transaction.documents.annotate(task.id, "level_waits", changed)
