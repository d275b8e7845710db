"""The LGSP dialect at ``/v1`` (axis-http.md §2), on the same register, messages and rules as the axis.

Every call carries a token, a system id and its key; a token alone opens nothing. Wrong credentials are answered as
such servers do: 401 with the plain word ``Unauthorized``.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from edocx.clock import VIETNAM
from edocx.content import Blob
from edocx.envelope import open_envelope
from edocx.errors import EdocxError, InputError
from edocx.hub import agencies, bodies, mailroom, refusal
from edocx.hub.admission import EDOC, STATUS, Offered
from edocx.hub.agencies import Agency
from edocx.hub.axis_operations import recipients_of
from edocx.hub.bodies import Body
from edocx.hub.call import believed, file_answer
from edocx.hub.inspection import Findings
from edocx.hub.letter_facts import told_facts
from edocx.hub.logins import Logins
from edocx.hub.multipart import Field, fields
from edocx.hub.service import Service
from edocx.hub.told_text import is_countable
from edocx.hub.wire import SYSTEM, wire_of
from edocx.routing.parcel import ParcelKind, is_message_id
from edocx.routing.transport.axis_exchange import EDOCX
from edocx.routing.transport.lgsp_exchange import ASK_EDOCX

TOKEN_LIFE = timedelta(minutes=30)
MAX_FORM = 64 * 1024
MAX_INLINE = 64 * 1024 * 1024
"""Bytes of a message given inside JSON, twice over (text and files): such clients skip files above 50 MB."""

_KINDS = {EDOC: ParcelKind.DOCUMENT, STATUS: ParcelKind.STATUS}
_TABLE = frozenset({"10", "15", "18", "19", "20", "21", "22", "23"})
_TROUBLE, _UNREADABLE_FILE = "20", "21"
_OK = 200

_Act = Callable[[Service, Request, Agency], Awaitable["dict[str, Any] | Response"]]
_FURTHER = ("edxTo", "edxMessageId", "edxDocumentId", "edxBusiness", "edxUrgency")
"""Fields of a form that only edocx offices send, and only to a hub that said it is one."""


class _Unauthorized(Exception):
    """The credentials are not right."""


def lgsp_routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the dialect."""
    table: list[tuple[str, str, _Act]] = [
        ("POST", "sendEdoc", _send),
        ("GET", "syncReceivedEdocList", _list),
        ("GET", "getEdoc", _get),
        ("GET", "downloadEdoc", _download),
        ("POST", "updateStatus", _update),
        ("GET", "getAgenciesList", _agencies),
    ]
    login = partial(_login, Logins())
    routes: list[BaseRoute] = [Route("/v1/auth/login", partial(_answered, service, "login", login), methods=["POST"])]
    for method, name, act in table:
        routes.append(Route(f"/v1/{name}", partial(_answered, service, name, partial(_let_in, act)), methods=[method]))
    return routes


async def _answered(
    service: Service,
    name: str,
    act: Callable[[Service, Request], Awaitable[dict[str, Any] | Response]],
    request: Request,
) -> Response:
    try:
        reply = await act(service, request)
        if isinstance(reply, Response):
            return reply
        return _json(reply | ({EDOCX: 1} if ASK_EDOCX in request.headers else {}))
    except _Unauthorized:
        service.metrics.request(f"v1/{name}", "EDX-HUB-SIGNATURE", "", 0.0)
        return PlainTextResponse("Unauthorized", 401)
    except ClientDisconnect:
        return _json(_failed(refusal.cut_body(), ""), 400)
    except EdocxError as error:
        service.metrics.request(f"v1/{name}", error.code, "", 0.0)
        return _json(_failed(error, request.query_params.get("docId", "")), wire_of(error).status)


async def _let_in(act: _Act, service: Service, request: Request) -> dict[str, Any] | Response:
    agency = await run_in_threadpool(_authenticated, service, request)
    believed(request)
    reply = await act(service, request, agency)
    service.metrics.request(f"v1/{request.url.path.rpartition('/')[2]}", "ok", agency.code, 0.0)
    return reply


