"""What is said of the places of fields on a page that another program typeset."""

from __future__ import annotations

from edocx.errors import Text
from edocx.signing.report import Message

NO_TEXT = Message.of(
    "EDX-FORM-NO-TEXT",
    "warning",
    Text(
        "Trang không có chữ (bản quét?): các ô nằm ở vị trí của Nghị định 30/2020; hãy xem trang trước khi ký.",
        "The page has no text (a scan?): the fields stand where NĐ 30/2020 puts them; look at the page before signing.",
    ),
)

UNREAD = Message.of(
    "EDX-PAGE-UNREAD",
    "warning",
    Text(
        "Chưa cài poppler-utils nên không đọc được chữ trên trang: chưa biết các ô có khớp với dòng chữ hay không.",
        "poppler-utils is not installed, so the words of the page are unknown: nobody looked whether fields fit them.",
    ),
)

NOT_FOUND = {
    "number": Message.of(
        "EDX-FORM-NOT-FOUND",
        "warning",
        Text(
            "Không thấy dòng “Số: …” trên trang 1: ô số nằm ở vị trí của Nghị định 30/2020.",
            "Page 1 has no line “Số: …”: the number's field stands where NĐ 30/2020 puts it.",
        ),
    ),
    "date": Message.of(
        "EDX-FORM-NOT-FOUND",
        "warning",
        Text(
            "Không thấy dòng “…, ngày … tháng … năm …” trên trang 1: ô ngày nằm ở vị trí của Nghị định 30/2020.",
            "Page 1 has no line “…, ngày … tháng … năm …”: the date's field stands where NĐ 30/2020 puts it.",
        ),
    ),
    "signatures": Message.of(
        "EDX-FORM-NOT-FOUND",
        "warning",
        Text(
            "Không thấy chức vụ và họ tên người ký: ô chữ ký nằm ở vị trí của Nghị định 30/2020. "
            "Dùng --near “HỌ TÊN”, --place hoặc --page để chỉ rõ.",
            "Title and name of the signatory were not found: signatures stand where NĐ 30/2020 puts them. "
            "Name the place with --near “NAME”, --place or --page.",
        ),
    ),
}

OVER_TEXT = Message.of(
    "EDX-FIELD-OVER-TEXT",
    "warning",
    Text(
        "Ô này nằm trên chữ đã in; những gì điền hoặc ký vào đó sẽ đè lên chữ. Để trống chỗ ấy trong dự thảo.",
        "This field stands over printed text, which whatever is filled in or signed will cover. Leave that place of "
        "the draft empty.",
    ),
)

NARROW = Message.of(
    "EDX-FIELD-NARROW",
    "warning",
    Text(
        "Chỗ trống trên dòng này hẹp hơn hai chữ số; nội dung điền vào sẽ bị ép. Chừa thêm chỗ trong dự thảo.",
        "The gap in this line is narrower than two digits, and what is filled in will be squeezed. Leave more room in "
        "the draft.",
    ),
)

MOVED = Message.of(
    "EDX-FIELD-MOVED",
    "warning",
    Text(
        "Ô này lẽ ra nằm một phần ngoài trang nên đã được dời vào trong trang.",
        "This field would have stood partly off the page, and was moved onto it.",
    ),
)


def said_of(message: Message, field: str) -> Message:
    """Say a message of a field by its name."""
    return message.model_copy(update={"where": field})
