"""Keys in remote signing services: the API of the Cloud Signature Consortium, versions 1 and 2.

Only a digest travels. The authorisation is bound to it (SCAL2, EN 419241-1): what the service lets through can sign
this digest and no other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from asn1crypto import x509

from edocx.errors import KeyFileError, SignaturePending, SigningRefused, Text, UsageError
from edocx.signing.algorithms import SignatureAlgorithm, algorithm_for
from edocx.signing.certificate import fingerprint, public_key
from edocx.signing.keys import Secrets
from edocx.signing.keys.csc_client import CscClient, malformed
from edocx.signing.keys.settling import settle_all

_HASH_OIDS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
_SIGN_OIDS = {
    ("pkcs1v15", "sha256"): "1.2.840.113549.1.1.11",
    ("pkcs1v15", "sha384"): "1.2.840.113549.1.1.12",
    ("pkcs1v15", "sha512"): "1.2.840.113549.1.1.13",
    ("ecdsa", "sha256"): "1.2.840.10045.4.3.2",
    ("ecdsa", "sha384"): "1.2.840.10045.4.3.3",
    ("ecdsa", "sha512"): "1.2.840.10045.4.3.4",
}
_PSS_OID = "1.2.840.113549.1.1.10"
_PLAIN_RSA_OID = "1.2.840.113549.1.1.1"

MAX_CHAIN = 20
"""Certificates taken from a service."""


class CscSigner:
    """A credential of a remote signing service.

    ``sign_digest`` may raise `SignaturePending` when the service answers later (v2): keep its ``where`` and ask
    `collect` with it.
    """

    def __init__(
        self,
        client: CscClient,
        credential: str,
        *,
        chain: tuple[x509.Certificate, ...],
        info: dict[str, Any],
        algorithm: SignatureAlgorithm,
        secrets: Secrets,
    ) -> None:
        self.certificate = chain[0]
        self.chain = chain[1:]
        self.algorithm = algorithm
        self._client = client
        self._credential = credential
        self._info = info
        self._secrets = secrets

    def __repr__(self) -> str:
        return f"CscSigner({fingerprint(self.certificate)[:16]}…)"

    @classmethod
    def open(
        cls,
        uri: str,
        secrets: Secrets,
        *,
        scheme: Literal["pkcs1v15", "pss"] = "pkcs1v15",
        certificates: Iterable[x509.Certificate] = (),
        transport: Any = None,
    ) -> CscSigner:
        """Open ``csc:https://host/csc/v2?credential=ID`` (no credential named: the only one there is).

        ``secrets`` is asked for the access token by the address of the service, and at each signature for what the
        credential wants: ``"<ID> PIN"``, ``"<ID> OTP"``. ``transport`` is an httpx transport, for tests. Raises
        `UsageError`, `Unavailable` (``EDX-CSC-AWAY``), `Refused`, `InputError` (``EDX-CSC-ANSWER``), `KeyFileError`.
        """
        base, credential = _address(uri)
        client = CscClient(base, secrets(base), transport=transport)
        if not credential:
            credential = _only(client.call("credentials/list", {"maxResults": 2}))
        info = client.call("credentials/info", {"credentialID": credential, "certificates": "chain", "certInfo": False})
        chain = settle_all((*_chain(info), *certificates))
        if (info.get("key") or {}).get("status") != "enabled":
            raise SigningRefused(
                Text("Khóa ở dịch vụ ký từ xa không hoạt động.", "The key at the remote service is not enabled."),
                hint=Text("Liên hệ đơn vị cung cấp dịch vụ.", "Ask the provider of the service."),
                code="EDX-CSC-DISABLED",
                where=base,
            )
        algorithm = algorithm_for(public_key(chain[0]), scheme)
        return cls(client, credential, chain=chain, info=info, algorithm=algorithm, secrets=secrets)

    def sign_digest(self, digest: bytes) -> bytes:
        """Authorise this digest, have it signed, and check that it was this one that was signed."""
        request = self._request(digest)
        activation = self._authorise(digest)
        if activation is not None:
            request["SAD"] = activation
        answer = self._client.call("signatures/signHash", request)
        if "signatures" not in answer and isinstance(answer.get("responseID"), str):
            raise SignaturePending(
                Text("Dịch vụ đang chờ người ký xác nhận.", "The service waits for the signatory to confirm."),
                hint=Text("Hỏi lại sau bằng mã phản hồi.", "Ask again later with the response's id."),
                where=answer["responseID"],
                retryable=True,
            )
        return self._checked(answer, digest)

    def collect(self, response_id: str, digest: bytes) -> bytes:
        """Fetch a signature that was pending; raise `SignaturePending` again when it still is."""
        answer = self._client.call("signatures/signPolling", {"responseID": response_id})
        if "signatures" not in answer:
            raise SignaturePending(
                Text("Người ký chưa xác nhận.", "The signatory has not confirmed yet."),
                hint=Text("Hỏi lại sau.", "Ask again later."),
                where=response_id,
                retryable=True,
            )
        return self._checked(answer, digest)

    def close(self) -> None:
        """Close the connections to the service."""
        self._client.close()

    def _authorise(self, digest: bytes) -> str | None:
        mode = self._info.get("authMode") or (self._info.get("auth") or {}).get("mode") or "implicit"
        if mode == "oauth2code":
            return None  # the access token itself was given for this signature
        wanted: dict[str, Any] = {"credentialID": self._credential, "numSignatures": 1}
        encoded = base64.b64encode(digest).decode("ascii")
        if self._client.version == 1:
            wanted["hash"] = [encoded]
        else:
            wanted |= {"hashes": [encoded], "hashAlgorithmOID": _HASH_OIDS[self.algorithm.hash_name]}
        if mode == "explicit":
            wanted |= self._factors()
        answer = self._client.call("credentials/authorize", wanted)
        activation = answer.get("SAD")
        if not isinstance(activation, str):
            raise malformed(self._client.base, "SAD")
        return activation

    def _factors(self) -> dict[str, Any]:
        if self._client.version == 1:
            names = [name for name in ("PIN", "OTP") if (self._info.get(name) or {}).get("presence") == "true"]
            return {name: self._secrets(f"{self._credential} {name}") or "" for name in names}
        objects = (self._info.get("auth") or {}).get("objects") or []
        names = [str(one.get("id")) for one in objects if isinstance(one, dict)]
        return {"authData": [{"id": n, "value": self._secrets(f"{self._credential} {n}") or ""} for n in names]}

    def _request(self, digest: bytes) -> dict[str, Any]:
        encoded, hash_oid = base64.b64encode(digest).decode("ascii"), _HASH_OIDS[self.algorithm.hash_name]
        request: dict[str, Any] = {"credentialID": self._credential, "signAlgo": self._sign_oid()}
        if self._client.version == 1:
            return request | {"hash": [encoded], "hashAlgo": hash_oid}
        return request | {"hashes": [encoded], "hashAlgorithmOID": hash_oid}

    def _sign_oid(self) -> str:
        if self.algorithm.scheme == "pss":
            return _PSS_OID
        wanted = _SIGN_OIDS[self.algorithm.scheme, self.algorithm.hash_name]
        offered = (self._info.get("key") or {}).get("algo") or []
        # Some services name the key's algorithm alone and take the hash from its own field.
        return _PLAIN_RSA_OID if wanted not in offered and _PLAIN_RSA_OID in offered else wanted

    def _checked(self, answer: dict[str, Any], digest: bytes) -> bytes:
        values = answer.get("signatures")
        if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
            raise malformed(self._client.base, "signatures")
        value = _decoded(values[0], self._client.base)
        failure = self.algorithm.matches(public_key(self.certificate), value, digest)
        if failure is not None:
            raise SigningRefused(
                Text("Dịch vụ trả về chữ ký của nội dung khác.", "The service returned a signature of something else."),
                hint=Text("Không dùng chữ ký này; báo cho dịch vụ.", "It is not used; tell the provider."),
                code="EDX-SIGN-MISMATCH",
                where=self._client.base,
            ) from failure
        return value


def _address(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri.removeprefix("csc:"))
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and local)):
        raise UsageError(
            Text("Địa chỉ dịch vụ ký từ xa phải là https.", "A remote signing service is reached by https alone."),
            hint=Text(
                "Ví dụ: csc:https://ky.example/csc/v2?credential=ID.",
                "An example: csc:https://sign.example/csc/v2?credential=ID.",
            ),
            code="EDX-KEY-URI",
        )
    credential = parse_qs(parts.query).get("credential", [""])[0]
    return parts._replace(query="", fragment="").geturl().rstrip("/"), credential


def _only(answer: dict[str, Any]) -> str:
    listed = answer.get("credentialIDs")
    if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], str):
        return listed[0]
    raise UsageError(
        Text("Phải nêu rõ khóa ở dịch vụ ký từ xa.", "The credential at the remote service must be named."),
        hint=Text("Thêm ?credential=… vào URI.", "Add ?credential=… to the URI."),
        code="EDX-KEY-URI-AMBIGUOUS",
    )


def _chain(info: dict[str, Any]) -> tuple[x509.Certificate, ...]:
    listed = (info.get("cert") or {}).get("certificates")
    if not isinstance(listed, list) or not listed:
        raise KeyFileError(
            Text("Dịch vụ không đưa ra chứng thư của khóa.", "The service gives no certificate for the key."),
            hint=Text("Liên hệ đơn vị cung cấp dịch vụ.", "Ask the provider of the service."),
        )
    try:
        chain = tuple(x509.Certificate.load(_decoded(str(one), "certificates")) for one in listed[:MAX_CHAIN])
        for one in chain:
            one.native  # noqa: B018 - asn1crypto parses lazily; a fault must show here
    except (ValueError, TypeError, KeyError) as error:
        raise malformed("certificates", "cert") from error
    return chain


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed(where, "base64") from error
