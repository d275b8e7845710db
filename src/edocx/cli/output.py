"""What the commands say: one language, one stable JSON value, one shape for errors."""

from __future__ import annotations

import errno
import locale
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from edocx.errors import EdocxError, InputError, StoreUnavailable, Text

_language = "vi"


def take_language(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Take ``--lang vi|en`` out of the arguments, wherever it stands; without it the locale decides."""
    rest, chosen = list(arguments), ""
    for place, word in enumerate(rest):
        if word == "--lang" and place + 1 < len(rest) and rest[place + 1] in {"vi", "en"}:
            chosen = rest[place + 1]
            del rest[place : place + 2]
            break
        if word in {"--lang=vi", "--lang=en"}:
            chosen = word[-2:]
            del rest[place]
            break
    if not chosen:
        named = next((os.environ[k] for k in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(k)), "")
        chosen = "vi" if named.startswith("vi") or (locale.getlocale()[0] or "").startswith("vi") else "en"
    return chosen, rest


def set_language(language: str) -> None:
    """Choose the language of everything said from here on."""
    global _language  # noqa: PLW0603 - one process speaks one language
    _language = language


def language() -> str:
    """Return "vi" or "en"."""
    return _language


def say(text: Text | str) -> None:
    """Print a line for people on stdout."""
    line = text if isinstance(text, str) else text.in_language(_language)
    print(line)


def emit_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON value on stdout: UTF-8, NFC, never escaped."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    sys.stdout.buffer.write(unicodedata.normalize("NFC", text).encode() + b"\n")
    sys.stdout.flush()


def error_json(error: EdocxError) -> dict[str, Any]:
    """Return the error object of the contract."""
    return {
        "code": error.code,
        "vi": error.text.vi,
        "en": error.text.en,
        "hint": {"vi": error.hint.vi, "en": error.hint.en},
        "where": error.where,
        "retryable": error.retryable,
    }


def fail(error: EdocxError, *, as_json: bool = False) -> int:
    """Say what went wrong and what to do; return the exit code."""
    if as_json:
        emit_json({"schema": 1, "error": error_json(error)})
    place = f"  [{error.where}]" if error.where else ""
    mark = {"vi": "Lỗi"}.get(_language, "Error")
    print(f"{mark} {error.code}: {error.text.in_language(_language)}{place}", file=sys.stderr)
    print(f"  → {error.hint.in_language(_language)}", file=sys.stderr)
    return error.exit_code


def interrupted() -> None:
    """Say that Ctrl-C ended the work and that nothing was lost."""
    text = Text(
        "Đã dừng theo yêu cầu; những gì đã báo là xong đều đã lưu. Chạy lại để làm tiếp.",
        "Stopped as asked; whatever was reported as done is stored. Run it again to go on.",
    )
    print(f"\n{text.in_language(_language)}", file=sys.stderr)


def from_os_error(error: OSError) -> EdocxError:
    """Turn what the operating system says into an error with a remedy."""
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreUnavailable(
            Text("Không có quyền ghi vào thư mục này.", "This folder may not be written to."),
            hint=Text("Cấp quyền ghi hoặc chọn thư mục khác.", "Grant the permission or choose another folder."),
            code="EDX-FILE-DENIED",
            where=str(error.filename) if error.filename else None,
        )
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StoreUnavailable(
            Text("Ổ đĩa đã đầy.", "The disk is full."),
            hint=Text(
                "Giải phóng dung lượng rồi chạy lại; không có gì bị mất.",
                "Free some space and run it again; nothing was lost.",
            ),
            code="EDX-DISK-FULL",
            where=error.filename,
            retryable=True,
        )
    return InputError(
        Text(f"Không truy cập được tệp ({error.strerror}).", f"A file cannot be accessed ({error.strerror})."),
        hint=Text("Kiểm tra đường dẫn và quyền truy cập.", "Check the path and the permissions."),
        code="EDX-FILE-UNREADABLE",
        where=str(error.filename) if error.filename else None,
    )