def _authenticated(service: Service, request: Request) -> Agency:
    """Return who calls: the token, the system id and the key must all be of one agency."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    system, key = request.headers.get("x-systemid", ""), request.headers.get("x-secretkey", "")
    now = service.store.now()
    with service.store.read() as connection:
        agency = agencies.find(connection, system)
        stored = agencies.stored_secrets(connection, agency, agencies.KEY, now=now) if agency else ()
    bound = f"{agency.id if agency else 0}:{agencies.KEY}"
    found = [service.vault.matches(key, one, bound_to=bound) for one in stored or (b"",)]
    if agency is None or not any(found) or scheme.lower() != "bearer" or not _valid(service, token, agency, now):
        raise _Unauthorized
    service.gate.rate.spend(agency, agency.per_minute or service.config.per_minute, now)
    return agency


def _token(service: Service, agency: Agency, now: datetime) -> str:
    told = f"{agency.id}:{int((now + TOKEN_LIFE).timestamp())}".encode()
    return base64.urlsafe_b64encode(told + b"." + service.vault.fingerprint(told.decode(), bound_to="token")).decode()


def _valid(service: Service, token: str, agency: Agency, now: datetime) -> bool:
    try:
        told, _, mac = base64.b64decode(token, altchars=b"-_", validate=True).partition(b".")
        owner, _, until = told.decode("ascii").partition(":")
        return (
            service.vault.matches(told.decode("ascii"), mac, bound_to="token")
            and hmac.compare_digest(owner, str(agency.id))
            and int(until) > now.timestamp()
        )
    except (ValueError, binascii.Error):
        return False


async def _login(logins: Logins, service: Service, request: Request) -> dict[str, Any]:
    told = await _form(service, request)

    account, now = str(told.get("username") or ""), service.store.now()

    def look_up() -> tuple[Agency | None, tuple[bytes, ...]]:
        with service.store.read() as connection:
            agency = agencies.find(connection, account)
            return agency, agencies.stored_secrets(connection, agency, agencies.PASSWORD, now=now) if agency else ()

    agency, stored = await run_in_threadpool(look_up)
    # An unknown name costs as much time as a wrong password.
    fits = await logins.check(
        str(told.get("password") or ""),
        stored[0] if stored else bytes(80),
        address=request.client.host if request.client else "",
        account=agency.code if agency else account,
        now=now,
    )
    if agency is None or not stored or not fits:
        raise _Unauthorized
    token = _token(service, agency, now)
    data = {"token": token, "id": str(agency.id), "username": agency.code, "name": agency.name}
    return {"code": 0, "message": "Thành công", "data": data}


async def _send(service: Service, request: Request, agency: Agency) -> dict[str, Any]:
    if "content-length" not in request.headers:
        raise refusal.needs_length()
    if agency.state != "open":
        raise refusal.closed_sender(agency.code)
    body = await bodies.receive(
        request,
        limit=(agency.max_bytes or service.config.max_bytes) + MAX_FORM,
        folder=service.store.spool,
        silence=service.config.body_seconds,
    )

    def take() -> dict[str, Any]:
        try:
            form = fields(body, request.headers.get("content-type", ""))
            if "edocFile" not in form:
                raise refusal.empty_body()
            told = {name: _text(body, form[name]) for name in ("messageType", *_FURTHER) if name in form}
            named = told.get("messageType") or request.query_params.get("messageType") or ""
            kind = _KINDS.get((named or request.headers.get("messagetype", "")).strip().lower())
            if kind is None:
                raise refusal.bad_parameter("messageType")
            file = body.stretch(form["edocFile"].start, form["edocFile"].end)
            taken = service.door.admit(_offered(service, agency, file, kind, told))
        finally:
            body.close()
        service.metrics.add("documents_received", int(taken.new))
        service.metrics.add("bytes_received", body.size)
        further = {"edxReceivedAt": taken.received_at.isoformat()} if ASK_EDOCX in request.headers else {}
        return {"docId": taken.doc_id} | further

    return {"success": True, "message": "OK"} | await run_in_threadpool(take)


def _offered(service: Service, agency: Agency, file: Blob, kind: ParcelKind, told: dict[str, str]) -> Offered:
    findings: Findings | None = None
    try:
        facts, findings = service.look_into(file, agency)
    except InputError:
        if service.config.envelope == "require" or not told.get("edxDocumentId"):
            raise
        named = {"document-id": told["edxDocumentId"], "business": told.get("edxBusiness", "")}
        facts = told_facts(file, kind, agency.code, named | {"urgency": told.get("edxUrgency", "")})
    if facts.kind is not kind:
        raise refusal.wrong_kind(kind.value)
    message_id = told.get("edxMessageId") or None
    if message_id is not None and not is_message_id(message_id):
        raise refusal.bad_parameter("edxMessageId")
    recipients = recipients_of(told.get("edxTo", ""))
    return Offered(agency, facts, recipients, service.traced(file, facts), message_id, findings=findings)


def _text(body: Body, field: Field) -> str:
    return body.read_at(field.start, min(field.end - field.start, MAX_FORM)).decode("utf-8", "replace").strip()


async def _list(service: Service, request: Request, agency: Agency) -> dict[str, Any]:
    told = request.query_params.get("messageType", "").lower()
    if told not in _KINDS:
        raise refusal.bad_parameter("messageType")
    since, until = _day(request, "fromDate"), _day(request, "toDate")

    def read() -> list[dict[str, Any]]:
        with service.store.read() as connection:
            last = until + timedelta(days=1) - timedelta(microseconds=1) if until else None
            return mailroom.received_rows(mailroom.received(connection, agency, told, since=since, until=last))

    rows = [
        {
            "serviceType": row["serviceType"],
            "createdTime": row["created_time"],
            "updatedTime": row["updated_time"],
            "messageType": row["messageType"],
            "docId": row["docId"],
            "from": row["from"],
            "to": row["to"],
            "status": row["status"],
            "statusDesc": row["status_desc"],
        }
        | ({name: told for name, told in row.items() if name.startswith("edx")} if ASK_EDOCX in request.headers else {})
        for row in await run_in_threadpool(read)
    ]
    return {"success": True, "message": "OK", "count": len(rows), "data": rows}


async def _get(service: Service, request: Request, agency: Agency) -> dict[str, Any]:
    doc_id = request.query_params.get("docId", "")

    def read() -> dict[str, Any]:
        with service.store.read() as connection:
            row, sha256 = mailroom.own_message(connection, agency, doc_id)
            blob = service.store.load(connection, sha256)
            sender = agencies.find(connection, row.origin)
        if blob.size > MAX_INLINE:
            raise refusal.too_large(MAX_INLINE)
        return {
            "docId": row.doc_id,
            "from": row.origin,
            "fromName": sender.name if sender else "",
            "edocCode": row.notation or "",
            "edocAbstract": row.title or "",
            "edxml": blob.read(MAX_INLINE).decode("utf-8", "replace"),
            "attachments": _attachments(blob, service),
        }

    return {"success": True, "data": await run_in_threadpool(read)}


async def _download(service: Service, request: Request, agency: Agency) -> Response:
    """Give the raw bytes, which the dialect has no way for; edocx offices ask for it."""
    doc_id = request.query_params.get("docId", "")

    def read() -> Blob:
        with service.store.read() as connection:
            _, sha256 = mailroom.own_message(connection, agency, doc_id)
            return service.store.load(connection, sha256)

    return await file_answer(service, await run_in_threadpool(read))


def _attachments(blob: Blob, service: Service) -> list[dict[str, str]]:
    with open_envelope(blob, workdir=service.store.spool) as reading:
        return [
            {"fileName": one.name or "", "fileContent": base64.b64encode(one.content.read(MAX_INLINE)).decode()}
            for one in reading.envelope.attachments
            if one.content is not None
        ]


async def _update(service: Service, request: Request, agency: Agency) -> dict[str, Any]:
    told = await _form(service, request)

    def act(connection: Connection) -> tuple[int, float] | None:
        words = (str(told.get("docId") or ""), str(told.get("status") or ""), str(told.get("description") or ""))
        return mailroom.update_status(connection, agency, *words, now=service.store.now())

    waited = await run_in_threadpool(service.store.write, "status", act)
    if waited is not None:
        service.metrics.fetched(*waited)
    return {"success": True, "message": "OK"}


async def _agencies(service: Service, _request: Request, _agency: Agency) -> dict[str, Any]:
    def read() -> list[dict[str, str]]:
        with service.store.read() as connection:
            return [
                {
                    "orgCode": row.code,
                    "orgName": row.name,
                    "parentCode": row.parent or "",
                    "address": "",
                    "email": row.mail or "",
                    "phone": row.mobile or "",
                }
                for row in agencies.every(connection)
                if row.state == "open"
            ]

    return {"success": True, "message": "OK", "data": await run_in_threadpool(read)}


def _failed(error: EdocxError, doc_id: str) -> dict[str, Any]:
    number, status = wire_of(error)
    if number not in _TABLE:
        # 20 is trouble of the platform, after which clients try again.
        number = _TROUBLE if error.retryable or status >= SYSTEM.status else _UNREADABLE_FILE
    data = {"docId": doc_id, "status": "error", "errorCode": number, "errorDesc": error.text.vi, "edxCode": error.code}
    if error.where and status < SYSTEM.status:
        data["edxWhere"] = error.where
    return {"success": False, "message": error.text.vi, "data": data}


async def _form(service: Service, request: Request) -> dict[str, Any]:
    body = await bodies.receive(
        request, limit=MAX_FORM, folder=service.store.spool, silence=service.config.body_seconds
    )
    try:
        told = json.loads(body.read_at(0, MAX_FORM))
    except (ValueError, RecursionError) as error:
        raise refusal.bad_parameter("body") from error
    finally:
        body.close()
    if not isinstance(told, dict):
        raise refusal.bad_parameter("body")
    return told


def _day(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y/%m/%d").replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise refusal.bad_parameter(name) from error
    return day if is_countable(day) else None  # as `axis_operations` reads it


def _json(reply: dict[str, Any], status: int = _OK) -> Response:
    body = json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(body, status, media_type="application/json; charset=utf-8")
