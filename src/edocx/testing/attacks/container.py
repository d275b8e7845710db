"""Attacks on containers and on signatures beside a file: what other readers show, and what hides behind an end.

The signed files stay as they are; the forgery is in the bytes around them, which some readers take for the container.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from edocx.testing.attacks import Attack
from edocx.testing.attacks.cms import enclosing

_END = b"PK\5\6"
_DIRECTORY = b"PK\1\2"
_FOREIGN = b"FORGED CONTENT"


def framings(data: bytes) -> Iterator[Attack]:
    """Yield copies of a zip that different readers take for different ones; none may be read."""
    name = _first_file(data)
    foreign = _zip({name: _FOREIGN})
    directory = data.index(_DIRECTORY)
    for label, forged in {
        "another-in-front": foreign + data,
        "another-in-front-offsets-mended": _shifted(foreign, data),
        "another-behind": data + foreign,
        "another-in-the-comment": _with_comment(data, foreign),
        "bytes-in-front": _FOREIGN + data,
        "bytes-behind": data + _FOREIGN,
        "entry-outside-the-directory": _opened(data, directory, foreign[: foreign.index(_DIRECTORY)]),
        "bytes-before-the-directory": _opened(data, directory, _FOREIGN),
        "bytes-before-the-end": _before_the_end(data, _FOREIGN),
        "count-too-small": _counted(data),
        "comment-length": data[:-2] + struct.pack("<H", 5),
        "other-local-method": _local(data, name, 8, struct.pack("<H", 12)),
        "other-local-size": _local(data, name, 18, struct.pack("<L", 1)),
        "other-local-name": _local(data, name, 30, bytes([name.encode()[0] ^ 1])),
        "second-name": _second_name(data, name),
        "folder-with-content": _rewritten(data, lambda archive: archive.writestr(zipfile.ZipInfo("a/"), _FOREIGN)),
        "link": _linked(data, name),
        "extra-field": _with_extra(data, name, 4096),
        "pdf-in-extra-field": _with_extra(data, name, 100),
    }.items():
        yield Attack(f"zip-{label}", forged)


def beside(data: bytes) -> Iterator[Attack]:
    """Yield copies of a container with files in META-INF that nobody signed and no standard knows; none may pass."""
    for name in ("META-INF/FORGED.pdf", "META-INF/ASiCManifest9.xml", "META-INF/deep/signatures.xml"):
        yield Attack(f"beside-{name.rpartition('/')[2]}", _with_entry(data, name))
    letter = b"<Letter><amount>FORGED</amount></Letter>"
    named = _rewritten(data, lambda archive: archive.writestr(zipfile.ZipInfo("META-INF/signatures9.xml"), letter))
    yield Attack("beside-signatures9.xml", named)
    listing = b"<m>FORGED</m>"  # in place of the names and types of the files
    yield Attack("beside-manifest.xml", _rebuilt(data, {"META-INF/manifest.xml": listing}))


def remarks(data: bytes) -> Iterator[Attack]:
    """Yield copies of a container that say something where no signature reaches; none may pass."""
    yield Attack("remark-comment", _with_comment(data, _FOREIGN))
    yield Attack("remark-comment-of-entry", _commented(data))
    yield Attack("remark-mimetype", _rebuilt(data, {"mimetype": _FOREIGN}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next(n for n in archive.namelist() if n.startswith("META-INF/") and n.endswith("signatures.xml"))
        text = archive.read(name)
    inside = re.findall(rb'URI="(#[^"]+)"', text)[0].decode()
    yield Attack("remark-file-named-as-a-part", _with_entry(data, inside))
    for label, (ahead, inserted) in _INSERTED.items():
        place = text.rindex(b"</", 0, text.rindex(ahead))
        yield Attack(f"remark-{label}", _rebuilt(data, {name: text[:place] + inserted + text[place:]}))


_XADES = b'<x:UnsignedProperties xmlns:x="http://uri.etsi.org/01903/v1.3.2#">%s</x:UnsignedProperties>'
_INSERTED = {
    "object": (
        b"Signature>",
        b'<o:Object xmlns:o="http://www.w3.org/2000/09/xmldsig#"><amount>FORGED</amount></o:Object>',
    ),
    "instruction": (b"Signature>", b"<?pay FORGED?>"),
    "property": (
        b"QualifyingProperties>",
        _XADES % b"<x:UnsignedSignatureProperties><x:Note>FORGED</x:Note></x:UnsignedSignatureProperties>",
    ),
    "countersignature": (
        b"QualifyingProperties>",
        _XADES
        % (
            b"<x:UnsignedSignatureProperties><x:CounterSignature><s:Signature "
            b'xmlns:s="http://www.w3.org/2000/09/xmldsig#"><s:Object>FORGED</s:Object></s:Signature></x:CounterSignature>'
            b"</x:UnsignedSignatureProperties>"
        ),
    ),
    "references": (
        b"QualifyingProperties>",
        _XADES
        % (
            b"<x:UnsignedSignatureProperties><x:AttributeCertificateRefs><x:Claim>FORGED</x:Claim>"
            b"</x:AttributeCertificateRefs></x:UnsignedSignatureProperties>"
        ),
    ),
    "property-of-data": (
        b"QualifyingProperties>",
        _XADES % b"<x:UnsignedDataObjectProperties><x:Note>FORGED</x:Note></x:UnsignedDataObjectProperties>",
    ),
}
"""What is put into a signature's file, and what it stands before the end of."""


