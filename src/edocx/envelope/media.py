"""Media types of attachments: by extension, by first bytes, and the misspelt ones of the official builder."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

OCTETS: Final = "application/octet-stream"
ZIP: Final = "application/zip"
_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_ODF: Final = "application/vnd.oasis.opendocument."

BY_EXTENSION: Final = MappingProxyType(
    {
        "pdf": "application/pdf",
        "doc": "application/msword",
        "docx": f"{_OOXML}wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": f"{_OOXML}spreadsheetml.sheet",
        "ppt": "application/vnd.ms-powerpoint",
        "pptx": f"{_OOXML}presentationml.presentation",
        "odt": f"{_ODF}text",
        "ods": f"{_ODF}spreadsheet",
        "odp": f"{_ODF}presentation",
        "rtf": "application/rtf",
        "txt": "text/plain",
        "csv": "text/csv",
        "xml": "application/xml",
        "json": "application/json",
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "gif": "image/gif",
        "tif": "image/tiff",
        "tiff": "image/tiff",
        "zip": ZIP,
        "rar": "application/vnd.rar",
        "7z": "application/x-7z-compressed",
        "asice": "application/vnd.etsi.asic-e+zip",
        "p7s": "application/pkcs7-signature",
        "p7m": "application/pkcs7-mime",
        "edxml": "application/xml",
    }
)

MISSPELT: Final = MappingProxyType(
    {
        "application/doc": BY_EXTENSION["doc"],
        "application/docx": BY_EXTENSION["docx"],
        "application/xls": BY_EXTENSION["xls"],
        "application/xlsx": BY_EXTENSION["xlsx"],
        "application/xsl": BY_EXTENSION["xls"],
        "application/xslx": BY_EXTENSION["xlsx"],
    }
)
"""Types that the official builder invents (spec §2.7), and what it means by them."""

ZIP_BASED: Final = frozenset(
    (
        *(
            "zip",
            "zipx",
            "docx",
            "docm",
            "dotx",
            "dotm",
            "xlsx",
            "xlsm",
            "xlsb",
            "xltx",
            "xltm",
            "pptx",
            "pptm",
            "potx",
        ),
        *("ppsx", "odt", "ods", "odp", "odg", "odf", "ott", "ots", "otp", "epub", "jar", "war", "ear", "apk", "kmz"),
        *("xps", "oxps", "vsdx", "asice", "asics", "sce", "scs", "bdoc", "3mf"),
    )
)
"""Extensions of files that are zips themselves: their bytes say nothing about having been wrapped."""

_FIRST_BYTES: Final = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"{\\rtf", "rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"<?xml", "xml"),
)


def extension(name: str) -> str:
    """Return the extension of a file name, lower case and without the dot, or ``""``."""
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem and ending.isalnum() and len(ending) <= 10 else ""  # noqa: PLR2004 - no known one is longer


def sniffed_extension(head: bytes) -> str:
    """Return the extension that a file's first bytes suggest, or ``""``."""
    return next((ending for start, ending in _FIRST_BYTES if head.startswith(start)), "")


def type_of(name: str, head: bytes = b"") -> str:
    """Return the media type for a file by its name, else by its first bytes, else octets."""
    return BY_EXTENSION.get(extension(name)) or BY_EXTENSION.get(sniffed_extension(head), OCTETS)
