"""What the signing commands share: secrets, time-stamping services, and evidence from the same trust."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import language, say
from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.signing.evidence import Evidence
    from edocx.signing.judgement import Criteria
    from edocx.signing.keys import Signer
    from edocx.signing.report import Message
    from edocx.signing.timestamp import SignatureLevel, Timestamper
    from edocx.signing.trust import TrustStore

PASSWORD_VARIABLE = "EDOCX_KEY_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable that answers the question for a password or PIN."""


AXIS_VARIABLE = "EDOCX_AXIS_SECRET"
"""Environment variable that answers the question for the secret of an axis over a network."""

AXIS_PASSWORD_VARIABLE = "EDOCX_AXIS_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable that answers the question for the password of the axis' user (LGSP, NATS)."""


class LevelName(StrEnum):
    """The levels of EN 319 142-1 as the commands take them."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


def ask_secret(name: str) -> str | None:
    """Answer from the environment, or ask on the terminal without showing; None when there is nobody to ask."""
    variables = {"axis": AXIS_VARIABLE, "axis-password": AXIS_PASSWORD_VARIABLE}
    given = os.environ.get(variables.get(name.partition(":")[0], PASSWORD_VARIABLE))
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return None
    prompt = {"vi": f"Mật khẩu hoặc mã PIN của {name}"}.get(language(), f"Password or PIN of {name}")
    return str(typer.prompt(prompt, hide_input=True, err=True))


def evidence_from(store: TrustStore, *, online: bool) -> Evidence | None:
    """Make what B-LT needs from trust material, asking OCSP and CRL addresses too when told to; None without roots."""
    if not store.anchors:
        return None
    from edocx.signing.evidence import Evidence

    if not online:
        return Evidence(store)
    from edocx.clock import SystemClock
    from edocx.signing.online import OnlineSource

    return Evidence(store, OnlineSource(SystemClock()))


class Scheme(StrEnum):
    """How an RSA key signs."""

    PKCS1V15 = "pkcs1v15"
    PSS = "pss"


@dataclass(frozen=True, slots=True)
class Means:
    """What signing has to work with: the moment, trust and registry, the level and the services for it."""

    at: datetime
    criteria: Criteria | None
    level: SignatureLevel
    defer: bool
    timestamps: Timestamper | None
    evidence: Evidence | None

    @classmethod
    def of(
        cls,
        trust: list[str],
        registry: Path | None,
        tsa: list[str],
        level: LevelName | None,
        *,
        defer: bool,
        online: bool,
        patient: bool = False,
    ) -> Means:
        """Read what the options name; the level is B-T with a service and B-B without, unless it is named."""
        from edocx.cli.verify_run import trust_from
        from edocx.clock import SystemClock
        from edocx.signing.judgement import Criteria

        now = SystemClock().now()
        store = trust_from(trust)
        known = None
        if registry is not None:
            from edocx.units.registry import CsvRegistry

            known = CsvRegistry.from_path(registry)
        return cls(
            at=now,
            criteria=Criteria(store, now, known) if trust or known else None,
            level=level.value if level else ("B-T" if tsa else "B-B"),
            defer=defer,
            timestamps=timestamps_from(tsa, store, patient=patient),
            evidence=evidence_from(store, online=online),
        )

    def unchecked(self, notes: Iterable[Message] = ()) -> tuple[Message, ...]:
        """Return what nobody checked of the services that were used; none was where ``notes`` say it is put off."""
        if any(note.code == "EDX-LEVEL-DEFERRED" for note in notes):
            return ()
        trusting = self.criteria is not None and bool(self.criteria.trust.anchors)
        return unchecked_services(self.level, self.timestamps, trusting=trusting)

    def levels(self) -> dict[str, Any]:
        """Return the arguments of `sign_as` about levels; what is put off is noted beside its file."""
        from edocx.signing.pdf.deferred import keep_task

        return {
            "level": self.level,
            "timestamps": self.timestamps,
            "evidence": self.evidence,
            "unstamped": "defer" if self.defer else "fail",
            "keep": keep_task,
        }


def open_key(key: str | None, scheme: Scheme, chain: Path | None) -> Signer:
    """Open the key that ``--key`` names; raise `UsageError` (``EDX-USAGE-KEY``) when it names none."""
    from edocx.signing.certificate import load_chain
    from edocx.signing.keys import open_signer

    if key is None:
        raise UsageError(
            Text("Thiếu khóa để ký.", "The key is missing."),
            hint=Text("Thêm --key file:khoa.p12 hoặc pkcs11:….", "Add --key file:key.p12, pkcs11:… or csc:…."),
            code="EDX-USAGE-KEY",
        )
    return open_signer(key, ask_secret, scheme=scheme.value, certificates=load_chain([chain]) if chain else ())


def require_out(out: Path | None) -> Path:
    """Return where the result goes; raise `UsageError` (``EDX-USAGE-OUT``) when nobody said."""
    if out is None:
        raise UsageError(
            Text("Thiếu nơi ghi kết quả.", "The place for the result is missing."),
            hint=Text("Thêm --out TỆP.", "Add --out FILE."),
            code="EDX-USAGE-OUT",
        )
    if not out.absolute().parent.is_dir():
        raise UsageError(
            Text("Thư mục để ghi kết quả không tồn tại.", "The folder for the result does not exist."),
            hint=Text("Tạo thư mục, hoặc chọn nơi khác.", "Make the folder, or choose another place."),
            code="EDX-USAGE-OUT",
            where=str(out.parent),
        )
    return out


def forget_old_task(out: Path, notes: Iterable[Message]) -> None:
    """Drop the note of a file that was replaced by one that reached its level."""
    from edocx.signing.pdf.deferred import drop_task

    if not any(note.code == "EDX-LEVEL-DEFERRED" for note in notes):
        drop_task(out)


_OF_FIELDS = frozenset({"EDX-FORM-NOT-FOUND", "EDX-FIELD-OVER-TEXT", "EDX-FIELD-NARROW", "EDX-FIELD-MOVED"})
"""Warnings that are of one field among several, which ``where`` names."""


def say_notes(notes: Iterable[Message]) -> None:
    """Print what was not checked, or put off."""
    for note in notes:
        field = f"{note.where}: " if note.where and note.code in _OF_FIELDS else ""
        say(f"  ! {field}{note.vi if language() == 'vi' else note.en}  [{note.code}]")


def unchecked_services(level: str, services: Timestamper | None, *, trusting: bool) -> tuple[Message, ...]:
    """Return the warning that a time-stamping service was taken without trusted roots to hold it against."""
    from edocx.signing.timestamp import SERVICE_UNCHECKED

    return () if level == "B-B" or services is None or trusting else (SERVICE_UNCHECKED,)


PATIENCE = timedelta(seconds=180)
"""For a service when nobody waits for it: the public one was measured at 2 to 131 s (spec/law.md #104)."""


def timestamps_from(urls: list[str], trust: TrustStore, *, patient: bool = False) -> Timestamper | None:
    """Make a pool of the services named, in order; None when none is. Trust is checked when there is any.

    ``patient`` is for work that goes on meanwhile: a folder of documents, notes of what was put off.
    """
    if not urls:
        return None
    from edocx.signing.timestamp import DEFAULT_LIMIT, http_timestamper
    from edocx.signing.timestamp_pool import TimestampPool

    checked = trust if trust.anchors else None
    limit = PATIENCE if patient else DEFAULT_LIMIT
    return TimestampPool([http_timestamper(url, limit=limit, trust=checked) for url in urls])
