"""Ctrl-C and SIGTERM that wait until they can be obeyed: never in the middle of loading a module.

Both end the program in order, so that no half-written file stays. An interrupt while a module loads is swallowed by
the import machinery (a lock's clean-up cannot raise), or comes out as some library's own fault. So it is kept for a
moment then, and raised as soon as the loading is over.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143
"""What shells say of a program that SIGTERM ended (128 + SIGTERM)."""

_PAUSE = 0.02
"""Seconds until a Ctrl-C that came at a bad moment is tried again."""

_IMPORTS = "<frozen importlib._bootstrap"

_seen = 0
"""The signal that asked for the end, 0 while none did."""


class Terminated(SystemExit):
    """SIGTERM, raised where the program stands: what is open is closed, temporary files go."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)


def listen() -> None:
    """Take Ctrl-C and SIGTERM from here on; without effect off the main thread and where there is no timer (Windows).

    A program that was started to ignore one (``nohup``, a script's background job) goes on ignoring it.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _obey)
    signal.signal(signal.SIGALRM, _obey)


def ignore() -> None:
    """Take no Ctrl-C any more: all is said, and the exit code must not change. SIGTERM ends it at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _forget_the_timer()


def catch_up() -> None:
    """Raise the interrupt that came while something was loading, now that it is loaded."""
    if _seen:
        _forget_the_timer()
        raise _asked()


def was_seen() -> bool:
    """Tell whether Ctrl-C was pressed: then whatever went wrong since is its doing."""
    return _seen == signal.SIGINT


def was_terminated() -> bool:
    """Tell whether SIGTERM came, likewise."""
    return _seen == signal.SIGTERM


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Keep Ctrl-C until the block ends, and from processes that start in it: they inherit that; no-op on Windows.

    A process that loads its modules would answer with a traceback, and so would one whose parent left it half told.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # the first process would start it, and that lets the signal through again
    came: list[int] = []
    # Another thread may take the signal, and this one would hear of it in the middle; so would one that was put off.
    obeyed = {
        number: handler for number in (signal.SIGINT, signal.SIGALRM) if callable(handler := signal.getsignal(number))
    }
    for number in obeyed:
        signal.signal(number, lambda number, _frame: came.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in obeyed.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def _obey(number: int, frame: FrameType | None) -> None:
    global _seen  # noqa: PLW0603 - one process has one keyboard
    if number != signal.SIGALRM:
        _seen = number
    if _is_loading(frame):
        signal.setitimer(signal.ITIMER_REAL, _PAUSE)
        return
    raise _asked()


def _asked() -> BaseException:
    return Terminated() if _seen == signal.SIGTERM else KeyboardInterrupt()


def _forget_the_timer() -> None:
    # A timer that outlives Python's handler would end the process by its signal.
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _is_loading(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTS):
            return True
        frame = frame.f_back
    return False
