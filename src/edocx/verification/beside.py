"""The files given beside a signed one: each must be what an intact signature was checked over.

Whoever gives a file expects the verdict to be about it. A signature that holds its content inside, or finds another
file first, would leave it unread, and a forged file would stand beside a verdict that passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

from edocx.errors import Text, UsageError
from edocx.signing.report import Indication, Integrity, Message, Report, SubIndication


def detached_files(files: Sequence[Path | str]) -> tuple[Path, ...]:
    """Return the paths; raise `UsageError` for a folder, and for two of one name: references name the last part."""
    paths = tuple(Path(one) for one in files)
    names: set[str] = set()
    for path in paths:
        if path.is_dir():
            raise UsageError(
                Text("--detached chỉ nhận tệp, đây là thư mục.", "--detached takes files, and this is a folder."),
                hint=Text("Nêu tệp mà chữ ký đã ký.", "Name the file that the signature is for."),
                code="EDX-USAGE-DETACHED",
                where=str(path),
            )
        name = normalize("NFC", path.name)
        if name in names:
            raise UsageError(
                Text(f"Có hai tệp nội dung cùng tên “{name}”.", f"Two of the contents are named “{name}”."),
                hint=Text(
                    "Mỗi lần kiểm tra chỉ đưa một tệp của mỗi tên.", "Give one file of each name in one verification."
                ),
                code="EDX-USAGE-DETACHED",
                where=str(path),
            )
        names.add(name)
    return paths


def told_unmatched(report: Report, files: Sequence[Path]) -> Report:
    """Return the report with each file named that no intact signature was checked over; it passes no more then."""
    left = [one for one in files if one not in report.matched]
    if not left or report.indication is Indication.TOTAL_FAILED:
        return report  # under a broken signature what it covers is moot
    update: dict[str, object] = {"messages": (*report.messages, *map(_unmatched, left))}
    if report.indication is Indication.TOTAL_PASSED:
        update |= {
            "indication": Indication.INDETERMINATE,
            "sub_indication": SubIndication.PARTIAL_COVERAGE,
            "integrity": Integrity.PARTIAL,
        }
    return report.model_copy(update=update)


def _unmatched(path: Path) -> Message:
    return Message.of(
        "EDX-DETACHED-UNSIGNED",
        "error",
        Text(
            f"Không chữ ký nào trong tệp này ký “{path.name[:200]}” đưa kèm bằng --detached; đừng tin tệp đó. Chỉ đưa "
            "đúng nội dung của chữ ký.",
            f"No signature in this file signs “{path.name[:200]}”, which was given with --detached; do not rely on "
            "it. Give what the signature is for, and nothing else.",
        ),
        where=path.name[:200],
    )
