"""State secrets are refused outright: the axis is not for them.

QĐ 28/2018/QĐ-TTg Điều 1 leaves them out; Luật Bảo vệ bí mật nhà nước 117/2025/QH15 Điều 5 forbids to draft or keep
them on machines with a network. A mark is looked for in what describes a document, not in its pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edocx.documents import Draft
from edocx.envelope.model import Envelope
from edocx.envelope.secrecy import is_marked, is_secret
from edocx.errors import InputError, Refused, Text
from edocx.signing.pdf.document import HEADER, HEADER_WITHIN, MALFORMED, open_pdf

__all__ = ["is_marked", "is_secret", "require_not_secret", "require_unmarked"]

_INFO = ("/Title", "/Subject", "/Keywords")
"""The entries of a PDF's information dictionary that word processors fill from a document's properties."""


def require_not_secret(draft: Draft) -> None:
    """Raise `Refused` (``EDX-SECRET``) when a draft, its PDF or an attachment is marked as a state secret."""
    for where, text in _texts(draft):
        if is_secret(text):
            raise _secret(where)


def require_unmarked(envelope: Envelope) -> None:
    """Raise `Refused` (``EDX-SECRET``) for a received envelope that is marked: it can be returned, not taken."""
    if is_marked(envelope):
        raise _secret(envelope.document_id)


def _secret(where: str | None) -> Refused:
    return Refused(
        Text(
            "Văn bản hoặc tệp mang dấu chỉ độ mật: bí mật nhà nước không được soạn thảo, lưu giữ trên máy nối"
            " mạng và không được gửi qua trục (Luật BVBMNN 117/2025/QH15 Điều 5; QĐ 28/2018 Điều 1).",
            "The document or a file is marked as a state secret: those may not be drafted or kept on networked"
            " machines nor sent through the axis (Law 117/2025/QH15 Điều 5; QĐ 28/2018 Điều 1).",
        ),
        hint=Text(
            "Gỡ văn bản khỏi máy này và xử lý theo quy định về bí mật nhà nước; nếu đánh dấu nhầm, sửa dấu.",
            "Take it off this machine and handle it as the law on state secrets says; correct a mistaken mark.",
        ),
        code="EDX-SECRET",
        where=where,
    )


def _texts(draft: Draft) -> Iterator[tuple[str, str]]:
    for name in ("subject", "content", "notation"):
        yield name, getattr(draft, name)
    for file in (draft.pdf, *draft.attachments):
        yield str(file), file.stem
        for text in _properties(file):
            yield str(file), text


def _properties(file: Path) -> list[str]:
    """Return a PDF's own description; nothing for other files and for what cannot be read (others refuse that)."""
    try:
        with file.open("rb") as stream:
            if HEADER not in stream.read(HEADER_WITHIN):
                return []
        with open_pdf(file) as reader:
            info = reader.trailer["/Info"]
            return [str(info[name]) for name in _INFO if name in info]
    except (*MALFORMED, InputError, OSError):
        return []
