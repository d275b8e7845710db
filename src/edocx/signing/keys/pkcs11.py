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
from edocx.signing.keys.settling import settle, settle_all

MAX_OBJECTS = 1_000
"""Certificates looked at on one token."""


class Pkcs11Signer:
    """A key on a token, with its certificate from the token or given beside it. Threads may share it.

    Certificates are public on most tokens: what the certificate says is known, and can be refused, before the PIN is
    asked for. The PIN is asked for at the first signature, once.
    """

    def __init__(
        self,
        token: Token,
        wanted: Pkcs11Uri,
        *,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        algorithm: SignatureAlgorithm,
    ) -> None:
        self.certificate = certificate
        self.chain = chain
        self.algorithm = algorithm
        self._token = token
        self._wanted = wanted
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
        """Find the token and the key's certificate; see `open_token` for what it raises.

        Logs in only when the certificate cannot be told without. Without ``object`` or ``id`` in the URI the token must
        hold one private key. `KeyFileError`: ``EDX-KEY-NOT-FOUND``, ``EDX-KEY-AMBIGUOUS``, ``EDX-KEY-MISMATCH``.
        """
        library = load_pkcs11()
        wanted = Pkcs11Uri.parse(uri)
        token = open_token(wanted, secrets)
        beside = list(certificates)
        with token.translated(), token.session() as lease:
            held = [*beside, *_certificates(library, lease.session)]
            own = _named(library, lease.session, wanted, held, beside)
        if own is None:
            own = cls._after_login(library, token, wanted, beside)
        chain = tuple(one for one in held if fingerprint(one) != fingerprint(own))
        algorithm = algorithm_for(public_key(own), scheme)
        return cls(token, wanted, certificate=settle(own), chain=settle_all(chain), algorithm=algorithm)

    @staticmethod
    def _after_login(library: Any, token: Token, wanted: Pkcs11Uri, beside: list[x509.Certificate]) -> x509.Certificate:
        token.require_login()
        with token.translated(), token.session() as lease:
            key = _find_key(library, lease.session, wanted, token.name)
            held = [*beside, *_certificates(library, lease.session)]
            own = next((one for one in held if _belongs(library, lease.session, key, one)), None)
        if own is None:
            raise _no_certificate(token.name)
        return own

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a digest made with ``algorithm.hash_name``.

        Raises `WrongPassword`, `Unavailable`, `SigningRefused`, and `KeyFileError` when the key is not the one that the
        certificate names.
        """
        library = load_pkcs11()
        self._token.require_login()
        with self._token.translated(), self._token.session() as lease:
            key = lease.keys.get(self._name)
            if key is None:
                key = _find_key(library, lease.session, self._wanted, self._token.name)
                if not _belongs(library, lease.session, key, self.certificate):
                    raise _no_certificate(self._token.name)
                lease.keys[self._name] = key
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


def _template(library: Any, wanted: Pkcs11Uri, kind: Any) -> dict[Any, Any]:
    attribute = library.Attribute
    template: dict[Any, Any] = {attribute.CLASS: kind}
    if wanted.label:
        template[attribute.LABEL] = wanted.label
    if wanted.object_id:
        template[attribute.ID] = wanted.object_id
    return template


def _find_key(library: Any, session: Any, wanted: Pkcs11Uri, name: str) -> Any:
    template = _template(library, wanted, library.ObjectClass.PRIVATE_KEY)
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
    return found[0]


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


def _named(
    library: Any, session: Any, wanted: Pkcs11Uri, held: list[x509.Certificate], beside: list[x509.Certificate]
) -> x509.Certificate | None:
    """Tell the key's certificate without logging in: the one given, or the only one that the URI's names fit."""
    if len(beside) == 1:
        return beside[0]
    template = _template(library, wanted, library.ObjectClass.CERTIFICATE)
    values = {bytes(one[library.Attribute.VALUE]) for one in session.get_objects(template)}
    fitting = [one for one in held if one.dump() in values and not one.ca]
    return fitting[0] if len(fitting) == 1 else None


def _belongs(library: Any, session: Any, key: Any, certificate: x509.Certificate) -> bool:
    """Say whether a certificate is of this private key: by the modulus; labels and identifiers are only names.

    An elliptic-curve private key does not show its point: there the token's identifiers decide, and `complete` checks
    what was signed.
    """
    theirs = public_key(certificate)
    modulus = _modulus(library, key)
    if modulus is not None or isinstance(theirs, rsa.RSAPublicKey):
        return isinstance(theirs, rsa.RSAPublicKey) and theirs.public_numbers().n == modulus
    attribute = library.Attribute
    template = {attribute.CLASS: library.ObjectClass.CERTIFICATE, attribute.ID: key[attribute.ID]}
    named = {bytes(one[attribute.VALUE]) for one in session.get_objects(template)}
    return certificate.dump() in named or not named


def _modulus(library: Any, key: Any) -> int | None:
    try:
        return int.from_bytes(key[library.Attribute.MODULUS], "big")
    except (library.exceptions.AttributeTypeInvalid, library.exceptions.AttributeSensitive):
        return None


def _no_certificate(name: str) -> KeyFileError:
    return KeyFileError(
        Text("Không có chứng thư nào khớp với khóa trên token.", "No certificate fits the key on the token."),
        hint=Text("Chỉ ra tệp chứng thư của khóa bằng --chain.", "Name the key's certificate file with --chain."),
        code="EDX-KEY-MISMATCH",
        where=name,
    )
