"""One authenticated call, and what every operation does with its body and its answer."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from edocx.content import PIECE, Blob
from edocx.hub import bodies, refusal, replies
from edocx.hub.bodies import Body
from edocx.hub.gate import Caller
from edocx.hub.service import Service
from edocx.hub.soundness import sound_pieces
from edocx.routing.store.payloads import INLINE_LIMIT

BELIEVED, HEARD = "edocx.believed", "edocx.heard"
"""Of a request's scope: that its caller is known, and what to call then, if our own server set it."""

SMALL_BODY = 64 * 1024
"""Bytes of a body that is no document: `{}` or one agency."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call."""

    service: Service
    request: Request
    caller: Caller

    def get(self, name: str) -> str:
        """Return a signed parameter, "" when it was not given."""
        return self.caller.parameters.get(name)

    def require_operation(self, operation: str) -> None:
        """Raise `Refused` when the caller signed that it means another operation; official clients sign none."""
        meant = self.get("edx-operation")
        if meant and meant != operation:
            raise refusal.bad_headers("edx-operation")

    def require_no_file(self) -> None:
        """Raise `Refused` for the headers of a sendEdoc: clients sign the kind of body anew for every call."""
        if self.get("Content-Type").lower().startswith("application/octet-stream"):
            raise refusal.bad_headers("content-type")

    def require_meant(self, operation: str, body: Blob) -> None:
        """Raise `Refused` unless the signed headers name this operation and this body.

        The axis' signature covers neither path nor body (axis-http.md §1.3): without these two words the headers of any
        call would sign whatever somebody puts behind them.
        """
        for name, value in (("edx-operation", operation), ("edx-body", body.sha256)):
            if not hmac.compare_digest(self.get(name).encode(), value.encode()):
                raise refusal.bad_headers(name)


Operation = Callable[[Call], Awaitable[Response]]
Reading = Callable[[Call, Connection], dict[str, Any]]


def believed(request: Request) -> None:
    """Note that a call's caller is known: from now on its body is waited for, and its connection kept."""
    request.scope[BELIEVED] = True
    heard: Callable[[], None] | None = request.scope.get(HEARD)
    if heard is not None:
        heard()


def reading(act: Reading) -> Operation:
    """Make an operation of a function that only reads the database; the body, if any, is taken and ignored."""

    async def operation(call: Call) -> Response:
        await small_body(call)

        def run() -> bytes:
            with call.service.store.read() as connection:
                return replies.to_bytes(replies.ok(**act(call, connection)))

        return answer(await run_in_threadpool(run))

    return operation


def answer(body: bytes) -> Response:
    """Return a JSON reply."""
    return Response(body, media_type=replies.JSON_TYPE)


async def file_answer(service: Service, blob: Blob) -> Response:
    """Return a file's raw bytes as the reply, in pieces when it is large; raise as `in_pieces`."""
    return await in_pieces(
        blob, blob.size, sound_pieces(blob, service.store, service.metrics), "application/octet-stream"
    )


async def in_pieces(blob: Blob, length: int, pieces: Iterator[bytes], media_type: str) -> Response:
    """Return a content as the reply: at once when it is small, else in pieces.

    Raises `StoreUnavailable` for a content that is damaged and was read whole before the first byte; a larger one is
    cut short when it is.
    """
    headers = {"Content-Length": str(length)}
    if blob.size <= INLINE_LIMIT:
        return Response(b"".join(pieces), headers=headers, media_type=media_type)
    if blob.size <= PIECE:
        return Response(await run_in_threadpool(b"".join, pieces), headers=headers, media_type=media_type)
    return StreamingResponse(pieces, headers=headers, media_type=media_type)


async def take_body(call: Call, limit: int) -> Body:
    """Take the call's body in, up to ``limit`` bytes; the caller closes it."""
    # One CRLF behind the file is the client's, not the file's.
    return await bodies.receive(
        call.request,
        limit=limit + 2,
        folder=call.service.store.spool,
        silence=call.service.config.body_seconds,
    )


async def small_body(call: Call) -> bytes:
    """Take in a body that is no document, and return it."""
    body = await take_body(call, SMALL_BODY)
    data = body.readings()[-1].read()
    body.close()
    return data
