"""Signatures in a PDF that no longer parses: found by their bytes alone.

A changed byte may break the file's structure as well as its digest. The receiver still deserves the answer
"this was signed, and it was changed" rather than "unreadable".
"""

from __future__ import annotations

import binascii
import mmap
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

from asn1crypto import cms, core

from edocx.content import PIECE
from edocx.signing.cms.signer import MALFORMED, Digester, examine_signer
from edocx.signing.judgement import Finding
from edocx.signing.mechanism import finish, new_hash
from edocx.signing.messages import AROUND, CONTENTS, IRREGULAR, MALFORMED_SIGNATURE
from edocx.signing.report import Indication, Integrity, Message, SubIndication

MAX_CONTENTS = 4 * 1024 * 1024
"""Hex characters of one signature; a CMS with a long chain and timestamps has some tens of thousands."""

MAX_BLANK = 1024
"""Bytes of white space behind the signature: viewers look so far for the end mark, and beyond it rebuild the file."""

MAX_RANGES = 50
"""Byte ranges looked at in one damaged file."""

_HEXADECIMAL = b"0123456789abcdefABCDEF"

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s*\]")


def salvage_signatures(path: Path) -> list[Finding]:
    """Return a finding for each signature whose bytes can still be located; none if there is none."""
    if path.stat().st_size == 0:
        return []
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return examine_bytes(data)


def examine_bytes(data: mmap.mmap | bytes, most: int = MAX_RANGES) -> list[Finding]:
    """Return a finding for each signature whose bytes can be located, the first ones."""
    return [_examine(data, parts, f"#{order}") for order, parts in enumerate(ranges_in(data)[:most], 1)]


def ranges_in(data: mmap.mmap | bytes) -> list[tuple[int, ...]]:
    """Return the byte ranges that stand in a file as text."""
    return [tuple(int(n) for n in match.groups()) for match in islice(_RANGE.finditer(data), MAX_RANGES)]


def _examine(data: mmap.mmap | bytes, parts: tuple[int, ...], name: str) -> Finding:
    start, length, second, second_length = parts
    gap = data[start + length : min(second, start + length + MAX_CONTENTS)].strip()
    blank = Finding(id=name, format="CMS", integrity=Integrity.INVALID, covers="earlier-revision", algorithm="unknown")
    digits = b"".join(gap[1:-1].split())
    if not (gap.startswith(b"<") and gap.endswith(b">")) or digits.strip(_HEXADECIMAL):
        return _failed(blank, SubIndication.FORMAT_FAILURE, CONTENTS)
    try:
        signed = cms.ContentInfo.load(binascii.unhexlify(digits))["content"]
        if len(signed["signer_infos"]) != 1 or not isinstance(signed["encap_content_info"]["content"], core.Void):
            raise ValueError("not a detached signature of one signer")
        signer = examine_signer(signed, signed["signer_infos"][0], _digester(data, parts))
    except (*MALFORMED, binascii.Error):
        return _failed(blank, SubIndication.FORMAT_FAILURE, MALFORMED_SIGNATURE)
    found = replace(
        blank,
        algorithm=signer.algorithm,
        hash_names=signer.hash_names,
        certificate=signer.certificate,
        embedded=signer.others,
        claimed_time=signer.claimed_time,
    )
    if signer.failure is not None and signer.message is not None:
        return _failed(found, signer.failure, signer.message)
    if start == 0 and _is_blank(data, second + second_length):
        # Every byte of the file is what the signer signed, and nothing came after.
        return replace(found, integrity=Integrity.VALID, covers="whole-document", messages=(IRREGULAR,))
    return replace(
        found,
        integrity=Integrity.INDETERMINATE,
        outcome=Indication.INDETERMINATE,
        failure=SubIndication.GENERIC,
        messages=(AROUND,),
    )


def _is_blank(data: mmap.mmap | bytes, begin: int) -> bool:
    """Say whether nothing but a little white space stands from a place to the end."""
    return len(data) - begin <= MAX_BLANK and not data[begin:].strip(b"\0\t\n\f\r ")


def _digester(data: mmap.mmap | bytes, parts: tuple[int, ...]) -> Digester:
    start, length, second, second_length = parts

    def compute(hash_name: str) -> bytes:
        hasher = new_hash(hash_name)
        for begin, size in ((start, length), (second, second_length)):
            for offset in range(begin, min(begin + size, len(data)), PIECE):
                hasher.update(data[offset : min(offset + PIECE, begin + size)])
        return finish(hasher)

    return compute


def _failed(found: Finding, failure: SubIndication, message: Message) -> Finding:
    return replace(found, outcome=Indication.TOTAL_FAILED, failure=failure, messages=(message,))
