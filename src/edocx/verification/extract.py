"""Taking out of a file what its trusted signatures cover, and nothing else."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from edocx.content import Blob, write_durably
from edocx.envelope import filenames
from edocx.errors import InputError, Text
from edocx.signing.policy import SIGNATURES_ONLY
from edocx.signing.report import Indication, Report, SignatureReport
from edocx.signing.signed import Content, SignedPart, Verified, verified

INDEX = "signed.json"
"""Lists what was taken out: for each signature its file, its id, and the parts with their digests."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """The verdict on a file, and what each signature that passed signed."""

    report: Report
    contents: tuple[Verified[object], ...]


@dataclass(slots=True)
class Collector:
    """The witness of one file's judgement: saves signed octets into a folder while they are at hand."""

    folder: Path
    found: list[tuple[Content, list[Path], SignatureReport]] = field(default_factory=list)

    def __call__(self, signature: SignatureReport, content: Content) -> None:
        """Save what a signature that passed signed."""
        paths = []
        for order, piece in enumerate(content.pieces, 1):
            place = self.folder / f"{len(self.found) + 1}-{order}"
            piece.save(place)
            paths.append(place)
        self.found.append((content, paths, signature))

    def settle(self, target: Path, report: Report) -> tuple[Verified[object], ...]:
        """Move everything to its name under ``target`` and make the values; nothing under a policy that is not met."""
        if report.policy != SIGNATURES_ONLY and report.indication is not Indication.TOTAL_PASSED:
            return ()
        made, index = [], []
        for order, (found, paths, signature) in enumerate(self.found, 1):
            content = found if found.file else replace(found, file=report.file)  # a seal does not know its envelope's
            folder = target / filenames.cleaned(f"{order}-{signature.id}")
            folder.mkdir(parents=True)
            names = filenames.distinct(_file_name(piece.name, piece.hint) for piece in content.pieces)
            saved = tuple(
                SignedPart(piece.name, _moved(path, folder / name))
                for piece, path, name in zip(content.pieces, paths, names, strict=True)
            )
            made.append(verified(content, saved, signature))
            index.append(_entry(content, saved, signature, target))
        if made:
            text = json.dumps({"schema": 1, "signed": index}, ensure_ascii=False, indent=1)
            write_durably(target / INDEX, [text.encode()])
        return tuple(made)


@contextmanager
def collecting(folder: Path) -> Iterator[Collector]:
    """Give a collector that works beside ``folder``, so that nothing half-done is ever seen in it."""
    staging = folder.parent / f".{folder.name}-{secrets.token_hex(4)}"
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise _taken(folder)
        staging.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield Collector(staging)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _file_name(name: str, hint: str) -> str:
    cleaned = filenames.cleaned(name.removeprefix("#"), "content")
    return cleaned if "." in cleaned or not hint else f"{cleaned}{hint}"


def _moved(path: Path, place: Path) -> Blob:
    path.rename(place)
    return Blob.from_path(place)


def _taken(folder: Path) -> InputError:
    return InputError(
        Text("Thư mục trích xuất đã có tệp.", "The folder to extract to is not empty."),
        hint=Text("Chọn thư mục mới hoặc rỗng.", "Choose a new or empty folder."),
        code="EDX-EXTRACT-FOLDER",
        where=str(folder),
    )


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        Text(f"Không ghi được vào thư mục ({error.strerror}).", f"The folder cannot be written ({error.strerror})."),
        hint=Text("Kiểm tra quyền ghi và dung lượng.", "Check permission and free space."),
        code="EDX-FILE-UNWRITABLE",
        where=str(folder),
    )


def _entry(
    content: Content, parts: tuple[SignedPart, ...], signature: SignatureReport, target: Path
) -> dict[str, object]:
    listed = [
        {
            "name": part.name,
            "path": part.content.path.relative_to(target).as_posix() if part.content.path else None,
            "size": part.content.size,
            "sha256": part.content.sha256,
        }
        for part in parts
    ]
    return {"file": content.file, "signature": signature.id, "kind": content.kind, "parts": listed}
