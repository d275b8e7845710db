"""What an evidence bundle claims, held against who sealed it and against the sealed statuses that it encloses."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edocx.documents import BusinessAction, StatusCode, status_label
from edocx.envelope.read import open_envelope
from edocx.errors import EdocxError, Text
from edocx.office.delivery_events import evidence_name
from edocx.routing.state import Basis
from edocx.routing.transitions import Passage
from edocx.signing.report import Indication, Report

_OWN_WORD = {*(str(passage) for passage in Passage), *(action.name.lower() for action in BusinessAction)}
"""What the office's own journal states, or a document's envelope asks: no status message says it."""


OWN_SLACK = timedelta(minutes=5)
"""How far our own moment may stand from the message's: a signer is asked in between, who types a PIN."""


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """One event as a bundle tells it; ``remark`` is a reason or note, ``person`` who at the unit said so."""

    actor: str
    what: str
    basis: str
    at: datetime
    remark: str | None
    person: str | None
    evidence: str | None

    @classmethod
    def of(cls, told: dict[str, Any]) -> ClaimedEvent:
        """Read an event; raise `KeyError`, `ValueError` or `TypeError` for what is none."""
        at = datetime.fromisoformat(str(told["at"]))
        return cls(
            str(told["actor"]),
            str(told["what"]),
            str(told["basis"]),
            at,
            told["remark"],
            told["person"],
            told["evidence"],
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim's words that can be checked: the unit, the document, and its events."""

    unit: str
    document_id: str
    events: tuple[ClaimedEvent, ...]

    @classmethod
    def of(cls, told: dict[str, Any]) -> Claim:
        """Read a claim; raise `KeyError`, `ValueError` or `TypeError` for what is none."""
        events = tuple(ClaimedEvent.of(one) for one in told["events"])
        return cls(str(told["unit"]), str(told["document_id"]), events)


@dataclass(frozen=True, slots=True)
class Said:
    """A status message in the bundle: who says which code of which documents, and whose seal shows it.

    ``sealed_by`` has the units of the seals that passed, None for one whose unit no registry tells; ``remark``,
    ``person`` and ``at`` are the message's own reason, staff member and time.
    """

    sender: str
    code: str
    documents: tuple[str, ...]
    sealed_by: tuple[str | None, ...]
    remark: str | None
    person: str | None
    at: datetime | None

    def bears_out(self, document_id: str, event: ClaimedEvent, *, registered: bool) -> bool:
        """Tell whether this message shows a claimed event; ``registered``: the seals' units are known."""
        if (self.sender, self.code) != (event.actor, event.what) or document_id not in self.documents:
            return False
        sealed = event.basis != Basis.NOTHING
        return not sealed or (event.actor in self.sealed_by if registered else bool(self.sealed_by))

    def agrees(self, event: ClaimedEvent) -> bool:
        """Tell whether a claimed event has this message's reason, person and time.

        A status without a remark of its own carries its code's name. Our own events bear the moment of our
        transaction, which is a little later than the message's.
        """
        label = status_label(self.code).vi
        remarks = {_plain(self.remark), *((None,) if _plain(self.remark) in {None, _plain(label)} else ())}
        if _plain(event.remark) not in remarks or event.person not in {None, self.person}:
            return False
        if self.at is None:
            return True
        slack = OWN_SLACK if event.basis == Basis.OWN or event.what == StatusCode.RECALL_REQUESTED else timedelta(0)
        return abs(event.at.replace(microsecond=0) - self.at.replace(microsecond=0)) <= slack


def said_in(payload: bytes, report: Report) -> Said | None:
    """Read a status message in a bundle, with the verdict on it; None for a document or what is unreadable."""
    try:
        with open_envelope(payload) as reading:
            envelope = reading.envelope
    except EdocxError:
        return None  # it shows nothing, so that the event it was to show is a fault
    if envelope.kind != "status" or envelope.sender is None or not envelope.sender.unit or not envelope.status_code:
        return None
    seals = [s for s in report.signatures if s.indication is Indication.TOTAL_PASSED]
    documents = tuple(one.document_id for one in envelope.response_for if one.document_id)
    return Said(
        envelope.sender.unit,
        str(envelope.status_code),
        documents,
        tuple(s.unit for s in seals),
        envelope.description,
        envelope.staff.name if envelope.staff else None,
        envelope.timestamp,
    )


def seal_faults(report: Report, unit: str, *, registered: bool) -> Iterator[Text]:
    """Yield what is wrong with the seal over the bundle: none, not over every file, another unit's."""
    if not report.signatures:
        yield Text("gói không có con dấu của cơ quan nào (no seal)", "no seal: nobody signed the bundle's own files")
        return
    for message in report.messages:
        if message.code == "EDX-PARTIAL-COVERAGE":
            yield Text(message.vi, message.en)
    for one in report.signatures if registered else ():
        if one.kind != "organisation" or one.unit != unit:
            by = one.unit or (one.certificate.subject if one.certificate else one.id)
            yield Text(
                f"gói nhân danh {unit} nhưng do “{by}” ký, theo sổ đăng ký không phải con dấu của {unit}",
                f"the bundle speaks for {unit} and “{by}” signed it: by the registry no seal of {unit}",
            )


def event_faults(claim: Claim, said: Iterable[Said], *, registered: bool) -> Iterator[Text]:
    """Yield each claimed status that no enclosed message of its speaker states, sealed if so claimed.

    And each that such a message states with another reason, person or time.
    """
    enclosed = tuple(said)
    for event in dict.fromkeys(claim.events):
        actor, what = event.actor, event.what
        if event.evidence != evidence_name(what):
            yield Text(
                f"sự kiện {what} mang tên chứng cứ của sự kiện khác ({event.evidence})",
                f"the event {what} bears another event's name ({event.evidence})",
            )
        # Another's request is no evidence of delivery, and one message may ask about several documents.
        if what in _OWN_WORD or (what == StatusCode.RECALL_REQUESTED and actor != claim.unit):
            continue
        shown = [one for one in enclosed if one.bears_out(claim.document_id, event, registered=registered)]
        if not shown:
            yield Text(
                f"không có thông điệp trạng thái có niêm phong của {actor} cho sự kiện {what}",
                f"no sealed status message of {actor} states the event {what}",
            )
        elif not any(one.agrees(event) for one in shown):
            yield Text(
                f"lý do, người hoặc thời điểm của sự kiện {what} khác với thông điệp của {actor}",
                f"reason, person or time of the event {what} differ from the message of {actor}",
            )


def _plain(text: str | None) -> str | None:
    # XML's white space is the sender's layout; NFC is what is read from the wire.
    return unicodedata.normalize("NFC", " ".join(text.split())) if text else None


def unchecked(report: Report) -> Iterator[Text]:
    """Yield who sealed a bundle that was verified without a registry: whose key that is was not checked."""
    for one in report.signatures:
        by = one.certificate.subject if one.certificate else one.id
        yield Text(
            f"Người ký gói: {by}. Chưa kiểm tra có phải con dấu của cơ quan hay không (cần --registry).",
            f"Signed by: {by}. Not checked whether that is the agency's seal (give --registry).",
        )
