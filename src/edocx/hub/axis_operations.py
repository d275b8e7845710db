"""The operations of the national axis at ``/`` (axis-http.md §1.5), one function each.

Every parameter is a signed header; those an operation does not use are ignored, however they came to be there
(the client's header map is never cleared), and the client's local path is not even looked at.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from edocx.clock import VIETNAM
from edocx.content import Blob
from edocx.errors import InputError, UnitError
from edocx.hub import agency_operations, mailroom, promises, refusal, replies
from edocx.hub.admission import EDOC, STATUS, Offered
from edocx.hub.call import Call, Operation, answer, file_answer, in_pieces, reading, small_body, take_body
from edocx.hub.heard import was_heard
from edocx.hub.inspection import Findings
from edocx.hub.letter_facts import LetterFacts, told_facts
from edocx.hub.neighbourhood import OPERATION, greeting
from edocx.hub.relay_statement import is_digest
from edocx.hub.soundness import sound_pieces
from edocx.hub.told_text import is_countable
from edocx.routing.parcel import ParcelKind, is_message_id, require_id
from edocx.units import UnitId

MAX_HUBS = 16
"""Most hubs on one way: the nation has four levels."""

MAX_TO = 10_000
"""Recipients named in one header."""

KINDS = {EDOC: ParcelKind.DOCUMENT, STATUS: ParcelKind.STATUS}
"""The message types of the axis."""


async def send_edoc(call: Call) -> Response:
    """Take a document or status in: durable before the answer."""
    told_hash = call.get("hash-file")
    kind = KINDS.get(call.get("messagetype").lower())
    if not told_hash:
        raise refusal.bad_parameter("hash-file")
    if kind is None:
        raise refusal.bad_parameter("messagetype")
    if call.caller.agency.state != "open":
        raise refusal.closed_sender(call.caller.agency.code)
    body = await take_body(call, call.caller.agency.max_bytes or call.service.config.max_bytes)

    def take() -> bytes:
        try:
            if not body.size:
                raise refusal.empty_body()
            offered = offered_by(call, body.file_by_hash(told_hash), kind)
            taken = call.service.door.admit(offered)
        finally:
            body.close()
        call.service.metrics.add("documents_received", int(taken.new))
        call.service.metrics.add("bytes_received", body.size)
        return replies.to_bytes(replies.ok(DocId=taken.doc_id, edxReceivedAt=taken.received_at.isoformat()))

    return answer(await run_in_threadpool(take))


def offered_by(call: Call, file: Blob, kind: ParcelKind) -> Offered:
    """Return what a caller offers by sendEdoc, with this hub's own trace; raise what makes it inadmissible."""
    facts, findings = _facts(call, file, kind)
    if facts.kind is not kind:
        raise refusal.wrong_kind(call.get("messagetype").lower())
    agency, claimed = call.caller.agency, call.get("from")
    if claimed and not _same_code(call, claimed, facts.sender if agency.kind == "hub" else agency.code):
        raise refusal.wrong_sender(claimed, agency.code)
    message_id = call.get("edx-message-id") or None
    if message_id is not None and not is_message_id(message_id):
        raise refusal.bad_parameter("edx-message-id")
    passed = _passed(call)
    previous = call.get("edx-statement") if agency.kind == "hub" else ""
    return Offered(
        agency,
        facts,
        recipients_of(call.get("to")),
        call.service.traced(file, facts),
        message_id,
        passed,
        previous if is_digest(previous) else "",
        findings,
        _attempts(call),
    )


def _passed(call: Call) -> tuple[str, ...]:
    """Return the hubs that a neighbouring hub says the message came through; refuse one that was here already."""
    agency = call.caller.agency
    if agency.kind != "hub":
        return ()
    passed = tuple(filter(None, call.get("edx-relays").split(";")))
    if call.service.config.system_code in passed or len(passed) > MAX_HUBS:
        raise refusal.loop(agency.code)
    return passed


def _attempts(call: Call) -> dict[str, int]:
    """Return which copies a neighbouring hub says these are; by HTTP the word is marked as ours."""
    told = call.get("edx-copies") or call.get("copies")
    return dict(promises.copies_in(told)) if told and call.caller.agency.kind == "hub" else {}


def _facts(call: Call, file: Blob, kind: ParcelKind) -> tuple[LetterFacts, Findings | None]:
    try:
        return call.service.look_into(file, call.caller.agency)
    except InputError:
        # Only what is no envelope at all may pass unopened: what the door refused in one stays refused.
        if call.service.config.envelope == "require" or not call.get("edx-document-id"):
            raise
        told = {name: call.get(f"edx-{name}") for name in ("business", "urgency")}
        told["document-id"] = unquote(call.get("edx-document-id"))
        return told_facts(file, kind, call.get("from"), told), None


