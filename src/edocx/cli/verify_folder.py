"""Files of a folder: which are judged, and which are no signed documents and are left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edocx.errors import EdocxError, InputError, Text

if TYPE_CHECKING:
    from edocx.signing.report import Report

SIGNED = frozenset(
    {".pdf", ".xml", ".edxml", ".p7s", ".p7m", ".p7b", ".p7c", ".pem"}
    | {".asice", ".asics", ".sce", ".scs", ".asc", ".bdoc"}
)
"""Endings under which a file says that it is signed: one of these that cannot be read is a fault, never left out."""

_NOT_OURS = frozenset(
    {"EDX-FILE-KIND", "EDX-ZIP-KIND", "EDX-XML-DTD", "EDX-XML-ENCODING", "EDX-XML-MALFORMED", "EDX-CMS-UNREADABLE"}
)
"""What the readers say of a picture, a spreadsheet, a page of HTML, a text that begins like something else."""

LEFT_OUT = Text("không phải văn bản đã ký, bỏ qua", "no signed document, left out")
NOTHING = Text("không có tệp nào để kiểm tra", "there is no file to verify")
UNREADABLE = Text("không đọc được", "could not be read")


class PassedOver(InputError):
    """Something in a folder that is not judged unless it is named itself."""

    default_code = "EDX-FOLDER-PASSED"


def listed(files: Iterable[Path]) -> Iterator[tuple[Path, bool | EdocxError]]:
    """Yield each file to judge, and whether it was found in a folder; of what is not judged, the reason instead."""
    for file in files:
        if file.is_dir():
            yield from sorted(_inside(file), key=lambda one: one[0])
        else:
            yield file, False


def _inside(folder: Path) -> Iterator[tuple[Path, bool | EdocxError]]:
    locked: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=locked.append):
        for name in folders:
            path = Path(place, name)
            if path.is_symlink():
                yield path, _passed(path, Text("liên kết tới thư mục", "a link to a folder"))
        for name in names:
            path = Path(place, name)
            if name.startswith("."):
                yield path, _passed(path, Text("tệp ẩn", "a hidden file"))
            elif os.path.isfile(path):  # noqa: PTH113 - which says no, and raises nothing, of what it may not look at
                yield path, True
            else:
                yield path, _passed(path, Text("không phải tệp thông thường", "no ordinary file"))
    yield from ((Path(error.filename), _locked(error)) for error in locked)


def _passed(path: Path, kind: Text) -> PassedOver:
    return PassedOver(
        Text(f"{kind.vi}, bỏ qua", f"{kind.en}, passed over"),
        hint=Text("Muốn kiểm tra thì nêu đích danh.", "Name it itself to have it verified."),
        where=str(path),
    )


def _locked(error: OSError) -> InputError:
    return InputError(
        Text(
            f"Không mở được thư mục này ({error.strerror}); các tệp trong đó chưa được kiểm tra.",
            f"This folder cannot be opened ({error.strerror}); the files in it were not verified.",
        ),
        hint=Text("Cấp quyền đọc thư mục rồi chạy lại.", "Grant the right to read it and run it again."),
        code="EDX-FOLDER-UNREADABLE",
        where=str(error.filename),
    )


def left_out(path: Path, outcome: Report | EdocxError, *, found: bool | EdocxError) -> Text | None:
    """Return why a file in a folder is not counted: passed over, or neither signed nor saying that it is."""
    if isinstance(outcome, PassedOver):
        return outcome.text
    if found is not True or not isinstance(outcome, EdocxError):
        return None
    return LEFT_OUT if outcome.code in _NOT_OURS and path.suffix.lower() not in SIGNED else None
