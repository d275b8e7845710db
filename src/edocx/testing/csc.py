"""A remote signing service in memory, by the API of the Cloud Signature Consortium (versions 1 and 2).

Requests and answers are plain bytes, so that any HTTP client or server can stand around it. An authorisation is
bound to the digest it was given for and good for one signature.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from edocx.testing.credential import Credential

CREDENTIAL = "edocx-test-1"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_PSS = "1.2.840.113549.1.1.10"


class _Refusal(Exception):
    """An error answer on its way out."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(slots=True)
class Csc:
    """Signs digests for one credential.

    ``pin`` is wanted at each authorisation; ``access_token`` at each call. With ``pending`` a signature (v2) is not
    given at once but after so many polls. ``lies`` makes it sign something else. ``signed`` lists the digests signed.
    """

    credential: Credential
    version: Literal[1, 2] = 2
    pin: str = "246810"
    access_token: str = "test-access-token"  # noqa: S105 - a fake's
    pending: int = 0
    lies: bool = False
    enabled: bool = True
    signed: list[bytes] = field(default_factory=list)
    _allowed: dict[str, str] = field(default_factory=dict, repr=False)
    _waiting: dict[str, tuple[int, str]] = field(default_factory=dict, repr=False)

    def answer(self, path: str, authorization: str, body: bytes) -> tuple[int, bytes]:
        """Answer a POST to ``path`` (its last two segments count) with a status and a JSON body."""
        try:
            asked = json.loads(body or b"{}")
            result = self._dispatch("/".join(path.strip("/").split("/")[-2:]), authorization, asked)
        except _Refusal as refusal:
            return refusal.status, json.dumps({"error": refusal.code}).encode()
        except (ValueError, KeyError, TypeError, IndexError):
            return 400, b'{"error": "invalid_request"}'
        return 200, json.dumps(result).encode()

    def _dispatch(self, path: str, authorization: str, asked: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("info") and not path.endswith("credentials/info"):
            return {"specs": "1.0.4.0" if self.version == 1 else "2.0.0.2", "name": "edocx test", "methods": []}
        if authorization != f"Bearer {self.access_token}":
            raise _Refusal(401, "invalid_token")
        match path:
            case "credentials/list":
                return {"credentialIDs": [CREDENTIAL]}
            case "credentials/info":
                return self._info(asked)
            case "credentials/authorize":
                return {"SAD": self._authorise(asked), "expiresIn": 300}
            case "signatures/signHash":
                return self._sign(asked)
            case "signatures/signPolling":
                return self._poll(asked["responseID"])
            case _:
                raise _Refusal(404, "not_found")

    def _info(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._require_credential(asked)
        chain = (self.credential.certificate, *self.credential.chain)
        encoded = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain]
        plain = "1.2.840.113549.1.1.1" if isinstance(self.credential.private_key, rsa.RSAPrivateKey) else ""
        info: dict[str, Any] = {
            "key": {"status": "enabled" if self.enabled else "disabled", "algo": [plain, _PSS]},
            "cert": {"status": "valid", "certificates": encoded},
            "SCAL": "2",
        }
        if self.version == 1:
            return info | {"authMode": "explicit", "PIN": {"presence": "true"}}
        return info | {"auth": {"mode": "explicit", "objects": [{"id": "PIN", "type": "Password"}]}}

    def _authorise(self, asked: dict[str, Any]) -> str:
        self._require_credential(asked)
        given = asked.get("PIN") if self.version == 1 else {one["id"]: one["value"] for one in asked["authData"]}["PIN"]
        if given != self.pin:
            raise _Refusal(400, "invalid_pin")
        activation = secrets.token_urlsafe(16)
        self._allowed[activation] = self._digest(asked)
        return activation

    def _sign(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._require_credential(asked)
        digest = self._digest(asked)
        if self._allowed.pop(asked["SAD"], None) != digest:
            raise _Refusal(400, "invalid_sad")
        hash_oid = asked["hashAlgo" if self.version == 1 else "hashAlgorithmOID"]
        value = base64.b64encode(self._value(base64.b64decode(digest), _HASHES[hash_oid], asked["signAlgo"])).decode()
        if self.pending and self.version == 2:  # noqa: PLR2004 - the version that can
            response = secrets.token_urlsafe(8)
            self._waiting[response] = (self.pending, value)
            return {"responseID": response}
        return {"signatures": [value]}

    def _poll(self, response: str) -> dict[str, Any]:
        left, value = self._waiting[response]
        self._waiting[response] = (left - 1, value)
        return {"signatures": [value]} if left <= 1 else {}

    def _value(self, digest: bytes, algorithm: hashes.HashAlgorithm, sign_oid: str) -> bytes:
        self.signed.append(digest)
        if self.lies:
            digest = bytes(len(digest))
        key = self.credential.private_key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(digest, ec.ECDSA(Prehashed(algorithm)))
        scheme: padding.AsymmetricPadding = padding.PKCS1v15()
        if sign_oid == _PSS:
            scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
        return key.sign(digest, scheme, Prehashed(algorithm))

    def _digest(self, asked: dict[str, Any]) -> str:
        (digest,) = asked["hash" if self.version == 1 else "hashes"]
        return str(digest)

    def _require_credential(self, asked: dict[str, Any]) -> None:
        if asked["credentialID"] != CREDENTIAL:
            raise _Refusal(400, "invalid_request")
