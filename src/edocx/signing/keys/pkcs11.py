"""Keys on tokens and HSMs: the digest goes in, the signature comes out, the key never leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from asn1crypto import algos, x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from edocx.errors import KeyFileError, Text
from edocx.signing.algorithms import SignatureAlgorithm, algorithm_for
from edocx.signing.certificate import fingerprint, public_key
from edocx.signing.keys import Secrets
from edocx.signing.keys.pkcs11_token import Token, load_pkcs11, open_token
from edocx.signing.keys.pkcs11_uri import Pkcs11Uri

MAX_OBJECTS = 1_000
"""Certificates looked at on one token."""


class Pkcs11Signer:
    """A key on a token, with its certificate from the token or given beside it. Threads may share it."""

    def __init__(
        self,
        token: Token,
        *,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        algorithm: SignatureAlgorithm,
        key: dict[Any, Any],
    ) -> None:
        self.certificate = certificate
        self.chain = chain
        self.algorithm = algorithm
        self._token = token
        self._key = key
        self._name = fingerprint(certificate)

    def __repr__(self) -> str:
        return f"Pkcs11Signer({self._name[:16]}…)"

    @classmethod
    def open(
        cls,
        uri: str,
        secrets: Secrets,
        *,
        scheme: Literal["pkcs1v15", "pss"] = "pkcs1v15",
        certificates: Iterable[x509.Certificate] = (),
    ) -> Pkcs11Signer:
        """Log in to the token and find the key with its certificate; see `open_token` for what it raises.

        Without ``object`` or ``id`` in the URI the token must hold one private key. `KeyFileError`:
        ``EDX-KEY-NOT-FOUND``, ``EDX-KEY-AMBIGUOUS``, ``EDX-KEY-MISMATCH`` (no certificate fits the key).
        """
        library = load_pkcs11()
        wanted = Pkcs11Uri.parse(uri)
        token = open_token(wanted, secrets)
        with token.translated(), token.session() as lease:
            session = lease.session
            identifier = _find_key(library, session, wanted, token.name)
            held = [*certificates, *_certificates(library, session)]
            own = _own(library, session, identifier, held, token.name)
        chain = tuple(one for one in held if fingerprint(one) != fingerprint(own))
        algorithm = algorithm_for(public_key(own), scheme)
        return cls(token, certificate=own, chain=chain, algorithm=algorithm, key=identifier)

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a digest made with ``algorithm.hash_name``; raise `Unavailable` or `SigningRefused`."""
        library = load_pkcs11()
        with self._token.translated(), self._token.session() as lease:
            key = lease.keys.get(self._name)
            if key is None:
                key = lease.keys[self._name] = next(iter(lease.session.get_objects(self._key)))
            return _sign(library, key, self.algorithm, digest)


def _sign(library: Any, key: Any, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
    mechanism = library.Mechanism
    match algorithm.scheme:
        case "pkcs1v15":
            # The raw mechanism over a DigestInfo (RFC 8017 9.2): every token has it, and only the digest goes in.
            info = algos.DigestInfo({"digest_algorithm": {"algorithm": algorithm.hash_name}, "digest": digest})
            return bytes(key.sign(info.dump(), mechanism=mechanism.RSA_PKCS))
        case "pss":
            name = algorithm.hash_name.upper()
            parameters = (mechanism[name], library.MGF[name], len(digest))
            return bytes(key.sign(digest, mechanism=mechanism.RSA_PKCS_PSS, mechanism_param=parameters))
        case "ecdsa":
            value = bytes(key.sign(digest, mechanism=mechanism.ECDSA))
            half = len(value) // 2
            return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))


def _find_key(library: Any, session: Any, wanted: Pkcs11Uri, name: str) -> dict[Any, Any]:
    attribute = library.Attribute
    template: dict[Any, Any] = {attribute.CLASS: library.ObjectClass.PRIVATE_KEY}
    if wanted.label:
        template[attribute.LABEL] = wanted.label
    if wanted.object_id:
        template[attribute.ID] = wanted.object_id
    found = [key for _, key in zip(range(2), session.get_objects(template), strict=False)]
    if not found:
        raise KeyFileError(
            Text("Token không có khóa bí mật này.", "The token does not hold this private key."),
            hint=Text("Kiểm tra object=… và id=… trong URI.", "Check object=… and id=… in the URI."),
            code="EDX-KEY-NOT-FOUND",
            where=name,
        )
    if len(found) > 1:
        raise KeyFileError(
            Text("Token có nhiều khóa phù hợp với URI.", "Several keys on the token fit the URI."),
            hint=Text("Ghi object=… hoặc id=… trong URI.", "Name object=… or id=… in the URI."),
            code="EDX-KEY-AMBIGUOUS",
            where=name,
        )
    return {**template, attribute.ID: found[0][attribute.ID]}


def _certificates(library: Any, session: Any) -> list[x509.Certificate]:
    attribute = library.Attribute
    found = []
    objects = session.get_objects({attribute.CLASS: library.ObjectClass.CERTIFICATE})
    for _, one in zip(range(MAX_OBJECTS), objects, strict=False):
        try:
            certificate = x509.Certificate.load(one[attribute.VALUE], strict=True)
            certificate.native  # noqa: B018 - asn1crypto parses lazily; a fault must show here
        except (ValueError, TypeError, KeyError):
            continue
        found.append(certificate)
    return found


def _own(
    library: Any, session: Any, identifier: dict[Any, Any], held: list[x509.Certificate], name: str
) -> x509.Certificate:
    """Choose the certificate whose public key is the key's own: labels and identifiers are only names."""
    key = next(iter(session.get_objects(identifier)))
    modulus = _modulus(library, key)
    named = {fingerprint(one) for one in _with_id(library, session, identifier)}
    for certificate in held:
        theirs = public_key(certificate)
        if modulus is not None and isinstance(theirs, rsa.RSAPublicKey):
            if theirs.public_numbers().n == modulus:
                return certificate
        elif modulus is None and (fingerprint(certificate) in named or len(held) == 1):
            # An elliptic-curve private key does not show its point; `complete` checks what it signed.
            return certificate
    raise KeyFileError(
        Text("Không có chứng thư nào khớp với khóa trên token.", "No certificate fits the key on the token."),
        hint=Text("Chỉ ra tệp chứng thư của khóa bằng --chain.", "Name the key's certificate file with --chain."),
        code="EDX-KEY-MISMATCH",
        where=name,
    )


def _with_id(library: Any, session: Any, identifier: dict[Any, Any]) -> list[x509.Certificate]:
    attribute = library.Attribute
    template = {attribute.CLASS: library.ObjectClass.CERTIFICATE, attribute.ID: identifier[attribute.ID]}
    return [x509.Certificate.load(one[attribute.VALUE]) for one in session.get_objects(template)]


def _modulus(library: Any, key: Any) -> int | None:
    try:
        return int.from_bytes(key[library.Attribute.MODULUS], "big")
    except (library.exceptions.AttributeTypeInvalid, library.exceptions.AttributeSensitive):
        return None
