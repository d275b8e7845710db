"""Signatures in a PDF that no longer parses: found by their bytes alone.

A changed byte may break the file's structure as well as its digest. The receiver still deserves the answer
"this was signed, and it was changed" rather than "unreadable".
"""

from __future__ import annotations

import binascii
import hashlib
import mmap
import re
from pathlib import Path

from asn1crypto import cms
from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity

from edocx.content import PIECE
from edocx.signing.judgement import Finding
from edocx.signing.messages import AROUND, DIGEST, MALFORMED_SIGNATURE
from edocx.signing.report import Indication, Integrity, SubIndication

MAX_CONTENTS = 4 * 1024 * 1024
"""Hex characters of one signature; a CMS with a long chain and timestamps has some tens of thousands."""

MAX_RANGES = 50
"""Byte ranges looked at in one damaged file."""

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s*\]")


def salvage_signatures(path: Path) -> list[Finding]:
    """Return a finding for each signature whose bytes can still be located; none if there is none."""
    if path.stat().st_size == 0:
        return []
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        ranges = [tuple(int(n) for n in match.groups()) for match in _RANGE.finditer(data)][:MAX_RANGES]
        return [found for order, parts in enumerate(ranges, 1) if (found := _examine(data, parts, f"#{order}"))]


def _examine(data: mmap.mmap, parts: tuple[int, ...], name: str) -> Finding | None:
    start, length, second, second_length = parts
    gap = data[start + length : min(second, start + length + MAX_CONTENTS)]
    try:
        der = binascii.unhexlify(gap.strip().removeprefix(b"<").removesuffix(b">"))
        signed = cms.ContentInfo.load(der)["content"]
        info = extract_signer_info(signed)
        certificate = extract_certs_for_validation(signed).signer_cert
        digest_name = info["digest_algorithm"]["algorithm"].native
        digest = hashlib.new(digest_name)
        for begin, size in ((start, length), (second, second_length)):
            for offset in range(begin, begin + size, PIECE):
                digest.update(data[offset : min(offset + PIECE, begin + size)])
        intact, valid = validate_sig_integrity(info, certificate, "data", digest.digest())
    except Exception:  # noqa: BLE001 - hostile bytes through three parsers; the verdict below says what it means
        return _damaged(name)
    if intact and valid:
        return Finding(
            id=name,
            format="CMS",
            integrity=Integrity.INDETERMINATE,
            covers="earlier-revision",
            algorithm=digest_name.upper(),
            certificate=certificate,
            outcome=Indication.INDETERMINATE,
            failure=SubIndication.GENERIC,
            messages=(AROUND,),
        )
    return Finding(
        id=name,
        format="CMS",
        integrity=Integrity.INVALID,
        covers="earlier-revision",
        algorithm=digest_name.upper(),
        certificate=certificate,
        outcome=Indication.TOTAL_FAILED,
        failure=SubIndication.HASH_FAILURE,
        messages=(DIGEST,),
    )


def _damaged(name: str) -> Finding:
    return Finding(
        id=name,
        format="CMS",
        integrity=Integrity.INVALID,
        covers="earlier-revision",
        algorithm="unknown",
        outcome=Indication.TOTAL_FAILED,
        failure=SubIndication.FORMAT_FAILURE,
        messages=(MALFORMED_SIGNATURE,),
    )
