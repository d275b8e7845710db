"""What typer says of a wrong call, as an error of ours: both languages, a remedy, JSON where JSON was asked for."""

from __future__ import annotations

import re
from typing import Any

from edocx.errors import Text, UsageError

_CODE = "EDX-USAGE-CALL"

_PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"No such command '(.*?)'\."), "Không có lệnh “{0}”.", "There is no command “{0}”."),
    (
        re.compile(r"No such command '(.*?)'\. Did you mean (.*)\?"),
        "Không có lệnh “{0}”; có phải {1}?",
        "There is no command “{0}”; did you mean {1}?",
    ),
    (
        re.compile(r"Got unexpected extra argument\(?s?\)? \((.*)\)"),
        "Thừa tham số: {0}.",
        "These arguments are too many: {0}.",
    ),
    (
        re.compile(r"Option '(.*)' requires (?:an argument|\d+ arguments)\."),
        "Tùy chọn {0} cần một giá trị đi kèm.",
        "The option {0} needs a value.",
    ),
    (re.compile(r"Option '(.*)' does not take a value\."), "Tùy chọn {0} không nhận giá trị.", "{0} takes no value."),
    (re.compile(r"Missing command\."), "Chưa nói lệnh nào.", "No command was given."),
)
"""Sentences of typer that carry their meaning only in their words; others keep typer's own words."""

_VALUES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"(?:Value error, )?'(.*?)' is not one of (.*?)\.?"), "“{0}” không thuộc {1}", "“{0}” is none of {1}"),
    (re.compile(r"Input should be a valid integer\b.*"), "cần một số nguyên", "a whole number is needed"),
    (re.compile(r"Input should be a valid number\b.*"), "cần một số", "a number is needed"),
    (re.compile(r"Input should be greater than or equal to (\S+)"), "ít nhất là {0}", "at least {0} is needed"),
    (re.compile(r"Input should be less than or equal to (\S+)"), "nhiều nhất là {0}", "at most {0} is allowed"),
)


def is_wrong_call(error: Any) -> bool:
    """Tell whether typer raised this for a wrong call (its classes live in a private module of its own)."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def wrong_call(error: Any) -> UsageError:
    """Return typer's error as a `UsageError`: what is wrong, and the command's own help as the remedy."""
    context = getattr(error, "ctx", None)
    command = str(context.command_path) if context is not None else "edocx"
    hint = Text(f"Xem “{command} --help”.", f"See “{command} --help”.")
    near = ", ".join(sorted(getattr(error, "possibilities", None) or ()))
    if near:
        hint = Text(f"Có phải {near}? {hint.vi}", f"Did you mean {near}? {hint.en}")
    return UsageError(_sentence(error), hint=hint, code=_CODE)


def _sentence(error: Any) -> Text:
    kind = type(error).__name__
    if kind == "MissingParameter":
        named = _parameter(error)
        return Text(f"Thiếu {named}.", f"{named} is missing.")
    if kind == "NoSuchOption":
        return Text(f"Không có tùy chọn {error.option_name}.", f"There is no option {error.option_name}.")
    if kind == "BadParameter":
        value, named = _told(error.message, _VALUES), _parameter(error)
        return Text(f"Giá trị của {named} không dùng được: {value.vi}.", f"The value of {named} is no use: {value.en}.")
    return _told(error.format_message(), _PATTERNS)


def _parameter(error: Any) -> str:
    hint = error.param_hint
    if hint is None and error.param is not None:
        hint = error.param.get_error_hint()
    return (hint if isinstance(hint, str) else " / ".join(hint or ("?",))).replace("'", "").removesuffix("...")


def _told(message: str, patterns: tuple[tuple[re.Pattern[str], str, str], ...]) -> Text:
    for pattern, vi, en in patterns:
        if (found := pattern.fullmatch(message)) is not None:
            words = [(word or "").replace("'", "") for word in found.groups()]
            return Text(vi.format(*words), en.format(*words))
    plain = message.removeprefix("Value error, ").rstrip(".")
    return Text(plain, plain)
