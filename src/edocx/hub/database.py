"""The hub's database, in SQLite or PostgreSQL: one writer at a time, each commit on disk when it returns.

On SQLite large payloads lie as files beside the database. On PostgreSQL they are in it, so that a node of the hub keeps
nothing of its own: several serve one database at once, on as many machines.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from sqlalchemy import URL, Connection, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from edocx.clock import Clock
from edocx.content import Blob
from edocx.errors import StoreUnavailable, Text
from edocx.hub.payload_pieces import PayloadPieces
from edocx.hub.schema import create
from edocx.routing.closing import Closing
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.routing.store import tables as routing_tables
from edocx.routing.store.engine import Gate, sqlite_engine, writing
from edocx.routing.store.failure import files_translated, translated
from edocx.routing.store.payloads import Payloads
from edocx.routing.store.place import require_local
from edocx.routing.store.postgres import postgres_engine
from edocx.routing.store.private_place import make_private_file, make_private_folder

_T = TypeVar("_T")

MOST_TOGETHER = 64
"""Acts in one commit: the first of them waits for the last."""


def refused_value(error: DBAPIError) -> StoreUnavailable:
    """Return the error for a value that the database does not take: too long for its column, or standing twice."""
    made = StoreUnavailable(
        Text(
            "Cơ sở dữ liệu không nhận một giá trị của yêu cầu này.", "The database takes not every value of this call."
        ),
        hint=Text("Rút ngắn hoặc sửa tham số; báo người quản trị.", "Shorten or mend it; tell the administrator."),
        code="EDX-STORE-VALUE",
    )
    made.__cause__ = error
    return made


@contextmanager
def _first_said() -> Iterator[None]:
    """Raise what the database said first: of a full disk SQLite undoes everything, and then knows no savepoint."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        first: BaseException = error
        while isinstance(first.__context__, (DBAPIError, sqlite3.Error)):
            first = first.__context__
        if first is error:
            raise
        raise first from None


class _Job(Generic[_T]):
    """One act on its way to disk; `run` is called by whichever thread holds the pen."""

    def __init__(self, act: Callable[[Connection], _T]) -> None:
        self.settled = False
        self.turn = threading.Event()
        self._act = act
        self._results: list[_T] = []
        self._error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        """Do the act within a savepoint, so that a refusal undoes this one alone."""
        try:
            with connection.begin_nested():
                self._results.append(self._act(connection))
        except (DataError, IntegrityError) as error:
            # A value that the database does not take: this act's own fault, and its savepoint undid it.
            self._error = refused_value(error)
        except (DBAPIError, sqlite3.Error):
            raise  # the database itself: nothing of this transaction can be trusted
        except Exception as error:  # noqa: BLE001 - one act's fault must not undo the others
            self._error = error

    def fail(self, error: BaseException) -> None:
        """Take note that the commit did not happen."""
        self.settled = True
        self._results.clear()
        self._error = self._error or error

    def outcome(self) -> _T:
        """Return the result, or raise what went wrong."""
        if self._error is not None:
            raise self._error
        return self._results[0]


