"""PDFs signed by edocx, and what can be done to them without a key or below a later seal."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agreement.case import PDF, Case
from agreement.workshop import SIGNED_AT, Workshop, stranger_stamps
from edocx.signing.pdf.sign import sign
from edocx.testing.attacks import (
    Attack,
    pdf,
    pdf_additions,
    pdf_appended,
    pdf_fields,
    pdf_linearised,
    pdf_objects,
    pdf_prepared,
)

_AGREEING = (("100", b"100"), ("Do Tr", b"Do Tr"))
_SHOWING = (
    ("100", b"999"),
    (None, b"999"),
    ("100", b"100) Tj /X Do ("),
    ("100", b") Tj 3 Tr(100"),
    ("100", b"9) Tj %\n(99"),
)
"""Values of a field, and what its look draws instead, also by commands put into the text."""

_NAMES = ((b"#e0n", b"#c3#a0n"), (b"#c3#a0n", b"#e0n"), (b"#E0n", b"#E1#00"), (b"ien", b"ien/B#c4#91 5 0 R"))
"""The name of a font, and the bytes that some readers decode to the same name."""


def pdfs(shop: Workshop) -> Iterator[Case]:
    """Yield them all."""
    plain = shop.plain()
    for name, data in _genuine(shop, plain):
        yield Case("PDF, signed by edocx", name, data, PDF, genuine=True)
    one = shop.signed(plain, shop.person, "S1")
    for family, attack in _forged(shop, plain, one):
        yield Case(f"PDF, forged{family}", attack.name, attack.data, PDF, genuine=False)
    for family, pairs in (("a field filled", _AGREEING), ("a field filled that shows something else", _SHOWING)):
        for place, (value, shown) in enumerate(pairs):
            made = _filled(shop, plain, pdf_fields.filled_showing(value, shown))
            yield Case(f"PDF, {family}, below a seal", f"filled-{place}", made, PDF, genuine=True)


def _forged(shop: Workshop, plain: bytes, one: bytes) -> Iterator[tuple[str, Attack]]:
    two = shop.signed(one, shop.agency, "S2")
    families: tuple[tuple[str, Callable[[bytes], Iterable[Attack]]], ...] = (
        ("", pdf.forgeries),
        (", a page in the room of", pdf.widened_rooms),
        (", appended to", pdf_appended.structure_forgeries),
        (", freed in", pdf_appended.freed_objects),
        (", appended as a later generation to", lambda data: [pdf_appended.later_generation(data)]),
        (", bytes behind the end of", pdf.appendices),
    )
    for name, data in (("one signature", one), ("two signatures", two)):
        for family, make in families:
            yield from ((f"{family or ','} {name}", attack) for attack in make(data))
    yield from ((", two fronts", attack) for attack in _two_fronts(shop))
    yield from ((", names exchanged", attack) for attack in _renamed(shop))
    yield from _without_a_key(shop, plain, one)
    yield from _below_a_seal(shop, plain, one)


def _without_a_key(shop: Workshop, plain: bytes, one: bytes) -> Iterator[tuple[str, Attack]]:
    """Yield what anybody can do to a signed file: by objects of their own, and by a timestamp that draws."""
    for shadow in pdf_fields.KEYLESS:
        signed = shop.signed(shadow.prepared(plain), shop.person, "S1", certify=False)
        yield " without a key", Attack(shadow.name, shadow.revealed(signed))
    yield from ((" without a key, a field that draws", attack) for attack in pdf_fields.drawing_places(one))
    for attack in pdf_fields.drawing_timestamps(one, stranger_stamps()):
        yield " without a key, a timestamp", attack
    yield " without a key, named ahead", pdf.shadow_revealed(_ahead(shop, plain))


def _below_a_seal(shop: Workshop, plain: bytes, one: bytes) -> Iterator[tuple[str, Attack]]:
    """Yield forgeries that another trusted signer then seals: only the first signature can fail."""
    for attack in pdf_additions.additions(one):
        yield ", below a seal", _sealed(shop, attack.name, attack.data)
    for shadow in pdf_prepared.SHADOWS:
        first = shop.signed(shadow.prepared(plain), shop.person, "Leader", certify=False)
        yield " and prepared, below a seal", _sealed(shop, shadow.name, shadow.revealed(first))
    revealed = pdf.shadow_revealed(_ahead(shop, plain))
    yield " and prepared, below a seal", _sealed(shop, revealed.name, revealed.data)


def _sealed(shop: Workshop, name: str, data: bytes) -> Attack:
    return Attack(name, shop.signed(data, shop.agency, "Seal", certify=False))


def _filled(shop: Workshop, plain: bytes, shadow: pdf_prepared.Shadow) -> bytes:
    first = shop.signed(shadow.prepared(plain), shop.person, "Leader", certify=False)
    return _sealed(shop, "", shadow.revealed(first)).data


def _ahead(shop: Workshop, plain: bytes) -> bytes:
    """Sign a form whose page shows an object that does not exist yet."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415

    stream = io.BytesIO(pdf.shadow_prepared(plain))
    writer = IncrementalPdfFileWriter(stream, strict=False)
    pdf_objects.add_field(writer, "/Tx", 4, (100, 700, 300, 740))
    writer.write_in_place()
    return shop.signed(stream.getvalue(), shop.person, "Leader", certify=False)


