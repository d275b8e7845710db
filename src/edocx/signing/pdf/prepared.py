"""What stands between the two phases of signing a PDF: plain data."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from edocx.errors import InputError, SigningRefused, Text
from edocx.signing.algorithms import SignatureAlgorithm, algorithm_for
from edocx.signing.certificate import public_key, remembered_certificate
from edocx.signing.cms.content import signed_attributes

MAX_CHAIN = 20
"""Certificates of one chain; real ones have three."""

MAX_OFFSET = 1 << 40
"""Bytes of a file that is signed: a number in JSON has no end, and an offset of the system has one."""

_BYTES = ("document_digest", "signed_attributes", "certificate")


class Prepared(BaseModel):
    """Everything needed to finish a signature later: JSON plus the working file it names.

    ``to_sign`` is the digest that goes to `Signer.sign_digest`. ``gap`` is the place of the signature in the working
    file: the offsets of its ``<`` and just after its ``>``. ``role`` is in which the certificate signs: whether it may
    is asked again. No key material is in here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal[1] = 1
    working_file: Path
    document_digest: bytes
    gap: tuple[int, int]
    signed_attributes: bytes
    certificate: bytes
    chain: tuple[bytes, ...]
    scheme: Literal["pkcs1v15", "pss", "ecdsa"]
    hash_name: Literal["sha256", "sha384", "sha512"]
    role: Literal["person", "organisation"] | None = None

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """How the digest is to be signed."""
        return SignatureAlgorithm(self.scheme, self.hash_name)

    @property
    def to_sign(self) -> bytes:
        """The digest of the CMS signed attributes."""
        return self.algorithm.digest(self.signed_attributes)

    @property
    def room(self) -> int:
        """How many bytes the CMS may have: two hexadecimal characters a byte, between ``<`` and ``>``."""
        start, end = self.gap
        return (end - start - 2) // 2

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; bytes are base64."""
        data = self.model_dump(mode="python", exclude={"schema_"})
        for name in _BYTES:
            data[name] = base64.b64encode(data[name]).decode("ascii")
        data["chain"] = [base64.b64encode(der).decode("ascii") for der in self.chain]
        return {"schema": 1, **data, "gap": list(self.gap), "working_file": str(self.working_file)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, where: str | None = None) -> Prepared:
        """Read what `to_json` gave; raise `InputError` (``EDX-SIGN-PREPARED``, naming ``where``) for anything else.

        That goes for what is inside too: certificates are parsed, and the signed attributes must be of this document.
        """
        try:
            return cls._read(data)
        # What base64, pydantic and asn1crypto raise is among them.
        except (KeyError, TypeError, ValueError, SigningRefused) as error:
            raise damaged_prepared(where) from error

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> Prepared:
        values = dict(data)
        if type(values.pop("schema")) is not int or data["schema"] != 1 or "schema_" in values:
            raise ValueError("another schema")
        if not isinstance(values["chain"], list) or len(values["chain"]) > MAX_CHAIN:
            raise TypeError("a chain is a list")
        for name in _BYTES:
            values[name] = base64.b64decode(values[name], validate=True)
        values["chain"] = tuple(base64.b64decode(der, validate=True) for der in values["chain"])
        if any(type(edge) is not int for edge in values["gap"]):
            raise TypeError("a gap has two offsets")
        prepared = cls.model_validate(values)
        prepared.require_whole()
        return prepared

    def require_whole(self) -> None:
        """Raise ``ValueError`` or `SigningRefused` for parts that cannot belong together."""
        start, end = self.gap
        if not 0 < start < end - 2 <= MAX_OFFSET:
            raise ValueError("no gap")
        # The name is used on this machine: "", "..", a NUL or half of a surrogate pair name no file.
        if self.working_file.name in {"", ".."} or b"\0" in os.fsencode(self.working_file):
            raise ValueError("no file")
        certificate = remembered_certificate(self.certificate)
        for der in self.chain:
            remembered_certificate(der)
        key_scheme = "pkcs1v15" if self.scheme == "pss" else self.scheme
        if algorithm_for(public_key(certificate)).scheme != key_scheme:
            raise ValueError("another kind of key")
        if self.signed_attributes != signed_attributes(self.document_digest, certificate):
            raise ValueError("attributes of another document or certificate")
        if len(self.document_digest) != self.algorithm.hash.digest_size:
            raise ValueError("a digest of another length")


def damaged_prepared(where: str | None = None) -> InputError:
    """Make the error for what is no pending signature, or not whole."""
    return InputError(
        Text("Dữ liệu chữ ký đang chờ bị hỏng.", "The data of the pending signature is damaged."),
        hint=Text(
            "Chuẩn bị ký lại bằng `edocx prepare`; không tệp nào bị thay đổi.",
            "Prepare the signature again with `edocx prepare`; no file was changed.",
        ),
        code="EDX-SIGN-PREPARED",
        where=where,
    )
