"""What is wrong with an ``office.toml`` or a ``hub.toml``, in words: file, line, setting, and what to write instead."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edocx.errors import EdocxError, Text, UsageError

_LINE = re.compile(r"line (\d+)")
_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_ROW = re.compile(r"\s*\[\[\s*([^\[\]]+?)\s*\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")

_REASONS = {
    "missing": Text("bắt buộc phải có", "it must be there"),
    "extra_forbidden": Text("không có mục nào tên như vậy", "there is no such setting"),
    "literal_error": Text("không phải một trong các giá trị cho phép", "it is none of the values allowed"),
    "string_pattern_mismatch": Text("không đúng dạng", "it has not the form wanted"),
    "string_too_short": Text("để trống", "it is empty"),
    "too_short": Text("danh sách để trống", "the list is empty"),
    "int": Text("phải là số nguyên", "it must be a whole number"),
    "float": Text("phải là số", "it must be a number"),
    "bool": Text("phải là true hoặc false", "it must be true or false"),
    "string": Text("phải là chuỗi trong ngoặc kép", "it must be a text in quotes"),
    "path": Text("phải là đường dẫn trong ngoặc kép", "it must be a path in quotes"),
    "tuple": Text("phải là danh sách [ … ]", "it must be a list [ … ]"),
    "list": Text("phải là danh sách [ … ]", "it must be a list [ … ]"),
    "dict": Text("phải là một bảng [tên]", "it must be a table [name]"),
    "model": Text("phải là một bảng [tên]", "it must be a table [name]"),
}
_BOUNDS = {
    "greater_than_equal": ("ge", Text("phải từ {} trở lên", "it must be {} or more")),
    "greater_than": ("gt", Text("phải lớn hơn {}", "it must be more than {}")),
    "less_than_equal": ("le", Text("phải từ {} trở xuống", "it must be {} or less")),
    "string_too_long": ("max_length", Text("dài quá {} ký tự", "it is longer than {} characters")),
    "literal_error": ("expected", Text("phải là một trong: {}", "it must be one of: {}")),
}

_REMEDIES = {
    "unit": Text("Viết mã định danh, ví dụ unit = “H58.12.01”.", "Write the unit's code, as unit = “H58.12.01”."),
    "name": Text("Viết tên cơ quan, không quá 200 ký tự.", "Write the unit's name, at most 200 characters."),
    "store": Text(
        "Viết tên tệp (office.db) hoặc postgresql://tài-khoản@máy/cơ-sở-dữ-liệu, không kèm mật khẩu.",
        "Write a file (office.db) or postgresql://account@host/database, without a password.",
    ),
    "store_folder": Text(
        "Với kho trên máy chủ, thêm store_folder = “data”.", "For a store on a server add store_folder = “data”."
    ),
    "axis": Text(
        "Viết local:TỆP cho trục trên máy này, https://ĐỊA-CHỈ, lgsp+https://ĐỊA-CHỈ, hoặc tls://ĐỊA-CHỈ:4222 (NATS),"
        " không kèm mật khẩu.",
        "Write local:FILE for an axis on this machine, https://ADDRESS, lgsp+https://ADDRESS, or tls://ADDRESS:4222"
        " (NATS), without a password.",
    ),
    "axis_line": Text(
        "Trong [axis_line] có system, attempts, plain_http, ca, certificate; với LGSP thêm user (bắt buộc); với NATS"
        " thêm hub (bắt buộc), servers, user.",
        "[axis_line] has system, attempts, plain_http, ca and certificate; for LGSP user as well (needed); for NATS hub"
        " (needed), servers and user.",
    ),
    "timestamp": Text(
        "Trong [timestamp]: services (danh sách địa chỉ), level (B-T, B-LT, B-LTA), on_failure (fail, later), online.",
        "[timestamp] has services (addresses), level (B-T, B-LT, B-LTA), on_failure (fail, later), online.",
    ),
    "trust": Text("Viết danh sách thư mục gốc tin cậy, ví dụ [“trust”].", "List folders of trusted roots: [“trust”]."),
    "signers": Text(
        "Mỗi [signers.TÊN] có key, role (person hoặc organisation) và có thể image.",
        "Each [signers.NAME] has key, role (person or organisation) and perhaps image.",
    ),
}
_REMEDY = Text("Xem mẫu trong tài liệu office.toml.", "Compare the example of office.toml in the documentation.")


class Unfit(ValueError):
    """A setting that cannot be right, in both languages; pydantic reports only ValueErrors with their place.

    ``setting`` is the one to mend, where several of them do not fit each other.
    """

    def __init__(self, text: Text, setting: str = "") -> None:
        super().__init__(text.en)
        self.text, self.setting = text, setting


def syntax_fault(error: tomllib.TOMLDecodeError, text: str, place: Path) -> UsageError:
    """Return the error for a file that is no TOML."""
    found = _LINE.search(str(error))
    line = int(found[1]) if found else len(text.splitlines())
    return UsageError(
        Text(f"Tệp cấu hình sai cú pháp TOML ở dòng {line}.", f"The configuration is not valid TOML: {error}."),
        hint=Text(
            f"Sửa dòng {line}: mỗi dòng là tên = giá trị, chuỗi đặt trong ngoặc kép.",
            f"Mend line {line}: each line is name = value, with texts in double quotes.",
        ),
        code="EDX-CONFIG-SYNTAX",
        where=f"{place}:{line}",
    )


def setting_fault(
    error: ValidationError,
    text: str,
    place: Path,
    *,
    remedies: Mapping[str, Text] = _REMEDIES,
    otherwise: Text = _REMEDY,
) -> UsageError:
    """Return the error for the first setting that is missing, unknown or wrong.

    Args:
        error: what pydantic says.
        text: the file's text, for the line.
        place: the file.
        remedies: what to write, by the first part of a setting's name.
        otherwise: the remedy of the others.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    path = tuple(str(part) for part in first["loc"]) or tuple(_cause(first).setting.split("."))
    reason = _reason(first)
    setting = ".".join(path)
    return UsageError(
        Text(f"Cấu hình “{setting}” không đúng: {reason.vi}.", f"The setting “{setting}” is wrong: {reason.en}."),
        hint=remedies.get(path[0], otherwise),
        code="EDX-CONFIG-SETTING",
        where=f"{place}:{line_of(text, _stands_in(text, path))}",
    )


