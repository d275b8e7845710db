"""A crew: one process that does the work of many offices, as their clerks, signatories and workers would."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from edocx.clock import Clock, in_vietnam
from edocx.content import Blob
from edocx.documents import Document, DocumentKind, Draft, PageLayout
from edocx.envelope.model import Attachment, Code, DocumentType, Envelope, Organization, Other, Promulgation, Trace
from edocx.envelope.write import compose
from edocx.office import Incoming, Office
from edocx.office.desk import Desk
from edocx.routing.database import Store
from edocx.routing.parcel import Parcel
from edocx.routing.transport.local import LocalAxis
from edocx.signing.trust import TrustStore
from edocx.testing import scene
from edocx.testing.province.plan import Letter, Plan
from edocx.testing.province.population import AXIS, LETTER, REGISTRY, TRUST, config_of
from edocx.testing.territory import four_level_directory
from edocx.units import UnitId
from edocx.units.memory import MemoryDirectory
from edocx.units.registry import CertificateRegistry, CsvRegistry

OPEN_OFFICES = 120
"""Offices a process keeps open: each holds a few file handles."""

LATER = 12
"""Documents that a crew sends before it takes one back: most receivers have accepted it by then."""

REASON = "Văn bản ban hành nhầm nội dung."
CLERK = "van-thu"
_MARK = "đề nghị số "


@dataclass(slots=True)
class Seen:
    """What the clerks of a crew saw on the documents that they decided on: DocumentIds."""

    signed: set[str]
    unsigned: set[str]


class Crew:
    """The offices of some units of a province, in one process."""

    def __init__(self, folder: Path, plan: Plan, mine: frozenset[str], *, clock: Clock) -> None:
        self.seen = Seen(set(), set())
        self._folder, self._plan, self._mine, self._clock = folder, plan, mine, clock
        self._axis = LocalAxis.open(folder / AXIS, clock=clock)
        self._trust = TrustStore.from_path(folder / TRUST)
        self._registry: CertificateRegistry = CsvRegistry.from_path(folder / REGISTRY)
        self._directory: MemoryDirectory = four_level_directory()
        self._layout = PageLayout.model_validate_json((folder / "layout.json").read_bytes())
        self._open: OrderedDict[str, Office] = OrderedDict()
        self._unfinished: set[str] = set()
        self._later: deque[tuple[Letter, str]] = deque()

    def play(self, told: Callable[[int], None]) -> None:
        """Send every document of these units in the order of the day, and handle all mail that comes meanwhile."""
        for slot in range(self._plan.slots):
            letters = [letter for letter in self._plan.letters if letter.slot == slot and letter.sender in self._mine]
            burst = max(1, len(letters) // 8)
            for start in range(0, len(letters), burst):
                for letter in letters[start : start + burst]:
                    self._write(letter)
                    told(1)
                self.serve(told)
        while self._later:
            self._take_back(*self._later.popleft())

    def serve(self, told: Callable[[int], None]) -> bool:
        """Handle the mail that waits for these units until none does; tell whether there was any."""
        moved = False
        while waiting := [code for code in self._axis.waiting_units() if code in self._mine]:
            moved = True
            for code in waiting:
                self._attend(code, told)
        for code in tuple(self._unfinished):
            moved = True
            self._attend(code, told)
        return moved

    def close(self) -> None:
        """Close every office and the axis."""
        for office in self._open.values():
            office.close()
        self._axis.close()

    def _attend(self, code: str, told: Callable[[int], None]) -> None:
        office = self._office(code)
        progress = office.work()
        for incoming in office.inbox():
            self._decide(code, incoming)
            told(1)
        for request in office.requests():
            if request.code != "replace":
                request.agree(by=CLERK)
            else:
                request.agree(by=CLERK, note="Đã nhận văn bản thay thế")
        progress.add(office.work())
        self._unfinished.discard(code)
        if progress.put_off or progress.faults:
            self._unfinished.add(code)

    def _decide(self, code: str, incoming: Incoming) -> None:
        signed = any(one.kind == "person" for file in incoming.report.attachments for one in file.signatures)
        (self.seen.signed if signed else self.seen.unsigned).add(incoming.document_id)
        number = int((incoming.envelope.subject or "").rpartition(_MARK)[2])
        letter = self._plan.letters[number - 1]
        if code in letter.refused_by:
            incoming.reject(scene.REJECTION, by=CLERK)
        else:
            incoming.accept(by=CLERK)

    def _write(self, letter: Letter) -> None:
        office = self._office(letter.sender)
        if letter.signed:
            document = self._issue(office, letter, f"thu-{letter.number}")
            office.send(document, to=letter.recipients)
            if letter.turn:
                self._later.append((letter, str(document.id)))
        else:
            self._send_unsigned(office, letter)
        office.work()
        if len(self._later) and letter.number - self._later[0][0].number > LATER:
            self._take_back(*self._later.popleft())

    def _take_back(self, letter: Letter, document: str) -> None:
        office = self._office(letter.sender)
        if letter.turn == "recall":
            office.recall(document, REASON, by=CLERK)
        else:
            new = self._issue(office, letter, f"thu-{letter.number}-thay")
            office.replace(document, new, REASON, by=CLERK)
        office.work()

    def _issue(self, office: Office, letter: Letter, draft_id: str) -> Document:
        signer = letter.number % self._plan.signers(letter.sender)
        draft = Draft(
            unit=UnitId.parse(letter.sender),
            kind=DocumentKind.parse("Công văn"),
            notation=scene.NOTATION,
            subject=f"V/v {_MARK}{letter.number}",
            place=scene.PLACE,
            signatory=scene.SIGNATORY,
            pdf=self._folder / LETTER,
            layout=self._layout,
            urgency=letter.urgency,
        )
        return office.issue(office.approve(draft, by=f"person-{signer:02}", draft_id=draft_id), seal="agency")

    def _send_unsigned(self, office: Office, letter: Letter) -> None:
        now = self._clock.now().replace(microsecond=0)
        today = in_vietnam(now).date()
        # The number carries the letter's own: the same unit may write several such letters in a day.
        document_id = f"{letter.sender},{today:%Y/%m/%d},{letter.number}/{scene.NOTATION}"
        envelope = Envelope(
            sender=Organization(unit=letter.sender, name=office.name),
            to=tuple(Organization(unit=code, name=f"Cơ quan số {code}") for code in letter.recipients),
            document_id=document_id,
            code=Code(number=str(letter.number), notation=scene.NOTATION),
            promulgation=Promulgation(place=scene.PLACE, date=today),
            document_type=DocumentType(type=2, name="Công văn"),
            subject=f"V/v {_MARK}{letter.number}",
            other=Other(urgency=int(letter.urgency)),
            business="new",
            trace=(Trace(unit=letter.sender, timestamp=in_vietnam(now)),),
            attachments=(Attachment(name="van-ban.pdf", content=Blob.from_path(self._folder / LETTER)),),
        )
        path = self._folder / f"unsigned-{letter.number}.edxml"
        payload = office.store.keep(compose(envelope).save(path))
        with office.store.begin("send") as transaction:
            parcel = Parcel.of(
                payload,
                sender=letter.sender,
                recipients=letter.recipients,
                document_id=document_id,
                created_at=transaction.now,
                urgency=int(letter.urgency),
            )
            transaction.submit(parcel, payload)
        path.unlink(missing_ok=True)

    def _office(self, code: str) -> Office:
        if code in self._open:
            self._open.move_to_end(code)
            return self._open[code]
        config = config_of(self._folder, code)
        desk = Desk(
            config=config,
            clock=self._clock,
            store=Store.open(config.store, clock=self._clock),
            transport=self._axis,
            directory=self._directory,
            trust=self._trust,
            registry=self._registry,
        )
        self._open[code] = Office(desk, random=Random(code))  # noqa: S311 - jitter that repeats
        if len(self._open) > OPEN_OFFICES:
            self._open.popitem(last=False)[1].close()
        return self._open[code]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
