"""What the commands say: one language, one stable JSON value, one shape for errors."""

from __future__ import annotations

import io
import locale
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from textwrap import fill
from typing import Any

from edocx.errors import EdocxError, InputError, Text

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


def prepare_streams() -> None:
    """Let stdout and stderr show what their encoding lacks as escapes: a sentence is never lost to a locale."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def plain(text: str) -> str:
    """Return a text from outside in which nothing moves the cursor, colours the terminal or begins a line.

    Stray bytes of a file name (lone surrogates) stay: the stream shows them as escapes.
    """
    return "".join(letter if letter.isprintable() or "\ud800" <= letter <= "\udfff" else " " for letter in text)


def say(text: Text | str) -> None:
    """Print a line for people on stdout; whatever it quotes, it sends a terminal no commands."""
    told = text if isinstance(text, str) else text.in_language(_language)
    print("\n".join(plain(line) for line in told.split("\n")))


def emit_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON value on stdout: UTF-8, NFC, never escaped."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    # A file name need not be UTF-8: its stray bytes are lone surrogates here, which JSON can only escape.
    sys.stdout.buffer.write(unicodedata.normalize("NFC", text).encode("utf-8", "backslashreplace") + b"\n")
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


def fail(error: EdocxError, *, as_json: bool = False, width: int | None = None) -> int:
    """Say what went wrong and what to do, wrapped to ``width`` columns where given; return the exit code."""
    if as_json:
        with suppress(OSError):  # a stdout that takes nothing may be the very fault; stderr still says it
            emit_json({"schema": 1, "error": error_json(error)})
    with suppress(OSError):
        _complain(error, width)
    return error.exit_code


def _complain(error: EdocxError, width: int | None) -> None:
    place = f"  [{plain(error.where)}]" if error.where else ""
    mark = {"vi": "Lỗi"}.get(_language, "Error")
    told = f"{mark} {error.code}: {plain(error.text.in_language(_language))}{place}"
    for line, further in ((told, "  "), (f"  → {plain(error.hint.in_language(_language))}", "    ")):
        print(line if width is None else _filled(line, width, further), file=sys.stderr)


def _filled(line: str, width: int, further: str) -> str:
    """Return a line broken to a width; codes and paths are not cut."""
    return fill(line, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)


def interrupted() -> None:
    """Say that Ctrl-C or SIGTERM ended the work and that nothing was lost."""
    text = Text(
        "Đã dừng theo yêu cầu; những gì đã báo là xong thì không mất. Chạy lại để làm nốt phần còn lại.",
        "Stopped as asked; nothing that was reported as done is lost. Run it again for the rest.",
    )
    with suppress(OSError):
        print(f"\n{text.in_language(_language)}", file=sys.stderr)


def unexpected(error: Exception) -> EdocxError:
    """Turn a fault of edocx itself into a sentence; ``EDOCX_TRACEBACK=1`` prints where it arose.

    Only the kind of the fault is named: its message may hold content, names or secrets.
    """
    if os.environ.get("EDOCX_TRACEBACK") == "1":
        import traceback

        traceback.print_exception(error)
    if isinstance(error, UnicodeEncodeError) and _names_stray_bytes(error):
        return InputError(
            Text("Tên tệp hoặc thư mục không phải UTF-8.", "The name of a file or folder is not UTF-8."),
            hint=Text("Đổi tên rồi chạy lại.", "Rename it and run it again."),
            code="EDX-FILE-NAME",
        )
    kind = type(error).__name__
    return EdocxError(
        Text(f"Lỗi bên trong edocx ({kind}).", f"A fault inside edocx ({kind})."),
        hint=Text(
            "Những gì đã báo là xong đều đã lưu. Chạy lại với EDOCX_TRACEBACK=1 và gửi kết quả cho nhóm phát triển.",
            "Whatever was reported as done is stored. Run it again with EDOCX_TRACEBACK=1 and report what it prints.",
        ),
        code="EDX-INTERNAL",
    )


def _names_stray_bytes(error: UnicodeEncodeError) -> bool:
    # Python keeps a byte of a path that is not UTF-8 as a lone low surrogate (PEP 383); text from files has none.
    return all("\udc80" <= letter <= "\udcff" for letter in error.object[error.start : error.end])
