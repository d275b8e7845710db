"""Signing a folder: one key, several documents on their way at once, resumed where it stopped.

Only the key is waited for: each document is signed at B-B and written; timestamps and evidence follow in threads of
their own, so that no document waits for a slow service and the key is never idle for one.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edocx.cli.output import emit_json, error_json, language, say
from edocx.cli.progress import progress
from edocx.cli.signing_means import say_notes
from edocx.cli.staging import Staging
from edocx.content import storage_translated
from edocx.errors import EdocxError, Text, Unavailable, UsageError, WrongPassword

if TYPE_CHECKING:
    from edocx.cli.sign_look import Role, SignLook
    from edocx.cli.signing_means import Means
    from edocx.signing.keys import Signer
    from edocx.signing.report import Message

Step = Callable[[Path, Path], object]
Look = Callable[[Path, Path], str | None]

_LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")

LIFTING_THREADS = 16
"""Services answer in 2 to 131 s (spec/law.md #104); so many questions are on their way at once, unless told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: signed, lifted, skipped (it was there already), or its error; ``messages`` are notes."""

    source: Path
    out: Path
    state: Literal["signed", "skipped", "failed"]
    level: str = "B-B"
    error: EdocxError | None = None
    messages: tuple[Message, ...] = ()


class SignedFolder:
    """Signs the PDFs of a folder into another; ``sign_one`` and ``lift_one`` do it for one file each.

    Both take a source and a result; what ``sign_one`` returns as a tuple are its notes. Where a level above B-B is
    wanted, the signed file waits under a hidden name until it is reached (`Staging`), and a second run goes on with
    what is not finished. ``look_at`` says at which level a file that is there is the source signed, None when it is
    something else: that is signed anew (untold, all count). With ``keep`` a file whose services do not answer gets its
    final name at B-B after ``keep`` has noted that, and its outcome says so.
    A PIN or password that is refused stops the run (`WrongPassword`): each further try would bring the token nearer to
    its lock.
    """

    def __init__(
        self,
        sign_one: Step,
        lift_one: Step | None = None,
        *,
        level: str = "B-B",
        look_at: Look = lambda _, __: "B-LTA",
        jobs: int = 2,
        services: int = LIFTING_THREADS,
        keep: Callable[[Path, EdocxError], object] | None = None,
    ) -> None:
        self._sign_one = sign_one
        self._lift_one = lift_one
        self._level = level
        self._look_at = look_at
        self._jobs = jobs
        self._services = services
        self._keep = keep
        self._stopped = threading.Event()
        self._refusal: WrongPassword | None = None

    def run(self, sources: list[Path], out: Path, on_done: Callable[[Outcome], None]) -> list[Outcome]:
        """Sign every file whose result is not there yet; call ``on_done`` with each outcome as it comes."""
        outcomes: list[Outcome] = []
        with ExitStack() as stack:
            staging = None if self._lift_one is None else stack.enter_context(Staging(out))
            lifting = stack.enter_context(ThreadPoolExecutor(self._services))
            signing = stack.enter_context(ThreadPoolExecutor(self._jobs))
            try:
                first = [signing.submit(self._sign, source, out / source.name, lifting, staging) for source in sources]
                waiting = []
                for done in as_completed(first):
                    result = done.result()
                    if isinstance(result, Outcome):
                        outcomes.append(result)
                        on_done(result)
                    else:
                        waiting.append(result)
                for lifted in as_completed(waiting):
                    outcomes.append(lifted.result())
                    on_done(outcomes[-1])
            except BaseException:
                self._stopped.set()
                signing.shutdown(cancel_futures=True)
                lifting.shutdown(cancel_futures=True)
                raise
        return sorted(outcomes, key=lambda one: one.source)

    def _sign(
        self, source: Path, out: Path, lifting: ThreadPoolExecutor, staging: Staging | None
    ) -> Outcome | Future[Outcome]:
        staged = out if staging is None else staging.name_for(out)
        notes: tuple[Message, ...] = ()
        try:
            with storage_translated():
                made = self._look_at(source, out) if out.exists() else None
                if made is not None and _LEVELS.index(made) >= _LEVELS.index(self._level):
                    return Outcome(source, out, "skipped", made)
                if made is not None:
                    staged = out  # signed already, and put off below its level: that is what is left to do
                elif not (staging is not None and staging.take_over(out) and self._look_at(source, staged)):
                    notes = self._sign_anew(source, staged)
        except WrongPassword as error:
            self._refusal = error
            raise
        except EdocxError as error:
            return Outcome(source, out, "failed", error=_named(error, staged, out))
        if self._lift_one is None:
            return Outcome(source, out, "signed", messages=notes)
        return lifting.submit(self._lift, source, staged, out, notes)

    def _sign_anew(self, source: Path, staged: Path) -> tuple[Message, ...]:
        if self._refusal is not None:
            raise self._refusal
        if self._stopped.is_set():
            raise CancelledError  # for nobody: the run ended with another error
        said = self._sign_one(source, staged)
        return said if isinstance(said, tuple) else ()

    def _lift(self, source: Path, staged: Path, out: Path, notes: tuple[Message, ...]) -> Outcome:
        assert self._lift_one is not None
        try:
            self._lift_one(staged, out)
        except EdocxError as error:
            if self._keep is None or not isinstance(error, Unavailable):
                return Outcome(source, out, "failed", error=_named(error, staged, out))
            self._keep(out, error)
            staged.replace(out)
            return Outcome(source, out, "signed", error=error, messages=notes)
        if staged != out:
            staged.unlink(missing_ok=True)
        return Outcome(source, out, "signed", self._level, messages=notes)


def _named(error: EdocxError, staged: Path, out: Path) -> EdocxError:
    """Say where the result was to be: nobody knows the hidden name that it waited under."""
    if error.where == str(staged):
        error.where = str(out)
    return error


def sign_folder(
    folder: Path,
    out: Path,
    signer: Signer,
    role: Role,
    *,
    look: SignLook,
    means: Means,
    reason: str | None,
    fast: bool,
    jobs: int,
    services: int,
    as_json: bool,
) -> int:
    """Sign every PDF of ``folder`` into ``out`` and return the exit code; what an earlier run signed is kept.

    Raises `UsageError` (``EDX-USAGE-OVERWRITE``) when both are one folder, and `WrongPassword` at the first PIN that is
    refused.
    """
    from edocx.signing.pdf.order import sign_as

    def sign_one(source: Path, target: Path) -> object:
        options = {"at": means.at, "criteria": means.criteria, "reason": reason, "fast": fast}
        return sign_as(source, target, signer, role, **look.keywords(source, role, means.at), **options)  # type: ignore[arg-type]

    sources = _sources(folder, out)
    run = _run_of(sign_one, signer, means, visible=bool(look.image or look.attachment), jobs=jobs, services=services)
    with progress(len(sources)) as advance:
        step = advance(itertools.repeat(None))

        def tell(outcome: Outcome) -> None:
            next(step)
            if not as_json:
                _show(outcome)

        outcomes = run.run(sources, out, tell)
    _report(outcomes, means, as_json=as_json)
    return 1 if any(one.state == "failed" for one in outcomes) else 0


def _sources(folder: Path, out: Path) -> list[Path]:
    """Return the PDFs of a folder, and make the one for their results."""
    with storage_translated():
        out.mkdir(parents=True, exist_ok=True)
        if out.samefile(folder):
            raise _one_folder(out)
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".pdf" and path.is_file())


