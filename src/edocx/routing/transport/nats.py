"""The nats transport: an office's line to its hub over NATS, with the words of the axis protocol (axis-http.md §1).

The office asks its hub and the hub answers from its database, which alone says what waits for whom: no stream and no
consumer belongs to an office, so a nation's 80,000 units cost the servers nothing but their connections. Contents past
the message limit go through JetStream's object store. Calls are signed as over HTTP.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from edocx.clock import Clock
from edocx.content import Blob
from edocx.routing.transport.attempts import Attempts
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.axis_exchange import EDOCX, AxisExchange, refused, triple_in
from edocx.routing.transport.http_line import MAX_REPLY, UNREACHED
from edocx.routing.transport.nats_frame import Frame, pack, unpack
from edocx.routing.transport.nats_line import ANSWER_SECONDS, NatsLine, NatsSettings, Password, away
from edocx.routing.transport.nats_subjects import bucket_name, call_subject
from edocx.routing.transport.spool import spooled

_OK = 200


class NatsTransport(AxisTransport):
    """A `edocx.routing.transport.Transport` over NATS, for one unit and its hub."""

    def __init__(
        self,
        settings: NatsSettings,
        *,
        hub: str,
        system: str,
        secret: str,
        clock: Clock,
        attempts: Path,
        password: Password | None = None,
    ) -> None:
        """Prepare a line; nothing is called yet.

        Args:
            settings: the servers.
            hub: unit code of the hub that serves this unit.
            system: the code that the unit is registered under.
            secret: its secret at the hub.
            clock: tells the time.
            attempts: folder for what was tried, kept with the office's store.
            password: asked for the password of ``settings.user``.
        """
        line = NatsLine(settings, password)
        self._line = NatsExchange(line, hub=hub, system=system, secret=secret, clock=clock)
        self._clock = clock
        self._attempts = Attempts(attempts)


class NatsExchange(AxisExchange):
    """One agency's line to its hub; the same calls as over HTTP."""

    def __init__(self, line: NatsLine, *, hub: str, system: str, secret: str, clock: Clock) -> None:
        self._subject, self._bucket = call_subject(hub), bucket_name(hub, "calls")
        self._nats = line
        self._endpoint = f"nats:{hub}"
        self._system = system
        self._secret = secret
        self._clock = clock
        self.is_edocx = self.has_answered = False

    def call(
        self,
        operation: str,
        parameters: Mapping[str, str],
        *,
        body: Iterable[bytes] | bytes = b"",
        length: int | None = None,
        binary: bool = False,
    ) -> dict[str, Any]:
        """Call an operation and return its successful reply: see `AxisExchange.call`."""
        del length  # counted here
        content = Blob.from_bytes(body) if isinstance(body, bytes) else spooled(body)
        answer = self._ask("POST", operation, parameters, content, binary=binary)
        reply = self._reply(answer)
        self.is_edocx, self.has_answered = self.is_edocx or EDOCX in reply, True
        status = int(answer.head.get("status") or 0)
        if reply.get("status") != "OK" or str(reply.get("ErrorCode")) != "0":
            raise refused(reply, status, self._endpoint)
        return reply

    def download(self, parameters: Mapping[str, str], *, limit: int) -> Iterator[bytes]:
        """Yield a document's raw bytes: see `AxisExchange.download`."""
        answer = self._ask("GET", "downloadEdoc", parameters, Blob.from_bytes(b""), binary=False)
        status = int(answer.head.get("status") or 0)
        if status != _OK or "json" in str(answer.head.get("type")):
            raise refused(self._reply(answer), status, self._endpoint)
        name = answer.head.get("object")
        if not name:
            yield answer.body
            return
        blob = self._nats.run(self._nats.take(self._bucket, str(name), limit=limit))
        self._nats.run(self._nats.drop(self._bucket, str(name)))
        yield from blob.pieces()

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._nats.close()

    def _reply(self, answer: Frame) -> dict[str, Any]:
        """Read a JSON reply, also one that was too large for a message."""
        name = answer.head.get("object")
        data = answer.body
        if name:
            data = self._nats.run(self._nats.take(self._bucket, str(name), limit=MAX_REPLY)).read()
            self._nats.run(self._nats.drop(self._bucket, str(name)))
        return triple_in(data, int(answer.head.get("status") or 0), self._endpoint)

    def _ask(self, method: str, operation: str, parameters: Mapping[str, str], content: Blob, *, binary: bool) -> Frame:
        lines = self._headers(operation, parameters, "application/octet-stream" if binary else "application/json")
        head = {
            "method": method,
            "operation": operation,
            "lines": [[name.decode(), base64.b64encode(value).decode()] for name, value in lines],
        }
        return unpack(self._nats.run(self._request(head, content)))

    async def _request(self, head: dict[str, Any], content: Blob) -> bytes:
        from nats.errors import NoRespondersError  # noqa: PLC0415 - an extra

        client = await self._nats.client()
        name = ""
        if content.size > await self._nats.inline_limit():
            name = f"call-{secrets.token_hex(12)}"
            await self._nats.put(self._bucket, name, content)
        data = pack(head | ({"object": name} if name else {}), b"" if name else content.read())
        try:
            return bytes((await client.request(self._subject, data, timeout=ANSWER_SECONDS)).data)
        except NoRespondersError as error:
            # Nobody heard it: nothing need be asked before it is sent again.
            raise away("no hub", self._endpoint, code=UNREACHED) from error
        finally:
            if name:
                await self._nats.drop(self._bucket, name)
