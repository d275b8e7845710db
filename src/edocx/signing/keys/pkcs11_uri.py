"""PKCS#11 URIs (RFC 7512): which module, which token, which key."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from edocx.errors import Text, UsageError

MODULE_VARIABLE = "EDOCX_PKCS11_MODULE"
"""Environment variable that names the module when the URI does not."""

_TOKEN = {"token": "token_label", "serial": "serial", "manufacturer": "manufacturer", "model": "model"}
_SECRET = ("pin-value", "pin-source")


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """What a URI names; empty parts fit anything. ``object_id`` is CKA_ID, ``label`` CKA_LABEL of the key."""

    module: str
    token_label: str = ""
    serial: str = ""
    manufacturer: str = ""
    model: str = ""
    slot_id: int | None = None
    label: str = ""
    object_id: bytes = b""

    @classmethod
    def parse(cls, uri: str) -> Pkcs11Uri:
        """Read a URI such as ``pkcs11:token=VT;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so``.

        Raises `UsageError`: ``EDX-KEY-URI`` for what is malformed, ``EDX-KEY-URI-PIN`` for a PIN in it (a URI ends up
        in configuration, shell histories and logs), ``EDX-KEY-MODULE`` when no module is named.
        """
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        attributes = _attributes(path, ";") | _attributes(query, "&")
        if any(name in attributes for name in _SECRET):
            raise UsageError(
                Text("Không ghi mã PIN trong URI.", "A PIN does not belong in a URI."),
                hint=Text("Bỏ pin-value, pin-source; edocx sẽ hỏi mã PIN.", "Leave it out; edocx asks for the PIN."),
                code="EDX-KEY-URI-PIN",
            )
        module = attributes.pop("module-path", b"").decode() or os.environ.get(MODULE_VARIABLE, "")
        if not module:
            raise UsageError(
                Text("Chưa biết mô-đun PKCS#11 của token.", "The token's PKCS#11 module is not known."),
                hint=Text(
                    f"Thêm ?module-path=… vào URI, hoặc đặt biến {MODULE_VARIABLE}.",
                    f"Add ?module-path=… to the URI, or set {MODULE_VARIABLE}.",
                ),
                code="EDX-KEY-MODULE",
            )
        values: dict[str, str] = {}
        slot: int | None = None
        label, object_id = "", b""
        for name, value in attributes.items():
            match name:
                case "token" | "serial" | "manufacturer" | "model":
                    values[_TOKEN[name]] = _text(value)
                case "slot-id" if value.isdigit():
                    slot = int(value)
                case "object":
                    label = _text(value)
                case "id":
                    object_id = value
                case "type" if value == b"private":
                    continue
                case _:
                    raise _malformed(name)
        return cls(module, slot_id=slot, label=label, object_id=object_id, **values)


def _attributes(text: str, separator: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or name in found:
            raise _malformed(name)
        found[name] = unquote_to_bytes(value)
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _malformed("UTF-8") from error


def _malformed(name: str) -> UsageError:
    return UsageError(
        Text(f"URI PKCS#11 sai ở “{name}”.", f"The PKCS#11 URI is wrong at “{name}”."),
        hint=Text(
            "Ví dụ: pkcs11:token=VT;object=khoa?module-path=/đường/dẫn.so (RFC 7512).",
            "An example: pkcs11:token=VT;object=key?module-path=/path/to.so (RFC 7512).",
        ),
        code="EDX-KEY-URI",
    )
