"""Judges that misbehave, for processes of the pool: a module, because processes import what they run."""

from __future__ import annotations

import ctypes
import os
import signal
import threading

from edocx.signing.report import Report

WAITING = signal.pthread_sigmask(signal.SIG_BLOCK, ()) if hasattr(signal, "pthread_sigmask") else set()
"""The signals that wait while a process loads its modules, this one among them."""


def tell_waiting(_file, _options, _folder):
    """Answer which signals waited when this was loaded."""
    return WAITING


def judge(file, options, folder):
    """Do what the file's name says."""
    match file.stem.partition("-")[0]:
        case "hang":
            threading.Event().wait()  # for nobody: only the budget ends it
        case "memory":
            bytes(512 * 1024 * 1024)
        case "crash":
            ctypes.string_at(0)
        case "exit":
            os._exit(9)
        case "bug":
            raise RuntimeError("nobody expected this")
    return Report.of(file=str(file), format="unknown", policy=options.policy, signatures=(), messages=())
