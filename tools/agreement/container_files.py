"""Containers with XAdES and CMS signatures, and what can be done around what they sign."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from agreement.case import ZIP, ZIP_CMS, Case
from agreement.workshop import SIGNED_AT, Workshop
from edocx.signing.container.sign import sign_files
from edocx.testing.attacks import cms, container


def containers(shop: Workshop) -> Iterator[Case]:
    """Yield them all."""
    data = sign_files([shop.note], shop.folder / "a.asice", shop.agency, at=SIGNED_AT).read_bytes()
    yield Case("container, signed by edocx", "one file", data, ZIP, genuine=True)
    for kind, attacks in (
        ("another zip around it", container.framings),
        ("files beside that nobody signed", container.beside),
        ("remarks that nobody signed", container.remarks),
    ):
        for attack in attacks(data):
            yield Case(f"container, forged, {kind}", attack.name, attack.data, ZIP, genuine=False)

    detached = shop.detached(shop.person, shop.note)
    simple = _simple(detached, shop.note.read_bytes())
    yield Case("container with CMS, genuine", "one file", simple, ZIP_CMS, genuine=True)
    for attack in container.enclosed(detached, shop.note.read_bytes()):
        name, family = attack.name, "container with CMS, forged, of a file"
        yield Case(family, name, attack.data, ZIP_CMS, genuine=False)
    for taken, content in cms.out_of_a_pdf(shop.signed(shop.plain(), shop.person, "S")):
        for attack in container.enclosed(taken, content):
            yield Case("container with CMS, forged, out of a PDF", attack.name, attack.data, ZIP_CMS, genuine=False)


def _simple(signature: bytes, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in {
            "mimetype": b"application/vnd.etsi.asic-s+zip",
            "note.txt": content,
            "META-INF/signature.p7s": signature,
        }.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()
