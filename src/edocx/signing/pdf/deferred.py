"""Levels that were put off, kept beside their files until a service returns: ``signed.pdf.lift.json``.

The note is on disk before the signed file has its name, so that no crash leaves a document below its level without
anybody knowing; it goes when the level is reached.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from edocx.content import storage_translated, write_durably
from edocx.errors import InputError, StateError, Text
from edocx.signing.evidence import Evidence
from edocx.signing.pdf.sign import LevelTask, Signed, run_task
from edocx.signing.timestamp import Timestamper

SUFFIX = ".lift.json"

MAX_NOTE = 64 * 1024
"""Bytes; a note has some two hundred."""


def note_of(file: Path) -> Path:
    """Return where the note of a file lies, whether there is one or not."""
    return file.with_name(file.name + SUFFIX)


@storage_translated()
def keep_task(task: LevelTask) -> Path:
    """Write a task beside its file, durably; raise `StoreUnavailable`."""
    place = note_of(task.file)
    said = {"schema": 1, "level": task.level, "since": task.since.isoformat(), "reason": task.reason}
    write_durably(place, [json.dumps(said, indent=1).encode()])
    return place


def drop_task(file: Path) -> None:
    """Forget the task of a file that reached its level; nothing happens when there is none."""
    note_of(file).unlink(missing_ok=True)


@storage_translated()
def notes_in(place: Path) -> tuple[Path, ...]:
    """Return the notes of a file, or of every file in a folder, by name."""
    notes = sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [note_of(place)]
    return tuple(note for note in notes if note.exists())


def settle(task: LevelTask, *, at: datetime, timestamps: Timestamper, evidence: Evidence | None = None) -> Signed:
    """Lift a file in place and forget its task; raise what `extend_file` raises, and keep the task then."""
    if not task.file.exists():
        raise StateError(
            Text("Tệp còn phải nâng mức không còn ở đây.", "The file that is still to be lifted is not here."),
            hint=Text("Đưa tệp về chỗ cũ, hoặc xóa tệp ghi việc.", "Bring the file back, or remove the note."),
            code="EDX-LIFT-GONE",
            where=str(task.file),
        )
    done = run_task(task, at=at, timestamps=timestamps, evidence=evidence)
    drop_task(task.file)
    return done


@storage_translated()
def read_task(note: Path) -> LevelTask:
    """Read a note: it says what, its own place says for which file, so that no note reaches out of its folder.

    Raises `InputError` (``EDX-LIFT-NOTE``) for a note that is none.
    """
    file = note.with_name(note.name.removesuffix(SUFFIX))
    try:
        with note.open("rb") as stream:
            said = json.loads(stream.read(MAX_NOTE))
        return LevelTask(file=file, level=said["level"], since=said["since"], reason=said["reason"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:  # what json and pydantic raise is among them
        raise InputError(
            Text("Tệp ghi việc nâng mức bị hỏng.", "The note of what is still to be lifted is damaged."),
            hint=Text(
                "Xóa tệp này rồi chạy `edocx extend TỆP --to MỨC`.", "Remove it and run `edocx extend FILE --to LEVEL`."
            ),
            code="EDX-LIFT-NOTE",
            where=str(note),
        ) from error
