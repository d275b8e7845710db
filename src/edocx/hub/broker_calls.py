"""Calls of offices over NATS: each is handed to the hub's own application, as if it had come over HTTP.

So there is one door, whatever the way to it: signatures, limits, checks and answers are the same.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from edocx.content import PIECE, Blob
from edocx.errors import EdocxError
from edocx.hub import refusal, replies
from edocx.hub.service import Service
from edocx.routing.transport.nats_frame import Frame, pack, unpack
from edocx.routing.transport.nats_line import NatsLine
from edocx.routing.transport.nats_subjects import bucket_name, call_subject

if TYPE_CHECKING:
    from nats.aio.msg import Msg

AT_ONCE = 64
"""Calls answered at the same moment; the others wait at the server."""

_MOST_LINES = 64
_QUEUE = "hub"
_log = logging.getLogger("edocx.hub")


@dataclass(slots=True)
class BrokerCalls:
    """Answers calls for one hub; several nodes share them."""

    asgi: ASGIApp
    line: NatsLine
    unit: str
    service: Service
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def subscribe(self) -> Any:
        """Listen for calls; return the subscription."""
        client = await self.line.client()
        return await client.subscribe(call_subject(self.unit), queue=_QUEUE, cb=self._hear)

    async def _hear(self, message: Msg) -> None:
        await self._room.acquire()
        task = asyncio.create_task(self._answer(message))
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()

    async def _answer(self, message: Msg) -> None:
        try:
            frame = unpack(message.data)
            found = await self._call(frame, await self._content(frame))
        except EdocxError as error:
            reply, status = replies.failure(error)
            found = _Response(status, "application/json", replies.to_bytes(reply))
        head: dict[str, Any] = {"status": found.status, "type": found.type}
        body = found.body
        if len(body) > await self.line.inline_limit():
            head["object"] = f"reply-{secrets.token_hex(12)}"
            await self.line.put(bucket_name(self.unit, "calls"), head["object"], Blob.from_bytes(body))
            body = b""
        await message.respond(pack(head, body))

    async def _content(self, frame: Frame) -> Blob:
        name = frame.head.get("object")
        if not name:
            return Blob.from_bytes(frame.body)
        limit, folder = self.service.config.max_bytes + PIECE, self.service.store.spool
        return await self.line.take(bucket_name(self.unit, "calls"), str(name), limit=limit, folder=folder)

    async def _call(self, frame: Frame, content: Blob) -> _Response:
        """Run the application on one call and return what it answered."""
        pieces = content.pieces()
        answer = _Response(500, "", b"")
        parts: list[bytes] = []
        ended, answered = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            if ended.is_set():
                await answered.wait()  # who asks on waits for the caller to go, and the caller stays
                return {"type": "http.disconnect"}
            piece = await asyncio.to_thread(next, pieces, b"") if content.size > PIECE else next(pieces, b"")
            if not piece:
                ended.set()
            return {"type": "http.request", "body": piece, "more_body": bool(piece)}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.type = dict(message.get("headers") or ()).get(b"content-type", b"").decode("latin-1")
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    answered.set()

        await self.asgi(_scope(frame, content.size), receive, send)
        answer.body = b"".join(parts)
        return answer


@dataclass(slots=True)
class _Response:
    status: int
    type: str
    body: bytes


def _scope(frame: Frame, size: int) -> dict[str, Any]:
    """Describe a call as an HTTP request; raise `UsageError` for one that is none."""
    method, operation = str(frame.head.get("method")), str(frame.head.get("operation"))
    lines = frame.head.get("lines")
    if method not in {"GET", "POST"} or not operation.isalnum() or not isinstance(lines, list):
        raise refusal.bad_parameter("operation")
    if len(lines) > _MOST_LINES:
        raise refusal.bad_parameter("lines")
    try:
        headers = [(str(name).lower().encode("ascii"), base64.b64decode(value, validate=True)) for name, value in lines]
    except (ValueError, TypeError, binascii.Error) as error:
        raise refusal.bad_parameter("lines") from error
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        # Neither http nor https: the line has its own rules about encryption (see NatsSettings).
        "scheme": "nats",
        "path": f"/{operation}",
        "raw_path": f"/{operation}".encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [*headers, (b"content-length", str(size).encode())],
        "client": None,
        "server": None,
    }
