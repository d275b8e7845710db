"""Which algorithms were acceptable until when.

Present rule: RSA >= 2048, elliptic curves >= 256 bits, SHA-2 from 256 bits on and SHA-3 (TT 15/2025, spec #90-91).
What older signatures used lawfully stays acceptable for a signature that is proven to be older than the end date
(EN 319 102-1 5.2.8 with proof of existence); the dates are those of ETSI TS 119 312 and NIST SP 800-131A where no
Vietnamese text names one, and can be replaced by a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from asn1crypto import x509


def _year(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


_HASH_ENDS: Mapping[str, datetime | None] = {
    "md5": _year(2009),
    "sha1": _year(2017),
    "ripemd160": _year(2017),
    "sha224": _year(2025, 9),
    "sha512_224": None,
    "sha3_224": None,
    "sha256": None,
    "sha384": None,
    "sha512": None,
    "sha512_256": None,
    "sha3_256": None,
    "sha3_384": None,
    "sha3_512": None,
    "shake128": None,
    "shake256": None,
}


@dataclass(frozen=True, slots=True)
class StrengthRules:
    """The last moments of hashes (None: no end) and of key sizes, as data.

    ``rsa_ends`` gives, from the smallest up, the bits below which a key is refused from the moment on.
    """

    hash_ends: Mapping[str, datetime | None] = field(default_factory=lambda: dict(_HASH_ENDS))
    rsa_ends: tuple[tuple[int, datetime | None], ...] = ((1024, _year(2000)), (2048, _year(2014)))
    dsa_ends: tuple[tuple[int, datetime | None], ...] = ((2048, _year(2014)), (1 << 20, _year(2023)))
    min_curve_bits: int = 255


DEFAULT_RULES = StrengthRules()


def weakness(
    certificate: x509.Certificate, hash_names: Iterable[str], at: datetime, rules: StrengthRules = DEFAULT_RULES
) -> str | None:
    """Name what is too weak at a moment (a hash, or kind and size of the key); None when nothing is."""
    for name in hash_names:
        if name.lower() not in rules.hash_ends:
            return name
        end = rules.hash_ends[name.lower()]
        if end is not None and at >= end:
            return name
    return weak_key(certificate, at, rules)


def weak_key(certificate: x509.Certificate, at: datetime, rules: StrengthRules = DEFAULT_RULES) -> str | None:
    """Name the key when it is too weak at a moment, such as ``rsa-1024``; None when it is not."""
    key = certificate.public_key
    try:
        kind = str(key.algorithm)
        bits = int(key.bit_size) if kind in {"rsa", "rsassa_pss", "dsa", "ec"} else 0
    except (ValueError, TypeError, KeyError, AttributeError, NameError):  # NameError: asn1crypto's own slip
        return "unreadable key"
    match kind:
        case "rsa" | "rsassa_pss":
            # A modulus written as a negative number counts one bit less than it has.
            table, bits = rules.rsa_ends, -(-bits // 8) * 8
        case "dsa":
            table = rules.dsa_ends
        case "ec":
            return None if bits >= rules.min_curve_bits else f"ec-{bits}"
        case "ed25519" | "ed448":
            return None
        case _:
            return kind
    for limit, end in table:
        if bits < limit and (end is None or at >= end):
            return f"{kind}-{bits}"
    return None
