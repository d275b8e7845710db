"""What a hub refuses, in one place: each with its sentence, its remedy and its number on the wire.

No public source has the axis' own table of errors; only 0 is certain. Numbers below 100 are those of the LGSP dialect
(axis-http.md §2), used wherever one fits; those from 100 are ours. `edocx` clients go by the ``EDX-…`` code beside it.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from edocx.errors import EdocxError, LimitExceeded, Refused, StateError, Text, Unavailable, UnitError, UsageError


class Wire(NamedTuple):
    """How a refusal is answered: ErrorCode, and the HTTP status (which official clients ignore)."""

    number: str
    status: int


SYSTEM = Wire("20", 500)
AWAY = Wire("20", 503)

_WIRE = {
    "EDX-HUB-UNSIGNED": Wire("15", 401),
    "EDX-HUB-SIGNATURE": Wire("15", 401),
    "EDX-HUB-HEADERS": Wire("15", 401),
    "EDX-HUB-NON-ASCII": Wire("15", 401),
    "EDX-HUB-STALE": Wire("15", 401),
    "EDX-HUB-PLAIN-HTTP": Wire("100", 403),
    "EDX-HUB-SENDER": Wire("19", 403),
    "EDX-HUB-SUBTREE": Wire("19", 403),
    "EDX-UNIT-UNKNOWN": Wire("18", 422),
    "EDX-UNIT-CLOSED": Wire("23", 422),
    "EDX-UNIT-NOT-OPEN": Wire("18", 422),
    "EDX-HUB-NOBODY": Wire("18", 422),
    "EDX-HUB-HASH": Wire("10", 422),
    "EDX-HUB-EMPTY": Wire("10", 422),
    "EDX-HUB-CUT": Wire("10", 400),
    "EDX-HUB-KIND": Wire("22", 422),
    "EDX-HUB-INCOMPLETE": Wire("22", 422),
    "EDX-PARCEL-CONFLICT": Wire("101", 409),
    "EDX-HUB-UNKNOWN": Wire("102", 404),
    "EDX-HUB-SETTLED": Wire("103", 409),
    "EDX-HUB-PARAMETER": Wire("104", 400),
    "EDX-HUB-PATH": Wire("105", 404),
    "EDX-HUB-METHOD": Wire("105", 405),
    "EDX-HUB-LENGTH": Wire("106", 411),
    "EDX-HUB-SIZE": Wire("107", 413),
    "EDX-HUB-RATE": Wire("108", 429),
    "EDX-HUB-LOOP": Wire("109", 409),
    "EDX-HUB-SLOW": Wire("110", 408),
    "EDX-HUB-UNSEALED": Wire("111", 422),
    "EDX-HUB-SEAL": Wire("112", 422),
    "EDX-HUB-SEALER": Wire("113", 422),
    "EDX-HUB-UNSIGNED-FILES": Wire("114", 422),
    "EDX-HUB-FILE-SIGNATURE": Wire("115", 422),
    "EDX-HUB-MALWARE": Wire("116", 422),
    "EDX-HUB-SCANNER": Wire("117", 503),
    "EDX-HUB-SECRET": Wire("118", 422),
    "EDX-HUB-TAKES-SIZE": Wire("119", 422),
    "EDX-HUB-TAKES-TYPE": Wire("120", 422),
    "EDX-PAYLOAD-ERASED": Wire("121", 410),
    # A caller's own words, of which the hub's parts know nothing: an id that cannot be one, a value too long to keep.
    "EDX-ID": Wire("104", 400),
    "EDX-STORE-VALUE": Wire("104", 400),
}
_BY_KIND = (
    (LimitExceeded, Wire("107", 413)),
    (UnitError, Wire("18", 422)),
    (UsageError, Wire("104", 400)),
    (Unavailable, AWAY),
)
_OF_THE_FILE = ("EDX-XML", "EDX-ENVELOPE", "EDX-STATUS", "EDX-FILE-EMPTY", "EDX-ZIP", "EDX-ATTACHMENT", "EDX-SEAL")
"""Beginnings of the codes that speak of what a caller sent, not of the hub's own files."""


