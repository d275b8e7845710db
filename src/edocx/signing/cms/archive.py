"""Archive timestamps of CAdES (EN 319 122-1 5.5.3): archive-time-stamp-v3 with its hash index.

The imprint is taken over the content's type and digest, the fields of the SignerInfo up to its value, and an index of
digests. Each entry of the index must be that of a certificate, a list or an unsigned attribute that is there; what the
index does not list was added later, and is not covered.

Written from the standard; no file of another maker was at hand to check it with (docs/explanation/status.md). A reading
that differs from a maker's ends in "proves nothing", never in a signature that passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from asn1crypto import algos, cms, core

from edocx.signing.cms.signer import MALFORMED, MAX_ATTRIBUTES, MAX_CERTIFICATES, Digester
from edocx.signing.mechanism import digest, finish, new_hash
from edocx.signing.messages import STAMP_UNJUDGED
from edocx.signing.report import Message
from edocx.signing.token import MAX_TOKENS, Token, read_token

ARCHIVE_V3 = "0.4.0.1733.2.4"
INDEX, INDEX_V3 = "0.4.0.1733.2.5", "0.4.0.19122.1.5"
"""The first lists digests of whole attributes, the second of each value with its type."""

_EARLIER = frozenset({"1.2.840.113549.1.9.16.2.27", "1.2.840.113549.1.9.16.2.48", "0.4.0.1733.2.2"})
"""Archive timestamps v1 and v2, and long-term-validation: not judged here."""

_STAMP = "1.2.840.113549.1.9.16.2.14"


class _Digests(core.SequenceOf):  # type: ignore[misc, unused-ignore]
    _child_spec = core.OctetString


class _Index(core.Sequence):  # type: ignore[misc, unused-ignore]
    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure
        ("algorithm", algos.DigestAlgorithm, {"default": {"algorithm": "sha256"}}),
        ("certificates", _Digests),
        ("lists", _Digests),
        ("attributes", _Digests),
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Archive:
    token: Token
    attribute: cms.CMSAttribute
    index: _Index | None
    kind: str


def archive_tokens(
    signed: cms.SignedData, info: cms.SignerInfo, content: Digester, own: tuple[Token, ...]
) -> tuple[tuple[Token, ...], tuple[Token, ...], tuple[Message, ...]]:
    """Check the archive timestamps of a signer; ``own`` are his signature timestamps, in the order of their attributes.

    Returns the archive timestamps, the signature timestamps with the place up to which archives cover them
    (`Token.end`), and what is to be said of forms that are not judged here.
    """
    attributes = _attributes(info)
    unjudged = any(attribute["type"].dotted in _EARLIER for attribute in attributes)
    archives = [
        _read(signed, info, content, attribute) for attribute in attributes if attribute["type"].dotted == ARCHIVE_V3
    ][:MAX_TOKENS]
    ordered = sorted(archives, key=lambda one: one.token.time or datetime.max.replace(tzinfo=UTC))
    chained: list[_Archive] = []
    for one in ordered:
        if not one.token.intact:
            continue
        # A stamp is judged at the time of a later one only if that one covers it.
        if all(_lists(one, earlier.attribute) for earlier in chained):
            chained.append(one)
        else:
            unjudged = True
    tokens = tuple(replace(one.token, end=2 * place) for place, one in enumerate(chained, 1))
    broken = tuple(replace(one.token, intact=False) for one in archives if not any(one is other for other in chained))
    stamps = [attribute for attribute in attributes if attribute["type"].dotted == _STAMP]
    place = next((2 * n - 1 for n, one in enumerate(chained, 1) if all(_lists(one, s) for s in stamps)), None)
    end = place if place is not None else 2 * len(chained) + 1
    covered = tuple(replace(token, end=end) for token in own) if chained else own
    return (*tokens, *broken), covered, (STAMP_UNJUDGED,) if unjudged else ()


def _attributes(info: cms.SignerInfo) -> list[cms.CMSAttribute]:
    held = info["unsigned_attrs"]
    return list(held)[:MAX_ATTRIBUTES] if isinstance(held, cms.CMSAttributes) else []


def _read(signed: cms.SignedData, info: cms.SignerInfo, content: Digester, attribute: cms.CMSAttribute) -> _Archive:
    unread = _Archive(Token(intact=False), attribute, None, "")
    try:
        if len(attribute["values"]) != 1:
            return unread
        encoded = attribute["values"][0].dump()
        kind, raw = _hash_index(cms.ContentInfo.load(encoded))
        index = _Index.load(raw)
        token = read_token(encoded, lambda name: _imprint(signed, info, content, name, raw))
        if token.intact and not _present(signed, info, index, kind, attribute):
            token = replace(token, intact=False)
    except MALFORMED:
        return unread
    return _Archive(token, attribute, index, kind)


def _hash_index(outer: cms.ContentInfo) -> tuple[str, bytes]:
    """Return the kind of the index and its encoding; raise ``ValueError`` when there is not exactly one."""
    (info,) = outer["content"]["signer_infos"]
    found = [
        (one["type"].dotted, one["values"][0].dump())
        for one in _attributes(info)
        if one["type"].dotted in {INDEX, INDEX_V3} and len(one["values"]) == 1
    ]
    if len(found) != 1:
        raise ValueError("one hash index is needed")
    return found[0]


def _imprint(signed: cms.SignedData, info: cms.SignerInfo, content: Digester, hash_name: str, index: bytes) -> bytes:
    hasher = new_hash(hash_name)
    hasher.update(signed["encap_content_info"]["content_type"].dump())
    hasher.update(content(hash_name))
    for name in ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature"):
        hasher.update(info[name].dump())
    hasher.update(index)
    return finish(hasher)


def _present(signed: cms.SignedData, info: cms.SignerInfo, index: _Index, kind: str, own: cms.CMSAttribute) -> bool:
    name = str(index["algorithm"]["algorithm"].native)
    held = signed["certificates"]
    certificates = list(held)[:MAX_CERTIFICATES] if isinstance(held, cms.CertificateSet) else []
    lists = list(signed["crls"]) if isinstance(signed["crls"], cms.RevocationInfoChoices) else []
    others = [one for one in _attributes(info) if one is not own]
    there = (
        {digest(name, one.dump()) for one in certificates},
        {digest(name, one.dump()) for one in lists},
        {value for one in others for value in _marks(name, kind, one)},
    )
    listed = (index["certificates"], index["lists"], index["attributes"])
    return all({bytes(one.native) for one in wanted} <= known for wanted, known in zip(listed, there, strict=True))


def _marks(name: str, kind: str, attribute: cms.CMSAttribute) -> list[bytes]:
    """Return the digests by which an index of a kind lists an attribute."""
    if kind == INDEX:
        return [digest(name, attribute.dump())]
    head = attribute["type"].dump()
    return [digest(name, head + value.dump()) for value in attribute["values"]]


def _lists(archive: _Archive, attribute: cms.CMSAttribute) -> bool:
    if archive.index is None:
        return False
    name = str(archive.index["algorithm"]["algorithm"].native)
    listed = {bytes(one.native) for one in archive.index["attributes"]}
    return set(_marks(name, archive.kind, attribute)) <= listed
