"""Drafts that wait for a signatory whose key is elsewhere: ``edocx office awaiting | complete``."""

from __future__ import annotations

from pathlib import Path

import typer

from edocx.cli.office_care import JSON, OFFICE, opened
from edocx.cli.office_view import show_table
from edocx.cli.output import emit_json, say
from edocx.errors import InputError, Text

MAX_SIGNATURE = 4096
"""Bytes read of a signature file: RSA-4096 needs 512, twice that as text; more is another file by mistake."""


def awaiting(
    extract: Path | None = typer.Option(
        None, "--extract", metavar="DIR", help="Lưu PDF cần ký / save what is to be signed."
    ),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Dự thảo chờ người có thẩm quyền ký. / Drafts that wait for their signatory."""
    with opened(office) as desk:
        waiting = desk.awaiting()
        if extract is not None:
            extract.mkdir(parents=True, exist_ok=True)
            for one in waiting:
                one.pdf.save(extract / f"{one.pdf.sha256}.pdf")
    if as_json:
        drafts = [
            {
                "draft": one.id,
                "by": one.by,
                "subject": one.draft.subject,
                "digest": one.digest.hex(),
                "hash": one.hash_name,
                "scheme": one.scheme,
                "sha256": one.pdf.sha256,
            }
            for one in waiting
        ]
        emit_json({"schema": 1, "awaiting": drafts})
        return
    if not waiting:
        say(Text("Không có dự thảo nào chờ ký.", "No draft waits for a signature."))
        return
    heads = (Text("Dự thảo", "Draft"), Text("Khóa", "Key"), Text("Trích yếu", "Subject"))
    show_table(heads, ([one.id, one.by, one.draft.subject] for one in waiting))


def complete(
    draft: str = typer.Argument(..., metavar="DRAFT", help="Mã dự thảo / the draft's id."),
    signature: Path | None = typer.Option(
        None,
        "--signature",
        metavar="FILE",
        help="Chữ ký của giá trị băm, không có thì hỏi lại khóa / else the key is asked.",
    ),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Hoàn tất dự thảo đang chờ ký. / Finish a draft that waits for its signature."""
    value = None if signature is None else _signature_in(signature)
    with opened(office) as desk:
        approved = desk.complete_approval(draft, value)
    if as_json:
        emit_json({"schema": 1, "draft": approved.id, "by": approved.by, "sha256": approved.pdf.sha256})
        return
    say(Text(f"Đã ký dự thảo {approved.id}", f"Signed draft {approved.id}"))
    say(Text(f"Tiếp theo: edocx office issue {approved.id}", f"Next: edocx office issue {approved.id}"))


def _signature_in(file: Path) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(MAX_SIGNATURE + 1)
    if not data or len(data) > MAX_SIGNATURE:
        raise InputError(
            Text("Tệp này không phải là giá trị chữ ký.", "The file is no signature value."),
            hint=Text("Cần các byte của chữ ký (RSA, hoặc ECDSA dạng DER).", "Give its bytes (RSA, or ECDSA as DER)."),
            code="EDX-SIGN-VALUE",
            where=str(file),
        )
    return data