def wire_of(error: EdocxError) -> Wire:
    """Return how an error is answered; whatever has no row is the hub's own trouble."""
    if error.code in _WIRE:
        return _WIRE[error.code]
    if error.code.startswith(_OF_THE_FILE):
        return Wire("22", 422)
    if error.code.startswith("EDX-STORE"):
        return AWAY
    return next((wire for kind, wire in _BY_KIND if isinstance(error, kind)), SYSTEM)


def ascii_of(text: str) -> str:
    """Return a sentence without its diacritics: official clients read ErrorDesc as US-ASCII (axis-http.md §1.6)."""
    plain = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    plain = plain.replace("“", '"').replace("”", '"').replace("–", "-").replace("…", "...")
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return letters.encode("ascii", "replace").decode("ascii")


_ASK = Text("Liên hệ đơn vị vận hành trục.", "Ask whoever runs the axis.")
_KEYS = Text("Kiểm tra systemid và secret trong cấu hình.", "Check systemid and secret in the client's properties.")


def unsigned() -> Refused:
    """Return the refusal of a call without signed headers (`downloadEdoc2` sends none)."""
    return Refused(
        Text("Yêu cầu không có chữ ký tiêu đề.", "The call carries no signed headers."),
        hint=_KEYS,
        code="EDX-HUB-UNSIGNED",
    )


def bad_signature() -> Refused:
    """Return the refusal of a wrong HMAC or an unknown system: one answer, so that nobody can probe for codes."""
    return Refused(Text("Sai systemid hoặc secret.", "Wrong systemid or secret."), hint=_KEYS, code="EDX-HUB-SIGNATURE")


def bad_headers(which: str) -> Refused:
    """Return the refusal of headers that are not those which were signed."""
    return Refused(
        Text(f"Tiêu đề {which} không khớp với phần đã ký.", f"The header {which} is not as it was signed."),
        hint=Text("Kiểm tra máy chủ trung gian có sửa tiêu đề không.", "Check whether a proxy changes headers."),
        code="EDX-HUB-HEADERS",
        where=which,
    )


def not_ascii() -> Refused:
    """Return the refusal of headers whose bytes the official client mangled (axis-http.md §1.3)."""
    return Refused(
        Text(
            "Tiêu đề có ký tự có dấu mà ứng dụng gửi đã làm hỏng; chỉ dùng ký tự không dấu ở thao tác này.",
            "A header held letters beyond ASCII, which the client mangled; use plain letters in this operation.",
        ),
        hint=Text("Bỏ dấu trong mô tả và tên tệp.", "Write descriptions and names without diacritics."),
        code="EDX-HUB-NON-ASCII",
    )


def too_old() -> Refused:
    """Return the refusal of a timestamp older than this agency's own limit."""
    return Refused(
        Text("Dấu thời gian của yêu cầu đã quá cũ.", "The call's timestamp is older than allowed."),
        hint=Text("Khởi động lại ứng dụng gửi.", "Restart the client; its timestamp is made once."),
        code="EDX-HUB-STALE",
    )


def plain_http() -> Refused:
    """Return the refusal of http from another machine."""
    return Refused(
        Text("Trục không nhận http từ máy khác.", "This hub answers no plain http from other machines."),
        hint=Text("Dùng https, hoặc bật plain_http trong hub.toml.", "Use https, or set plain_http in hub.toml."),
        code="EDX-HUB-PLAIN-HTTP",
    )


def wrong_sender(claimed: str, registered: str) -> UnitError:
    """Return the refusal of mail in another's name, in the axis' own words (axis-http.md §1.6)."""
    return UnitError(
        Text(
            f"Đơn vị gửi {claimed} không đúng với mã đã đăng ký: {registered}",
            f"The sender {claimed} is not the registered {registered}.",
        ),
        hint=Text("Đặt From/OrganId đúng mã đã đăng ký.", "Set From/OrganId to the registered code."),
        code="EDX-HUB-SENDER",
        where=claimed,
    )


