"""Proof of existence: since when a signature must have existed (EN 319 102-1 5.4, 5.6.2.3).

Each timestamp is judged like a signature, at a time for which something newer still vouches: the newest document
timestamp at the time of validation, an older one at the time of the newer, the signature's own at the oldest of
these. A timestamp whose authority is not trusted proves nothing, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edocx.signing.messages import STAMP_BAD, STAMP_UNTRUSTED, STAMPED
from edocx.signing.path_memory import judge_remembered
from edocx.signing.report import Indication, Message, SubIndication
from edocx.signing.strength import weakness
from edocx.signing.token import Token, may_stamp
from edocx.signing.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Proof:
    """The earliest moment at which the signature is proven to have existed; None without any proof."""

    time: datetime | None
    messages: tuple[Message, ...]


def prove(own: Iterable[Token], archives: Iterable[Token], trust: TrustStore, at: datetime) -> Proof:
    """Judge the tokens over one signature: its own timestamps, and archive timestamps over everything before them.

    `Token.end` orders them: an archive timestamp vouches for what ends before it, and for own timestamps without an
    end, which it covers by its nature.
    """
    messages: list[Message] = []
    vouching: list[Token] = []  # from the newest to the oldest
    held = tuple(archives)
    messages += [STAMP_BAD for token in held if token.time is None]
    listed = sorted((t for t in held if t.time is not None), key=lambda t: (t.end or 0, t.time), reverse=True)
    for token in listed:
        problem = _problem(token, trust, _horizon(vouching, None, at))
        if problem is None:
            vouching.append(token)
        else:
            messages.append(problem)
    earliest = _horizon(vouching, None, at) if vouching else None
    for token in own:
        problem = _problem(token, trust, _horizon(vouching, token.end, at))
        if problem is not None:
            messages.append(problem)
        elif token.time is not None and (earliest is None or token.time < earliest):
            earliest = token.time
    if earliest is not None:
        messages.insert(0, STAMPED)  # and whoever added one that proves nothing is told all the same
    return Proof(earliest, tuple(dict.fromkeys(messages)))


def _horizon(vouching: list[Token], end: int | None, at: datetime) -> datetime:
    """Return the earliest time at which something newer still vouches for what ends at ``end``, else ``at``."""
    times = [one.time for one in vouching if one.time is not None and (end is None or (one.end or 0) > end)]
    return times[-1] if times else at


def _problem(token: Token, trust: TrustStore, at: datetime) -> Message | None:
    if not token.intact or token.certificate is None or token.signer is None or token.time is None:
        return STAMP_BAD
    if token.time > at or may_stamp(token.certificate, token.time) is not None:
        return STAMP_BAD
    if weakness(token.certificate, (*token.signer.hash_names, token.hash_name), at) is not None:
        return STAMP_BAD
    verdict = judge_remembered(token.certificate, trust=trust, at=at, extra=token.signer.others)
    if verdict.sub_indication is SubIndication.TRY_LATER and at <= token.certificate.not_valid_after:
        # Nothing fresh says whether the authority was revoked since: evidence of the time of stamping or later
        # counts then (TT 15/2025 PL II: the list or answer as published at the time), while its certificate lasts.
        verdict = judge_remembered(token.certificate, trust=trust, at=token.time, extra=token.signer.others)
    return None if verdict.indication is Indication.TOTAL_PASSED else STAMP_UNTRUSTED
