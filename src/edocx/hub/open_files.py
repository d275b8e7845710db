"""How many files this process may hold open, and how many lines fit into that: every line is one, and so is a body."""

from __future__ import annotations

import sys

ROOM = 64
"""Files beside the lines: database, log, listening socket, neighbours, broker."""

PER_LINE = 2
"""A line, and the body that comes in or goes out on it."""

MOST = 1 << 20
"""Files that nobody needs more of: an unlimited number is refused by some systems."""


def raise_limit() -> int | None:
    """Raise this process' limit of open files as far as it may; return what it is then, None where there is none."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST if soft == resource.RLIM_INFINITY else soft


def lines_within(limit: int | None, wanted: int) -> int:
    """Return how many of the lines wanted fit into a limit of open files."""
    return wanted if limit is None else max(1, min(wanted, (limit - ROOM) // PER_LINE))
