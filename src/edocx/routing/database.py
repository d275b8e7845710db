"""The store of one office: opened cheaply, brought to the current schema, used one transaction at a time."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import URL, Connection, Engine, false, update

from edocx.clock import Clock, SystemClock
from edocx.content import Blob
from edocx.errors import Text, UsageError
from edocx.routing.closing import Closing
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.routing.journal import Id
from edocx.routing.store.engine import hosted, sqlite_engine, writing, writing_engine
from edocx.routing.store.failure import files_translated, translated
from edocx.routing.store.group import Writers, step_of
from edocx.routing.store.holder import Holder
from edocx.routing.store.hosting import Hosting
from edocx.routing.store.migrate import bring_up_to_date
from edocx.routing.store.payloads import Payloads
from edocx.routing.store.place import require_local
from edocx.routing.store.postgres import postgres_engine, postgres_url
from edocx.routing.store.private_place import make_private_file, make_private_folder
from edocx.routing.store.tables import journal
from edocx.routing.transaction import Transaction

Observer = Callable[[datetime, Sequence[tuple[str, dict[str, Id]]]], None]
"""Is told of a committed transaction: its moment, and the events with their ids that it wrote into the journal."""


class Store(Closing):
    """An office's database, in SQLite or PostgreSQL, with its payload folder.

    Several processes and threads may use one file at once; writers take turns. What a committed
    transaction wrote is on disk.
    """

    def __init__(self, path: Path, *, clock: Clock, faults: Faults, server: URL | None = None) -> None:
        self.path = path
        self._where = str(path) if server is None else f"postgresql://{server.host or ''}/{server.database or ''}"
        self._clock = clock
        self._faults = faults
        self._engine = sqlite_engine(path) if server is None else postgres_engine(server)
        self._hosted = hosted(self._engine)
        self._hosts = Hosting(self._engine, path, self._where)
        self._writers = Writers(self._engine)
        self._holder: Holder | None = None
        self._holding = threading.Lock()
        self._observers: list[Observer] = []
        self._payloads = Payloads(path.with_name(path.name + ".payloads"), faults=faults)

    @property
    def payload_folder(self) -> Path:
        """Where the payloads lie that are too large for the database; it may not exist yet."""
        return self._payloads.folder

    @classmethod
    def open(
        cls,
        place: str | Path,
        *,
        clock: Clock | None = None,
        faults: Faults = NO_FAULTS,
        folder: Path | None = None,
    ) -> Self:
        """Open a store, making it when it is not there, and bring its schema up to date.

        Args:
            place: a path, or a URL: ``sqlite:///path``, ``postgresql://user@host/database``.
            clock: tells the time; the machine's unless given.
            faults: told of every durable step, for tests.
            folder: where large payloads and the marks of living processes go, for PostgreSQL; every process on
                the database uses the same one. SQLite has them beside its file.

        Raises `StoreUnavailable` with the reason and the remedy: locked, read-only, full, damaged, or
        written by a newer edocx. Raises `UsageError` for a URL of a database that is not supported.
        """
        server = postgres_url(place) if isinstance(place, str) else None
        path = _path(place) if server is None else _required(folder) / "office"
        store = cls(path, clock=clock or SystemClock(), faults=faults, server=server)
        if server is None:
            require_local(store.path)
            with files_translated(str(path)):
                # What an office holds is for its own user; a file that is there keeps the rights that somebody gave it.
                if path.parent.is_dir():
                    make_private_file(path)
                    make_private_folder(path.with_name(f"{path.name}.payloads"))
        else:
            with files_translated(str(path.parent)):
                path.parent.mkdir(parents=True, exist_ok=True)
        with translated(store._where):
            try:
                bring_up_to_date(store._engine)
            except BaseException:
                store.close()
                raise
        return store

    @property
    def engine(self) -> Engine:
        """The engine, for hosts and for tables of other rooms that live in the same database (units, registry)."""
        return self._hosted

    @property
    def writing_engine(self) -> Engine:
        """The engine for a host that reads before it sends: its transactions hold the writer's turn from their start.

        Nobody else writes until such a transaction ends, so that what it read still holds when it sends.
        """
        return writing_engine(self._engine)

    @contextmanager
    def begin(self, step: str = "step") -> Iterator[Transaction]:
        """Run one transaction that may write: on disk at the end of the block, undone by an exception.

        Threads that write at the same time share one commit (`edocx.routing.store.group`): the block may see
        what another's finished block wrote a moment ago, and either both are on disk in the end or neither.

        Args:
            step: a name for fault points, such as ``send``.
        """
        with translated(self._where):
            with self._writers.step() as connection:
                transaction = Transaction(connection, self._clock.now(), self._payloads)
                yield transaction
                transaction.flush()
                self._faults.reached(f"store.commit.before:{step}")
            self._faults.reached(f"store.commit.after:{step}")
        if transaction.written:
            for observer in self._observers:
                observer(transaction.now, transaction.written)

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` of each transaction's journal lines once they are on disk; it must not raise.

        What a host writes in its own transaction (`within`) is on disk when the host says so, and is not told.
        """
        self._observers.append(observer)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Run one transaction that only reads; it sees one moment and never waits for a writer.

        Whatever is written in it is undone.
        """
        with translated(self._where), self._engine.connect() as connection, connection.begin() as moment:
            yield Transaction(connection, self._clock.now(), self._payloads)
            moment.rollback()

    @contextmanager
    def within(self, connection: Connection) -> Iterator[Transaction]:
        """Do a step in the caller's own transaction on this store's database; the caller commits.

        For a host that keeps its tables in the same database: its row and our outbox row are one commit. From here
        to that commit nobody else writes. A payload larger than `INLINE_LIMIT` is on disk when this returns, whatever
        becomes of the transaction. A block that raises leaves nothing of the step behind, rows nor journal lines,
        should the caller catch that and commit all the same.

        Raises what `edocx.routing.store.hosting.Hosting.admit` does, before anything is written: for a connection
        that commits by itself or belongs to another database, and, worth another try in a new transaction, for one
        that read before somebody else wrote. A transaction begun with `writing_engine` does not meet the last.
        """
        with translated(self._where):
            begun = not connection.in_transaction()
            if begun:
                connection.begin()
            try:
                self._hosts.admit(connection)
            except BaseException:
                if begun:  # what the caller did not begin is not left for him to end
                    connection.rollback()
                raise
            with step_of(connection):
                transaction = Transaction(connection, self._clock.now(), self._payloads)
                yield transaction
                transaction.flush()

    def try_writing(self) -> None:
        """Take the write lock and let go of it, changing nothing; raise `StoreUnavailable` when that cannot be had."""
        with translated(self._where), self._engine.connect() as bare:
            connection = writing(bare)
            with connection.begin() as attempt:
                connection.execute(update(journal).where(false()).values(line=journal.c.line))
                attempt.rollback()

    def lease(self, label: str) -> str:
        """Return a lease for this process, to claim with: ``label`` tells its parts apart.

        At the first call, whatever processes that died on this machine had claimed is given back, so that
        nobody waits for their leases to end.
        """
        with files_translated(str(self.path)), self._holding:
            if self._holder is None:
                self._holder = self._begin_holding()
            return f"{self._holder.name}.{label}"

    def keep(self, payload: Blob) -> Blob:
        """Bring a large payload to disk before the transaction that will name it, so that nobody waits for it.

        Small ones need nothing. Returns the payload; safe to repeat.
        """
        self._payloads.keep_file(payload)
        return payload

    def backup(self, folder: Path) -> Path:
        """Write a consistent copy of the database and all its payload files; return the copy's path.

        The office may go on working meanwhile. ``folder`` must be empty or not there yet. PostgreSQL has tools
        of its own for this: there, `UsageError` is raised.
        """
        if self._engine.dialect.name != "sqlite":
            raise backed_up_by_the_server(self._where)
        with translated(str(folder)), files_translated(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            copy = folder / self.path.name
            if copy.exists():
                raise UsageError(
                    Text("Thư mục này đã có một bản sao lưu.", "The folder holds a backup already."),
                    hint=Text("Chọn thư mục trống.", "Choose an empty folder."),
                    code="EDX-STORE-BACKUP",
                    where=str(folder),
                )
            make_private_file(copy)  # SQLite takes an empty file, and its rights
            # VACUUM INTO takes one moment of the database and runs outside any transaction.
            bare = self._engine.raw_connection()
            try:
                bare.cursor().execute("VACUUM INTO ?", (str(copy),))
            finally:
                bare.close()
            # Files after the database: they are only ever added, so the copy misses none that it names.
            if self._payloads.folder.is_dir():
                target = folder / self._payloads.folder.name
                shutil.copytree(self._payloads.folder, target, ignore=shutil.ignore_patterns("*.part"))
        return copy

    def close(self) -> None:
        """Close every connection and let go of every lease; the store can be opened again."""
        self._engine.dispose()
        if self._holder is not None:
            self._holder.end()
            self._holder = None

    def _begin_holding(self) -> Holder:
        holder = Holder(self.path.with_name(self.path.name + ".leases"))
        try:
            dead = holder.begin()
            if dead:
                with self.begin("recover") as transaction:
                    for name in dead:
                        transaction.outbox.release(name)
                        transaction.inbox.release(name)
                holder.forget(dead)
        except BaseException:
            holder.end()
            raise
        return holder


def backed_up_by_the_server(where: str) -> UsageError:
    """Return the refusal to copy or put back a store on a server, whose own tools do that."""
    return UsageError(
        Text("Kho trên PostgreSQL không sao lưu bằng lệnh này.", "A store on PostgreSQL is not backed up here."),
        hint=Text(
            "Dùng pg_dump hoặc pg_basebackup, rồi sao chép thư mục gói tin.",
            "Use pg_dump or pg_basebackup, then copy the payload folder.",
        ),
        code="EDX-STORE-BACKUP-SERVER",
        where=where,
    )


def _required(folder: Path | None) -> Path:
    if folder is not None:
        return folder
    raise UsageError(
        Text("Kho trên PostgreSQL cần một thư mục cho gói tin lớn.", "A store on PostgreSQL needs a payload folder."),
        hint=Text("Truyền folder=.", "Give folder=."),
        code="EDX-STORE-FOLDER",
    )


def _path(place: str | Path) -> Path:
    if isinstance(place, Path):
        return place
    scheme, found, rest = place.partition("://")
    if not found:
        return Path(place)
    if scheme == "sqlite" and rest.startswith("/"):
        return Path(rest[1:])
    raise UsageError(
        Text(
            f"Chưa hỗ trợ loại cơ sở dữ liệu '{scheme}'.",
            f"A database of the kind '{scheme}' is not supported.",
        ),
        hint=Text(
            "Dùng đường dẫn tệp, sqlite:///đường-dẫn hoặc postgresql://máy/cơ-sở-dữ-liệu.",
            "Use a path, sqlite:///path, or postgresql://host/database.",
        ),
        code="EDX-STORE-URL",
    )
