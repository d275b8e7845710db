"""Genuine signatures put together, of a person and an agency: over one content, and over two.

edocx is asked with its policy ``official-document``: who signed one content together. Peers know no such question;
they are asked whether every signature holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from agreement.case import CMS, XML, ZIP, Case
from agreement.workshop import SIGNED_AT, Workshop
from edocx._xml import EXCLUSIVE_C14N, canonicalise
from edocx.signing.container.sign import sign_files
from edocx.signing.keys import Signer
from edocx.signing.xml.sign import Reference, complete, prepare
from edocx.testing.attacks import joining

_POLICY = "official-document"
_LETTER, _NOTICE = '<Letter Id="L"><Text>Thư</Text></Letter>', '<Notice Id="N"><Text>Thông báo</Text></Notice>'


def joined(shop: Workshop) -> Iterator[Case]:
    """Yield them all."""
    person, agency = shop.person, shop.agency
    one = shop.detached(person, shop.note)
    for genuine, file in ((True, shop.note), (False, shop.letter)):
        data = joining.joined_cms(one, shop.detached(agency, file))
        family = "CMS, joined, over one file" if genuine else "CMS, joined, forged, over two files"
        beside = (shop.note,) if genuine else (shop.note, shop.letter)
        yield Case(family, "person and agency", data, CMS, genuine=genuine, beside=beside, policy=_POLICY)
    packed = _packed(shop, person, shop.note)
    for genuine, files in ((True, [shop.note]), (False, [shop.letter])):
        data = joining.joined_containers(packed, _packed(shop, agency, *files))
        family = "container, joined, over one file" if genuine else "container, joined, forged, over two files"
        yield Case(family, "person and agency", data, ZIP, genuine=genuine, policy=_POLICY)
    letter = _with_signature(f"<Doc>{_LETTER}</Doc>", person, "S1", "L")
    both = _with_signature(letter, agency, "S2", "L").encode()
    yield Case("XML, joined, over one part", "person and agency", both, XML, genuine=True, policy=_POLICY, signatures=2)
    notice = _with_signature(f"<Doc>{_NOTICE}</Doc>", agency, "S2", "N")
    data = joining.joined_xml(letter.encode(), notice.encode())
    family = "XML, joined, forged, over two parts"
    yield Case(family, "person and agency", data, XML, genuine=False, policy=_POLICY, signatures=2)


def _packed(shop: Workshop, key: Signer, *files: Path) -> bytes:
    return sign_files(files, shop.folder / "one.asice", key, at=SIGNED_AT).read_bytes()


def _with_signature(document: str, key: Signer, name: str, target: str) -> str:
    """Sign an element by its identifier and put the signature last."""
    root = etree.fromstring(document)
    signed = next(one for one in root if one.get("Id") == target)
    digest = hashlib.sha256(canonicalise(signed)).digest()
    prepared = prepare(
        [Reference(f"#{target}", (EXCLUSIVE_C14N,), digest)],
        certificate=key.certificate,
        algorithm=key.algorithm,
        at=SIGNED_AT,
        chain=key.chain,
        signature_id=name,
    )
    root.append(complete(prepared, key.sign_digest(prepared.to_sign)))
    return etree.tostring(root, encoding="unicode")
