"""What a signature signed, and nothing beside it.

`Verified` is made by verifiers alone, from the octets that were hashed: a PDF's revision, the node sets of an XML
signature as they were canonicalised, the content of a CMS, the files of a container. Whoever works with these instead
of the file cannot fall for what an attacker put beside them (signature wrapping, incremental saving).
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar, final

from edocx.content import PIECE, Blob
from edocx.errors import InputError, Text
from edocx.signing.mechanism import finish, new_hash
from edocx.signing.report import SignatureReport

T_co = TypeVar("T_co", covariant=True)

MAX_KEPT = 256 * 1024 * 1024
"""Octets kept of one file's XML references: two hundred of them may each canonicalise the whole document."""


@dataclass(frozen=True, slots=True)
class SignedPart:
    """One run of signed octets, by the name that the signature gives it (a reference's URI, a file's name)."""

    name: str
    content: Blob


@dataclass(frozen=True, slots=True)
class PdfRevision:
    """A PDF as its signer signed it: the file up to the end of the signed revision.

    ``gap`` is the place of the signature itself (first byte, first byte after), the only part that no digest covers;
    whatever follows the CMS in it is blanked.
    """

    content: Blob
    gap: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SignedXml:
    """What the references of an XML signature lead to, after their transforms, octet for octet as hashed."""

    parts: tuple[SignedPart, ...]


@dataclass(frozen=True, slots=True)
class SignedFiles:
    """The content of a CMS signature, or the files of a container that one signature covers."""

    parts: tuple[SignedPart, ...]


