"""The ASGI application: every path answers with the JSON triple, whatever happens behind it.

A reply without the triple is read by official clients as success with an empty list, or saved as the document
(axis-http.md §1.6); so refusals, unknown paths and unforeseen exceptions all leave through `_Triple`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edocx.clock import Clock
from edocx.errors import EdocxError
from edocx.hub import refusal, replies
from edocx.hub.archive_operations import FOR_OFFICES
from edocx.hub.axis_operations import AMONG_HUBS, OPERATIONS
from edocx.hub.bodies import is_waiting
from edocx.hub.call import BELIEVED, Call, Operation, believed
from edocx.hub.carrier import Carrier
from edocx.hub.configuration import HubConfig
from edocx.hub.gate import is_loopback
from edocx.hub.lgsp_operations import lgsp_routes
from edocx.hub.service import Service
from edocx.hub.upkeep import Upkeep
from edocx.hub.wire import SYSTEM
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.units.directory import Directory

if TYPE_CHECKING:
    from edocx.hub.broker import Broker

_log = logging.getLogger("edocx.hub")
UNKNOWN_SECONDS = 1.0
"""How long the body of a caller that was not believed is taken: against heads whose body never comes."""

_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_FORWARDED = frozenset({"x-forwarded-for", "forwarded", "via"})
"""Headers by which a proxy says that it speaks for another machine."""

_NOT_FOUND, _NOT_ALLOWED = 404, 405


class Hub(Starlette):
    """A hub as an ASGI application; `service` is what it works with, `carrier` and `broker` hand mail on to others."""

    def __init__(self, service: Service, **options: Any) -> None:
        super().__init__(**options)
        self.service = service
        self.carrier = Carrier(service)
        self.upkeep = Upkeep(service, self.carrier)
        self.broker = _broker(self) if service.config.broker else None
        # A redirect is no triple.
        self.router.redirect_slashes = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work beside answering for the block, and close the store at its end.

        Served alone, the hub does so itself. Where it is mounted the host's own lifespan has to, since it does not
        reach what is mounted::

            async with hub.running():
                yield
        """
        self.upkeep.begin()
        if self.broker is not None:
            self.broker.start()
        try:
            yield
        finally:
            if self.broker is not None:
                await run_in_threadpool(self.broker.stop)
            await run_in_threadpool(self.upkeep.end)
            self.service.close()


def _broker(hub: Hub) -> Broker:
    from edocx.hub.broker import Broker  # noqa: PLC0415 - nats-py is an extra

    return Broker(hub.service, hub)


def app(
    config: HubConfig | None = None,
    *,
    clock: Clock | None = None,
    directory: Directory | None = None,
    faults: Faults = NO_FAULTS,
) -> Hub:
    """Make the application of one hub, to serve alone or to mount in another.

    Args:
        config: the settings; a database ``hub.db`` in the working folder by default.
        clock: tells the time; the machine's unless given.
        directory: units with their dates, for routing and successors; else the one that the settings name.
        faults: told of every commit, for tests.

    Its store is opened at once, and closed when the application's lifespan ends (where it is mounted: see
    `Hub.running`).
    """
    service = Service.open(config or HubConfig(), clock=clock, directory=directory, faults=faults)

    @asynccontextmanager
    async def lifespan(hub: Hub) -> AsyncIterator[None]:
        async with hub.running():
            yield

    made = Hub(
        service,
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_error},
        middleware=[Middleware(_Triple, service=service)],
    )
    made.router.routes.extend(_routes(made))
    return made


def _routes(hub: Hub) -> list[BaseRoute]:
    service = hub.service
    routes: list[BaseRoute] = [
        Route(f"/{name}", partial(_operate, service, name, operation), methods=list(methods))
        for name, (methods, operation) in (OPERATIONS | AMONG_HUBS | FOR_OFFICES).items()
    ]
    if service.config.lgsp:
        routes += lgsp_routes(service)
    return [
        *routes,
        Route("/healthz", _healthz, methods=["GET"]),
        Route("/readyz", partial(_readyz, hub), methods=["GET"]),
        Route("/metrics", partial(_metrics, service), methods=["GET"]),
    ]


async def _operate(service: Service, name: str, operation: Operation, request: Request) -> Response:
    started = time.perf_counter()
    agency, outcome = "", "ok"
    try:
        caller = await run_in_threadpool(service.gate.let_in, request)
        believed(request)
        agency = caller.agency.code
        call = Call(service, request, caller)
        call.require_operation(name)
        return await operation(call)
    except EdocxError as error:
        outcome = error.code
        return refused(error, name)
    except ClientDisconnect:
        outcome = "EDX-HUB-CUT"
        return refused(refusal.cut_body(), name)
    except Exception as error:  # noqa: BLE001 - the client must get its triple
        outcome = "EDX-HUB-SYSTEM"
        return unforeseen(error, name)
    finally:
        service.metrics.request(name, outcome, agency, time.perf_counter() - started)


def refused(error: EdocxError, operation: str) -> Response:
    """Return the reply for an error; what is the hub's own trouble is logged, by code and place alone."""
    reply, status = replies.failure(error, operation)
    if status >= SYSTEM.status:
        _log.error("%s failed: %s", operation, error.code)
    headers = {"Connection": "close"} if error.code in {"EDX-HUB-SIZE", "EDX-HUB-SLOW", "EDX-HUB-CUT"} else None
    return Response(replies.to_bytes(reply), status, headers, replies.JSON_TYPE)


