"""Archive timestamps of XAdES (EN 319 132-1 5.5.2, TS 101 903 v1.4.1 8.2): one over the signature and all it rests on.

The imprint is taken over, in this order: what every reference was hashed over; SignedInfo, SignatureValue and KeyInfo;
the unsigned properties that stand before the timestamp; the Objects that hold no properties. What is stamped like this
existed at the time of the stamp, its certificates, lists and earlier stamps included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lxml import etree

from edocx.signing.mechanism import finish, new_hash
from edocx.signing.messages import STAMP_UNJUDGED
from edocx.signing.report import Message
from edocx.signing.token import MAX_TOKENS, Token, read_token
from edocx.signing.xml.encoding import decode_text
from edocx.signing.xml.names import ds
from edocx.signing.xml.qualifying import NAMESPACES, Properties
from edocx.signing.xml.selection import CANONICALISATIONS, DEFAULT, Canonicalisation, canonical_element

V132, V141 = "http://uri.etsi.org/01903/v1.3.2#", "http://uri.etsi.org/01903/v1.4.1#"
_LOCAL = "ArchiveTimeStamp"
_JUDGED = frozenset({f"{{{V132}}}{_LOCAL}", f"{{{V141}}}{_LOCAL}"})


def archive_stamps(properties: Properties) -> list[etree._Element]:
    """Return the archive timestamps of any version, in order."""
    return [one for one in _unsigned(properties) if str(one.tag).endswith(f"}}{_LOCAL}")]


def archive_tokens(
    properties: Properties, signature: etree._Element, octets: Sequence[bytes]
) -> tuple[tuple[Token, ...], tuple[Message, ...]]:
    """Check the archive timestamps of a signature; ``octets`` are what its references were hashed over, in order.

    Later ones cover what stands before them, which `Token.end` tells. Of those whose form is not judged here (with
    Include or ReferenceInfo, or of versions before 1.3.2) it is said so, and they prove nothing.
    """
    found: list[Token] = []
    messages: list[Message] = []
    for holder in archive_stamps(properties)[:MAX_TOKENS]:
        way = _way(holder)
        values = [child for child in holder if str(child.tag).endswith("}EncapsulatedTimeStamp")]
        foreign = any(str(child.tag).endswith(("}Include", "}ReferenceInfo")) for child in holder)
        if holder.tag not in _JUDGED or foreign or way is None or not values:
            messages.append(STAMP_UNJUDGED)
            continue
        stamped = _stamped(properties, signature, octets, holder, way)
        found += [replace(_token(value, stamped), end=properties.place(holder)) for value in values[:MAX_TOKENS]]
    return tuple(found), tuple(dict.fromkeys(messages))


def _token(value: etree._Element, stamped: Callable[[str], bytes]) -> Token:
    try:
        data = decode_text(value.text or "")
    except ValueError:
        return Token(intact=False)
    return read_token(data, stamped)


def _stamped(
    properties: Properties,
    signature: etree._Element,
    octets: Sequence[bytes],
    holder: etree._Element,
    way: Canonicalisation,
) -> Callable[[str], bytes]:
    def digest(hash_name: str) -> bytes:
        hasher = new_hash(hash_name)
        for piece in octets:
            hasher.update(piece)
        for element in _covered(properties, signature, holder):
            hasher.update(canonical_element(element, way))
        return finish(hasher)

    return digest


def _covered(properties: Properties, signature: etree._Element, holder: etree._Element) -> Iterator[etree._Element]:
    for name in ("SignedInfo", "SignatureValue", "KeyInfo"):
        yield from signature.findall(ds(name))
    for element in _unsigned(properties):
        if element is holder:
            break
        yield element
    for element in signature.findall(ds("Object")):
        if not any(element.find(f"{{{namespace}}}QualifyingProperties") is not None for namespace in NAMESPACES):
            yield element


def _unsigned(properties: Properties) -> list[etree._Element]:
    if properties.unsigned is None:
        return []
    own = properties.unsigned.find(properties.name("UnsignedSignatureProperties"))
    return [] if own is None else [child for child in own if isinstance(child.tag, str)]


def _way(holder: etree._Element) -> Canonicalisation | None:
    method = holder.find(ds("CanonicalizationMethod"))
    return DEFAULT if method is None else CANONICALISATIONS.get(method.get("Algorithm", ""))
