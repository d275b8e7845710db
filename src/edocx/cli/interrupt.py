"""Ctrl-C that waits until it can be obeyed: never in the middle of loading a module.

An interrupt while a module loads is swallowed by the import machinery (a lock's clean-up cannot raise), or comes out
as some library's own fault. So it is kept for a moment then, and raised as soon as the loading is over.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

_PAUSE = 0.02
"""Seconds until a Ctrl-C that came at a bad moment is tried again."""

_IMPORTS = "<frozen importlib._bootstrap"

_seen = False


def listen() -> None:
    """Take Ctrl-C from here on; without effect off the main thread and where there is no timer (Windows).

    A program that was started to ignore it (``nohup``, a script's background job) goes on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _obey)
        signal.signal(signal.SIGALRM, _obey)


def ignore() -> None:
    """Take no Ctrl-C any more: all is said, and the exit code must not change."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _forget_the_timer()


def catch_up() -> None:
    """Raise the Ctrl-C that came while something was loading, now that it is loaded."""
    if _seen:
        _forget_the_timer()
        raise KeyboardInterrupt


def was_seen() -> bool:
    """Tell whether Ctrl-C was pressed: then whatever went wrong since is its doing."""
    return _seen


def _obey(_signal: int, frame: FrameType | None) -> None:
    global _seen  # noqa: PLW0603 - one process has one keyboard
    _seen = True
    if _is_loading(frame):
        signal.setitimer(signal.ITIMER_REAL, _PAUSE)
        return
    raise KeyboardInterrupt


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
