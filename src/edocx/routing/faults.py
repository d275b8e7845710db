"""The seam where a test makes the process fail: every durable step says that it was reached."""

from __future__ import annotations

from typing import Protocol


class Faults(Protocol):
    """Is told each time a named point is reached; may raise or kill the process there.

    Points come in the order of the steps they belong to: ``store.payload.*``, ``store.commit.*``,
    ``transport.submit.*``, ``transport.fetch.*``, ``transport.acknowledge.*``, ``axis.commit.*``, each
    with ``before`` or ``after``, and for commits the step's name behind a colon.
    """

    def reached(self, point: str, /) -> None:
        """Take note that ``point`` was reached."""
        ...


class NoFaults:
    """Lets everything pass: what production uses."""

    def reached(self, point: str, /) -> None:
        """Do nothing."""


NO_FAULTS = NoFaults()
"""The default everywhere."""