def enclosed(data: bytes, content: bytes) -> Iterator[Attack]:
    """Yield containers whose CMS signature holds ``content``, what it was made over, beside a file that nobody signed.

    ``data`` is anybody's detached signature (DER) over ``content``; without the file's own bytes none may pass.
    """
    listing = (
        f'<a:ASiCManifest xmlns:a="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        f'<a:SigReference URI="META-INF/signature1.p7s"/><a:DataObjectReference URI="letter.txt">'
        f'<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>'
        f"{base64.b64encode(hashlib.sha256(_FOREIGN).digest()).decode()}</ds:DigestValue></a:DataObjectReference>"
        f"</a:ASiCManifest>"
    ).encode()
    for label, inside in {"content": content, "file": _FOREIGN, "nothing": b""}.items():
        signature = enclosing(data, inside)
        simple = {"letter.txt": _FOREIGN, "META-INF/signature.p7s": signature}
        yield Attack(f"enclosed-{label}-simple", _zip({"mimetype": _SIMPLE} | simple))
        extended = {"META-INF/ASiCManifest1.xml": listing, "META-INF/signature1.p7s": signature}
        yield Attack(f"enclosed-{label}-extended", _zip({"mimetype": _EXTENDED, "letter.txt": _FOREIGN} | extended))


_SIMPLE, _EXTENDED = b"application/vnd.etsi.asic-s+zip", b"application/vnd.etsi.asic-e+zip"


def trailers(data: bytes) -> Iterator[Attack]:
    """Yield copies of a DER signature with something behind its end, in each armour; none may pass unnamed."""
    armoured = _armoured(data)
    for label, forged in {
        "der": data + _FOREIGN,
        "der-twice": data + data,
        "ber": _endless(data) + _FOREIGN,
        "base64": base64.encodebytes(data + _FOREIGN),
        "pem": _armoured(data + _FOREIGN),
        "pem-header": armoured.replace(b"-----\n", b"-----\nSubject: FORGED\n\n", 1),
        "pem-behind": armoured + _FOREIGN,
        "pem-ahead": _FOREIGN + b"\n" + armoured,
        "pem-twice": armoured + armoured,
    }.items():
        yield Attack(f"trailing-{label}", forged)


def _armoured(data: bytes) -> bytes:
    return b"-----BEGIN PKCS7-----\n" + base64.encodebytes(data) + b"-----END PKCS7-----\n"


def _endless(data: bytes) -> bytes:
    """Give the outermost value an indefinite length (BER)."""
    head = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    return data[:1] + b"\x80" + data[head:] + b"\0\0"


