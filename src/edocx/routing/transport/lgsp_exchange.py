"""Calls to a provincial platform in the LGSP dialect (axis-http §2): log in, then token and key on every call."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from edocx.content import PIECE
from edocx.errors import EdocxError, Refused, Text
from edocx.routing.transport.axis_exchange import EDOCX, refused
from edocx.routing.transport.http_line import (
    MAX_REPLY,
    READ_SECONDS,
    UNREACHED,
    away,
    bounded,
    checked_endpoint,
    httpx_module,
    one_line,
    open_client,
    within,
)

if TYPE_CHECKING:
    import ssl

    import httpx

ASK_EDOCX = "X-Edx"
"""The header by which a hub of ours is asked for what the dialect has not; others ignore it."""

_UNAUTHORIZED = 401


class LgspExchange:
    """One agency's line to one platform; safe to share between threads.

    Attributes:
        is_edocx: a reply showed that the platform is a hub of ours.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        system: str,
        key: str,
        username: str,
        password: str,
        verify: ssl.SSLContext | None = None,
        plain_http: bool = False,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._endpoint = checked_endpoint(endpoint, plain_http=plain_http)
        self._system, self._key = system, key
        self._username, self._password = username, password
        self._verify = verify
        self._read_seconds = read_seconds
        self._client: httpx.Client | None = None
        self._token = ""
        self._entering = threading.Lock()
        self.is_edocx = False

    @property
    def system(self) -> str:
        """The code under which the line is registered."""
        return self._system

    def enter(self) -> None:
        """Log in unless a token is held; also tells whether the platform is a hub of ours."""
        with self._entering:
            if not self._token:
                self._token = self._login()

    def get(self, operation: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Call an operation that reads; raise as `send` does."""
        return self._call("GET", operation, parameters=parameters)

    def post(self, operation: str, told: Mapping[str, str]) -> dict[str, Any]:
        """Call an operation with a JSON body; raise as `send` does."""
        data = json.dumps(told, ensure_ascii=False).encode()
        return self._call("POST", operation, body=lambda: (data,), length=len(data), kind="application/json")

    def send(self, fields: Mapping[str, str], pieces: Callable[[], Iterable[bytes]], size: int) -> dict[str, Any]:
        """Send a file as the form the dialect wants, with its length told before (chunks are refused there).

        Args:
            fields: the other fields.
            pieces: gives the file's bytes, again when a token was too old.
            size: how many they are.

        Raises `TransportUnavailable` when the platform is away or says something unreadable, the error that its reply
        stands for when it refuses.
        """
        boundary = f"edocx-{secrets.token_hex(16)}"
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{one_line(value)}\r\n'
            for name, value in fields.items()
        )
        head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="edocFile"; filename="van-ban.edxml"\r\n'
            "Content-Type: application/xml\r\n\r\n"
        )
        start, end = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        return self._call(
            "POST",
            "sendEdoc",
            body=lambda: itertools.chain((start,), pieces(), (end,)),
            length=len(start) + size + len(end),
            kind=f"multipart/form-data; boundary={boundary}",
        )

    def download(self, key: str, *, limit: int) -> Iterator[bytes]:
        """Yield a message's raw bytes, from a hub of ours; a refusal comes as JSON and is raised."""
        httpx = httpx_module()
        self.enter()
        try:
            with self._http().stream(
                "GET", "/v1/downloadEdoc", params={"docId": key}, headers=self._headers()
            ) as response:
                if response.status_code != httpx.codes.OK:
                    self._read(bounded(response.iter_bytes(), MAX_REPLY), response.status_code)
                yield from within(response.iter_bytes(PIECE), limit)
        except httpx.HTTPError as error:
            raise away(type(error).__name__, self._endpoint) from error

    def close(self) -> None:
        """Close every connection and forget the token; the next call opens new ones."""
        self._token = ""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _call(
        self,
        method: str,
        operation: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Callable[[], Iterable[bytes]] = tuple,
        length: int = 0,
        kind: str | None = None,
    ) -> dict[str, Any]:
        path = f"/v1/{operation}"
        further = {"Content-Length": str(length)} | ({"Content-Type": kind} if kind else {})
        self.enter()
        data, status = self._exchanged(method, path, self._headers() | further, parameters, body())
        if status == _UNAUTHORIZED:
            # Tokens live half an hour; whoever answers so has taken nothing.
            self._token = ""
            self.enter()
            data, status = self._exchanged(method, path, self._headers() | further, parameters, body())
            if status == _UNAUTHORIZED:
                raise _bad_credentials(self._endpoint)
        return self._read(data, status)

    def _exchanged(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None,
        body: Iterable[bytes],
    ) -> tuple[bytes, int]:
        httpx = httpx_module()
        try:
            with self._http().stream(method, path, params=parameters, headers=headers, content=body) as response:
                return bounded(response.iter_bytes(PIECE), MAX_REPLY), response.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise away(type(error).__name__, self._endpoint, code=UNREACHED) from error
        except httpx.HTTPError as error:
            raise away(type(error).__name__, self._endpoint) from error

    def _login(self) -> str:
        told = {
            "username": self._username,
            "password": self._password,
            "applicationCode": "",
            "otp": None,
            "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", ASK_EDOCX: "1"}
        path, data = "/v1/auth/login?allow_anonymous=true", json.dumps(told).encode()
        data, status = self._exchanged("POST", path, headers | {"Content-Length": str(len(data))}, None, (data,))
        if status == _UNAUTHORIZED:
            raise _bad_credentials(self._endpoint)
        reply = _json(data, status, self._endpoint)
        self.is_edocx = self.is_edocx or EDOCX in reply
        found = reply.get("data")
        token = found.get("token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise away(f"HTTP {status}, no token", self._endpoint)
        return token

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._token}",
            "X-SystemId": self._system,
            "X-SecretKey": self._key,
            # Compressed replies would let a small body grow without bound.
            "Accept-Encoding": "identity",
            ASK_EDOCX: "1",
        }

    def _read(self, data: bytes, status: int) -> dict[str, Any]:
        """Return a successful reply; raise the error that another stands for."""
        if status == _UNAUTHORIZED:
            self._token = ""
            raise away("401", self._endpoint)
        reply = _json(data, status, self._endpoint)
        if reply.get("success") is True:
            return reply
        raise _refused(reply, status, self._endpoint)

    def _http(self) -> httpx.Client:
        if self._client is None:
            self._client = open_client(self._endpoint, verify=self._verify, read_seconds=self._read_seconds)
        return self._client


