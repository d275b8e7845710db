"""What core validation says of references, each sentence once."""

from __future__ import annotations

from edocx.errors import Text
from edocx.signing.report import Message


def _place(uri: str | None) -> str:
    return (uri or "")[:200]


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
