"""A draft with two fronts: read from its end it shows one page, read from its front another.

Viewers read a file from its front when its first object calls it linearised and says the file's very size. The draft
says the size of what it will be once it is signed, or padded.
"""

from __future__ import annotations

import re

_LINEARISED = b"9 0 obj\n<</Linearized 1/L %010d/H[0 0]/O 3/E 0/N 1/T 0>>\nendobj\n"
_ROWS = 6


def linearised_draft(
    length: int,
    *,
    said: bytes = b"/Linearized",
    number: bytes = b"%010d",
    comment: int | None = None,
    gap: bytes = b"",
    ahead: bytes = b"",
    joined: bool = False,
) -> bytes:
    """Make a PDF of one page that shows ``PAY 100``; in a file of ``length`` bytes viewers read ``PAY 999``.

    With ``comment`` the hidden section stands in a comment before the first object, with so many blanks behind it:
    viewers search for the word ``endobj``. ``number`` is how /L is written, ``gap`` what comes before the section.
    ``ahead`` stands before the key in its object; ``joined`` puts the object on the line of the header.
    """
    first = _LINEARISED.replace(b"/Linearized", ahead + said).replace(b"%010d", number) % length
    out = bytearray(
        (b"%PDF-1.7 " if joined else b"%PDF-1.7\n") + (first[:-1] + gap + b"\n" if comment is None else b"%endobj ")
    )
    front, room = len(out), len(_table({}, 0))
    out += b" " * room
    if comment is not None:
        out += b" " * comment + b"\n"
    kept = out.find(b"9 0 obj") if comment is None else len(out)
    if comment is not None:
        out += first
    shown = {True: _content(b"PAY 100"), False: _content(b"PAY 999")}
    places: dict[int, int] = {9: kept}
    for one, body in {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        4: shown[True],
    }.items():
        places[one] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (one, body)
    elsewhere = {**places, 4: len(out)}
    out += b"4 0 obj\n%s\nendobj\n" % shown[False]
    hidden = _table(elsewhere, 0)
    if comment is not None:
        hidden = hidden.replace(b"%%EOF", b"     ").replace(b"\n", b" ")
    out[front : front + room] = hidden
    return bytes(out) + _table(places, len(out))


def padded(data: bytes) -> bytes:
    """Bring a signed draft to the size that it says, with blank lines."""
    found = re.search(rb"/L (\d+)", data)
    if found is None:
        raise ValueError("no such draft")
    return data.ljust(int(found[1]), b"\n")


def _content(text: bytes) -> bytes:
    data = b"BT /F1 20 Tf 50 700 Td (%s) Tj ET" % text
    return b"<</Length %d>>\nstream\n%s\nendstream" % (len(data), data)


def _table(places: dict[int, int], start: int) -> bytes:
    rows = b"".join(b"%010d 00000 n \n" % places.get(number, 0) for number in range(1, _ROWS))
    head = b"xref\n0 %d\n0000000000 65535 f \n" % _ROWS
    kept = b"9 1\n%010d 00000 n \n" % places.get(9, 0)
    return head + rows + kept + b"trailer\n<</Size 10/Root 1 0 R>>\nstartxref\n%010d\n%%%%EOF\n" % start
