"""What is wrong with an ``office.toml``, in words: the file, the line, the setting, and what to write instead."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import ValidationError

from edocx.errors import Text, UsageError

_LINE = re.compile(r"line (\d+)")
_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")

_REASONS = {
    "missing": Text("bắt buộc phải có", "it must be there"),
    "extra_forbidden": Text("không có mục nào tên như vậy", "there is no such setting"),
    "literal_error": Text("không phải một trong các giá trị cho phép", "it is none of the values allowed"),
    "string_pattern_mismatch": Text("không đúng dạng", "it has not the form wanted"),
    "string_too_short": Text("để trống", "it is empty"),
    "too_short": Text("danh sách để trống", "the list is empty"),
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


def syntax_fault(error: tomllib.TOMLDecodeError, text: str, place: Path) -> UsageError:
    """Return the error for a file that is no TOML."""
    found = _LINE.search(str(error))
    line = int(found[1]) if found else len(text.splitlines())
    return UsageError(
        Text("Tệp cấu hình sai cú pháp TOML.", f"The configuration is not valid TOML: {error}."),
        hint=Text(
            f"Sửa dòng {line}: mỗi dòng là tên = giá trị, chuỗi đặt trong ngoặc kép.",
            f"Mend line {line}: each line is name = value, with texts in double quotes.",
        ),
        code="EDX-CONFIG-SYNTAX",
        where=f"{place}:{line}",
    )


def setting_fault(error: ValidationError, text: str, place: Path) -> UsageError:
    """Return the error for the first setting that is missing, unknown or wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = tuple(str(part) for part in first["loc"]) or ("store_folder",)
    reason = _REASONS.get(first["type"], Text("giá trị không hợp lệ", first["msg"].removeprefix("Value error, ")))
    setting = ".".join(path)
    return UsageError(
        Text(f"Cấu hình “{setting}” không đúng: {reason.vi}.", f"The setting “{setting}” is wrong: {reason.en}."),
        hint=_REMEDIES.get(path[0], _REMEDY),
        code="EDX-CONFIG-SETTING",
        where=f"{place}:{line_of(text, _stands_in(text, path))}",
    )


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
    best = (0, 1)
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
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