def unknown_units(codes: tuple[str, ...], nearest: str | None = None) -> UnitError:
    """Return the refusal that names every unit nobody knows."""
    names = ", ".join(codes[:5]) + (" …" if len(codes) > 5 else "")  # noqa: PLR2004 - a readable sentence
    return UnitError(
        Text(f"Đơn vị nhận không tồn tại: {names}.", f"The axis does not know: {names}."),
        hint=Text(
            "Kiểm tra mã định danh; văn bản chưa được gửi cho ai.", "Check the codes; nothing was given to anybody."
        ),
        code="EDX-UNIT-UNKNOWN",
        where=codes[0],
        nearest=nearest,
    )


def closed_unit(code: str, successors: tuple[str, ...]) -> UnitError:
    """Return the refusal that names a closed unit and who took over."""
    heirs = ", ".join(successors)
    return UnitError(
        Text(
            f"Đơn vị nhận {code} đã khóa" + (f"; gửi cho: {heirs}." if heirs else "."),
            f"{code} is closed" + (f"; send to {heirs}." if heirs else "."),
        ),
        hint=Text("Gửi cho đơn vị kế thừa; văn bản chưa được gửi cho ai.", "Send to its successor; nothing was sent."),
        code="EDX-UNIT-CLOSED",
        where=code,
        successors=successors,
    )


def nobody() -> Refused:
    """Return the refusal of mail without a recipient."""
    return Refused(
        Text("Văn bản không có nơi nhận.", "There is no recipient."),
        hint=Text("Ghi To trong edXML hoặc tiêu đề to.", "Name one in To of the edXML or in the header."),
        code="EDX-HUB-NOBODY",
    )


def wrong_hash() -> Refused:
    """Return the refusal of a body that is not the one whose hash was signed."""
    return Refused(
        Text("Giá trị băm không khớp với tệp nhận được.", "The hash does not fit the file received."),
        hint=Text("Gửi lại; tệp bị hỏng hoặc bị thay trên đường.", "Send again; the file was damaged or replaced."),
        code="EDX-HUB-HASH",
    )


def empty_body() -> Refused:
    """Return the refusal of a call without the file it needs."""
    return Refused(
        Text("Không có nội dung tệp.", "There is no file in the call."),
        hint=Text("Gửi kèm tệp edXML.", "Send the edXML file with it."),
        code="EDX-HUB-EMPTY",
    )


def cut_body() -> Refused:
    """Return the refusal of a body that ended early."""
    return Refused(
        Text("Tệp bị ngắt giữa chừng.", "The body ended early."),
        hint=Text("Gửi lại.", "Send it again."),
        code="EDX-HUB-CUT",
        retryable=True,
    )


def slow_body() -> Refused:
    """Return the refusal of a body that stopped coming."""
    return Refused(
        Text("Tệp ngừng truyền quá lâu.", "The body stopped coming for too long."),
        hint=Text("Kiểm tra đường truyền rồi gửi lại.", "Check the line and send again."),
        code="EDX-HUB-SLOW",
        retryable=True,
    )


def too_large(limit: int) -> LimitExceeded:
    """Return the refusal of a body beyond the limit."""
    return LimitExceeded(
        Text(f"Tệp vượt giới hạn {limit} byte.", f"The body passes the limit of {limit} bytes."),
        hint=Text("Chia nhỏ tệp đính kèm.", "Split the attachments."),
        code="EDX-HUB-SIZE",
    )


def wrong_kind(told: str) -> Refused:
    """Return the refusal of a document sent as a status, or the other way round."""
    return Refused(
        Text(f"Nội dung không phải loại {told}.", f"The content is no {told}."),
        hint=Text("Đặt messagetype đúng với nội dung.", "Set messagetype to what is sent."),
        code="EDX-HUB-KIND",
    )


def incomplete(what: str) -> Refused:
    """Return the refusal of an envelope that lacks what delivery needs."""
    return Refused(
        Text(f"edXML thiếu {what}.", f"The edXML lacks {what}."),
        hint=Text("Bổ sung rồi gửi lại.", "Supply it and send again."),
        code="EDX-HUB-INCOMPLETE",
        where=what,
    )


