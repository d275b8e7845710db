"""The story that ``edocx demo`` tells: one letter through four levels and back, in steps that can be repeated.

Each step looks at what is on disk and does what is missing, so a story that was killed anywhere goes on where it
stopped. The timeline is read from the offices' journals, never from memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edocx.content import Blob
from edocx.documents import Document, status_label
from edocx.errors import Text
from edocx.office import Dispatch, Incoming, Office
from edocx.routing.transitions import Handling
from edocx.testing import scene
from edocx.testing.network import Network
from edocx.testing.scene import Station

RECIPIENTS = (scene.DISTRICT, scene.DEPARTMENT, scene.GOVERNMENT)
REJECTING = scene.DEPARTMENT


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline: when, who, on which level, what, and the status code if it made one."""

    at: datetime
    station: Station
    what: Text
    status: str | None = None
    remark: str | None = None
    order: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Result:
    """How the letter ended at one recipient: the nodes it passed, what was said, and why if it was refused."""

    station: Station
    way: tuple[str, ...]
    handling: Handling
    reason: str | None


@dataclass(slots=True)
class Story:
    """The letter of the scene (or any PDF) on its way; `steps` does the work, `timeline` tells it."""

    network: Network
    pdf: Path | None = None
    document: Document | None = None
    dispatch: Dispatch | None = None

    def steps(self) -> Iterator[Text]:
        """Do one step after another; yield what is being done before each."""
        commune = self.network.office(scene.COMMUNE)
        yield Text("Chủ tịch ký, văn thư cấp số, cơ quan đóng dấu", "Signing, numbering, sealing")
        self._issue(commune)
        yield Text("Đóng gói, niêm phong và gửi", "Wrapping, sealing the envelope, sending")
        self._send(commune)
        yield Text("Trục liên thông chuyển đi", "The axis carries it")
        self._tick(commune.work)
        for code in RECIPIENTS:
            yield Text(f"{_station(code).name} nhận và kiểm tra", f"{code} receives and verifies")
            self._tick(self.network.office(code).work)
        for code in RECIPIENTS:
            yield Text(f"{_station(code).name} xử lý", f"{code} handles it")
            self._handle(code)
        yield Text("Trạng thái trở về", "The statuses come back")
        self.network.clock.advance(minutes=1)
        self.network.run_until_quiet()

    def timeline(self) -> list[Moment]:
        """Return everything that happened, from the journals of all offices, in order."""
        moments: list[Moment] = []
        for place, station in enumerate(reversed(scene.STATIONS)):
            with self.network.office(station.code).store.read() as transaction:
                lines = [json.loads(line.partition(" ")[2]) for line in transaction.journal_lines()]
            for line in lines:
                moment = _moment(station, line, place, self.document)
                if moment is not None:
                    moments.append(moment)
        return sorted(moments, key=lambda moment: (moment.at, moment.order))

    def results(self) -> list[Result]:
        """Return how the letter stands at each recipient, as the commune knows it."""
        assert self.document is not None
        assert self.dispatch is not None
        trace = self.network.office(scene.COMMUNE).trace(str(self.document.id))
        reasons = {event.recipient: event.remark for event in trace.events if event.what == "02"}
        hops = self.network.axis.trace(scene.COMMUNE, self.dispatch.message_id)
        return [
            Result(
                station=_station(tracked.delivery.recipient),
                way=tuple(hop.node for hop in hops if hop.recipient == tracked.delivery.recipient),
                handling=tracked.delivery.shown.handling,
                reason=reasons.get(tracked.delivery.recipient),
            )
            for tracked in trace.deliveries
        ]

    def keep(self) -> dict[str, Path]:
        """Leave the files of the contract in the folder: document, envelope, journals; return their places."""
        assert self.document is not None
        assert self.dispatch is not None
        folder = self.network.folder
        Blob.from_path(self.document.pdf).save(folder / "document.pdf")
        self.dispatch.envelope.save(folder / "envelope.edxml")
        for station in scene.STATIONS:
            with self.network.office(station.code).store.read() as transaction:
                text = "\n".join(transaction.journal_lines()) + "\n"
            Blob.from_bytes(text.encode()).save(folder / "offices" / station.code / "journal.txt")
        return {
            "document": folder / "document.pdf",
            "envelope": folder / "envelope.edxml",
            "trust": folder / "trust",
            "registry": folder / "offices" / "registry.csv",
            "offices": folder / "offices",
        }

    def _issue(self, commune: Office) -> None:
        from edocx.signing.pdf.fitting import fit_layout  # noqa: PLC0415 - only for PDFs from elsewhere

        if self.pdf is None:
            draft_id = scene.DRAFT_ID
            path, layout = scene.write_letter(self.network.folder / "offices" / scene.COMMUNE)
        else:
            path, layout = self.pdf, fit_layout(self.pdf).layout
            draft_id = f"{scene.DRAFT_ID}-{Blob.from_path(path).sha256[:12]}"
        draft = scene.draft(path, layout)
        approved = self._tick(lambda: commune.approve(draft, by="director", draft_id=draft_id))
        self.document = self._tick(lambda: commune.issue(approved, seal="agency"))

    def _send(self, commune: Office) -> None:
        document = self.document
        assert document is not None
        self.dispatch = self._tick(lambda: commune.send(document, to=RECIPIENTS))

    def _handle(self, code: str) -> None:
        assert self.document is not None
        office, clerk = self.network.office(code), _station(code).clerk
        incoming = office.incoming(str(self.document.id))
        if code == REJECTING:
            steps: tuple[tuple[Handling, Callable[[], Any]], ...] = (
                (Handling.REJECTED, lambda: incoming.reject(scene.REJECTION, by=clerk)),
            )
        else:
            steps = _handling_steps(incoming, clerk)
        for reached, act in steps:
            if not _has_reached(office, incoming, reached):
                self._tick(act)
        self._tick(office.work)

    def _tick(self, act: Callable[[], Any]) -> Any:
        # People take time; each act of the story happens a few minutes after the one before.
        self.network.clock.advance(minutes=4)
        return act()


