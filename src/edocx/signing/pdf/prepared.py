"""What stands between the two phases of signing a PDF: plain data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from edocx.errors import InputError, Text
from edocx.signing.algorithms import SignatureAlgorithm

_BYTES = ("document_digest", "signed_attributes", "certificate")


class Prepared(BaseModel):
    """Everything needed to finish a signature later: JSON plus the working file it names.

    ``to_sign`` is the digest that goes to `Signer.sign_digest`. ``gap`` is the place of the signature in the working
    file: the offsets of its ``<`` and just after its ``>``. No key material is in here.
    """

    model_config = ConfigDict(frozen=True)

    schema_: Literal[1] = 1
    working_file: Path
    document_digest: bytes
    gap: tuple[int, int]
    signed_attributes: bytes
    certificate: bytes
    chain: tuple[bytes, ...]
    scheme: Literal["pkcs1v15", "pss", "ecdsa"]
    hash_name: Literal["sha256", "sha384", "sha512"]

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
    def from_json(cls, data: Mapping[str, Any]) -> Prepared:
        """Read what `to_json` gave; raise `InputError` (``EDX-SIGN-PREPARED``) for anything else."""
        try:
            values = {name: value for name, value in data.items() if name != "schema"}
            for name in _BYTES:
                values[name] = base64.b64decode(values[name], validate=True)
            values["chain"] = tuple(base64.b64decode(der, validate=True) for der in values["chain"])
            return cls.model_validate(values)
        except (KeyError, TypeError, ValueError) as error:  # what base64 and pydantic raise is among them
            raise InputError(
                Text("Dữ liệu chữ ký đang chờ bị hỏng.", "The data of the pending signature is damaged."),
                hint=Text("Chuẩn bị ký lại từ đầu.", "Prepare the signature again."),
                code="EDX-SIGN-PREPARED",
            ) from error
