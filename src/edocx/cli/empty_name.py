"""An empty name of a file or folder, refused before anything is made of it, for every command.

A path of no letters is the current folder: ``edocx verify "$FILE"`` with a variable that nobody set would judge
whatever lies there, and say that it passed.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edocx.errors import Text, UsageError


def refuse_empty_names(command: Any) -> None:
    """Make a command of typer, and those below it, refuse an empty text for any parameter that is a path."""
    for below in getattr(command, "commands", {}).values():
        refuse_empty_names(below)
    if command.callback is None:
        return
    hints = typing.get_type_hints(command.callback)
    for parameter in command.params:
        if _is_path(hints.get(parameter.name)):
            parameter.process_value = _refusing(parameter)


def empty_name(named: str) -> UsageError:
    """Return the error (``EDX-USAGE-EMPTY``) for an empty name given as ``named``."""
    return UsageError(
        Text(f"{named} để trống.", f"{named} is empty."),
        hint=Text(
            "Ghi tên tệp hoặc thư mục; “.” là thư mục hiện tại. Trong tập lệnh, xem biến đã có giá trị chưa.",
            "Name a file or folder; “.” is the current folder. In a script, see whether the variable is set.",
        ),
        code="EDX-USAGE-EMPTY",
    )


def _is_path(hint: Any) -> bool:
    return hint is Path or any(_is_path(part) for part in typing.get_args(hint))


def _refusing(parameter: Any) -> Callable[[Any, Any], Any]:
    process: Callable[[Any, Any], Any] = parameter.process_value

    def refuse_or_process(context: Any, value: Any) -> Any:
        given = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(one, str) and not one for one in given):
            option = next((one for one in parameter.opts if one.startswith("--")), None)
            raise empty_name(option or (parameter.metavar or str(parameter.name).upper()).removesuffix("..."))
        return process(context, value)

    return refuse_or_process