def unforeseen(error: Exception, operation: str) -> Response:
    """Return the reply for what nobody foresaw; its message may hold content, so only its type and place are logged."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    place = f"{frames.tb_frame.f_code.co_name}:{frames.tb_lineno}" if frames is not None else "?"
    _log.error("%s failed: %s at %s", operation, type(error).__name__, place)
    reply, status = replies.broken(operation)
    return Response(replies.to_bytes(reply), status, media_type=replies.JSON_TYPE)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name = request.url.path.rpartition("/")[2]
    if error.status_code in {_NOT_FOUND, _NOT_ALLOWED}:
        return refused(refusal.no_such_path(method=error.status_code == _NOT_ALLOWED), name)
    reply, _ = replies.broken(name)
    return Response(replies.to_bytes(reply), error.status_code, media_type=replies.JSON_TYPE)


async def _healthz(_request: Request) -> Response:
    return Response(replies.to_bytes(replies.ok()), media_type=replies.JSON_TYPE)


async def _readyz(hub: Hub, _request: Request) -> Response:
    found = await run_in_threadpool(hub.service.readiness) | {"upkeep": hub.upkeep.is_working}
    neighbours = await run_in_threadpool(hub.service.neighbours) if found["database"] else {}
    ready = all(found.values())
    told: dict[str, Any] = {"checks": found, "neighbours": neighbours}
    if hub.broker is not None:
        # No reason to send callers elsewhere: what they hand in waits in the database.
        told["broker"] = hub.broker.connected
    reply = replies.ok(**told) if ready else replies.broken("readyz")[0] | told
    return Response(replies.to_bytes(reply), 200 if ready else 503, media_type=replies.JSON_TYPE)


async def _metrics(service: Service, request: Request) -> Response:
    # A proxy on this machine that was not named speaks for anybody.
    near = is_loopback(request.client.host if request.client else None)
    forwarded = not service.config.proxies and not _FORWARDED.isdisjoint(request.headers.keys())
    if not service.config.open_metrics and (forwarded or not near):
        return refused(refusal.no_such_path(), "metrics")
    gauges = await run_in_threadpool(service.gauges)
    return PlainTextResponse(service.metrics.text(gauges), media_type="text/plain; version=0.0.4")


class _Triple:
    """The outermost layer: no plain http from afar, and no reply without the triple."""

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._inner = inner
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        intake = _Intake(scope, receive, self._service.config)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and not started:
                started = True
                await intake.drain()
                if intake.is_owed or intake.is_two_framed:
                    told = [one for one in message.get("headers", ()) if one[0].lower() != b"connection"]
                    message = {**message, "headers": [*told, (b"connection", b"close")]}
            await send(message)

        turned_away = self._refusal(scope, intake)
        if turned_away is not None:
            await refused(turned_away, scope["path"].rpartition("/")[2])(scope, receive, watched)
            return
        try:
            await self._inner(scope, intake.receive, watched)
        except Exception as error:
            if started:
                raise  # the length was promised: cutting the connection is the only honest end
            await unforeseen(error, scope["path"].rpartition("/")[2])(scope, receive, watched)

    def _refusal(self, scope: Scope, intake: _Intake) -> EdocxError | None:
        client = scope.get("client")
        far = scope.get("scheme") == "http" and not is_loopback(client[0] if client else None)
        if far and not self._service.config.plain_http and scope["path"] not in _OPEN_PATHS:
            return refusal.plain_http()
        return refusal.bad_parameter("Content-Length, Transfer-Encoding") if intake.is_two_framed else None


class _Intake:
    """Watches a body come in, and takes the rest of it before a reply.

    Official clients write their whole file before they read: were a reply sent and the connection closed over unread
    bytes, the client's machine would throw the reply away with the connection, and no triple would arrive.
    """

    def __init__(self, scope: Scope, receive: Receive, config: HubConfig) -> None:
        self._scope = scope
        headers = dict(scope["headers"])
        waits = is_waiting(headers.get(b"expect", b"").decode("latin-1"))
        chunked = b"transfer-encoding" in headers
        self._due = headers.get(b"content-length", b"0") != b"0" or chunked
        self.is_two_framed = chunked and (b"content-length" in headers or scope.get("http_version") == "1.0")
        """Whether two readers may see the body end at two places: how calls are smuggled (RFC 9112 §6.1)."""
        self._polite = waits
        self._receive = receive
        self._left = config.max_bytes
        self._silence = config.body_seconds
        self._given_up = False

    @property
    def is_owed(self) -> bool:
        """Whether bytes of the body may still come that nobody will take: the line can carry no further call.

        So even of a caller that waits to be asked: it may send its body all the same, or go on with its next call
        where this one's body would stand. Whoever kept the line would read the one as the other (RFC 9110 §10.1.1).
        """
        return self._due

    async def receive(self) -> Message:
        self._polite = False  # asking for the body told the client to send it
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            self._given_up = True  # whoever waited, waited long enough: not a second time for the reply
            raise
        self._due = self._due and message["type"] == "http.request" and bool(message.get("more_body"))
        return message

    async def drain(self) -> None:
        """Take what is left of the body, up to the limit of one body, unless the client waits to be asked for it."""
        seconds = self._silence if self._scope.get(BELIEVED) else min(UNKNOWN_SECONDS, self._silence)
        try:
            async with asyncio.timeout(seconds):
                while self._due and not self._polite and self._left > 0 and not self._given_up:
                    self._left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            self._given_up = True