def _cause(fault: Any) -> Unfit:
    """Return what a validator raised of settings that do not fit each other."""
    cause = fault.get("ctx", {}).get("error")
    return cause if isinstance(cause, Unfit) else Unfit(Text("", ""))


def _reason(fault: Any) -> Text:
    """Return why a setting is wrong; a validator's own reason where it has one."""
    kind, told = str(fault["type"]), fault.get("ctx", {})
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        value = str(told.get(name, "?"))
        return Text(words.vi.format(value.replace(" or ", " hoặc ")), words.en.format(value))
    cause = told.get("error")
    for one in (cause, getattr(cause, "__cause__", None)):
        if isinstance(one, (Unfit, EdocxError)):
            return Text(one.text.vi.rstrip("."), one.text.en.rstrip("."))
    otherwise = Text("giá trị không hợp lệ", fault["msg"].removeprefix("Value error, "))
    return _REASONS.get(kind) or _REASONS.get(kind.partition("_")[0]) or otherwise


def missing_fault(setting: str, file: Path, text: str, place: Path) -> UsageError:
    """Return the error for a file that a setting names and that is not there."""
    return UsageError(
        Text(f"Cấu hình “{setting}” chỉ đến {file.name}, không có ở đó.", f"“{setting}” names {file.name}: not there."),
        hint=Text(f"Tạo {file} hoặc sửa đường dẫn.", f"Make {file}, or mend the path."),
        code="EDX-CONFIG-FILE",
        where=f"{place}:{line_of(text, tuple(setting.split('.')))}",
    )


def line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line (from 1) of a setting, or the nearest that stands there: its table, else the first line."""
    table: tuple[str, ...] = ()
    best, rows = (0, 1), Counter[tuple[str, ...]]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line) or _ROW.match(line):
            table = _parts(header[1])
            if header.re is _ROW:
                rows[table] += 1
                table = (*table, str(rows[table] - 1))
            best = max(best, (_shared(table, path), number), key=lambda found: found[0])
        elif key := _KEY.match(line):
            best = max(best, (_shared((*table, *_parts(key[1])), path), number), key=lambda found: found[0])
    return best[1]


def _stands_in(text: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the setting to show: what an absent ``[axis_line]`` lacks, the axis itself asks for."""
    absent = path[0] == "axis_line" and not any(_TABLE.match(row) and "axis_line" in row for row in text.splitlines())
    return ("axis",) if absent else path


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _shared(found: tuple[str, ...], path: tuple[str, ...]) -> int:
    """Return how much of a path a line names; 0 when it names something else."""
    return len(found) if found == path[: len(found)] else 0
