"""Reading a zip that somebody else made: no doubled names, no paths outside, no bombs.

Two entries of one name are two documents: one for the verifier, another for the reader (a known forgery of signed
containers). A container with such names is not read at all, and no more is one that readers take for different ones
(`framing`).
"""

from __future__ import annotations

import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from edocx.content import PIECE, reason
from edocx.errors import InputError, LimitExceeded, Text
from edocx.signing.container.framing import framing_fault

MAX_ENTRIES = 1_000
MAX_TOTAL = 2 * 1024 * 1024 * 1024
"""Bytes of all entries unpacked: a bomb of 40 KB can claim petabytes."""

MAX_RATIO = 200
"""Unpacked to packed, from `RATIO_FROM` bytes on; text reaches about 20, a bomb 1,000 and more."""

RATIO_FROM = 1024 * 1024

MAX_SMALL = 16 * 1024 * 1024
"""Bytes of an entry that is read whole: signatures and manifests."""

_DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
)
"""What Python's decompressors raise on bytes that were changed."""

_EMPTY = 2
"""Bytes of nothing, deflated."""

_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Archive:
    """An open container; names are as the zip writes them, NFC."""

    zip: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]
    where: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all files, folders left out."""
        return tuple(self.entries)

    @property
    def hollow(self) -> tuple[str, ...]:
        """The names of folders that hold no file."""
        folders = (one.filename for one in self.zip.infolist() if one.is_dir())
        return tuple(one for one in folders if not any(name.startswith(one) for name in self.entries))

    @property
    def comments(self) -> tuple[bytes, ...]:
        """The comments of the zip and of its entries, those that say something."""
        return tuple(one for one in (self.zip.comment, *(entry.comment for entry in self.zip.infolist())) if one)

    def read(self, name: str, limit: int = MAX_SMALL) -> bytes:
        """Return a small entry whole; raise `LimitExceeded` when it is longer than ``limit`` bytes."""
        parts, size = [], 0
        for piece in self.pieces(name):
            size += len(piece)
            if size > limit:
                raise _too_large(self.where, name)
            parts.append(piece)
        return b"".join(parts)

    def start(self, name: str) -> bytes:
        """Return the first 1024 bytes of an entry, which say what kind of file it is."""
        return next(self.pieces(name), b"")[:1024]

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield an entry in pieces; what the zip says of its size does not count, what comes out does."""
        entry, size = self.entries[name], 0
        try:
            with self.zip.open(entry) as stream:
                while piece := stream.read(PIECE):
                    size += len(piece)
                    if size > MAX_TOTAL or (size > RATIO_FROM and size > MAX_RATIO * max(entry.compress_size, 1)):
                        raise _too_large(self.where, name)
                    yield piece
        except _DAMAGE as error:
            raise _damaged(self.where) from error

    def save(self, name: str, path: Path) -> None:
        """Write an entry to a file of the caller's choosing."""
        with path.open("wb") as stream:
            for piece in self.pieces(name):
                stream.write(piece)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip; raise `InputError` for a damaged or treacherous one, `LimitExceeded` for one too large."""
    where = str(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise _damaged(where) from error
    except OSError as error:
        raise InputError(
            Text(f"Không mở được tệp ({reason(error).vi}).", f"The file cannot be opened ({reason(error).en})."),
            hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
            code="EDX-FILE-UNREADABLE",
            where=where,
        ) from error
    with archive:
        entries = _entries(archive, where)
        _refuse_foreign(path, archive.infolist(), where)
        yield Archive(archive, entries, where)


def _refuse_foreign(path: Path, listed: list[zipfile.ZipInfo], where: str) -> None:
    """Refuse a zip with a foreign one in front of it or behind it, or with hidden bytes: others read other files."""
    try:
        with path.open("rb") as stream:
            fault = framing_fault(stream, listed)
    except OSError as error:
        raise _damaged(where) from error
    if fault is not None:
        raise InputError(
            Text(
                f"Tệp nén có {fault.vi}: phần mềm khác có thể mở ra nội dung khác, nên không được chấp nhận.",
                f"The archive has {fault.en}: other programs may show other content, so it is refused.",
            ),
            hint=Text(
                "Đề nghị bên gửi tạo lại tệp bằng công cụ ký và gửi nguyên vẹn.",
                "Ask the sender to make the file again with a signing tool and send it as it is.",
            ),
            code="EDX-ZIP-FOREIGN",
            where=where,
        )


def _entries(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    listed = archive.infolist()
    if len(listed) > MAX_ENTRIES or sum(entry.file_size for entry in listed) > MAX_TOTAL:
        raise _too_large(where, "")
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for entry in listed:
        name = normalize("NFC", entry.filename)
        folded = name.casefold()
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or "\\" in name or "\0" in name or _DRIVE.match(name):
            raise _treacherous(where, Text("đường dẫn ra ngoài", "a path that leads outside"))
        if folded in seen:
            raise _treacherous(where, Text("hai mục cùng tên", "two entries of one name"))
        seen.add(folded)
        if entry.is_dir() and (entry.file_size or entry.CRC or entry.compress_size > _EMPTY):
            raise _treacherous(where, Text("thư mục có nội dung", "a folder that has content"))
        if stat.S_ISLNK(entry.external_attr >> 16):  # unpacked by others it is a file from somewhere else
            raise _treacherous(where, Text("liên kết tượng trưng", "a symbolic link"))
        if not entry.is_dir():
            found[name] = entry
    return found


def _treacherous(where: str, what: Text) -> InputError:
    return InputError(
        Text(f"Tệp nén có {what.vi}, không được chấp nhận.", f"The archive holds {what.en}, which is refused."),
        hint=Text("Đề nghị bên gửi tạo lại tệp.", "Ask the sender to make the file again."),
        code="EDX-ZIP-TREACHEROUS",
        where=where,
    )


def _damaged(where: str) -> InputError:
    return InputError(
        Text("Tệp nén bị hỏng hoặc có mật khẩu.", "The archive is damaged or has a password."),
        hint=Text("Lấy lại tệp từ nơi gửi.", "Fetch the file again from its sender."),
        code="EDX-ZIP-DAMAGED",
        where=where,
    )


def _too_large(where: str, name: str) -> LimitExceeded:
    return LimitExceeded(
        Text("Tệp nén giải ra quá lớn.", "The archive unpacks to more than is allowed."),
        hint=Text("Kiểm tra tệp có phải bom nén không.", "Check whether it is a zip bomb."),
        code="EDX-LIMIT-ARCHIVE",
        where=f"{where}#{name}" if name else where,
    )
