"""Signing a PDF in one call, at any level; the two phases stand in `edocx.signing.pdf.phases`.

When no time-stamping service answers, the policy decides (``unstamped``): refuse, or sign at B-B now and give back a
`LevelTask` that `run_task` finishes when a service returns. Never silently less.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Unpack

from pydantic import BaseModel, ConfigDict

from edocx.content import naming, storage_translated, sync_folder
from edocx.errors import SigningRefused, Text, Unavailable
from edocx.signing.evidence import Evidence
from edocx.signing.keys import Signer
from edocx.signing.pdf.extend import extend_file, require_means
from edocx.signing.pdf.fast.prepare import prepare_fast
from edocx.signing.pdf.look import Look
from edocx.signing.pdf.phases import complete, prepare
from edocx.signing.pdf.prepared import Prepared
from edocx.signing.timestamp import SignatureLevel, Timestamper
from edocx.signing.working_file import working_file

__all__ = [
    "LevelTask",
    "Prepared",
    "Signed",
    "complete",
    "prepare",
    "prepare_fast",
    "run_task",
    "sign",
    "sign_to_level",
]

MAX_ATTEMPTS = 3
"""Times more room is reserved when a timestamp turned out larger than any before."""


class LevelTask(BaseModel):
    """What is left to do for a document signed below its level: keep it, and run it until it succeeds.

    ``since`` is the signing time (aware), ``reason`` the code of the error that stood in the way.
    """

    model_config = ConfigDict(frozen=True)

    schema_: Literal[1] = 1
    file: Path
    level: SignatureLevel
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed file, the level it has, and the task that is left if that is not the level asked for, and why."""

    path: Path
    level: SignatureLevel
    task: LevelTask | None = None
    cause: Text | None = None


def sign(
    source: Path,
    out: Path,
    signer: Signer,
    *,
    at: datetime,
    field: str,
    level: SignatureLevel = "B-B",
    timestamps: Timestamper | None = None,
    evidence: Evidence | None = None,
    fast: bool = False,
    **look: Unpack[Look],
) -> Path:
    """Prepare, sign and complete in one call; see `Look` and `prepare` for the arguments.

    ``fast`` appends to plain files without pyHanko (`edocx.signing.pdf.fast`); every other file goes the usual way.

    ``level`` above B-B needs ``timestamps``, from B-LT on ``evidence`` too (`UsageError` without); what they cannot
    give raises `Unavailable` or `SigningRefused`, and ``out`` is not written.
    """
    return sign_to_level(
        source,
        out,
        signer,
        at=at,
        field=field,
        level=level,
        timestamps=timestamps,
        evidence=evidence,
        fast=fast,
        **look,
    ).path


@storage_translated()
def sign_to_level(
    source: Path,
    out: Path,
    signer: Signer,
    *,
    at: datetime,
    field: str,
    level: SignatureLevel,
    timestamps: Timestamper | None = None,
    evidence: Evidence | None = None,
    unstamped: Literal["fail", "defer"] = "fail",
    keep: Callable[[LevelTask], object] | None = None,
    fast: bool = False,
    **look: Unpack[Look],
) -> Signed:
    """Sign at ``level``, or with ``unstamped="defer"`` at what can be had now, and say which it is.

    ``keep`` gets the task that is left, before ``out`` has its name. The key is used once, also when a service fails
    after it signed; only a timestamp that outgrew its room makes it sign again. Raises what `sign` raises; ``out`` is
    whole or untouched.
    """
    if level != "B-B":
        require_means(level, timestamps, evidence)
    stamped = timestamps if level != "B-B" else None
    with working_file(out) as working:
        failure = _sign(source, working, signer, at, field, stamped, unstamped, look, fast=fast)
        reached: SignatureLevel = "B-B" if stamped is None or failure is not None else "B-T"
        if failure is None and level in {"B-LT", "B-LTA"}:
            try:
                extend_file(working, out, level, at=at, timestamps=timestamps, evidence=evidence)
            except Unavailable as error:
                if unstamped == "fail":
                    raise
                failure = error
            else:
                return Signed(out, level)
        task = None if failure is None else LevelTask(file=out, level=level, since=at, reason=failure.code)
        if task is not None and keep is not None:
            keep(task)
        _sync_file(working)
        working.replace(out)
        sync_folder(out.parent)
    return Signed(out, reached, task, None if failure is None else failure.text)


def run_task(task: LevelTask, *, at: datetime, timestamps: Timestamper, evidence: Evidence | None = None) -> Signed:
    """Lift a document that was signed below its level, in place; raise what `extend_file` raises."""
    extend_file(task.file, task.file, task.level, at=at, timestamps=timestamps, evidence=evidence)
    return Signed(task.file, task.level)


def _sign(  # noqa: PLR0917 - one caller
    source: Path,
    working: Path,
    signer: Signer,
    at: datetime,
    field: str,
    stamped: Timestamper | None,
    unstamped: Literal["fail", "defer"],
    look: Look,
    *,
    fast: bool,
) -> Unavailable | None:
    """Sign into the working file, again with more room when a timestamp outgrew it; see `_complete`."""
    room = stamped.room if stamped is not None else 0
    prepare_one = prepare_fast if fast else prepare
    for attempt in itertools.count(1):
        prepared = prepare_one(
            source,
            working,
            certificate=signer.certificate,
            algorithm=signer.algorithm,
            chain=signer.chain,
            at=at,
            field=field,
            timestamp_room=room,
            durable=False,
            **look,
        )
        try:
            return _complete(prepared, signer.sign_digest(prepared.to_sign), stamped, unstamped)
        except SigningRefused as error:
            if error.code != "EDX-SIGN-GAP" or stamped is None or attempt == MAX_ATTEMPTS:
                raise
            room = max(stamped.room, 2 * room)
    raise AssertionError("the attempts are counted above")


def _sync_file(path: Path) -> None:
    with naming(path), path.open("r+b") as stream:
        os.fsync(stream.fileno())


def _complete(
    prepared: Prepared, signature: bytes, timestamps: Timestamper | None, unstamped: Literal["fail", "defer"]
) -> Unavailable | None:
    """Complete with a timestamp, or without one where that is allowed: return what stood in the way then."""
    try:
        complete(prepared, signature, prepared.working_file, timestamps=timestamps, same_process=True)
    except Unavailable as error:
        if unstamped == "fail":
            raise
        complete(prepared, signature, prepared.working_file, same_process=True)
        return error
    return None