class HubStore(Closing):
    """A hub's database; several processes and threads may use one file at once."""

    def __init__(self, path: Path, *, clock: Clock, faults: Faults = NO_FAULTS, server: URL | None = None) -> None:
        self.path = path
        self.where = str(path) if server is None else f"postgresql://{server.host or ''}/{server.database or ''}"
        self.clock = clock
        self._faults = faults
        self._engine = sqlite_engine(path) if server is None else postgres_engine(server)
        self._spool = path.with_name(path.name + ".spool")
        self._spool_made = False
        self._gate = Gate()
        self._waiting: list[_Job[Any]] = []
        self._waiting_lock = threading.Lock()
        self._led = False
        self._payloads: Payloads | PayloadPieces = (
            Payloads(path.with_name(path.name + ".payloads"), faults=faults)
            if server is None
            else PayloadPieces(self._engine, self.where, faults=faults)
        )

    @classmethod
    def open(cls, path: Path | str, *, clock: Clock, faults: Faults = NO_FAULTS, server: URL | None = None) -> Self:
        """Open a hub's database, making its tables when they are not there.

        Args:
            path: the SQLite file; with a server, the name beside which the spool lies.
            clock: tells the time.
            faults: told of every commit, for tests.
            server: a PostgreSQL database, which then holds everything.

        Raises `StoreUnavailable` with reason and remedy: away, locked, full, damaged, or of another version.
        """
        store = cls(Path(path), clock=clock, faults=faults, server=server)
        if server is None:
            require_local(store.path)
        with translated(store.where), files_translated(store.where):
            make_private_folder(store.path.parent)
            if server is None:
                make_private_file(store.path)
                # Contents that are too large for the database lie here, under the default rights of their makers.
                make_private_folder(store.path.with_name(store.path.name + ".payloads"))
            try:
                with store._engine.connect() as bare, writing(bare) as connection, connection.begin():
                    create(connection)
            except BaseException:
                store.close()
                raise
        return store

    @property
    def is_shared(self) -> bool:
        """Whether the database is a server's, so that other nodes may work on it too."""
        return self._engine.dialect.name != "sqlite"

    @property
    def spool(self) -> Path:
        """Where bodies lie while they come in; made when first asked for."""
        if not self._spool_made:
            with files_translated(str(self._spool)):
                make_private_folder(self._spool)
            self._spool_made = True
        return self._spool

    def now(self) -> datetime:
        """Return the present moment."""
        return self.clock.now()

    @contextmanager
    def begin(self, step: str) -> Iterator[Connection]:
        """Run one transaction that may write: committed at the end of the block, undone by an exception."""
        with translated(self.where):
            with self._gate.one_writer(), self._writing() as connection:
                yield connection
                self._faults.reached(f"hub.commit.before:{step}")
            self._faults.reached(f"hub.commit.after:{step}")

    def write(self, step: str, act: Callable[[Connection], _T]) -> _T:
        """Run one act that writes, and return what it returned once it is on disk.

        Acts that wait while another thread commits share the next commit: one sync to disk serves them all, and each
        is undone by itself when it raises.
        """
        if self._gate.is_mine:
            with self._gate.one_writer():  # says that a transaction stands inside another
                pass
        job = _Job(act)
        with self._waiting_lock:
            self._waiting.append(job)
            leads, self._led = not self._led, True
        if not leads:
            job.turn.wait()  # until it is settled, or its turn to lead
        if not job.settled:
            self._lead(step, job)
        return job.outcome()

    def _lead(self, step: str, job: _Job[Any]) -> None:
        """Commit what waits until one's own act is on disk, then pass the pen to whoever waits longest.

        Who was served leaves at once: were all to take the pen themselves, each would wait behind commits of others.
        """
        try:
            while not job.settled:
                with self._gate.one_writer():
                    self._write_all(step)
        finally:
            with self._waiting_lock:
                if not job.settled:
                    self._waiting.remove(job)
                following = next(iter(self._waiting), None)
                self._led = following is not None
            if following is not None:
                following.turn.set()

    def _write_all(self, step: str) -> None:
        with self._waiting_lock:
            jobs, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        try:
            with translated(self.where):
                with self._writing() as connection:
                    for job in jobs:
                        job.run(connection)
                    self._faults.reached(f"hub.commit.before:{step}")
                self._faults.reached(f"hub.commit.after:{step}")
        except BaseException as error:  # noqa: BLE001 - each caller raises it for its own act
            for job in jobs:
                job.fail(error)
        for job in jobs:
            job.settled = True
            job.turn.set()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run one transaction that only reads; it never waits for a writer."""
        with translated(self.where), self._engine.connect() as connection:
            yield connection
            connection.rollback()

    def keep(self, payload: Blob) -> None:
        """Bring a large payload to disk before the transaction that names it; safe to repeat."""
        self._payloads.keep_file(payload)

    def record(self, connection: Connection, payload: Blob) -> None:
        """Make a payload known inside a transaction."""
        self._payloads.record(connection, payload, self.now())

    def load(self, connection: Connection, sha256: str) -> Blob:
        """Return a payload; raise `StoreUnavailable` when it is gone or cut short."""
        return self._payloads.load(connection, sha256)

    def drop_unnamed(self, sha256: str) -> None:
        """Remove the bytes of a large payload that no row names (any more): of a message refused, or let go.

        As a writer: whoever brings the same content at this moment names it, and keeps its bytes once more, after this.
        """
        with self.begin("drop") as connection:
            named = select(routing_tables.payloads.c.sha256).where(
                routing_tables.payloads.c.sha256 == sha256, routing_tables.payloads.c.erased_at.is_(None)
            )
            if connection.execute(named).first() is not None:
                return
            if isinstance(self._payloads, Payloads):
                with files_translated(self.where):
                    self._payloads.place(sha256).unlink(missing_ok=True)
            else:
                self._payloads.drop(connection, sha256)

    def close(self) -> None:
        """Close every connection; the store can be opened again."""
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _first_said(), self._engine.connect() as bare, writing(bare) as connection, connection.begin():
            yield connection
