"""The list of tolerated deviations: what each is, how bad, who chokes on it, and whether a seal can survive it.

A quirk says that the envelope was read although it is not as written for the axis. What could not be
read is no quirk but a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict

from edocx.envelope.model import Severity

AXIS, DOTNET, LGSP = "axis", "dotnet", "lgsp"
_NET = frozenset((DOTNET, LGSP))
_ALL = frozenset((AXIS, DOTNET, LGSP))
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Quirk:
    """One tolerated deviation.

    Attributes:
        id: stable name.
        vi, en: one sentence.
        example: what it looks like on the wire.
        severity: "info" for what harms nobody, "warning" for what some reader gets wrong.
        spoils_seal: it cannot coexist with a seal that every verifier accepts.
        chokes: the peers ("axis", "dotnet", "lgsp") that refuse or misread such an envelope.
    """

    id: str
    vi: str
    en: str
    example: str
    severity: Severity = "warning"
    spoils_seal: bool = False
    chokes: frozenset[str] = _NONE


class UsedQuirk(BaseModel):
    """A quirk met in an envelope, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    vi: str
    en: str
    where: str | None = None


_LIST: Final = (
    Quirk(
        "leading-junk",
        "Có ký tự thừa trước thẻ đầu tiên.",
        "Characters stand before the first tag.",
        '1212<?xml version="1.0"?>',
        spoils_seal=True,
        chokes=_ALL,
    ),
    Quirk(
        "byte-order-mark",
        "Tệp bắt đầu bằng dấu thứ tự byte (BOM).",
        "The file begins with a byte order mark.",
        "EF BB BF 3C 3F",
        "info",
    ),
    Quirk(
        "declaration",
        "Khai báo XML nói sai phiên bản hoặc bảng mã; đã đọc như XML 1.0, UTF-8.",
        "The XML declaration names another version or encoding; it was read as XML 1.0 in UTF-8.",
        '<?xml version="1.1" encoding="US-ASCII"?>',
        spoils_seal=True,
        chokes=_ALL,
    ),
    Quirk("utf-16", "Tệp dùng UTF-16 thay vì UTF-8.", "The file is UTF-16, not UTF-8.", "FF FE 3C 00", chokes=_NET),
    Quirk(
        "processing-instruction",
        "Có chỉ thị xử lý hoặc chú thích trước thẻ gốc; đã bỏ qua.",
        "An instruction or comment stands before the root; it was ignored.",
        "<?xml-stylesheet href=…?>",
        "info",
    ),
    Quirk(
        "undeclared-prefix",
        "Có tiền tố không gian tên chưa khai báo.",
        "A namespace prefix is used without being declared.",
        "<edXML:AttachmentEncoded> ngoài phong bì",
        spoils_seal=True,
        chokes=_NET,
    ),
    Quirk(
        "root-name",
        "Thẻ gốc không phải là edXML.",
        "The root element is not edXML.",
        "<root xmlns=…>",
        spoils_seal=True,
        chokes=_NET,
    ),
    Quirk(
        "namespace-go",
        "Không gian tên là http://www.go.vn/eDoc (dạng C).",
        "The namespace is http://www.go.vn/eDoc (dialect C).",
        '<edXMLEnvelope xmlns="http://www.go.vn/eDoc">',
        spoils_seal=True,
        chokes=_ALL,
    ),
    Quirk(
        "no-namespace-child",
        "Phần tử không có không gian tên được đọc như của edXML.",
        "An element without namespace was read as edXML's.",
        "<x:edXML xmlns:x=…><AttachmentEncoded/>",
        chokes=_NET,
    ),
    Quirk(
        "business-spelling",
        "Khối nghiệp vụ viết “Business” (dạng D); trình đọc chính thức làm mất khối này.",
        "The business block is spelt “Business” (dialect D); the official reader loses it.",
        "<edXML:Business>",
        chokes=_ALL,
    ),
    Quirk(
        "trace-business",
        "TraceHeader có thêm khối Business (dạng E); đã giữ lại, không dùng.",
        "A TraceHeader holds a Business block (dialect E); kept, not used.",
        "<edXML:TraceHeader>…<edXML:Business>",
        "info",
    ),
    Quirk(
        "trace-attribute-prefixed",
        "Thuộc tính của TraceHeaderList có tiền tố.",
        "TraceHeaderList's attributes have a prefix.",
        '<edXML:TraceHeaderList edXML:id="1">',
        "info",
    ),
    Quirk("manifest-name", "Bảng kê tên là Manifest.", "The manifest is called Manifest.", "<edXML:Manifest>", "info"),
    Quirk(
        "date-day-first",
        "Ngày viết theo thứ tự ngày/tháng/năm.",
        "The date is written day first.",
        "05/03/2024",
        chokes=_ALL,
    ),
    Quirk("date-iso", "Ngày viết theo ISO 8601.", "The date is written as in ISO 8601.", "2024-03-05", chokes=_ALL),
    Quirk(
        "date-with-time",
        "Trường ngày có kèm giờ; đã lấy ngày theo giờ Việt Nam.",
        "A date field holds a time too; the day in Vietnam was taken.",
        "2024/03/05 00:00:00",
        chokes=frozenset((AXIS,)),
    ),
    Quirk(
        "time-without-clock",
        "Thời điểm chỉ có ngày; đã hiểu là 0 giờ.",
        "A moment has a date only; midnight was taken.",
        "<edXML:Timestamp>2024/03/05</edXML:Timestamp>",
    ),
    Quirk(
        "blank-padded",
        "Có khoảng trắng quanh giá trị; đã bỏ.",
        "Blanks stand around a value; they were dropped.",
        "<edXML:SteeringType> 1 </edXML:SteeringType>",
        chokes=_ALL,
    ),
    Quirk(
        "empty-number",
        "Phần tử số để trống; đã hiểu là không có.",
        "A numeric element is empty; it was taken as absent.",
        "<edXML:SteeringType/>",
        chokes=_ALL,
    ),
    Quirk(
        "number-as-word",
        "Số viết bằng chữ; đã đổi theo danh mục.",
        "A number is written as a word; the list was asked.",
        "<edXML:Priority>Khẩn</edXML:Priority>",
        chokes=_ALL,
    ),
    Quirk(
        "type-by-name",
        "Loại văn bản không khớp tên loại; đã theo tên.",
        "The document type contradicts its name; the name was followed.",
        "<edXML:Type>18</edXML:Type><edXML:TypeName>Công văn</edXML:TypeName>",
        "info",
    ),
    Quirk(
        "status-one-digit",
        "Mã trạng thái chỉ có một chữ số.",
        "The status code has one digit.",
        "<edXML:StatusCode>1</edXML:StatusCode>",
        chokes=_ALL,
    ),
    Quirk(
        "split-text",
        "Giá trị bị chú thích hoặc chỉ thị chia cắt; đã nối lại.",
        "A comment or instruction splits a value; its parts were joined.",
        "<edXML:Subject>V/v <!-- c --> thử</edXML:Subject>",
    ),
    Quirk(
        "cdata",
        "Giá trị nằm trong CDATA; có phần mềm chỉ đọc phần chữ đứng trước đó.",
        "A value stands in a CDATA section; some readers take only the text before it.",
        "<edXML:OrganId>000.00.00.H4<![CDATA[1]]></edXML:OrganId>",
        spoils_seal=True,
    ),
    Quirk(
        "not-nfc",
        "Chữ tiếng Việt không ở dạng NFC; đã chuẩn hoá.",
        "Vietnamese text is not in NFC; it was normalised.",
        "a + U+0306 thay cho ă",
        "info",
    ),
    Quirk(
        "cid-doubled",
        "Khoá tệp có nhiều tiền tố “cid:”.",
        "A ContentId has more than one “cid:”.",
        "cid:cid:ed3d6258",
        "info",
    ),
    Quirk(
        "name-from-manifest",
        "Tệp thiếu tên; đã lấy tên trong bảng kê.",
        "A file has no name; the manifest's was taken.",
        "<Attachment> không có AttachmentName",
        chokes=frozenset((AXIS,)),
    ),
    Quirk(
        "name-cleaned",
        "Tên tệp có đường dẫn hoặc ký tự cấm; đã làm sạch.",
        "A file name holds a path or forbidden characters; it was cleaned.",
        "..\\..\\cong-van.pdf",
    ),
    Quirk(
        "name-completed",
        "Tên tệp thiếu phần mở rộng; đã lấy theo tệp trong zip.",
        "A file name has no extension; the zip entry's was added.",
        "ghi chú + 90b3c957.txt",
        "info",
    ),
    Quirk(
        "zip-wrapped",
        "Tệp được nén trong zip một mục; đã mở ra.",
        "The file came in a one-entry zip, which was opened.",
        "<ContentType>application/zip</ContentType>",
        "info",
    ),
    Quirk(
        "zip-undeclared",
        "Tệp nén zip nhưng khai kiểu khác; đã mở ra.",
        "The file is zipped under another type; it was opened.",
        "application/pdf, PK…",
        chokes=frozenset((AXIS,)),
    ),
    Quirk(
        "zip-declared",
        "Tệp khai là zip nhưng không phải zip.",
        "The file calls itself a zip and is none.",
        "application/zip, %PDF-…",
        chokes=frozenset((AXIS,)),
    ),
    Quirk(
        "type-misspelt",
        "Kiểu nội dung viết sai; đã sửa.",
        "The content type is misspelt; it was corrected.",
        "application/xslx",
        "info",
    ),
    Quirk(
        "type-missing",
        "Tệp không khai kiểu nội dung; đã đoán theo tên.",
        "A file has no content type; the name decided.",
        "<Attachment> không có ContentType",
        chokes=frozenset((AXIS,)),
    ),
    Quirk("base64-wrapped", "Base64 có ngắt dòng.", "The base64 has line breaks.", "JVBERi0x\nLjQ=", "info"),
    Quirk(
        "base64-sloppy",
        "Base64 không chính tắc (khoảng trắng hoặc bit thừa khác 0).",
        "The base64 is not canonical (blanks, or spare bits that are not zero).",
        "QUJ=",
        spoils_seal=True,
    ),
    Quirk(
        "base64-split",
        "Base64 bị CDATA, chú thích hoặc thực thể chia cắt.",
        "CDATA, comments or references split the base64.",
        "<![CDATA[JVBERi0x]]>",
        spoils_seal=True,
    ),
)

QUIRKS: Final[Mapping[str, Quirk]] = MappingProxyType({quirk.id: quirk for quirk in _LIST})
"""Every quirk by its id."""


def used(quirk_id: str, where: str | None) -> UsedQuirk:
    """Return the record of a quirk that was met."""
    quirk = QUIRKS[quirk_id]
    return UsedQuirk(id=quirk.id, vi=quirk.vi, en=quirk.en, where=where)
