"""Group commit: steps of several threads share one transaction of the database, and each waits for its commit.

A commit costs one sync of the disk however much it holds. Whoever ends its step while others wait hands
the open transaction on to the next; whoever finds nobody waiting commits for all. Nobody's step returns
before what it wrote is on disk, and each has a savepoint, so that the failure of one undoes only its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction

from edocx.routing.store.engine import Gate, writing
from edocx.routing.store.postgres import is_open

MOST = 64
"""Steps in one commit: against a stream of writers that never lets the first of them return."""

LONGEST = 0.05
"""Seconds after which an open transaction is handed to nobody any more: one slow step delays, it does not pile up."""

PATIENCE = 0.1
"""Seconds after which a waiting step looks whether the one it was handed to went away (an interrupt) and commits."""

_SAVEPOINT = "edocx_step"


@dataclass(slots=True)
class _Group:
    """One open transaction, with how many finished steps wait for it."""

    connection: Connection
    transaction: RootTransaction
    opened: float
    steps: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class Writers:
    """Lets the threads of one process write one after the other, and commit together."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._gate = Gate()
        self._open: _Group | None = None

    @contextmanager
    def step(self) -> Iterator[Connection]:
        """Run one step in the block; at its end what it wrote is on disk, or it raises and nothing of it is.

        Raises what the driver raised when the commit failed, for every step that shared it.
        """
        with self._gate.one_writer():
            group = self._open or self._begin()
            # A server's round trips are spared where there is nothing before this step to protect.
            bare = group.steps == 0 and group.connection.dialect.name == "postgresql"
            try:
                if not bare:
                    group.connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
                yield group.connection
                # Fails when the database undid the whole transaction by itself (a full disk) and nobody noticed.
                if not bare:
                    group.connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")
                elif not is_open(group.connection):
                    group.connection.exec_driver_sql("SELECT 1")
                group.steps += 1
            except BaseException:
                self._undo(group)
                raise
            finally:
                if self._open is group and not self._has_heir(group):
                    self._end(group)
        self._wait(group)

    def _begin(self) -> _Group:
        connection = writing(self._engine.connect())
        try:
            self._open = _Group(connection, connection.begin(), time.monotonic())
        except BaseException:
            connection.close()
            raise
        return self._open

    def _has_heir(self, group: _Group) -> bool:
        young = group.steps < MOST and time.monotonic() - group.opened < LONGEST
        return group.steps > 0 and young and self._gate.others_wait

    def _undo(self, group: _Group) -> None:
        """Undo the step that failed; where that cannot be done, the steps before it are lost too, and hear of it."""
        if group.steps == 0:
            return  # nothing to keep: the end of the group undoes it
        try:
            group.connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            group.connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        except BaseException as lost:  # noqa: BLE001 - told to every step of the group, in _wait
            group.error = lost

    def _end(self, group: _Group) -> None:
        """Commit for all, or note why not; whoever waits goes on."""
        self._open = None
        try:
            if group.steps and group.error is None:
                group.transaction.commit()
            else:
                group.transaction.rollback()
        except BaseException as error:  # noqa: BLE001 - told to every step of the group, in _wait
            group.error = group.error or error
        finally:
            group.connection.close()
            group.done.set()

    def _wait(self, group: _Group) -> None:
        while not group.done.wait(PATIENCE):
            if self._gate.is_free:
                with self._gate.one_writer():
                    if self._open is group:
                        self._end(group)
        if group.error is not None:
            raise group.error


@contextmanager
def step_of(connection: Connection) -> Iterator[None]:
    """Run one step in somebody else's open transaction: what raises in the block takes all that it wrote along."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and not driver.in_transaction:
        # Of a host's own engine whose driver begins late: the end of an outermost savepoint would be a commit.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
    try:
        yield
    except BaseException:
        if connection.dialect.name != "sqlite" or driver.in_transaction:  # a full disk may have undone everything
            connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        raise
    connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")
