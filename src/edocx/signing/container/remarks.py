"""What is said of a container's files, and of what stands beside them."""

from __future__ import annotations

from edocx.errors import Text
from edocx.signing.report import Message


def changed(name: str) -> Message:
    """Say that a file is not what was signed."""
    return Message.of(
        "EDX-ASIC-DIGEST",
        "error",
        Text(
            f"Tệp “{name[:200]}” trong vùng chứa bị thay đổi sau khi ký; đề nghị bên gửi gửi lại.",
            f"The file “{name[:200]}” in the container was changed after signing; ask the sender for it again.",
        ),
        where=name[:200],
    )


def missing(name: str) -> Message:
    """Say that a file which was signed is not there."""
    return Message.of(
        "EDX-ASIC-MISSING",
        "error",
        Text(
            f"Vùng chứa thiếu tệp đã ký “{name[:200]}”; đề nghị bên gửi gửi lại.",
            f"The signed file “{name[:200]}” is not in the container; ask the sender for it again.",
        ),
        where=name[:200],
    )


COMMENT = Message.of(
    "EDX-ASIC-COMMENT",
    "warning",
    Text(
        "Tệp nén có phần chú thích không được chữ ký nào bao trùm; đừng tin nội dung của nó.",
        "The archive carries a comment that no signature covers; do not rely on it.",
    ),
)
MIMETYPE = Message.of(
    "EDX-ASIC-MIMETYPE",
    "warning",
    Text(
        "Tệp “mimetype” trong vùng chứa không ghi kiểu ASiC; không chữ ký nào bao trùm nội dung của nó.",
        "The file “mimetype” in the container names no kind of ASiC; no signature covers what it says.",
    ),
    where="mimetype",
)


def beside(name: str) -> Message:
    """Say that a file of META-INF is no signature, and signed by nobody."""
    return Message.of(
        "EDX-ASIC-BESIDE",
        "warning",
        Text(
            f"“{name[:200]}” trong META-INF không phải chữ ký được xét, cũng không được chữ ký nào bao trùm; "
            "đừng tin nội dung của nó.",
            f"“{name[:200]}” in META-INF is no signature that is judged here, and none covers it; do not rely on it.",
        ),
        where=name[:200],
    )


def hollow(name: str) -> Message:
    """Say that a folder holds no file."""
    return Message.of(
        "EDX-ASIC-FOLDER",
        "warning",
        Text(
            f"Thư mục “{name[:200]}” trong vùng chứa không có tệp nào; không chữ ký nào nói về tên của nó.",
            f"The folder “{name[:200]}” in the container holds no file; no signature speaks of its name.",
        ),
        where=name[:200],
    )


def outside(name: str) -> Message:
    """Say that a file is covered by no signature."""
    return Message.of(
        "EDX-PARTIAL-COVERAGE",
        "warning",
        Text(
            f"Tệp “{name[:200]}” trong vùng chứa không được chữ ký nào bao trùm.",
            f"The file “{name[:200]}” in the container is covered by no signature.",
        ),
        where=name[:200],
    )
