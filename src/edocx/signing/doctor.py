"""The digest doctor: when content does not match what was signed, which ordinary accident explains it.

Mail gateways rewrite line ends, editors add byte order marks and re-indent, uploads cut and append. Naming the cause
tells a clerk what to ask the sender for. The verdict stays failed: an explanation is no proof of innocence.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Iterator

from lxml import etree

from edocx._xml import parse
from edocx.errors import EdocxError, Text
from edocx.signing.report import Message

MAX_EXAMINED = 8 * 1024 * 1024
"""Bytes of content that is tried in variants; each costs a digest."""

_BOM = b"\xef\xbb\xbf"

Fits = Callable[[bytes], bool]


def explain(data: bytes, fits: Fits) -> Message | None:
    """Try what commonly happens to files on their way; return what turns ``data`` back into what was signed.

    ``fits`` says of a variant whether it is the signed content. None when nothing explains the difference.
    """
    if len(data) > MAX_EXAMINED:
        return None
    for cause, variant in _variants(data):
        if variant != data and fits(variant):
            return Message.of(
                "EDX-DIGEST-EXPLAINED",
                "info",
                Text(
                    f"Nguyên nhân: {cause.vi}. Lấy lại bản gốc, hoặc gửi bằng cách không làm thay đổi tệp.",
                    f"What happened: {cause.en}. Fetch the original, or send it in a way that changes nothing.",
                ),
            )
    return None


def explain_element(element: etree._Element, fits: Callable[[etree._Element], bool]) -> Message | None:
    """Try the element without white space between elements; ``fits`` says whether that is what was signed."""
    data = etree.tostring(element, with_tail=False)
    if len(data) > MAX_EXAMINED:
        return None
    try:
        twin = parse(data)
    except EdocxError:
        return None
    for node in twin.iter(etree.Element):
        if len(node) and not (node.text or "").strip():
            node.text = None
        if not (node.tail or "").strip():
            node.tail = None
    return REINDENTED if fits(twin) else None


REINDENTED = Message.of(
    "EDX-DIGEST-EXPLAINED",
    "info",
    Text(
        "Nguyên nhân: XML bị thụt dòng lại sau khi ký. Lấy lại bản gốc chưa qua trình soạn thảo.",
        "What happened: the XML was indented again after signing. Fetch the original that no editor touched.",
    ),
)


def explain_canonicalisation(root: etree._Element, fits: Callable[[etree._Element], bool]) -> Message | None:
    """Say whether the digest is that of the very same XML under another canonicalisation than the signature names."""
    return OTHER_CANONICALISATION if fits(root) else None


def cut_short(missing: int) -> Message:
    """Say that the end of a file is missing."""
    return Message.of(
        "EDX-DIGEST-EXPLAINED",
        "info",
        Text(
            f"Nguyên nhân: tệp bị cắt cụt, thiếu ít nhất {missing} byte ở cuối. Tải lại hoặc đề nghị gửi lại bản gốc.",
            f"What happened: the file was cut short, at least {missing} bytes are missing at its end. Fetch it again.",
        ),
    )


OTHER_CANONICALISATION = Message.of(
    "EDX-DIGEST-EXPLAINED",
    "info",
    Text(
        "Nguyên nhân: phần mềm ký đã dùng cách chuẩn hóa XML khác với cách ghi trong chữ ký. Nội dung không đổi, nhưng "
        "chữ ký sai; báo nơi làm phần mềm ký.",
        "What happened: the signing software used another canonicalisation than the signature names. The content is "
        "the same, but the signature is wrong; tell whoever makes that software.",
    ),
)


def _variants(data: bytes) -> Iterator[tuple[Text, bytes]]:
    unix = data.replace(b"\r\n", b"\n")
    yield Text("xuống dòng CRLF bị thêm vào", "line ends were turned into CRLF"), unix
    yield Text("xuống dòng CRLF bị mất", "line ends lost their CR"), unix.replace(b"\n", b"\r\n")
    yield Text("dấu BOM bị thêm vào đầu tệp", "a byte order mark was put in front"), data.removeprefix(_BOM)
    yield Text("dấu BOM ở đầu tệp bị mất", "the byte order mark was lost"), _BOM + data
    yield Text("khoảng trắng bị thêm vào cuối tệp", "white space was appended"), data.rstrip(b" \t\r\n")
    yield Text("ký tự NUL bị thêm vào cuối tệp", "NUL bytes were appended"), data.rstrip(b"\0")
    yield Text("dấu xuống dòng cuối tệp bị mất", "the last line end was lost"), data + b"\n"
    yield Text("dấu xuống dòng cuối tệp bị mất", "the last line end was lost"), data + b"\r\n"
    yield from _cut_to_size(data)
    yield from _encoded_otherwise(data)


def _cut_to_size(data: bytes) -> Iterator[tuple[Text, bytes]]:
    appended = Text("dữ liệu lạ bị thêm vào cuối tệp", "foreign bytes were appended")
    for mark in _ENDS:
        place = data.rfind(mark)
        if place >= 0:
            end = place + len(mark)
            for tail in (b"", b"\n", b"\r\n", b"\r"):
                if data.startswith(tail, end):
                    yield appended, data[: end + len(tail)]
    if len(data) % 2 == 0:
        yield Text("nội dung bị lặp lại hai lần", "the content stands there twice"), data[: len(data) // 2]
    for gap in (b"\r\n\r\n", b"\n\n"):
        head, found, body = data.partition(gap)
        if found and all(_HEADER_LINE.match(line) for line in head.splitlines()):
            yield Text("dòng tiêu đề thư bị thêm vào đầu tệp", "lines of a mail header were put in front"), body


_ENDS = (b"%%EOF", b">", b"}")
"""What ends a PDF, XML or JSON: bytes after the last one were appended."""

_HEADER_LINE = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*:|[ \t])")


def _encoded_otherwise(data: bytes) -> Iterator[tuple[Text, bytes]]:
    with contextlib.suppress(binascii.Error):
        plain = base64.b64decode(b"".join(data.split()), validate=True)
        yield Text("tệp còn ở dạng mã base64", "the file is still encoded in base64"), plain
    encoded = Text("bảng mã UTF-16 bị đổi thành UTF-8", "UTF-16 was turned into UTF-8")
    decoded = Text("bảng mã UTF-8 bị đổi thành UTF-16", "UTF-8 was turned into UTF-16")
    with contextlib.suppress(UnicodeDecodeError):
        yield encoded, data.decode("utf-8-sig").encode("utf-16")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        with contextlib.suppress(UnicodeDecodeError):
            yield decoded, data.decode("utf-16").encode()
