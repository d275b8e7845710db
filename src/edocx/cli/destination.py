"""Where a result goes: never over what it is made from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edocx.errors import Text, UsageError


def spare_inputs(out: Path, inputs: Iterable[Path | str | None], *, option: str = "--out") -> None:
    """Raise `UsageError` (``EDX-USAGE-OVERWRITE``) when ``out`` is one of the inputs, by whatever name or link.

    The result would be written well, and the only copy of what it was made from would be gone. A key's URI counts
    when it names a file. ``option`` is the one that named ``out``.
    """
    for given in inputs:
        place = Path(given.removeprefix("file:")) if isinstance(given, str) else given
        if place is not None and not place.is_dir() and _same(out, place):
            raise UsageError(
                Text("Kết quả sẽ ghi đè lên một tệp đầu vào.", "The result would overwrite one of its own inputs."),
                hint=Text(f"Chọn tên khác cho {option}.", f"Choose another name for {option}."),
                code="EDX-USAGE-OVERWRITE",
                where=str(out),
            )


def _same(out: Path, place: Path) -> bool:
    try:
        return out.samefile(place)
    except (OSError, ValueError):  # one of them is not there, or is the URI of a token or a service
        return False
