"""What a hub refuses, in one place: callers, their headers and bodies, and what its door finds inside an envelope.

Each is a sentence in both languages, what to do about it, and a code; how it is answered is `edocx.hub.wire`'s to say.
"""

from __future__ import annotations

from edocx.errors import LimitExceeded, Refused, StateError, Text, UnitError, UsageError

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


def turned_away(code: str) -> UnitError:
    """Return the refusal of a copy that was refused for good before (`edocx.hub.promises`)."""
    return UnitError(
        Text(
            f"Trục này đã trả lời là không nhận văn bản này cho đơn vị {code}.",
            f"This hub said before that it does not take this document for {code}.",
        ),
        hint=Text("Gửi lại nếu vẫn cần.", "Send it again if it is still wanted."),
        code="EDX-UNIT-UNKNOWN",
        where=code,
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


def closed_sender(code: str) -> UnitError:
    """Return the refusal of what a closed agency sends; its code is that of any closed unit."""
    return UnitError(
        Text(f"Đơn vị gửi {code} đã bị khóa trên trục này.", f"The sender {code} is closed at this hub."),
        hint=Text(
            "Văn bản chưa được gửi cho ai. Liên hệ đơn vị vận hành trục để mở lại.",
            "Nothing was given to anybody. Ask whoever runs the axis to open it again.",
        ),
        code="EDX-UNIT-CLOSED",
        where=code,
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


def shut_agency(code: str) -> Refused:
    """Return the refusal to change a closed agency: that would open it again without a word."""
    return Refused(
        Text(f"Đơn vị {code} đã bị khóa.", f"The agency {code} is closed."),
        hint=Text(
            f"Nếu muốn mở lại: `edocx hub agencies reopen {code}`, rồi mới sửa.",
            f"To open it again: `edocx hub agencies reopen {code}`, and change it then.",
        ),
        code="EDX-HUB-SHUT",
        where=code,
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


def no_line(code: str) -> Refused:
    """Return the refusal of what would have to go to a neighbouring hub that this one has no line to.

    Also for who sends: taken in, it would wait for nobody knows what. Once there is a line, sending again helps.
    """
    return Refused(
        Text(f"Chưa có kết nối tới trục {code}.", f"There is no line to the hub {code}."),
        hint=Text(
            "Người vận hành trục: khai báo [[peers]] và bí mật (`edocx hub agencies outgoing`), hoặc sửa nơi kết nối"
            " của đơn vị (`edocx hub agencies add … --served-by`).",
            "Whoever runs the hub: name it in [[peers]] and give its secret (`edocx hub agencies outgoing`), or mend"
            " where the agency is reached (`edocx hub agencies add … --served-by`).",
        ),
        code="EDX-HUB-LINE",
        where=code,
        retryable=True,
    )


def unsealed() -> Refused:
    """Return the refusal of an envelope without a seal."""
    return Refused(
        Text("Gói tin không có chữ ký số của cơ quan gửi.", "The envelope carries no seal of its sender."),
        hint=Text(
            "Ký số gói tin bằng chứng thư của cơ quan rồi gửi lại.", "Seal it with the agency's key; send again."
        ),
        code="EDX-HUB-UNSEALED",
    )


def bad_seal(reason: str) -> Refused:
    """Return the refusal of a seal that did not pass, with the indication of EN 319 102-1."""
    return Refused(
        Text(f"Chữ ký số của gói tin không đạt ({reason}).", f"The envelope's seal did not pass ({reason})."),
        hint=Text("Kiểm tra chứng thư và gói tin bằng `edocx verify`.", "Check certificate and file: `edocx verify`."),
        code="EDX-HUB-SEAL",
        where=reason,
    )


def foreign_seal(sender: str) -> Refused:
    """Return the refusal of a seal that is not the sender's by the registry."""
    return Refused(
        Text(
            f"Chứng thư ký gói tin không phải của cơ quan {sender} theo sổ đăng ký.",
            f"By the registry the envelope was not sealed with a key of {sender}.",
        ),
        hint=Text("Ký bằng chứng thư đã đăng ký của cơ quan gửi.", "Seal it with the sender's registered key."),
        code="EDX-HUB-SEALER",
        where=sender,
    )


def unsigned_files() -> Refused:
    """Return the refusal of a document none of whose files is signed."""
    return Refused(
        Text("Không tệp nào của văn bản được ký số.", "No file of the document is signed."),
        hint=Text("Ký số tệp văn bản rồi gửi lại.", "Sign the document's file and send again."),
        code="EDX-HUB-UNSIGNED-FILES",
    )


def bad_file(number: int, reason: str) -> Refused:
    """Return the refusal of a file whose signatures did not pass; it is named by its place, not by its name."""
    return Refused(
        Text(f"Chữ ký số của tệp thứ {number} không đạt ({reason}).", f"File {number}: signature not good ({reason})."),
        hint=Text("Kiểm tra tệp bằng `edocx verify`.", "Check the file: `edocx verify`."),
        code="EDX-HUB-FILE-SIGNATURE",
        where=str(number),
    )


def malware(number: int) -> Refused:
    """Return the refusal of a file in which malware was found."""
    return Refused(
        Text(f"Tệp thứ {number} chứa mã độc.", f"File {number} holds malware."),
        hint=Text(
            "Quét máy của đơn vị gửi; thay tệp sạch rồi gửi lại.", "Scan the sender's machine; send a clean file."
        ),
        code="EDX-HUB-MALWARE",
        where=str(number),
    )


def state_secret() -> Refused:
    """Return the refusal of what is marked as a state secret (QĐ 28/2018/QĐ-TTg Điều 1)."""
    return Refused(
        Text(
            "Văn bản mang dấu chỉ độ mật: không được gửi qua trục (QĐ 28/2018 Điều 1).",
            "The document is marked as a state secret: it may not pass the axis (QĐ 28/2018 Điều 1).",
        ),
        hint=Text("Xử lý theo quy định về bí mật nhà nước.", "Handle it as the law on state secrets says."),
        code="EDX-HUB-SECRET",
    )


def takes_less(code: str, limit: int) -> Refused:
    """Return the refusal of a message larger than a recipient can take."""
    return Refused(
        Text(f"Đơn vị nhận {code} chỉ nhận gói đến {limit} byte.", f"{code} takes messages of up to {limit} bytes."),
        hint=Text("Chia nhỏ tệp; văn bản chưa được gửi cho ai.", "Split the files; nothing was given to anybody."),
        code="EDX-HUB-TAKES-SIZE",
        where=code,
    )


def takes_other_types(code: str, types: tuple[str, ...]) -> Refused:
    """Return the refusal of a kind of file that a recipient cannot take."""
    allowed = ", ".join(types)
    return Refused(
        Text(f"Đơn vị nhận {code} chỉ nhận tệp: {allowed}.", f"{code} takes only these files: {allowed}."),
        hint=Text("Chuyển định dạng; văn bản chưa được gửi cho ai.", "Convert it; nothing was given to anybody."),
        code="EDX-HUB-TAKES-TYPE",
        where=code,
    )