def unknown_document(doc_id: str) -> StateError:
    """Return the answer for a docId that is not the caller's: the same whether it exists or not."""
    return StateError(
        Text("Không có văn bản này.", "There is no such document."),
        hint=Text("Lấy lại danh sách.", "List again."),
        code="EDX-HUB-UNKNOWN",
        where=doc_id if doc_id.isascii() and doc_id.isprintable() else None,
    )


def settled() -> StateError:
    """Return the refusal to take back a `done`: what was acknowledged stays so (axis-http.md §1.8)."""
    return StateError(
        Text("Văn bản đã được xác nhận hoàn tất.", "The document was acknowledged already."),
        hint=Text("Không cần cập nhật lại.", "There is nothing to update."),
        code="EDX-HUB-SETTLED",
    )


def bad_parameter(name: str) -> UsageError:
    """Return the refusal of a parameter that cannot be right, or is not there."""
    return UsageError(
        Text(f"Tham số {name} thiếu hoặc không hợp lệ.", f"The parameter {name} is missing or not right."),
        hint=Text("Xem mô tả thao tác.", "See how the operation is called."),
        code="EDX-HUB-PARAMETER",
        where=name,
    )


def outside_subtree() -> Refused:
    """Return the refusal of a wish about an agency that does not stand below the caller."""
    return Refused(
        Text("Đơn vị này không thuộc phạm vi của đơn vị yêu cầu.", "That agency does not stand below the caller."),
        hint=_ASK,
        code="EDX-HUB-SUBTREE",
    )


def too_many_requests() -> Refused:
    """Return the refusal of calls beyond the agency's rate."""
    return Refused(
        Text("Quá số yêu cầu cho phép trong một phút.", "More calls than allowed in a minute."),
        hint=Text("Gọi thưa hơn.", "Call less often."),
        code="EDX-HUB-RATE",
        retryable=True,
    )


def too_many_wishes() -> Refused:
    """Return the refusal of one more wish about the register than may wait for an administrator."""
    return Refused(
        Text("Quá nhiều yêu cầu đang chờ quản trị duyệt.", "Too many wishes wait for an administrator."),
        hint=_ASK,
        code="EDX-HUB-RATE",
        retryable=True,
    )


def too_many_of_one_stamp() -> Refused:
    """Return the refusal of one more wish under a timestamp, or under old ones, than may wait for an administrator."""
    return Refused(
        Text(
            "Quá nhiều yêu cầu chờ duyệt dưới cùng một dấu thời gian (hoặc dấu thời gian cũ).",
            "Too many wishes wait for an administrator under one timestamp, or under old ones.",
        ),
        hint=Text(
            "Khởi động lại ứng dụng (dấu thời gian được tạo một lần), hoặc chờ quản trị duyệt.",
            "Restart the client (its timestamp is made once), or wait for the administrator.",
        ),
        code="EDX-HUB-RATE",
        retryable=True,
    )


def no_such_path(*, method: bool = False) -> UsageError:
    """Return the refusal of a path or method that does not exist."""
    return UsageError(
        Text("Không có thao tác này.", "There is no such operation."),
        hint=Text("Kiểm tra đường dẫn và phương thức.", "Check path and method."),
        code="EDX-HUB-METHOD" if method else "EDX-HUB-PATH",
    )


def needs_length() -> UsageError:
    """Return the refusal of a chunked upload where the dialect demands Content-Length."""
    return UsageError(
        Text("Thiếu Content-Length.", "Content-Length is missing."),
        hint=Text("Không gửi chunked.", "Do not send it chunked."),
        code="EDX-HUB-LENGTH",
    )


def loop(node: str) -> Refused:
    """Return the refusal of an envelope that comes back to where it was."""
    return Refused(
        Text("Văn bản quay lại nơi đã đi qua.", "The envelope came back to where it had been."),
        hint=Text("Sửa bảng tuyến giữa các trục.", "Mend the routes between the hubs."),
        code="EDX-HUB-LOOP",
        where=node,
    )