def _two_fronts(shop: Workshop) -> Iterator[Attack]:
    """Yield drafts that viewers read from their front once they have the size that they say; edocx signs none."""
    for label, said in (("plain", b"/Linearized"), ("escaped", b"/Linea#72ized")):
        size = len(shop.plainly_signed(pdf_linearised.linearised_draft(1, said=said), "S"))
        exact = shop.plainly_signed(pdf_linearised.linearised_draft(size, said=said), "S")
        yield Attack(f"fronts-{label}", exact)
    larger = shop.plainly_signed(pdf_linearised.linearised_draft(size + 500), "S")
    yield Attack("fronts-padded", pdf_linearised.padded(larger))


def _renamed(shop: Workshop) -> Iterator[Attack]:
    for was, becomes in _NAMES:
        data = shop.signed(_named(was), shop.person, "S", fast=True)
        forged = pdf_appended.renamed(data, b"/B" + was + b" ", b"/B" + becomes + b" ")
        yield Attack(f"name-{was.decode()}-{becomes.decode()}", forged.data)


def _named(name: bytes) -> bytes:
    """Make a PDF whose page calls its font by a name."""
    fonts = b"/Resources<</Font<</F1 5 0 R/B%s 5 0 R>>>>" % name
    shown = b"BT /B%s 12 Tf 50 700 Td (IF APPROVED) Tj ET" % name
    bodies = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R" + fonts + b">>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(shown), shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    out, rows = bytearray(b"%PDF-1.7\n"), b"0000000000 65535 f \n"
    for number, body in enumerate(bodies, 1):
        rows += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    end = b"xref\n0 6\n%strailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (rows, len(out))
    return bytes(out + end)


def _genuine(shop: Workshop, plain: bytes) -> Iterator[tuple[str, bytes]]:
    source = shop.folder / "source.pdf"
    source.write_bytes(plain)
    means = shop.means()

    def signed(name: str, data: bytes, key: Any, field: str, **options: Any) -> tuple[str, bytes]:
        source.write_bytes(data)
        out = sign(source, shop.folder / "genuine.pdf", key, at=SIGNED_AT, field=field, **options)
        return name, out.read_bytes()

    _, one = signed("", plain, shop.person, "S1")
    _, certified = signed("", plain, shop.person, "S1", certify=True)
    yield "a person", one
    for level in ("B-T", "B-LT", "B-LTA"):
        yield signed(f"a person, {level}", plain, shop.person, "S1", level=level, **means)
    yield signed("a person, RSA-PSS", plain, shop.signer(shop.person_key, scheme="pss"), "S1")
    yield "a person, certified", certified
    yield signed("person and agency", one, shop.agency, "S2")
    yield signed("person, certified, and agency", certified, shop.agency, "S2")
    yield signed("a font with a name outside ASCII", _named(b"#C3#A0n"), shop.person, "S1")
