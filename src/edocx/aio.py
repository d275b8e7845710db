"""AsyncOffice: the verbs of `edocx.office.Office` as awaitables, for hosts that run an event loop.

Tokens, SQLite and hashing block, so every verb runs in a thread; the verbs themselves are the same. One office takes
one verb at a time here: what two tasks ask at once is done one after the other, each durable when its task goes on.
A task that is cancelled does not stop the verb that runs: it ends in its thread, and is harmless to repeat.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from sqlalchemy import Connection

from edocx.documents import Document, Draft, Urgency
from edocx.office import Approved, Dispatch, Incoming, Office, OfficeConfig, Trace
from edocx.office.approving import Awaiting
from edocx.office.deadlines import Overdue
from edocx.office.hooks import Hook
from edocx.office.recovery import Recovered
from edocx.office.redriving import Redriven
from edocx.office.registers import Book, RegisterLine
from edocx.office.requests import ChangeRequest
from edocx.office.retaining import Retention
from edocx.office.withdrawing import Asked
from edocx.routing.health import Finding
from edocx.routing.worker import Progress
from edocx.signing.report import Message
from edocx.units import UnitId

POLL = dt.timedelta(seconds=1)
"""How often a waiting `AsyncOffice.inbox` looks at the axis."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class AsyncOffice:
    """One unit at work, awaited; use it in an ``async with`` block. Every verb raises what `Office` raises."""

    def __init__(self, office: Office) -> None:
        self._office = office
        # One thread: a verb's transactions belong together, and SQLite has one writer anyway.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="edocx-office")

    @classmethod
    async def open(cls, config: OfficeConfig | Path | str, **options: Any) -> Self:
        """Open an office; ``options`` are those of `Office.open`."""
        return cls(await asyncio.to_thread(partial(Office.open, config, **options)))

    @property
    def unit(self) -> UnitId:
        """Whose office this is."""
        return self._office.unit

    @property
    def name(self) -> str:
        """The unit's name as configured."""
        return self._office.name

    async def call(self, verb: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs) -> _T:
        """Run anything of the office or of what it gave (`Incoming.accept`, `ChangeRequest.agree`) in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(verb, *arguments, **options))

    async def approve(self, draft: Draft, *, by: str, draft_id: str | None = None) -> Approved:
        """Let the signatory's key sign a draft."""
        return await self.call(self._office.approve, draft, by=by, draft_id=draft_id)

    async def approved(self, draft_id: str) -> Approved:
        """Return an approved draft by its id."""
        return await self.call(self._office.approved, draft_id)

    async def awaiting(self) -> tuple[Awaiting, ...]:
        """Return the drafts that wait for a signatory whose key is elsewhere, oldest first."""
        return await self.call(self._office.awaiting)

    async def complete_approval(self, draft_id: str, signature: bytes | None = None) -> Approved:
        """Finish a draft that waits for its signatory."""
        return await self.call(self._office.complete_approval, draft_id, signature)

    async def issue(self, approved: Approved, *, seal: str) -> Document:
        """Number, date and seal an approved draft."""
        return await self.call(self._office.issue, approved, seal=seal)

    async def document(self, document: str) -> Document:
        """Return an issued document."""
        return await self.call(self._office.document, document)

    async def documents(self) -> tuple[Document, ...]:
        """Return the documents that this office issued."""
        return await self.call(self._office.documents)

    async def send(
        self,
        document: Document,
        *,
        to: Iterable[UnitId | str],
        attempt: int = 1,
        connection: Connection | None = None,
    ) -> Dispatch:
        """Queue a document for its recipients; durable on return.

        A ``connection`` is used from this office's own thread: let nobody else use it meanwhile, and on SQLite open it
        with ``check_same_thread=False``.
        """
        return await self.call(self._office.send, document, to=to, attempt=attempt, connection=connection)

    async def redrive(self, document: str, *, by: str) -> tuple[Redriven, ...]:
        """Queue anew what was given up of a document."""
        return await self.call(self._office.redrive, document, by=by)

    async def recall(
        self,
        document: str,
        reason: str,
        *,
        by: str,
        to: Iterable[UnitId | str] | None = None,
        as_document: bool = False,
    ) -> Asked:
        """Ask receivers to give a document back."""
        return await self.call(self._office.recall, document, reason, by=by, to=to, as_document=as_document)

    async def update(
        self,
        document: str,
        reason: str,
        *,
        by: str,
        due_date: dt.date | None = None,
        urgency: Urgency | None = None,
        content: str | None = None,
    ) -> Asked:
        """Tell receivers what changed about a document."""
        changes = {"due_date": due_date, "urgency": urgency, "content": content}
        return await self.call(partial(self._office.update, document, reason, by=by, **changes))  # type: ignore[arg-type]

    async def replace(
        self, document: str, new: Document, reason: str, *, by: str, to: Iterable[UnitId | str] | None = None
    ) -> Dispatch:
        """Send a new document in the place of an earlier one."""
        return await self.call(self._office.replace, document, new, reason, by=by, to=to)

    async def requests(self) -> tuple[ChangeRequest, ...]:
        """Return the requests that wait for this office's clerk; answer them through `call`."""
        return await self.call(self._office.requests)

    async def request(self, document_id: str) -> ChangeRequest:
        """Return the request that waits about a received document."""
        return await self.call(self._office.request, document_id)

    async def work(self) -> Progress:
        """Carry what is due to the axis, fetch what waits there, and open it."""
        return await self.call(self._office.work)

    async def serve(self, *, every: dt.timedelta = POLL, told: Callable[[Progress], None] | None = None) -> None:
        """Work again and again until `stop` is called; ``told`` is called in the office's thread."""
        await self.call(partial(self._office.serve, every=every, told=told))

    async def stop(self) -> None:
        """Let `serve` end soon, with nothing half done."""
        self._office.stop()

    async def add_hook(self, hook: Hook) -> None:
        """Tell a hook of every event from now on; it is called in the office's thread."""
        self._office.add_hook(hook)

    async def inbox(self, wait: dt.timedelta = dt.timedelta(0)) -> AsyncIterator[Incoming]:
        """Yield the documents that wait for the clerk; the loop stays free while nothing comes."""
        remaining = wait
        waiting = await self.call(lambda: tuple(self._office.inbox()))
        while not waiting and remaining > dt.timedelta(0):
            await asyncio.sleep(min(POLL, remaining).total_seconds())
            remaining -= POLL
            waiting = await self.call(lambda: tuple(self._office.inbox()))
        for incoming in waiting:
            yield incoming

    async def inbox_count(self) -> int:
        """Return how many documents wait for the clerk."""
        return await self.call(self._office.inbox_count)

    async def incoming(self, document_id: str) -> Incoming:
        """Return a received document."""
        return await self.call(self._office.incoming, document_id)

    async def accept(self, document_id: str, *, by: str, note: str | None = None) -> int:
        """Accept a received document; return its arrival number."""
        return await self.call(self._office.accept, document_id, by=by, note=note)

    async def reject(self, document_id: str, reason: str, *, by: str) -> None:
        """Refuse a received document with a reason."""
        await self.call(self._office.reject, document_id, reason, by=by)

    async def status(self, document_id: str) -> Trace:
        """Return how a document stands at every recipient."""
        return await self.call(self._office.status, document_id)

    async def trace(self, document: str) -> Trace:
        """Return the way of a document."""
        return await self.call(self._office.trace, document)

    async def bundle(self, document: str, out: Path) -> Path:
        """Write the evidence about a document into a sealed container."""
        return await self.call(self._office.bundle, document, out)

    async def overdue(self) -> tuple[Overdue, ...]:
        """Return what should have been done by now."""
        return await self.call(self._office.overdue)

    async def register(self, book: Book, year: int, *, search: str = "") -> tuple[RegisterLine, ...]:
        """Return a register of a year, or what in it matches a search."""
        return await self.call(self._office.register, book, year, search=search)

    async def void(self, draft_id: str, reason: str, *, by: str) -> int:
        """Void the number reserved for a draft; return it."""
        return await self.call(self._office.void, draft_id, reason, by=by)

    async def doctor(self, *, deep: bool = False) -> tuple[Finding, ...]:
        """Return what ails the office."""
        return await self.call(self._office.doctor, deep=deep)

    async def key_notes(self, name: str) -> tuple[Message, ...]:
        """Return what could not be checked of a key when it was last found fit."""
        return await self.call(self._office.key_notes, name)

    async def sign_head(self) -> Path:
        """Sign the journal's end, beside the store."""
        return await self.call(self._office.sign_head)

    async def retention(
        self, keep: dt.timedelta, *, unfinished: bool = False, delete: bool = False, by: str | None = None
    ) -> Retention:
        """Name, or delete, contents that were kept long enough."""
        return await self.call(self._office.retention, keep, unfinished=unfinished, delete=delete, by=by)

    async def receipt(self, file: Path, folder: Path) -> Path:
        """State, signed, that a file is in this unit's hands now."""
        return await self.call(self._office.receipt, file, folder)

    async def backup(self, folder: Path) -> Path:
        """Write a consistent copy of the store."""
        return await self.call(self._office.backup, folder)

    async def reconcile(self, *, next_number: int | None = None, by: str | None = None) -> Recovered:
        """Pull back what the axis knows and let a restored office write again."""
        return await self.call(self._office.reconcile, next_number=next_number, by=by)

    async def close(self) -> None:
        """Wait for the verb that runs, and close the office."""
        await self.call(self._office.close)
        self._thread.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
