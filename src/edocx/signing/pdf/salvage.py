"""Signatures in a PDF that no longer parses: found by their bytes alone.

A changed byte may break the file's structure as well as its digest. The receiver still deserves the answer
"this was signed, and it was changed" rather than "unreadable".

Nothing found here ever passes. What such a file shows is each viewer's own guess, and none of the rules that hold for
a file with a structure (`embedded`, `changes`) can be asked of it: whoever breaks a file on purpose would choose to be
judged by this. At best the answer is INDETERMINATE, with the reason that the bytes are those that were signed.
"""

from __future__ import annotations

import binascii
import mmap
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from asn1crypto import cms, core

from edocx.content import PIECE
from edocx.errors import LimitExceeded
from edocx.signing.budget import Budget
from edocx.signing.cms.signer import MALFORMED, Digester, examine_signer
from edocx.signing.judgement import Finding
from edocx.signing.mechanism import finish, new_hash
from edocx.signing.messages import AROUND, BUDGET, CONTENTS, IRREGULAR, MALFORMED_SIGNATURE
from edocx.signing.pdf.embedded import MAX_GAP
from edocx.signing.pdf.examination import is_padding
from edocx.signing.report import Indication, Integrity, Message, SubIndication

MAX_BLANK = 1024
"""Bytes of white space behind the signature: viewers look so far for the end mark, and beyond it rebuild the file."""

MAX_RANGES = 50
"""Byte ranges in one damaged file; a file with more of them is not looked at, so that none stands beyond the last."""

SECONDS = 2.0
BYTES_A_SECOND = 50 * 1024 * 1024
"""Each byte range costs a digest of up to the whole file: 60 ranges in 300 MB took a quarter of a minute."""

_HEXADECIMAL = b"0123456789abcdefABCDEF"

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s*\]")

Bytes = mmap.mmap | bytes


def salvage_signatures(path: Path) -> list[Finding]:
    """Return a finding for each signature whose bytes can still be located, none of them passed.

    Empty where there is none, or more byte ranges than `MAX_RANGES`. What is left when its time is up (2 s, and 1 s
    for 50 MiB) is INDETERMINATE (``EDX-BUDGET``).
    """
    if path.stat().st_size == 0:
        return []
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return list(_examine_all(data, ranges_in(data)))


def is_signed_whole(data: Bytes, most: int = MAX_RANGES) -> bool:
    """Say whether one of the first ``most`` byte ranges is intact and leaves out its signature alone."""
    return any(IRREGULAR in found.messages for found in _examine_all(data, ranges_in(data)[:most]))


def ranges_in(data: Bytes) -> list[tuple[int, ...]]:
    """Return the byte ranges that stand in a file as text, each once; none where there are more than `MAX_RANGES`."""
    found = [tuple(int(n) for n in match.groups()) for match in islice(_RANGE.finditer(data), MAX_RANGES + 1)]
    return [] if len(found) > MAX_RANGES else list(dict.fromkeys(found))


def _examine_all(data: Bytes, ranges: list[tuple[int, ...]]) -> Iterator[Finding]:
    budget = Budget(SECONDS + len(data) / BYTES_A_SECOND)
    for order, parts in enumerate(ranges, 1):
        blank = Finding(
            id=f"#{order}",
            format="CMS",
            integrity=Integrity.INVALID,
            covers="earlier-revision",
            algorithm="unknown",
            outcome=Indication.TOTAL_FAILED,
        )
        try:
            yield _examine(data, parts, blank, budget)
        except LimitExceeded:
            yield _undecided(blank, BUDGET)


def _examine(data: Bytes, parts: tuple[int, ...], blank: Finding, budget: Budget) -> Finding:
    start, length, second, second_length = parts
    digits = _hexadecimal_in(data, start + length, second)
    if digits is None:
        return _failed(blank, SubIndication.FORMAT_FAILURE, CONTENTS)
    try:
        contents = binascii.unhexlify(digits)
        signed = cms.ContentInfo.load(contents)["content"]
        if len(signed["signer_infos"]) != 1 or not isinstance(signed["encap_content_info"]["content"], core.Void):
            raise ValueError("not a detached signature of one signer")
        signer = examine_signer(signed, signed["signer_infos"][0], _digester(data, parts, budget))
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
    whole = start == 0 and is_padding(contents) and _is_blank(data, second + second_length)
    return _undecided(replace(found, covers="whole-document") if whole else found, IRREGULAR if whole else AROUND)


def _hexadecimal_in(data: Bytes, begin: int, end: int) -> bytes | None:
    """Return the digits of the one hexadecimal string that fills a gap from its first byte to its last, or None.

    A forger who widens the gap keeps every signed byte, and puts what he likes behind a signature that still fits.
    """
    if not begin + 2 <= end <= min(len(data), begin + MAX_GAP):
        return None
    gap = data[begin:end]
    digits = gap[1:-1]
    return digits if gap[:1] == b"<" and gap[-1:] == b">" and not digits.strip(_HEXADECIMAL) else None


def _is_blank(data: Bytes, begin: int) -> bool:
    """Say whether nothing but a little white space stands from a place within the file to its end."""
    return 0 <= len(data) - begin <= MAX_BLANK and not data[begin:].strip(b"\0\t\n\f\r ")


def _digester(data: Bytes, parts: tuple[int, ...], budget: Budget) -> Digester:
    start, length, second, second_length = parts

    def compute(hash_name: str) -> bytes:
        hasher = new_hash(hash_name)
        for begin, size in ((start, length), (second, second_length)):
            for offset in range(begin, min(begin + size, len(data)), PIECE):
                budget.check()
                hasher.update(data[offset : min(offset + PIECE, begin + size)])
        return finish(hasher)

    return compute


def _undecided(found: Finding, message: Message) -> Finding:
    return replace(
        found,
        integrity=Integrity.INDETERMINATE,
        outcome=Indication.INDETERMINATE,
        failure=SubIndication.GENERIC,
        messages=(message,),
    )


def _failed(found: Finding, failure: SubIndication, message: Message) -> Finding:
    return replace(found, outcome=Indication.TOTAL_FAILED, failure=failure, messages=(message,))
