"""Comments within signed texts, which canonicalisation leaves out before the digest.

Anybody may put one there; a program that reads a text up to the comment reads another one than was signed.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from edocx.errors import Text
from edocx.signing.report import Message


def split_text(apexes: Iterable[etree._Element]) -> etree._Element | None:
    """Return the first element with a comment within its text."""
    for comment in (one for apex in apexes for one in apex.iter(etree.Comment)):
        before, above = comment.getprevious(), comment.getparent()
        text = above.text if before is None and above is not None else before.tail if before is not None else ""
        if above is not None and ((text or "").strip() or (comment.tail or "").strip()):
            return above
    return None


def split(element: etree._Element, file: str = "") -> Message:
    """Say that a comment stands within a signed text; ``file`` is where, unless in the document of the signature."""
    return Message.of(
        "EDX-XML-COMMENT",
        "warning",
        Text(
            "Chú thích XML nằm giữa phần chữ đã ký, ai cũng có thể chèn vào: phần mềm khác có thể đọc ra giá trị khác. "
            "So lại giá trị này với bên gửi.",
            "An XML comment stands within a signed text, and anybody may put one there: other programs may read "
            "another value. Compare it with the sender.",
        ),
        where=f"{file[:100]}{element.getroottree().getpath(element)}"[:200],
    )
