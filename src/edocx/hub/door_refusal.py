"""What the door refuses for what is inside an envelope, or for what a recipient can take."""

from __future__ import annotations

from edocx.errors import Refused, Text


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