def _json(data: bytes, status: int, where: str) -> dict[str, Any]:
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise away(f"HTTP {status}, no JSON", where) from error
    if not isinstance(reply, dict):
        raise away(f"HTTP {status}, no object", where)
    return reply


def _refused(reply: Mapping[str, Any], status: int, where: str) -> EdocxError:
    """Return the error of a refusal: the numbers are the axis' own (§2), the code is added by hubs of ours."""
    found = reply.get("data")
    told = found if isinstance(found, dict) else {}
    number = told.get("errorCode")
    if number is None:
        return away(f"HTTP {status}, no errorCode", where)
    said = str(told.get("errorDesc") or reply.get("message") or "")
    as_axis = {"ErrorCode": str(number), "ErrorDescVi": said, "EdxCode": told.get("edxCode")}
    return refused(as_axis | {"EdxWhere": told.get("edxWhere")}, status, where)


def _bad_credentials(where: str) -> Refused:
    return Refused(
        Text("Trục LGSP không nhận tài khoản hoặc khóa.", "The LGSP platform does not accept account or key."),
        hint=Text(
            "Kiểm tra X-SystemId, X-SecretKey, tên đăng nhập và mật khẩu.",
            "Check X-SystemId, X-SecretKey, user name and password.",
        ),
        code="EDX-AXIS-CREDENTIALS",
        where=where,
    )