def _run_of(sign_one: Step, signer: Signer, means: Means, *, visible: bool, jobs: int, services: int) -> SignedFolder:
    """Join signing with what lifts the result to its level; raise `UsageError` when the means for that are missing."""
    from edocx.signing.pdf.deferred import drop_task, keep_task
    from edocx.signing.pdf.extend import extend_file, require_means
    from edocx.signing.pdf.resume import level_made
    from edocx.signing.pdf.sign import LevelTask

    level, at = means.level, means.at
    helpers = {"timestamps": means.timestamps, "evidence": means.evidence}
    if level != "B-B":
        require_means(level, means.timestamps, means.evidence)

    def lift_one(staged: Path, target: Path) -> object:
        done = extend_file(staged, target, level, at=at, **helpers)  # type: ignore[arg-type]
        drop_task(target)
        return done

    def keep(file: Path, error: EdocxError) -> object:
        return keep_task(LevelTask(file=file, level=level, since=at, reason=error.code))

    return SignedFolder(
        sign_one,
        None if level == "B-B" else lift_one,
        level=level,
        look_at=lambda source, made: level_made(source, made, signer, at=at, criteria=means.criteria, visible=visible),
        jobs=jobs,
        services=services,
        keep=keep if means.defer else None,
    )


def _one_folder(out: Path) -> UsageError:
    return UsageError(
        Text("Thư mục kết quả chính là thư mục nguồn.", "The folder for the results is the folder of the sources."),
        hint=Text("Chọn thư mục khác cho --out.", "Choose another folder for --out."),
        code="EDX-USAGE-OVERWRITE",
        where=str(out),
    )


def _show(outcome: Outcome) -> None:
    words = {
        "signed": Text("đã ký", "signed"),
        "skipped": Text("đã ký từ lần trước, giữ nguyên", "signed by an earlier run, kept as it is"),
        "failed": Text("không ký được", "not signed"),
    }
    reason = "" if outcome.error is None else f"  {outcome.error.text.in_language(language())} [{outcome.error.code}]"
    say(f"{outcome.source.name}: {words[outcome.state].in_language(language())} {outcome.level}{reason}")


def _report(outcomes: list[Outcome], means: Means, *, as_json: bool) -> None:
    unchecked = means.unchecked() if any(one.state == "signed" and one.level != "B-B" for one in outcomes) else ()
    counts = {state: sum(one.state == state for one in outcomes) for state in ("signed", "skipped", "failed")}
    if as_json:
        files = [
            {
                "file": str(one.source),
                "out": str(one.out),
                "state": one.state,
                "level": one.level if one.state != "failed" else None,
                "error": error_json(one.error) if one.error is not None else None,
                "messages": [note.model_dump() for note in one.messages],
            }
            for one in outcomes
        ]
        said = {"schema": 1, "at": means.at.isoformat(), "level": means.level, **counts, "files": files}
        emit_json({**said, "messages": [note.model_dump() for note in unchecked]})
        return
    say(
        Text(
            f"Đã ký {counts['signed']}, có sẵn {counts['skipped']}, lỗi {counts['failed']}.",
            f"Signed {counts['signed']}, there already {counts['skipped']}, failed {counts['failed']}.",
        )
    )
    # Said once, however many files it is true of.
    say_notes({note.code: note for note in (*unchecked, *(note for one in outcomes for note in one.messages))}.values())