@final
class Verified(Generic[T_co]):
    """A value built from octets that a signature covers, with the verdict on that signature, which passed.

    Only verifiers make one; there is no other way to get it, so that a function that takes ``Verified[PdfRevision]``
    cannot be handed a file that nobody judged. ``file`` names where it stood.
    """

    __slots__ = ("_file", "_signature", "_value")

    def __init__(self, value: T_co, signature: SignatureReport, file: str, *, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("only a verifier makes Verified; call edocx.verification.extract")
        self._value, self._signature, self._file = value, signature, file

    @property
    def value(self) -> T_co:
        """What was signed."""
        return self._value

    @property
    def signature(self) -> SignatureReport:
        """The verdict on the signature."""
        return self._signature

    @property
    def file(self) -> str:
        """The file, or the file inside a file, that carried the signature."""
        return self._file

    def __repr__(self) -> str:
        return f"Verified({type(self._value).__name__}, signature={self._signature.id!r})"


_MAKER = object()


@dataclass(frozen=True, slots=True)
class Piece:
    """Signed octets that can be read once more, each time checked against what was hashed.

    ``hint`` is an ending for a file that holds them.
    """

    name: str
    pieces: Callable[[], Iterator[bytes]]
    hint: str = ".bin"

    @classmethod
    def of_bytes(cls, name: str, data: bytes, hint: str = ".bin") -> Piece:
        """Take octets that are in memory, just as they were hashed."""
        return cls(name, lambda: iter((data,)), hint)

    @classmethod
    def of_file(cls, name: str, path: Path, hash_name: str, digest: bytes, hint: str = ".bin") -> Piece:
        """Take a whole file, by the digest that the signature names."""
        return cls(name, lambda: _checked(_runs(path, ((0, path.stat().st_size),)), hash_name, digest, path), hint)

    @classmethod
    def of_blob(cls, name: str, blob: Blob, hint: str = ".bin") -> Piece:
        """Take a Blob, by its own digest."""
        return cls(name, lambda: _checked(blob.pieces(), "sha256", bytes.fromhex(blob.sha256), Path(name)), hint)

    @classmethod
    def of_revision(cls, path: Path, byte_range: tuple[int, ...], contents: bytes, digest: tuple[str, bytes]) -> Piece:
        """Take a PDF's byte range with the signature's own CMS between: ``contents``, as hexadecimal digits."""
        start, length, second, rest = byte_range
        hash_name, value = digest

        def pieces() -> Iterator[bytes]:
            # One hash over both runs, told only at the end whether it is right: save() throws the file away then.
            hasher = new_hash(hash_name)
            for piece in _runs(path, ((start, length),)):
                hasher.update(piece)
                yield piece
            yield _gap(path, contents, (length, second))
            for piece in _runs(path, ((second, rest),)):
                hasher.update(piece)
                yield piece
            if not hmac.compare_digest(finish(hasher), value):
                raise _changed(path)

        return cls("revision", pieces, ".pdf")

    def save(self, place: Path) -> SignedPart:
        """Write the octets to a new file; raise `InputError` when they are no longer those that were hashed."""
        try:
            with place.open("xb") as stream:
                for piece in self.pieces():
                    stream.write(piece)
                stream.flush()
                os.fsync(stream.fileno())
        except InputError:
            place.unlink(missing_ok=True)
            raise
        except OSError as error:
            raise InputError(
                Text(f"Không ghi được tệp ({error.strerror}).", f"A file cannot be written ({error.strerror})."),
                hint=Text("Kiểm tra quyền ghi và dung lượng.", "Check permission and free space."),
                code="EDX-FILE-UNWRITABLE",
                where=str(place),
            ) from error
        return SignedPart(self.name, Blob.from_path(place))


@dataclass(frozen=True, slots=True)
class Content:
    """What a finding covers, before anybody knows whether it will be trusted.

    ``build`` makes the typed value of the pieces once they are saved.
    """

    kind: Literal["pdf", "xml", "cms", "asice", "edxml"]
    pieces: tuple[Piece, ...]
    build: Callable[[tuple[SignedPart, ...]], object]
    file: str = ""


Witness = Callable[[SignatureReport, Content], None]
"""Told by `edocx.signing.judgement.judge` of every signature that passed, while its octets are still at hand."""


def verified(content: Content, parts: tuple[SignedPart, ...], signature: SignatureReport) -> Verified[object]:
    """Make the value of a signature that passed; for verifiers only. Raises ``TypeError`` for one that did not."""
    if signature.indication != "TOTAL-PASSED":
        raise TypeError("a signature that did not pass verifies nothing")
    return Verified(content.build(parts), signature, content.file, maker=_MAKER)


def kept(pieces: Iterable[tuple[str, bytes]]) -> tuple[Piece, ...]:
    """Make pieces of the octets of references; those that look like XML get its ending."""
    return tuple(Piece.of_bytes(name, data, ".xml" if data.lstrip()[:1] == b"<" else ".bin") for name, data in pieces)


def _gap(path: Path, contents: bytes, place: tuple[int, int]) -> bytes:
    from asn1crypto.parser import peek  # noqa: PLC0415 - only when a PDF is taken apart

    # What follows the CMS in its room is covered by nothing, and blank in an honest file.
    size = place[1] - place[0]
    try:
        digits = contents[: peek(contents)].hex().encode()
    except ValueError:
        digits = contents.hex().encode()
    written = b"".join(_runs(path, ((place[0], len(digits) + 1),)))[1:]
    kept = written if written.lower() == digits else digits  # either case of letters, as the writer had it
    return b"<" + kept[: size - 2].ljust(size - 2, b"0") + b">"


def _runs(path: Path, runs: tuple[tuple[int, int], ...]) -> Iterator[bytes]:
    with path.open("rb") as stream:
        for start, length in runs:
            stream.seek(start)
            left = length
            while left and (piece := stream.read(min(PIECE, left))):
                left -= len(piece)
                yield piece


def _checked(pieces: Iterable[bytes], hash_name: str, digest: bytes, path: Path) -> Iterator[bytes]:
    hasher = new_hash(hash_name)
    for piece in pieces:
        hasher.update(piece)
        yield piece
    if not hmac.compare_digest(finish(hasher), digest):
        raise _changed(path)


def _changed(path: Path) -> InputError:
    return InputError(
        Text("Tệp bị thay đổi trong lúc kiểm tra.", "The file was changed while it was being verified."),
        hint=Text("Chép tệp ra nơi không ai sửa rồi kiểm tra lại.", "Copy it where nobody writes, and verify again."),
        code="EDX-FILE-CHANGED",
        where=str(path),
    )