def recipients_of(text: str) -> tuple[str, ...]:
    """Read the ``to`` header: a JSON array, a quoted string, or a bare code; empty for none (axis-http.md §1.5)."""
    if not text.strip():
        return ()
    try:
        told = json.loads(text) if text.lstrip()[0] in '["' else text
    except (ValueError, RecursionError) as error:
        raise refusal.bad_parameter("to") from error
    codes = [told] if isinstance(told, str) else told
    if not isinstance(codes, list) or len(codes) > MAX_TO or not all(isinstance(code, str) for code in codes):
        raise refusal.bad_parameter("to")
    return tuple(dict.fromkeys(require_id(code.strip(), "to") for code in codes if code.strip()))


def _same_code(call: Call, first: str, second: str) -> bool:
    if first == second or {first, second} <= set(call.caller.agency.codes):
        return True
    try:
        return UnitId.parse(first) == UnitId.parse(second)
    except UnitError:
        return False


def received_list(call: Call, connection: Connection) -> dict[str, Any]:
    """List what waits for the caller."""
    since, until = _moment(call.get("fromDate"), "fromDate"), _moment(call.get("toDate"), "toDate")
    found = mailroom.received(connection, call.caller.agency, _type(call), since=since, until=until)
    return {"data": mailroom.received_json(found)}


def sent_list(call: Call, connection: Connection) -> dict[str, Any]:
    """List what the caller sent, a row for each recipient."""
    rows = mailroom.sent(connection, call.caller.agency, _type(call), call.get("docId"))
    statements = call.service.relay_book.of_copies(connection, rows) if call.get("docId") else {}
    return {"data": mailroom.sent_rows(rows, statements)}


def count_documents(call: Call, connection: Connection) -> dict[str, Any]:
    """Count the documents that wait."""
    return {"count": mailroom.count(connection, call.caller.agency, EDOC)}


def count_statuses(call: Call, connection: Connection) -> dict[str, Any]:
    """Count the status messages that wait."""
    return {"count": mailroom.count(connection, call.caller.agency, STATUS)}


async def get_edoc(call: Call) -> Response:
    """Give a message's content in base64."""
    await small_body(call)
    blob = await run_in_threadpool(_content, call)
    content = sound_pieces(blob, call.service.store, call.service.metrics)
    length, pieces = replies.content_reply(blob, content)
    return await in_pieces(blob, length, pieces, replies.JSON_TYPE)


async def download_edoc(call: Call) -> Response:
    """Give a message's raw bytes."""
    return await file_answer(call.service, await run_in_threadpool(_content, call))


def _content(call: Call) -> Blob:
    with call.service.store.read() as connection:
        _, sha256 = mailroom.own_message(connection, call.caller.agency, call.get("docId"))
        return call.service.store.load(connection, sha256)


async def update_status(call: Call) -> Response:
    """Acknowledge the caller's copy of a message."""
    call.require_no_file()
    await small_body(call)

    def act(connection: Connection) -> tuple[int, float] | None:
        now = call.service.store.now()
        if was_heard(connection, call, now):
            return None
        words = (call.get("docId"), call.get("status"), call.get("description"))
        return mailroom.update_status(connection, call.caller.agency, *words, now=now)

    waited = await run_in_threadpool(call.service.store.write, "status", act)
    if waited is not None:
        call.service.metrics.fetched(*waited)
    return answer(replies.to_bytes(replies.ok()))


def tell_neighbour(call: Call, connection: Connection) -> dict[str, Any]:
    """Tell a neighbouring hub the time and the keys of relay statements; agencies are told it does not exist."""
    if call.caller.agency.kind != "hub":
        raise refusal.no_such_path()
    service = call.service
    return greeting(connection, service.config, service.relay_book.public_key, service.store.now())


OPERATIONS: dict[str, tuple[tuple[str, ...], Operation]] = {
    "getAgenciesList": (("POST",), reading(agency_operations.agencies_list)),
    "getAgenciesListQD20": (("POST",), reading(agency_operations.agencies_by_level)),
    "getSynchronizeUnit": (("POST",), reading(agency_operations.synchronize_unit)),
    "registerAgency": (("POST",), agency_operations.register_agency),
    "deleteAgency": (("POST",), agency_operations.delete_agency),
    "getReceivedEdocList": (("POST",), reading(received_list)),
    "getSentEdocList": (("POST",), reading(sent_list)),
    "sendEdoc": (("POST",), send_edoc),
    "getEdoc": (("POST",), get_edoc),
    "downloadEdoc": (("GET",), download_edoc),
    # Meant as GET in the client's code, sent as POST (axis-http.md §1.5).
    "countReceiveEdoc": (("POST", "GET"), reading(count_documents)),
    "countReceiveStatus": (("POST", "GET"), reading(count_statuses)),
    "updateStatus": (("POST",), update_status),
}
"""Every operation of the axis with its methods."""

AMONG_HUBS: dict[str, tuple[tuple[str, ...], Operation]] = {OPERATION: (("POST",), reading(tell_neighbour))}
"""What only neighbouring hubs call."""


def _type(call: Call) -> str:
    told = call.get("messagetype").lower()
    if told not in KINDS:
        raise refusal.bad_parameter("messagetype")
    return told


def _moment(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.strptime(text, "%d/%m/%Y %H:%M:%S").replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise refusal.bad_parameter(name) from error
    return moment if is_countable(moment) else None  # .NET's DateTime.MinValue is how its programs say "no bound"
