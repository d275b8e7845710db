"""Processes that judge files beside each other, each file under a budget of time and memory.

A file that overruns its budget, or brings its process down, is INDETERMINATE with a sentence that says so, and the run
goes on: one hostile file among ten thousand must not hide the verdicts on the others.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from edocx.cli.interrupt import ctrl_c_waits
from edocx.errors import Text
from edocx.signing.report import Indication, Integrity, Message, Report, SubIndication

SECONDS = 60.0
"""For one file, however large; the verifiers stop by themselves after less for files up to some 200 MB
(`edocx.signing.budget`), so that only what hangs inside a library comes here. Larger ones are hashed in seconds."""

MEMORY = 2 * 1024**3
"""Bytes that one file may take besides its own size (files are mapped) and what the process took before it."""

READY = 120.0
"""Seconds for a process to start, before it looks at any file."""

LOADING = 20.0
"""Seconds that the first file of each process may take besides: trust and evidence are read with it."""

AHEAD = 64
"""Files that each process may be ahead of the one whose verdict is due next."""

Judge = Callable[[Path, Any, str], Any]
"""Judges one file under options, taking out into a folder of that name; its answer travels between processes."""


@dataclass(frozen=True, slots=True)
class FileBudget:
    """What one file may cost: seconds, and bytes of memory besides its size."""

    seconds: float = SECONDS
    memory: int = MEMORY


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection[Any, Any]
    place: int | None = None
    """Of the file in hand."""
    started: bool = False
    end: float = 0.0


def run_all(
    judge: Judge, files: Sequence[Path], folders: Sequence[str], options: Any, *, jobs: int, budget: FileBudget
) -> Iterator[Any]:
    """Yield the answer on each file, in order; what overran its budget is a report that says so."""
    workers = [_start(judge, options, budget) for _ in range(min(jobs, len(files)))]
    found: dict[int, Any] = {}
    given = due = 0
    try:
        while due < len(files):
            for worker in workers:
                if (
                    worker.place is None
                    and worker.process.is_alive()
                    and given < len(files)
                    and given < due + AHEAD * jobs
                ):
                    _give(worker, given, files[given], folders[given], budget)
                    given += 1
            for worker in _answering(workers, budget):
                assert worker.place is not None
                found[worker.place] = _answer(worker, files[worker.place], options.policy)
                worker.place = None
                if not worker.process.is_alive() and given < len(files):
                    workers[workers.index(worker)] = _start(judge, options, budget)
            while due in found:
                yield found.pop(due)
                due += 1
    finally:
        for worker in workers:
            _stop(worker)


def _start(judge: Judge, options: Any, budget: FileBudget) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, judge, options, budget.memory), daemon=True)
    with ctrl_c_waits():
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _give(worker: _Worker, place: int, file: Path, folder: str, budget: FileBudget) -> None:
    worker.place, worker.end = place, time.monotonic() + (budget.seconds if worker.started else READY)
    with contextlib.suppress(OSError):  # the process is gone already: its silence is the answer
        worker.pipe.send((file, folder))


def _answering(workers: list[_Worker], budget: FileBudget) -> list[_Worker]:
    """Wait until something has answered, died, or overrun its time; return those.

    The time of a process's first file begins when it says that it has started.
    """
    busy = [worker for worker in workers if worker.place is not None]
    until = min(worker.end for worker in busy)
    ready = set(wait([worker.pipe for worker in busy], timeout=max(0.0, until - time.monotonic())))
    now = time.monotonic()
    for worker in busy:
        if worker.pipe in ready and not worker.started:
            worker.started, worker.end = True, now + LOADING + budget.seconds
            with contextlib.suppress(EOFError, OSError):  # it died while it started: waiting for its answer says so
                worker.pipe.recv()
            ready.discard(worker.pipe)
    return [worker for worker in busy if worker.pipe in ready or worker.end <= now]


def _answer(worker: _Worker, file: Path, policy: str) -> Any:
    if not worker.pipe.poll():
        _stop(worker)
        return overrun(file, policy, TIME)
    try:
        answer = worker.pipe.recv()
    except (EOFError, OSError):
        _stop(worker)
        return overrun(file, policy, CRASHED)
    if answer is None:
        _stop(worker)  # after running out of memory nothing in there is to be relied on
        return overrun(file, policy, TOO_LARGE)
    return answer


def _stop(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()


def _work(pipe: Connection[Any, Any], judge: Judge, options: Any, memory: int) -> None:
    """Judge what comes through the pipe until it closes; None answers that memory ran out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that runs this one
    pipe.send(None)  # started
    while True:
        try:
            file, folder = pipe.recv()
        except EOFError:
            return
        try:
            _limit_memory(memory + (file.stat().st_size if file.is_file() else 0))
            answer = judge(file, options, folder)
            _limit_memory(None)
        except MemoryError:
            _limit_memory(None)
            answer = None
        except Exception:  # noqa: BLE001 - whatever a file brings about, it is said of that file and the run goes on
            _limit_memory(None)
            answer = overrun(file, options.policy, CRASHED)
        pipe.send(answer)


def _limit_memory(more: int | None) -> None:
    """Let this process take so many bytes more than now, any number with None; Linux only, a no-op elsewhere."""
    if not sys.platform.startswith("linux"):
        return
    import resource  # not there on every system

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if more is None:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    soft = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def overrun(file: Path, policy: str, why: Message) -> Report:
    """Return the verdict on a file that could not be judged within its budget."""
    return Report(
        file=str(file),
        format="unknown",
        policy=policy,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.GENERIC,
        integrity=Integrity.INDETERMINATE,
        messages=(why,),
    )


TIME = Message.of(
    "EDX-BUDGET-TIME",
    "error",
    Text(
        "Kiểm tra tệp này quá thời gian cho phép nên dừng lại; chưa kết luận được. Kiểm tra riêng, hoặc hỏi bên gửi.",
        "Verifying this file took longer than allowed and was stopped; nothing can be concluded. Verify it alone, or "
        "ask its sender.",
    ),
)
TOO_LARGE = Message.of(
    "EDX-BUDGET-MEMORY",
    "error",
    Text(
        "Kiểm tra tệp này cần nhiều bộ nhớ hơn mức cho phép nên dừng lại; chưa kết luận được. Kiểm tra riêng với mức "
        "cao hơn (--file-memory), hoặc hỏi bên gửi.",
        "Verifying this file takes more memory than allowed and was stopped; nothing can be concluded. Verify it alone "
        "with a higher bound (--file-memory), or ask its sender.",
    ),
)
CRASHED = Message.of(
    "EDX-BUDGET-CRASH",
    "error",
    Text(
        "Tiến trình kiểm tra tệp này bị dừng đột ngột; chưa kết luận được. Không tin tệp này; hỏi lại bên gửi.",
        "The process that verified this file ended abruptly; nothing can be concluded. Do not rely on the file; ask "
        "its sender.",
    ),
)
