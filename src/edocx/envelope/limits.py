"""The limits on what an envelope from outside may cost, each beside the attack it stops."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for reading; every one can be set by the caller.

    Attributes:
        file_bytes: the whole received file; against a full disk.
        skeleton_bytes: everything but the attachments' base64 (a header with 2,000 recipients has about 1 MiB);
            against 2 GiB of blanks, comments or header text.
        blank_bytes: blanks in one attachment's base64 when they outnumber its bytes; against 2 GiB of line breaks.
        namespaces: declarations in the skeleton; against the cost of very many prefixes.
        attributes: of one element; against the cost of very many attributes.
        elements: of the skeleton; against memory spent on tiny elements.
        attachments: how many; against work per attachment.
        attachment_bytes: one file, after a zip was opened; peers cut at 50 MB, this is against bombs.
        total_bytes: all files together.
        zip_ratio: expanded to packed size of a zip above ``zip_free_bytes`` (text packs 20:1, bombs 1000:1).
        zip_free_bytes: expanded size below which the ratio does not matter.
        zip_nesting: how many one-entry zips are opened one inside the other.
        junk_bytes: before the first ``<``; a known sample starts with four characters of junk.
    """

    file_bytes: int = 16 * GIB
    skeleton_bytes: int = 4 * MIB
    blank_bytes: int = 64 * 1024
    namespaces: int = 4_000
    attributes: int = 64
    elements: int = 200_000
    attachments: int = 500
    attachment_bytes: int = 8 * GIB
    total_bytes: int = 12 * GIB
    zip_ratio: int = 200
    zip_free_bytes: int = 10 * MIB
    zip_nesting: int = 1
    junk_bytes: int = 1024
