"""One-entry zips opened by what they are, never by what they are called.

The official builder zips every file that is not a PDF or Word document; .NET peers do so under the
original type. The entry's name is a random number and is used only for its extension: a path in it is
an attack (zip slip works on the official reader), and so is a second entry (of which it reads the first).
"""

from __future__ import annotations

import hashlib
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from edocx.content import PIECE, Blob
from edocx.envelope import media
from edocx.envelope.limits import Limits
from edocx.envelope.source import View
from edocx.envelope.tree import exceeded
from edocx.errors import InputError, Text

_MAX_READ: Final = 1024 * 1024
"""Most bytes a zip reader may ask for at once: against central directories of gigabytes."""

_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_METHODS: Final = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
_PACKAGE_MARKS: Final = frozenset(("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF", "AndroidManifest.xml"))
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, OSError, NotImplementedError)


class ZipRefused(InputError):
    """A zip that is not opened: damaged, encrypted, with a path, or not with exactly one entry."""

    default_code = "EDX-ZIP"


@dataclass(frozen=True, slots=True)
class Opened:
    """The one file in a zip, and the extension of its entry."""

    content: Blob
    extension: str


def looks_zipped(head: bytes) -> bool:
    """Whether the first bytes are those of a zip."""
    return head.startswith(_MAGIC)


def open_single(content: Blob, name: str, *, declared: bool, limits: Limits) -> Opened | None:
    """Return the file that a zip wraps, or ``None`` when the zip is the file itself.

    A zip is the file when its name says zip, or when it is a package (docx, odt, asice …) by name and by
    its entries. ``declared`` says that the sender called it a zip. Raises `ZipRefused`, and
    `LimitExceeded` for a bomb.
    """
    ending = media.extension(name)
    if ending in {"zip", "zipx"}:
        return None
    try:
        with _archive(content) as archive:
            entries = archive.infolist()
            if _is_package(ending, entries, declared=declared):
                return None
            entry = _single(entries)
    except _BROKEN as error:
        if ending in media.ZIP_BASED and not declared:
            return None  # a damaged docx is still what was sent
        raise _damaged() from error
    sha256, size = _digest(content, entry, limits)

    def opener() -> BinaryIO:
        return cast("BinaryIO", _Entry(content, entry.filename, size, sha256))

    return Opened(Blob.from_opener(opener, sha256=sha256, size=size), media.extension(f"x{entry.filename}"))


def _is_package(ending: str, entries: list[zipfile.ZipInfo], *, declared: bool) -> bool:
    if ending and ending not in media.ZIP_BASED:
        return False
    if len(entries) == 1:
        # A spreadsheet wrapped by the official builder: the only entry has the file's own extension.
        return not (declared or not ending or media.extension(f"x{entries[0].filename}") == ending)
    return bool(entries) and (not declared or any(entry.filename in _PACKAGE_MARKS for entry in entries))


def _single(entries: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    if len(entries) != 1:
        raise ZipRefused(
            Text(f"Tệp zip có {len(entries)} mục, phải có đúng một.", f"The zip has {len(entries)} entries, not one."),
            hint=Text("Yêu cầu bên gửi gửi từng tệp riêng.", "Ask the sender to send each file on its own."),
            code="EDX-ZIP-ENTRIES",
        )
    entry = entries[0]
    if entry.is_dir() or any(mark in entry.orig_filename for mark in "/\\:\0") or entry.filename in {"..", "."}:
        raise ZipRefused(
            Text("Mục trong tệp zip có đường dẫn.", "The zip's entry has a path."),
            hint=Text("Không mở tệp này; báo cho bên gửi.", "Do not open this file; tell its sender."),
            code="EDX-ZIP-PATH",
        )
    if entry.flag_bits & 1 or entry.compress_type not in _METHODS:
        raise ZipRefused(
            Text("Tệp zip đặt mật khẩu hoặc nén kiểu lạ.", "The zip is encrypted or packed by an unusual method."),
            hint=Text("Yêu cầu bên gửi gửi tệp không nén.", "Ask the sender for the file itself."),
            code="EDX-ZIP-METHOD",
        )
    return entry


def _digest(content: Blob, entry: zipfile.ZipInfo, limits: Limits) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    most = max(limits.zip_free_bytes, content.size * limits.zip_ratio)
    try:
        with _archive(content) as archive, archive.open(entry.filename) as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
                size += len(piece)
                if size > most:
                    raise exceeded("EDX-LIMIT-ZIP-RATIO", limits.zip_ratio, Text("độ nén zip", "zip ratio"))
                if size > limits.attachment_bytes:
                    what = Text("byte một tệp", "bytes of a file")
                    raise exceeded("EDX-LIMIT-ATTACHMENT", limits.attachment_bytes, what)
    except _BROKEN as error:
        raise _damaged() from error
    return digest.hexdigest(), size


def _archive(content: Blob) -> zipfile.ZipFile:
    return zipfile.ZipFile(cast("BinaryIO", _Guarded(content.open())))


class _Guarded:
    """A stream that refuses to read very much at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, _MAX_READ + 1) if size >= 0 else _MAX_READ + 1)
        if len(data) > _MAX_READ:
            raise zipfile.BadZipFile(size)
        return data

    def seekable(self) -> bool:
        return True


class _Entry(View):
    """The unpacked bytes of one entry."""

    def __init__(self, content: Blob, name: str, size: int, sha256: str) -> None:
        super().__init__(size, sha256)
        self._archive = _archive(content)
        self._stream = self._archive.open(name)

    def fetch(self, position: int, size: int) -> bytes:
        """Return the bytes at a position; going back unpacks from the start."""
        try:
            if self._stream.tell() != position:
                self._stream.seek(position)
            return self._stream.read(size)
        except _BROKEN as error:
            raise _damaged() from error

    def close(self) -> None:
        """Close the archive too."""
        if not self.closed:
            self._stream.close()
            self._archive.close()
        super().close()


def _damaged() -> ZipRefused:
    return ZipRefused(
        Text("Tệp zip bị hỏng.", "The zip is damaged."),
        hint=Text("Yêu cầu bên gửi gửi lại tệp.", "Ask the sender for the file again."),
        code="EDX-ZIP-DAMAGED",
    )
