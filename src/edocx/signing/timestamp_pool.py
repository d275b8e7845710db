"""Several time-stamping services behind one face: asked in order, those that failed resting for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from edocx.errors import EdocxError, Text, Unavailable
from edocx.signing.algorithms import HashName
from edocx.signing.timestamp import TOKEN_ROOM, Timestamper

FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=15)
"""A service that failed is left alone for the first, doubled at each further failure up to the second."""

MAX_NAME = 100
"""Characters of a name that is no address, in messages."""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """How a service of a pool is doing: failures in a row, seconds it still rests, duration of its last answer."""

    name: str
    failures: int
    resting: float
    last_seconds: float | None


@dataclass(slots=True)
class _State:
    failures: int = 0
    rests_until: float = 0.0
    last_seconds: float | None = None
    failure: Unavailable | None = None


class TimestampPool:
    """A `Timestamper` made of others: the first that answers, in the order given.

    A service that failed rests, so that a thousand documents do not each wait for its time limit. When all rest
    the pool says so at once. Safe to share between threads. ``seconds`` is a monotonic clock.
    """

    def __init__(
        self,
        services: Sequence[Timestamper],
        *,
        first_rest: timedelta = FIRST_REST,
        longest_rest: timedelta = LONGEST_REST,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = tuple(services)
        self._states = [_State() for _ in self._services]
        self._first_rest = first_rest.total_seconds()
        self._longest_rest = longest_rest.total_seconds()
        self._seconds = seconds
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What it goes by in messages."""
        return "pool"

    @property
    def room(self) -> int:
        """How many bytes a token of any of the services takes, as far as known."""
        return max((one.room for one in self._services), default=TOKEN_ROOM)

    def timestamp(self, digest: bytes, hash_name: HashName) -> bytes:
        """Return the token of the first service that gives a good one.

        Raises `Unavailable` (``EDX-TSA-NONE``) when none does: it names the host of each and why, of those that rest
        why they do; its cause is the last failure.
        """
        failure: EdocxError | None = None
        for service, state in zip(self._services, self._states, strict=True):
            if self._rests(state):
                continue
            begun = self._seconds()
            try:
                token = service.timestamp(digest, hash_name)
            except Unavailable as error:
                failure = error
                self._failed(state, error)
                continue
            self._answered(state, self._seconds() - begun)
            return token
        raise _none(self._reasons()) from failure

    def health(self) -> tuple[ServiceHealth, ...]:
        """Tell how each service is doing, in order."""
        now = self._seconds()
        with self._lock:
            return tuple(
                ServiceHealth(service.name, state.failures, max(0.0, state.rests_until - now), state.last_seconds)
                for service, state in zip(self._services, self._states, strict=True)
            )

    def _rests(self, state: _State) -> bool:
        with self._lock:
            return self._seconds() < state.rests_until

    def _reasons(self) -> list[tuple[str, Unavailable]]:
        with self._lock:
            held = zip(self._services, self._states, strict=True)
            return [(_host(service.name), state.failure) for service, state in held if state.failure is not None]

    def _failed(self, state: _State, error: Unavailable) -> None:
        with self._lock:
            state.failure = error
            rest = min(self._longest_rest, self._first_rest * 2**state.failures)
            state.failures = min(state.failures + 1, 30)
            state.rests_until = self._seconds() + rest

    def _answered(self, state: _State, seconds: float) -> None:
        with self._lock:
            state.failures = 0
            state.failure = None
            state.rests_until = 0.0
            state.last_seconds = seconds


def _host(name: str) -> str:
    """Return the host of a service named by its address: what follows it may hold a subscriber's key."""
    try:
        return urlsplit(name).hostname or name[:MAX_NAME]
    except ValueError:
        return name[:MAX_NAME]


def _none(reasons: list[tuple[str, Unavailable]]) -> Unavailable:
    causes = Text(
        "; ".join(f"{host}: {error.text.vi.rstrip('.')} [{error.code}]" for host, error in reasons),
        "; ".join(f"{host}: {error.text.en.rstrip('.')} [{error.code}]" for host, error in reasons),
    )
    return Unavailable(
        Text(
            f"Không dịch vụ cấp dấu thời gian nào trả lời được ({causes.vi}).",
            f"No time-stamping service gave a usable answer ({causes.en}).",
        ),
        hint=Text(
            "Ký ở mức B-B và nâng mức sau bằng `edocx extend`, hoặc thử lại sau.",
            "Sign at level B-B and lift it later with `edocx extend`, or try again later.",
        ),
        code="EDX-TSA-NONE",
        retryable=True,
    )
