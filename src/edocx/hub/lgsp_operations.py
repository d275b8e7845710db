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

from edocx.clock import VIETNAM, in_vietnam
from edocx.content import Blob
from edocx.envelope import open_envelope
from edocx.errors import EdocxError, LimitExceeded
from edocx.hub import agencies, bodies, mailroom, refusal
from edocx.hub.admission import EDOC, STATUS, Offered
from edocx.hub.agencies import Agency
from edocx.hub.multipart import fields
from edocx.hub.refusal import wire_of
from edocx.hub.service import Service
from edocx.hub.vault import check_password
from edocx.routing.parcel import ParcelKind

TOKEN_LIFE = timedelta(minutes=30)
MAX_FORM = 64 * 1024
MAX_INLINE = 64 * 1024 * 1024
"""Bytes of a message given inside JSON, twice over (text and files): such clients skip files above 50 MB."""

_KINDS = {EDOC: ParcelKind.DOCUMENT, STATUS: ParcelKind.STATUS}
_TABLE = frozenset({"10", "15", "18", "19", "20", "21", "22", "23"})
_UNREADABLE_FILE = "21"
_OK = 200

_Act = Callable[[Service, Request, Agency], Awaitable[dict[str, Any]]]


class _Unauthorized(Exception):
    """The credentials are not right."""


def lgsp_routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the dialect."""
    table: list[tuple[str, str, _Act]] = [
        ("POST", "sendEdoc", _send),
        ("GET", "syncReceivedEdocList", _list),
        ("GET", "getEdoc", _get),
        ("POST", "updateStatus", _update),
        ("GET", "getAgenciesList", _agencies),
    ]
    routes: list[BaseRoute] = [Route("/v1/auth/login", partial(_answered, service, "login", _login), methods=["POST"])]
    for method, name, act in table:
        routes.append(Route(f"/v1/{name}", partial(_answered, service, name, partial(_let_in, act)), methods=[method]))
    return routes


async def _answered(
    service: Service, name: str, act: Callable[[Service, Request], Awaitable[dict[str, Any]]], request: Request
) -> Response:
    try:
        return _json(await act(service, request))
    except _Unauthorized:
        service.metrics.request(f"v1/{name}", "EDX-HUB-SIGNATURE", "", 0.0)
        return PlainTextResponse("Unauthorized", 401)
    except ClientDisconnect:
        return _json(_failed(refusal.cut_body(), ""), 400)
    except EdocxError as error:
        service.metrics.request(f"v1/{name}", error.code, "", 0.0)
        return _json(_failed(error, request.query_params.get("docId", "")), wire_of(error).status)


async def _let_in(act: _Act, service: Service, request: Request) -> dict[str, Any]:
    agency = await run_in_threadpool(_authenticated, service, request)
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


async def _login(service: Service, request: Request) -> dict[str, Any]:
    told = await _form(service, request)

    def check() -> tuple[Agency, str]:
        now = service.store.now()
        with service.store.read() as connection:
            agency = agencies.find(connection, str(told.get("username") or ""))
            stored = agencies.stored_secrets(connection, agency, agencies.PASSWORD, now=now) if agency else ()
        # An unknown name costs as much time as a wrong password.
        fits = check_password(str(told.get("password") or ""), stored[0] if stored else bytes(80))
        if agency is None or not stored or not fits:
            raise _Unauthorized
        return agency, _token(service, agency, now)

    agency, token = await run_in_threadpool(check)
    data = {"token": token, "id": str(agency.id), "username": agency.code, "name": agency.name}
    return {"code": 0, "message": "Thành công", "data": data}


async def _send(service: Service, request: Request, agency: Agency) -> dict[str, Any]:
    if "content-length" not in request.headers:
        raise refusal.needs_length()
    if agency.state != "open":
        raise refusal.closed_unit(agency.code, ())
    body = await bodies.receive(
        request.stream(),
        limit=(agency.max_bytes or service.config.max_bytes) + MAX_FORM,
        folder=service.store.spool,
        silence=service.config.body_seconds,
    )

    def take() -> str:
        try:
            form = fields(body, request.headers.get("content-type", ""))
            if "edocFile" not in form:
                raise refusal.empty_body()
            told = request.query_params.get("messageType") or request.headers.get("messagetype") or ""
            if "messageType" in form:
                field = form["messageType"]
                told = body.read_at(field.start, min(field.end - field.start, 64)).decode("utf-8", "replace")
            kind = _KINDS.get(told.strip().lower())
            if kind is None:
                raise refusal.bad_parameter("messageType")
            file = body.stretch(form["edocFile"].start, form["edocFile"].end)
            facts, findings = service.look_into(file, agency)
            if facts.kind is not kind:
                raise refusal.wrong_kind(told.strip())
            return service.door.admit(Offered(agency, facts, (), service.traced(file, facts), findings=findings)).doc_id
        finally:
            body.close()

    return {"success": True, "message": "OK", "docId": await run_in_threadpool(take)}


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


def _attachments(blob: Blob, service: Service) -> list[dict[str, str]]:
    with open_envelope(blob, workdir=service.store.spool) as reading:
        return [
            {"fileName": one.name or "", "fileContent": base64.b64encode(one.content.read(MAX_INLINE)).decode()}
            for one in reading.envelope.attachments
            if one.content is not None
        ]


async def _update(service: Service, request: Request, agency: Agency) -> dict[str, Any]:
    told = await _form(service, request)

    def act(connection: Connection) -> None:
        words = (str(told.get("docId") or ""), str(told.get("status") or ""), str(told.get("description") or ""))
        mailroom.update_status(connection, agency, *words, now=service.store.now())

    await run_in_threadpool(service.store.write, "status", act)
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
    number = wire_of(error).number
    if number not in _TABLE:
        number = _UNREADABLE_FILE if isinstance(error, LimitExceeded) else "20"
    data = {"docId": doc_id, "status": "error", "errorCode": number, "errorDesc": error.text.vi, "edxCode": error.code}
    return {"success": False, "message": error.text.vi, "data": data}


async def _form(service: Service, request: Request) -> dict[str, Any]:
    body = await bodies.receive(
        request.stream(), limit=MAX_FORM, folder=service.store.spool, silence=service.config.body_seconds
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
        return in_vietnam(datetime.strptime(text, "%Y/%m/%d").replace(tzinfo=VIETNAM))
    except ValueError as error:
        raise refusal.bad_parameter(name) from error


def _json(reply: dict[str, Any], status: int = _OK) -> Response:
    body = json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(body, status, media_type="application/json; charset=utf-8")