def _zip(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def _first_file(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return next(n for n in archive.namelist() if n != "mimetype" and not n.startswith("META-INF/"))


def _rewritten(data: bytes, change: Callable[[zipfile.ZipFile], None]) -> bytes:
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        change(archive)
    return stream.getvalue()


def _with_entry(data: bytes, name: str) -> bytes:
    return _rewritten(data, lambda archive: archive.writestr(zipfile.ZipInfo(name), _FOREIGN))


def _shifted(front: bytes, data: bytes) -> bytes:
    stream = io.BytesIO(front + data)
    with zipfile.ZipFile(stream) as archive:  # Python finds the last one, and where it begins
        places = sorted(entry.header_offset for entry in archive.infolist())
    assert places[0] == len(front)
    moved = bytearray(front + data)
    place = len(front) + data.index(_DIRECTORY)
    for _ in places:
        offset = struct.unpack_from("<L", moved, place + 42)[0] + len(front)
        struct.pack_into("<L", moved, place + 42, offset)
        place += 46 + sum(struct.unpack_from("<3H", moved, place + 28))
    struct.pack_into("<L", moved, place + 16, struct.unpack_from("<L", moved, place + 16)[0] + len(front))
    return bytes(moved)


def _with_comment(data: bytes, comment: bytes) -> bytes:
    return data[:-2] + struct.pack("<H", len(comment)) + comment


def _opened(data: bytes, place: int, inserted: bytes) -> bytes:
    """Put bytes in front of the directory and mend the end record."""
    end = data.rindex(_END)
    offset = struct.unpack_from("<L", data, end + 16)[0] + len(inserted)
    return data[:place] + inserted + data[place : end + 16] + struct.pack("<L", offset) + data[end + 20 :]


def _before_the_end(data: bytes, inserted: bytes) -> bytes:
    end = data.rindex(_END)
    return data[:end] + inserted + data[end:]


def _counted(data: bytes) -> bytes:
    end = data.rindex(_END)
    count = struct.unpack_from("<H", data, end + 10)[0] - 1
    return data[: end + 8] + struct.pack("<2H", count, count) + data[end + 12 :]


def _local(data: bytes, name: str, offset: int, value: bytes) -> bytes:
    """Change a field of a file's local header, which streaming readers go by."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        place = archive.getinfo(name).header_offset + offset
    return data[:place] + value + data[place + len(value) :]


def _second_name(data: bytes, name: str) -> bytes:
    """Give the first file another name in an Info-ZIP Unicode path field."""
    other = b"FORGED.pdf"
    alias = struct.pack("<2HBL", 0x7075, 5 + len(other), 1, zlib.crc32(name.encode())) + other
    return _rebuilt(data, {}, {name: alias})


def _linked(data: bytes, name: str) -> bytes:
    """Let the first file be a symbolic link: unpacked, it leads to what its content names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(stream, "w") as copy:
        for entry in archive.infolist():
            made = zipfile.ZipInfo(entry.filename, entry.date_time)
            made.create_system = 3
            made.external_attr = (0o120777 if entry.filename == name else 0o100644) << 16
            copy.writestr(made, archive.read(entry))
    return stream.getvalue()


def _with_extra(data: bytes, name: str, size: int) -> bytes:
    """Hide the beginning of a PDF in an extra field that no reader of zips knows."""
    hidden = b"%PDF-1.7 FORGED".ljust(size)
    return _rebuilt(data, {}, {name: struct.pack("<2H", 0x4655, len(hidden)) + hidden})


def _commented(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        last = archive.infolist()[-1].filename
    return _rebuilt(data, {}, comments={last: _FOREIGN})


def _rebuilt(
    data: bytes,
    contents: dict[str, bytes],
    extras: dict[str, bytes] | None = None,
    comments: dict[str, bytes] | None = None,
) -> bytes:
    """Write a zip again with other contents, extra fields and comments of its entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(stream, "w") as copy:
        for entry in archive.infolist():
            made = zipfile.ZipInfo(entry.filename, entry.date_time)
            made.extra = (extras or {}).get(entry.filename, b"")
            made.comment = (comments or {}).get(entry.filename, b"")
            copy.writestr(made, contents.get(entry.filename) or archive.read(entry))
    return stream.getvalue()
