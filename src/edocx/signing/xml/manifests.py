"""Lists within what is signed (XML-DSig 1.1 5.1): which of them are followed, and which are only named.

The digest of a `ds:Manifest` says nothing of the files that it lists: XML-DSig leaves these to whoever reads it. A
reader who sees a signature that passed takes the listed files for signed, so they are checked, or it is said that they
were not.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from edocx.errors import Text
from edocx.signing.report import Message
from edocx.signing.xml.names import DS, ds
from edocx.signing.xml.selection import Nodes

MANIFEST = ds("Manifest")
MANIFEST_TYPE = f"{DS}Manifest"

MAX_LISTED = 1000
"""References in all manifests of one signature; each may canonicalise the whole document."""


def followed(nodes: Nodes, signature: etree._Element) -> Iterator[etree._Element]:
    """Yield the manifests that the digest over ``nodes`` covers for certain: what is referenced itself, or its Object.

    Below an element outside of the signature a transform may have left it out, so that anybody could list anything.
    """
    for apex in nodes.apexes:
        if apex.tag == MANIFEST:
            yield apex
        elif signature in apex.iterancestors(ds("Signature")):
            yield from (one for one in apex.iter(MANIFEST) if next(one.iterancestors(ds("Signature"))) is signature)


def unfollowed(nodes: Nodes) -> etree._Element | None:
    """Return the first manifest somewhere in a signed part that belongs to no signature, and is not followed."""
    for apex in nodes.apexes:
        for one in apex.iter(MANIFEST):
            if one is not apex and next(one.iterancestors(ds("Signature")), None) is None:
                return one
    return None


def unread(where: str) -> Message:
    """Say that nobody looked at what a signed list names."""
    return Message.of(
        "EDX-XML-MANIFEST",
        "warning",
        Text(
            "Trong phần đã ký có danh sách tệp (Manifest) mà các tệp được liệt kê chưa được kiểm tra; đừng coi chúng "
            "là đã ký. Đề nghị bên ký tham chiếu thẳng đến danh sách này trong SignedInfo.",
            "The signed part holds a list of files (Manifest), and what it lists was not checked: do not take those "
            "for signed. Ask the signer to reference the list itself in SignedInfo.",
        ),
        where=where[:200],
    )
