"""Calls to a remote signing service: JSON over https, bounded, and its errors in our words."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from edocx.errors import EdocxError, InputError, Refused, Text, Unavailable, UsageError, WrongPassword

TIMEOUT = 30.0
"""Seconds for connecting and for each read."""

MAX_ANSWER = 1024 * 1024
"""A credential with its chain has some 20 KiB."""

_WRONG_SECRETS = {"invalid_pin", "invalid_otp", "invalid_authdata"}
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


class CscClient:
    """One service with its access token, which is shown nowhere. ``version`` is 1 or 2, by what the service says."""

    def __init__(self, base: str, access_token: str | None, *, transport: Any = None) -> None:
        httpx = _httpx()
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        self.base = base
        self._httpx = httpx
        self._http = httpx.Client(
            base_url=base, headers=headers, timeout=TIMEOUT, follow_redirects=False, transport=transport
        )
        specs = str(self.call("info", {}).get("specs", "2"))
        self.version = 1 if specs.startswith(("0.", "1.")) else 2

    def __repr__(self) -> str:
        return f"CscClient({self.base})"

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post a JSON object and return the JSON object of the answer.

        Raises `Unavailable` (``EDX-CSC-AWAY``), `WrongPassword`, `Refused` (``EDX-CSC-REFUSED``), `InputError`.
        """
        try:
            with self._http.stream("POST", f"/{path}", json=body) as response:
                data = b""
                for piece in response.iter_bytes():
                    data += piece
                    if len(data) > MAX_ANSWER:
                        raise malformed(self.base, "size")
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
            raise _away(self.base, type(error).__name__) from error
        if response.status_code >= _SERVER_ERROR:
            raise _away(self.base, f"HTTP {response.status_code}")
        answer = self._object(response, data)
        if response.status_code >= _CLIENT_ERROR:
            raise _refused(self.base, str(answer.get("error", response.status_code)))
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _object(self, response: Any, data: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise malformed(self.base, f"HTTP {response.status_code}") from error
        if not isinstance(answer, dict):
            raise malformed(self.base, "JSON")
        return answer


def malformed(where: str, what: str) -> InputError:
    """Make the error for an answer that is not what the API says."""
    return InputError(
        Text(
            f"Dịch vụ ký từ xa trả lời sai định dạng ({what}).", f"The remote service gave a malformed answer ({what})."
        ),
        hint=Text("Kiểm tra địa chỉ và phiên bản API của dịch vụ.", "Check the address and the API's version."),
        code="EDX-CSC-ANSWER",
        where=where,
    )


def _httpx() -> ModuleType:
    try:
        import httpx  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise UsageError(
            Text("Chưa cài thư viện cho dịch vụ ký từ xa.", "The library for remote services is not installed."),
            hint=Text("Cài bằng: pip install 'edocx[remote]'.", "Install it: pip install 'edocx[remote]'."),
            code="EDX-EXTRA-REMOTE",
        ) from error
    return httpx


def _refused(base: str, reason: str) -> EdocxError:
    if reason in _WRONG_SECRETS:
        return WrongPassword(
            Text("Mã PIN hoặc OTP không đúng.", "The PIN or OTP is wrong."),
            hint=Text("Nhập lại; mã OTP chỉ dùng được một lần.", "Enter it again; an OTP works once only."),
            code="EDX-CSC-PIN",
            where=base,
        )
    return Refused(
        Text(f"Dịch vụ ký từ xa từ chối ({reason[:60]}).", f"The remote service refused ({reason[:60]})."),
        hint=Text("Kiểm tra quyền truy cập và mã khóa.", "Check the access token and the credential."),
        code="EDX-CSC-REFUSED",
        where=base,
    )


def _away(base: str, reason: str) -> Unavailable:
    return Unavailable(
        Text(f"Không kết nối được dịch vụ ký từ xa ({reason}).", f"The remote service cannot be reached ({reason})."),
        hint=Text("Kiểm tra mạng rồi thử lại.", "Check the network and try again."),
        code="EDX-CSC-AWAY",
        where=base,
        retryable=True,
    )
