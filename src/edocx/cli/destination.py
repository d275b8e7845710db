"""Where a result goes: never over what it is made from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edocx.errors import Text, UsageError


def spare_inputs(out: Path, inputs: Iterable[Path | str | None], *, option: str = "--out") -> None:
    """Raise `UsageError` (``EDX-USAGE-OVERWRITE``) when ``out`` is one of the inputs, by whatever name or link.

    The result would be written well, and the only copy of what it was made from would be gone. A key's URI counts
    when it names a file, and a folder for every file that is in it. ``option`` is the one that named ``out``.
    """
    for given in inputs:
        place = Path(given.removeprefix("file:")) if isinstance(given, str) else given
        if place is not None and (_inside(out, place) if place.is_dir() else _same(out, place)):
            raise UsageError(
                Text("Kết quả sẽ ghi đè lên một tệp đầu vào.", "The result would overwrite one of its own inputs."),
                hint=Text(f"Chọn tên khác cho {option}.", f"Choose another name for {option}."),
                code="EDX-USAGE-OVERWRITE",
                where=str(out),
            )


def _inside(out: Path, folder: Path) -> bool:
    """Say whether ``out`` is a file that is there, in a folder of inputs: a trust store, say."""
    try:
        return out.is_file() and out.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a link that leads to itself
        return False


def _same(out: Path, place: Path) -> bool:
    try:
        return out.samefile(place)
    except (OSError, ValueError):  # one of them is not there, or is the URI of a token or a service
        return False
