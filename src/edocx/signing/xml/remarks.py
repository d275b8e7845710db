"""What is said of references and of what stands outside of them, each sentence once."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from lxml import etree

from edocx.errors import Text
from edocx.signing.report import Message


def _place(uri: str | None) -> str:
    return (uri or "")[:200]


def _path(element: etree._Element) -> str:
    return element.getroottree().getpath(element)[:200]


def _parts(covered: Collection[etree._Element]) -> Text:
    if not covered:
        return Text("các tệp bên ngoài", "files beside it")
    named = ", ".join(_path(one) for one in islice(covered, _NAMED))
    more = len(covered) - _NAMED
    return Text(f"{named} và {more} phần khác", f"{named} and {more} more") if more > 0 else Text(named, named)


_NAMED = 5
"""Signed parts that are named one by one."""


def outside(element: etree._Element, covered: Collection[etree._Element]) -> Message:
    """Say which parts are signed, and that something stands outside of them that nobody signed."""
    parts = _parts(covered)
    return Message.of(
        "EDX-PARTIAL-COVERAGE",
        "warning",
        Text(
            f"Chữ ký chỉ bao trùm một phần của tệp ({parts.vi}). Chỉ tin phần đó: “{_path(element)}” và những gì quanh "
            "đó ai cũng có thể viết vào.",
            f"The signature covers part of the file only ({parts.en}). Rely on that alone: “{_path(element)}” and what "
            "stands around it may be anybody's.",
        ),
        where=_path(element),
    )


def enclosed(element: etree._Element, covered: Collection[etree._Element]) -> Message:
    """Say that the root around signed parts has a name that nobody signed."""
    parts = _parts(covered)
    return Message.of(
        "EDX-XML-ENCLOSED",
        "warning",
        Text(
            f"Chữ ký bao trùm {parts.vi}, không bao trùm phần tử gốc “{_path(element)}” bọc quanh: tên và "
            "thuộc tính của nó, thứ tự các phần không được ký.",
            f"The signature covers {parts.en}, not the root “{_path(element)}” around it: nobody signed its name "
            "and attributes, nor the order of the parts.",
        ),
        where=_path(element),
    )


def encoded(element: etree._Element) -> Message:
    """Say that of an element the text alone is signed, and not its name."""
    return Message.of(
        "EDX-XML-TEXT-ONLY",
        "warning",
        Text(
            f"Chữ ký chỉ bao trùm phần chữ mã hóa base64 trong “{_path(element)}”, không bao trùm tên và thuộc tính "
            "của phần tử này.",
            f"The signature covers the base64 text in “{_path(element)}” alone: nobody signed the element's name and "
            "attributes.",
        ),
        where=_path(element),
    )


def instruction(node: etree._Element) -> Message:
    """Say that an instruction to programs that nobody signed stands in the file."""
    return Message.of(
        "EDX-XML-INSTRUCTION",
        "error",
        Text(
            "Tệp có chỉ thị xử lý (như xml-stylesheet) mà không chữ ký nào bao trùm: phần mềm có thể hiển thị nội dung "
            "khác với phần đã ký. Đề nghị bên gửi gửi lại bản không có chỉ thị đó.",
            "The file has a processing instruction (such as xml-stylesheet) that no signature covers: programs may "
            "show something else than was signed. Ask the sender for a file without it.",
        ),
        where=str(getattr(node, "target", ""))[:200],
    )


def claim(element: etree._Element) -> Message:
    """Say that a KeyInfo says something beside keys and certificates."""
    return Message.of(
        "EDX-XML-KEY-CLAIM",
        "info",
        Text(
            "Phần KeyInfo có thông tin không được ký cũng không được kiểm tra (như KeyName); người ký là người ghi "
            "trong chứng thư.",
            "KeyInfo says something that is neither signed nor checked (such as KeyName); the signer is who the "
            "certificate names.",
        ),
        where=_path(element),
    )


COMMENT_OUTSIDE = Message.of(
    "EDX-XML-COMMENT-OUTSIDE",
    "info",
    Text(
        "Có chú thích XML ngoài phần đã ký; ai cũng có thể viết vào, đừng tin nội dung của nó.",
        "An XML comment stands outside of what was signed; anybody may have written it: do not rely on it.",
    ),
)


def prefix(value: str) -> Message:
    """Say that nobody signed what the prefix of a value means."""
    return Message.of(
        "EDX-XML-PREFIX",
        "warning",
        Text(
            f"Chữ ký không bao trùm khai báo không gian tên của “{value[:200]}” trong một thuộc tính xsi:type: ai cũng "
            "có thể đổi nghĩa của tiền tố đó. Đề nghị bên ký liệt kê tiền tố trong InclusiveNamespaces.",
            f"The signature does not cover the namespace that “{value[:200]}” in an xsi:type stands for: anybody may "
            "have declared its prefix anew. Ask the signer to list the prefix in InclusiveNamespaces.",
        ),
        where=value[:200],
    )


def mismatch(uri: str | None) -> Message:
    """Say that a referenced part is not what was signed."""
    return Message.of(
        "EDX-XML-DIGEST",
        "error",
        Text(
            f"Phần “{_place(uri)}” đã ký bị thay đổi sau khi ký; đề nghị bên gửi gửi lại bản gốc.",
            f"The signed part “{_place(uri)}” was changed after signing; ask the sender for the original.",
        ),
        where=_place(uri),
    )


def missing(uri: str | None) -> Message:
    """Say that a referenced part is not at hand."""
    return Message.of(
        "EDX-XML-SOURCE",
        "error",
        Text(
            f"Không có nội dung đã ký “{_place(uri)}”; đưa tệp đó vào bằng --detached.",
            f"The signed content “{_place(uri)}” is not at hand; give the file with --detached.",
        ),
        where=_place(uri),
    )


def doubled(uri: str | None) -> Message:
    """Say that a reference does not lead to exactly one element."""
    return Message.of(
        "EDX-XML-ID-DOUBLED",
        "error",
        Text(
            f"Không tìm được đúng một phần “{_place(uri)}”: mã Id bị thiếu hoặc trùng; có thể tệp bị tráo nội dung.",
            f"Not exactly one part is “{_place(uri)}”: its identifier is missing or doubled, as in wrapping attacks.",
        ),
        where=_place(uri),
    )


def refused(uri: str | None, reason: str) -> Message:
    """Say that a part is signed through a transform that is not followed, and why."""
    return Message.of(
        "EDX-XML-TRANSFORM",
        "error",
        Text(
            f"Phần “{_place(uri)}” được ký qua phép biến đổi không an toàn hoặc không được hỗ trợ.",
            f"The part “{_place(uri)}” is signed through a transform that is unsafe or unknown ({reason}).",
        ),
        where=_place(uri),
    )


UNSIGNED_PROPERTIES = Message.of(
    "EDX-XADES-UNSIGNED",
    "error",
    Text(
        "Các thuộc tính XAdES không nằm trong phần được ký; có thể bị thêm vào sau.",
        "The XAdES properties are not part of what is signed; anyone may have added them.",
    ),
)
SECRET_NEEDED = Message.of(
    "EDX-XML-SECRET",
    "error",
    Text(
        "Chữ ký này dùng khóa bí mật chung (HMAC); đưa khóa bằng --key.",
        "This signature uses a shared secret (HMAC); give it with --key.",
    ),
)