def _handling_steps(incoming: Incoming, clerk: str) -> tuple[tuple[Handling, Callable[[], Any]], ...]:
    return (
        (Handling.ACCEPTED, lambda: incoming.accept(by=clerk)),
        (Handling.ASSIGNED, lambda: incoming.assign(by="lanh-dao", note="Giao phòng chuyên môn")),
        (Handling.PROCESSING, lambda: incoming.process(by="chuyen-vien")),
        (Handling.COMPLETED, lambda: incoming.complete(by="chuyen-vien", note="Đã có văn bản trả lời")),
    )


def _has_reached(office: Office, incoming: Incoming, wanted: Handling) -> bool:
    order = (Handling.ACCEPTED, Handling.ASSIGNED, Handling.PROCESSING, Handling.COMPLETED)
    shown = next(
        (t.delivery.shown.handling for t in office.trace(incoming.document_id).deliveries if t.direction == "in"),
        Handling.NONE,
    )
    if wanted in order and shown in order:
        return order.index(shown) >= order.index(wanted)
    return shown is wanted


def _moment(station: Station, line: dict[str, Any], place: int, document: Document | None) -> Moment | None:
    """Turn a journal line into a line of the timeline; None for what a reader need not see."""
    ids, event = line["ids"], line["event"]
    if document is not None and ids.get("document_id") not in {None, str(document.id)}:
        return None
    at, order = datetime.fromisoformat(line["at"]), (place, int(line["seq"]))
    if event == "status.recorded" and ids.get("basis") == "own":
        code = str(ids["code"])
        return Moment(at, station, status_label(code), code, None, order)
    told = _TOLD.get(event)
    if told is None or (event == "parcel.queued" and ids.get("kind") != "document"):
        return None
    if event == "document.issued" and document is not None:
        number = str(document.number)
        told = Text(f"Cấp số {number}, đóng dấu", f"Number {number} and seal")
    return Moment(at, station, told, None, None, order)


_TOLD = {
    "document.approved": Text("Chủ tịch ký số cá nhân", "The chairman signs"),
    "document.issued": Text("Cấp số, đóng dấu", "Number and seal"),
    "parcel.queued": Text("Gói edXML niêm phong, chờ gửi", "Envelope sealed and queued"),
}


def _station(code: str) -> Station:
    return next(station for station in scene.STATIONS if station.code == code)
