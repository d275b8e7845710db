"""Ports of this machine that are known before anything listens on them."""

from __future__ import annotations

import socket


def held_port() -> socket.socket:
    """Return a socket that keeps a free port of loopback for whoever listens on it next; closing it gives the port up.

    A port that is only looked up and bound later may be another process's by then. This one is bound and never
    listens, so the system gives it to nobody who asks for any port, and lets in whoever names it (``SO_REUSEADDR``,
    which servers set), as often as it is started again.
    """
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.bind(("127.0.0.1", 0))
    return line


def port_of(line: socket.socket) -> int:
    """Return the number of a held port."""
    return int(line.getsockname()[1])
