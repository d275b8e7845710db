"""Judging many files with one reading of trust, evidence and registry, in this process or several."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edocx.cli.empty_name import empty_name
from edocx.cli.verify_pool import TOO_LARGE, FileBudget, overrun, run_all
from edocx.errors import EdocxError, Text
from edocx.signing.report import Indication, Report
from edocx.signing.trust import TrustStore

if TYPE_CHECKING:
    from edocx.units.directory import Directory

_USAGE = 2


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said; plain values, so that processes can share it."""

    trust: tuple[str, ...] = ()
    evidence: tuple[Path, ...] = ()
    registry: Path | None = None
    directory: Path | None = None
    detached: tuple[Path, ...] = ()
    keys: tuple[Path, ...] = ()
    at: datetime | None = None
    policy: str = "signatures-only"
    online: bool = False
    online_private: bool = False
    extract: Path | None = None
    budget: FileBudget = field(default_factory=FileBudget)
    receipts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error on its way between processes: exceptions with named arguments do not travel by themselves."""

    kind: type[EdocxError]
    text: Text
    hint: Text
    code: str
    where: str | None
    retryable: bool

    def rebuild(self) -> EdocxError:
        """Make the error again, past whatever its kind's own constructor asks for."""
        error = self.kind.__new__(self.kind)
        EdocxError.__init__(
            error, self.text, hint=self.hint, code=self.code, where=self.where, retryable=self.retryable
        )
        return error


Outcomes = Iterator[tuple[Path, Report | EdocxError]]


def judge_all(files: Sequence[Path], options: Options, jobs: int) -> Outcomes:
    """Yield each file with its report or its error, in order; wrong options raise at once.

    Of several signature files, each may be for some of the contents given beside them: what another one signs, it
    need not sign. A content that none signs keeps all of them from passing.
    """
    if len(files) > 1 and options.detached:
        return _each_with_its_own(files, options, jobs)
    return _all_alike(files, options, jobs)


def _each_with_its_own(files: Sequence[Path], options: Options, jobs: int) -> Outcomes:
    folders = _folders(files)
    first = list(_all_alike(files, replace(options, extract=None), jobs))
    signed = frozenset().union(*(said.matched for _, said in first if isinstance(said, Report)))
    for (file, said), folder in zip(first, folders, strict=True):
        own = said.matched if isinstance(said, Report) and said.indication is not Indication.TOTAL_FAILED else ()
        if not own and options.extract is None:
            yield file, said  # nothing to tell apart: it answers for all that was given
            continue
        kept = tuple(one for one in options.detached if not own or one in own or one not in signed)
        yield file, _judge(file, replace(options, detached=kept), folder)


def _all_alike(files: Sequence[Path], options: Options, jobs: int) -> Outcomes:
    _arguments(options)
    folders = _folders(files)
    if jobs == 1 or len(files) < 2:  # noqa: PLR2004
        for file, folder in zip(files, folders, strict=True):
            yield file, _judge(file, options, folder)
        return
    outcomes = run_all(_judge_apart, files, folders, options, jobs=jobs, budget=options.budget)
    for file, outcome in zip(files, outcomes, strict=True):
        answer = outcome if isinstance(outcome, Report) else outcome.rebuild()
        if isinstance(answer, EdocxError) and answer.exit_code == _USAGE:
            raise answer  # the call is wrong, whatever the file
        yield file, answer


def _folders(files: Sequence[Path]) -> list[str]:
    """Return a folder's name for what is taken out of each file: its own, made harmless and distinct."""
    from edocx.envelope import filenames

    return filenames.distinct(filenames.cleaned(file.name) for file in files)


def trust_from(names: Sequence[str]) -> TrustStore:
    """Read what ``--trust`` names: folders, files, shipped packs, or ``user`` for what `edocx trust add` kept."""
    from edocx.signing.trust_pack import is_pack, load_domain

    store = TrustStore()
    for name in names:
        if not name:
            raise empty_name("--trust")
        if is_pack(name):
            store |= load_domain(name)
        elif name == "user":
            store |= TrustStore.from_path(user_folder())
        else:
            store |= TrustStore.from_path(Path(name))
    return store


def user_folder() -> Path:
    """Return where `edocx trust add` keeps certificates."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "edocx" / "trust"


def cache_folder() -> Path:
    """Return where revocation lists from the network are kept until their next update."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edocx" / "crl"


def _arguments(options: Options) -> dict[str, Any]:
    return _read_once(replace(options, detached=(), extract=None)) | {"detached": options.detached}


@cache
def _read_once(options: Options) -> dict[str, Any]:
    # Once a process: a national list has megabytes.
    from edocx.clock import SystemClock

    store = trust_from(options.trust)
    for place in options.evidence:
        store |= TrustStore.from_path(place).as_evidence()
    known = None
    if options.registry is not None:
        from edocx.units.registry import CsvRegistry

        known = CsvRegistry.from_path(options.registry)
    source = None
    if options.online:
        from edocx.signing.line import GuardedLine
        from edocx.signing.online import OnlineSource

        source = OnlineSource(SystemClock(), cache_folder(), line=GuardedLine(private=options.online_private))
    return {
        "trust": store,
        "registry": known,
        "directory": _units(options),
        "at": options.at or SystemClock().now(),  # one moment for a run, so that paths are worked out once
        "policy": options.policy,
        "keys": options.keys,
        "source": source,
        "receipts": options.receipts,
    }


def _units(options: Options) -> Directory | None:
    """Return the directory that a policy asks: that of ``--directory``, else the shipped one; none is read unasked."""
    from edocx.signing.policy import SIGNATURES_ONLY

    if options.directory is not None:
        from edocx.units.units_json import load

        return load(options.directory)
    if options.policy == SIGNATURES_ONLY:
        return None
    from edocx.units.shipped import shipped_directory

    return shipped_directory()


def _judge(file: Path, options: Options, folder: str, *, apart: bool = False) -> Report | EdocxError:
    from edocx.verification import extract, verify

    try:
        if options.extract is not None:
            return extract(file, options.extract / folder, **_arguments(options)).report
        return verify(file, **_arguments(options))
    except EdocxError as error:
        if error.exit_code == _USAGE:
            raise
        return error
    except MemoryError:
        if apart:
            raise  # the process that judges it apart says so, and is not used again
        return overrun(file, options.policy, TOO_LARGE)


def _judge_apart(file: Path, options: Options, folder: str) -> Report | _Failure:
    try:
        outcome = _judge(file, options, folder, apart=True)
    except EdocxError as error:
        outcome = error
    if isinstance(outcome, Report):
        return outcome
    return _Failure(type(outcome), outcome.text, outcome.hint, outcome.code, outcome.where, outcome.retryable)
