"""What the signatures in a document still permit (DocMDP, FieldMDP; ISO 32000-2 12.8.2)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, MDPPerm

from edocx.errors import SigningRefused, Text


def closed_to(
    reader: PdfFileReader, touched: AbstractSet[str], source: Path, *, visible: bool
) -> SigningRefused | None:
    """Return why a document takes no signature that touches these fields, or no new field that shows something.

    pyHanko looks at certifying signatures alone; a seal locks the file through its field (ISO 32000-2 12.7.5.5). A new
    field with a place on the page (``visible``) after a certifying signature makes validators call that one broken.
    """
    for earlier in reader.embedded_regular_signatures:
        lock = earlier.fieldmdp
        locked = lock is not None and any(lock.is_locked(name) for name in touched)
        whole = lock is not None and lock.action is FieldMDPAction.ALL
        if earlier.docmdp_level is MDPPerm.NO_CHANGES or locked or whole:
            return not_permitted(None, source)
    if visible and "/Perms" in reader.root and "/DocMDP" in reader.root["/Perms"]:
        return SigningRefused(
            Text(
                "Chữ ký trước không cho thêm hình chữ ký ngoài các ô có sẵn: thêm vào là làm hỏng chữ ký đó.",
                "An earlier signature permits no new visible field: adding one would break that signature.",
            ),
            hint=Text(
                "Ký không hiển thị (bỏ --image); hoặc ký lại từ bản chưa ký, tạo đủ ô trước bằng `edocx form`.",
                "Sign invisibly (without --image); or start from the unsigned file, with `edocx form` first.",
            ),
            code="EDX-SIGN-CERTIFIED",
            where=str(source),
        )
    return None


def not_permitted(error: Exception | None, source: Path) -> SigningRefused:
    """Make the refusal of a document that is locked, or whose field is signed (``EDX-PDF-LOCKED``)."""
    detail = f" ({error})" if error is not None else ""
    return SigningRefused(
        Text("Tệp PDF không cho phép thêm chữ ký này.", "The PDF does not permit this signature."),
        hint=Text(
            "Trường đã ký, hoặc tệp đã được khóa bởi chữ ký trước; dùng bản chưa ký.",
            f"The field is signed already or an earlier signature locks the file; use an unsigned copy.{detail}",
        ),
        code="EDX-PDF-LOCKED",
        where=str(source),
    )
