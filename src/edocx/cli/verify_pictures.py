"""Pages before and after an addition, drawn for the printable report by poppler, where it is installed."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from edocx.content import PIECE
from edocx.errors import EdocxError, Text
from edocx.signing.report import Addition, SignatureReport

MAX_PICTURES = 6
"""Pages drawn for one signature; the others are listed in words. Each is a run of a tool over a file from outside."""

RESOLUTION = 60
"""Dots an inch: enough to see what was added where, some 40 KB a page."""


def pictures(path: Path | None, signature: SignatureReport, lang: str) -> str:
    """Return HTML that shows each page that got something after a signature, as it was and as it became.

    ``path`` is the file; None for one inside another, which is no longer there. Every picture stands in the page
    itself; where one cannot be drawn a sentence says why.
    """
    addition = signature.addition
    if addition is None:
        return ""
    head = f"<h4>{escape(_HEAD.in_language(lang))} {escape(addition.by)}</h4>"
    if path is None:
        return head + _said(_INSIDE, lang)
    if shutil.which("pdftoppm") is None:
        return head + _said(_NO_TOOL, lang)
    try:
        with _revisions(path, addition) as (before, after):
            drawn = "".join(_pair(before, after, page.page, lang) for page in addition.pages[:MAX_PICTURES])
    except (EdocxError, OSError):
        return head + _said(_NOT_DRAWN, lang)
    more = _said(_MORE, lang) if len(addition.pages) > MAX_PICTURES else ""
    return head + (drawn or _said(_NO_PAGE, lang)) + more


@contextmanager
def _revisions(path: Path, addition: Addition) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="edocx-") as folder:
        places = Path(folder) / "before.pdf", Path(folder) / "after.pdf"
        for place, size in zip(places, (addition.before, addition.after), strict=True):
            _copy(path, place, size)
        yield places


def _copy(source: Path, place: Path, size: int) -> None:
    with source.open("rb") as stream, place.open("xb") as out:
        left = size
        while left and (piece := stream.read(min(PIECE, left))):
            left -= len(piece)
            out.write(piece)


def _pair(before: Path, after: Path, page: int, lang: str) -> str:
    cells = []
    for word, place in ((_BEFORE, before), (_AFTER, after)):
        label = f"{word.in_language(lang)}, {_PAGE.in_language(lang)} {page}"
        cells.append(f"<td>{_picture(place, page, label, lang)}<br/>{escape(label)}</td>")
    return f'<table class="pair"><tr>{"".join(cells)}</tr></table>'


def _picture(place: Path, page: int, label: str, lang: str) -> str:
    from edocx.signing.pdf.page_text import render_page

    try:
        picture = render_page(place, page - 1, place.with_suffix(f".{page}.png"), resolution=RESOLUTION)
    except EdocxError:
        return escape(_NOT_DRAWN.in_language(lang))
    data = base64.b64encode(picture.read_bytes()).decode()
    return f'<img alt="{escape(label)}" src="data:image/png;base64,{data}"/>'


def _said(text: Text, lang: str) -> str:
    return f"<p>{escape(text.in_language(lang))}</p>"


_HEAD = Text("Phần được thêm sau chữ ký này; chịu trách nhiệm:", "Added after this signature; answered for by:")
_BEFORE = Text("Trước", "Before")
_AFTER = Text("Sau", "After")
_PAGE = Text("trang", "page")
_INSIDE = Text(
    "Tệp nằm trong tệp khác nên không vẽ trang ở đây; tách tệp ra rồi kiểm tra riêng để xem.",
    "The file stands inside another, so its pages are not drawn here; take it out and verify it alone to see them.",
)
_NO_TOOL = Text(
    "Máy này không có pdftoppm (poppler-utils) nên không vẽ được trang trước và sau; các trang được kê ở trên.",
    "This machine has no pdftoppm (poppler-utils), so the pages before and after are not drawn; they are listed above.",
)
_NOT_DRAWN = Text("Không vẽ được trang này.", "This page could not be drawn.")
_NO_PAGE = Text("Không trang nào thay đổi hình thức.", "No page looks different.")
_MORE = Text(
    "Chỉ vẽ một số trang đầu; các trang khác được kê ở trên.", "Only the first pages are drawn; others are listed."
)
