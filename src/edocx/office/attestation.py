"""The journal's end, signed and left with the axis: whoever falls back behind it learns of it before acting.

A store put back from yesterday's copy looks whole to itself. The axis knows better, if it keeps the heads that the
office signed (`edocx.routing.transport.Archive`): then the office only reads until it is reconciled, so that it gives
no number twice and sends nothing twice.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from edocx.content import write_durably
from edocx.errors import EdocxError, StateError, StoreUnavailable, Text, TransportUnavailable
from edocx.office.desk import Desk
from edocx.office.evidence import HEADS, head_of, head_text, known_heads, parse_head, signed
from edocx.office.numbers_beside import is_behind
from edocx.office.sending import derived_id
from edocx.routing.journal import Head, parse_line
from edocx.routing.store.failure import files_translated
from edocx.routing.transaction import Transaction
from edocx.routing.transport import Archive, SignedHead
from edocx.signing.certificate import fingerprint
from edocx.signing.cms.document import examine_beside, load_signed_data
from edocx.signing.cms.signer import MALFORMED
from edocx.signing.judgement import judge
from edocx.signing.report import Integrity, SignatureReport
from edocx.units.registry import HolderKind

FELL_BACK = "fell-back"
"""The dossier's state of a note that the journal once lacked what others keep of it, and that this was acknowledged."""

AXIS = "axis"


def archive_of(desk: Desk) -> Archive | None:
    """Return the axis when it remembers; None for one that does not, and for an office that cannot sign.

    Raises `TransportUnavailable` when it must be asked and is away.
    """
    can_sign = any(config.role == "organisation" for config in desk.config.signers.values())
    axis = desk.transport
    return axis if can_sign and isinstance(axis, Archive) and axis.remembers() else None


def _head_at_axis(desk: Desk) -> SignedHead | None:
    archive = archive_of(desk)
    return archive.head_of(str(desk.unit)) if archive is not None else None


def attest(desk: Desk, *, anew: bool = False) -> None:
    """Leave the journal's end with the axis, signed by the agency; nothing is done when it is there already.

    ``anew`` begins a new count after a restore. Raises `TransportUnavailable` when the axis is away; whatever was to be
    attested is attested the next time.
    """
    head = head_of(desk)
    if head.seq == 0 or (head == desk.attested and not anew):
        return
    archive = archive_of(desk)
    if archive is None:
        return
    said = head_text(desk, head)
    known = archive.keep_head(str(desk.unit), SignedHead(head.seq, said, signed(desk, said)), anew=anew)
    desk.attested, desk.compared = head, True
    if known.said != said and not _holds(desk, known):
        _fall_back(desk)


def compare(desk: Desk) -> None:
    """Hold the journal against what the axis and the heads beside the store say of it, once after opening.

    A journal that lacks what they know was cut, rewritten, or is an old copy: the store is marked, and
    `require_reconciled` refuses from then on. An axis that is away is asked another time.
    """
    if desk.compared:
        return
    with desk.store.read() as transaction:
        whole = all(transaction.journal_holds(head) for head in known_heads(desk)) and not _is_behind(desk, transaction)
        own = transaction.journal_head()
    try:
        known = _head_at_axis(desk)
    except TransportUnavailable:
        if not whole:
            _fall_back(desk)
        return  # numbers are given offline too; the next step asks again
    desk.compared = True
    if not whole or (known is not None and not _holds(desk, known)):
        _fall_back(desk)
    elif known is not None and known.seq == own.seq:
        desk.attested = own


def _is_behind(desk: Desk, transaction: Transaction) -> bool:
    with suppress(StoreUnavailable):  # whoever gives the next number is told, and `doctor` tells
        return is_behind(desk, transaction)
    return False


def vouches(desk: Desk) -> bool:
    """Tell whether the agency may sign its journal's end; see `require_vouching`."""
    try:
        require_vouching(desk)
    except (StateError, StoreUnavailable):
        return False
    return True


class LostHead(NamedTuple):
    """A journal head that somebody else keeps and the journal does not hold; ``kept_by`` is "axis" or a file's name."""

    head: Head
    kept_by: str


def axis_heads(desk: Desk) -> tuple[LostHead, ...]:
    """Return the head that the axis keeps, if this office signed it and its journal does not hold it.

    Raises `TransportUnavailable` when the axis is away; nothing is marked or changed.
    """
    known = _head_at_axis(desk)
    if known is None or _holds(desk, known):
        return ()
    return (LostHead(parse_head(known.said, AXIS)[0], AXIS),)


def is_head_foreign(desk: Desk) -> bool:
    """Tell whether the axis keeps a head that this office did not sign, which proves nothing; raise as `axis_heads`."""
    known = _head_at_axis(desk)
    return known is not None and not _is_ours(desk, known)


def lost_heads(desk: Desk) -> tuple[LostHead, ...]:
    """Return every head kept by the axis or beside the store that the journal does not hold; raise as `axis_heads`."""
    with desk.store.read() as transaction:
        beside = [LostHead(head, HEADS) for head in known_heads(desk) if not transaction.journal_holds(head)]
    return (*axis_heads(desk), *beside)


def acknowledge(desk: Desk, transaction: Transaction, lost: tuple[LostHead, ...], by: str | None) -> None:
    """Note for ever that the journal lacked what others keep of it, and who went on all the same."""
    own = transaction.journal_head()
    for one in lost:
        key = f"lui.{derived_id(str(one.head.seq), one.head.hash)}"
        if transaction.documents.find(key) is not None:
            continue  # a reconciliation that was killed is done again
        about = {"by": by, "at": desk.clock.now().isoformat(), "kept_by": one.kept_by, "own": own.seq}
        transaction.documents.put(key, state=FELL_BACK, metadata={"seq": one.head.seq, "hash": one.head.hash, **about})
        transaction.journal("journal.fell-back", number=one.head.seq, sha256=one.head.hash, kind=one.kept_by, by=by)


def require_vouching(desk: Desk) -> None:
    """Raise for a journal that the agency must not sign: one that does not hold together, or lacks what others keep.

    Raises `StateError` (``EDX-OFFICE-RESTORED``) and `StoreUnavailable`.
    """
    desk.compared = False  # whatever was known when the office was opened: now it is signed
    require_reconciled(desk)
    with desk.store.read() as transaction:
        transaction.verify_journal().require()


def require_reconciled(desk: Desk) -> None:
    """Raise `StateError` while the office stands restored and not reconciled, or behind what the axis knows of it."""
    if not is_current(desk):
        raise StateError(
            Text(
                "Kho vừa phục hồi từ bản sao lưu nên chỉ đọc: số đã cấp sau bản sao lưu có thể bị cấp lại.",
                "The store was restored from a backup and is read-only: numbers given out since might be given again.",
            ),
            hint=Text(
                "Chạy `edocx office reconcile` để lấy lại từ trục những gì đã mất.",
                "Run `edocx office reconcile`, which pulls back from the axis what was lost.",
            ),
            code="EDX-OFFICE-RESTORED",
        )


def is_current(desk: Desk) -> bool:
    """Tell whether the office may write: its store is not an old copy, as far as it and the axis know."""
    compare(desk)
    return not marker_of(desk.config.place).exists()


def books_known(desk: Desk) -> dict[tuple[str, int], int]:
    """Return the next number of each book as the axis last heard it from this office; raise `TransportUnavailable`."""
    known = _head_at_axis(desk)
    if known is None or not _is_ours(desk, known):
        return {}
    return parse_head(known.said, "axis")[1]


def marker_of(place: Path) -> Path:
    """Return the file that stands beside a store while it is restored and not reconciled."""
    return place.with_name(place.name + ".restored.json")


def _holds(desk: Desk, known: SignedHead) -> bool:
    """Tell whether the journal holds a head that the axis gave; one that we did not sign says nothing."""
    if not _is_ours(desk, known):
        return True
    head, _ = parse_head(known.said, "axis")
    with desk.store.read() as transaction:
        return transaction.journal_holds(head)


def _is_ours(desk: Desk, known: SignedHead) -> bool:
    # Whoever holds the axis could otherwise stop any office by a head of his own making: over these bytes, not over
    # some that the signature brings (every PDF that the agency sealed has one of it).
    try:
        parse_head(known.said, AXIS)
        findings = list(examine_beside(load_signed_data(known.signature, AXIS), known.said))
        return any(is_agency(desk, judge(one, desk.criteria)) for one in findings)
    except (EdocxError, *MALFORMED):  # what somebody made to break whoever reads it is not ours either
        return False


def is_agency(desk: Desk, signature: SignatureReport) -> bool:
    """Tell whether a signature is intact and this office's own seal, whatever became of its certificate since."""
    # Not whether the certificate still runs: last year's seal on last year's head is still our word.
    if signature.integrity is not Integrity.VALID or signature.certificate is None:
        return False
    sha256 = signature.certificate.sha256
    if sha256 == fingerprint(desk.agency().certificate):
        return True
    at = signature.signing_time or desk.clock.now()
    entry = None if desk.registry is None else desk.registry.lookup(sha256, at)
    return entry is not None and entry.kind is HolderKind.ORGANISATION and entry.unit == desk.unit


def _fall_back(desk: Desk) -> None:
    """Mark the store as one that lost what others know of it."""
    marker = marker_of(desk.config.place)
    if not marker.exists():
        note = {"unit": str(desk.unit), "at": _last_moment(desk).isoformat(), "behind": True}
        with files_translated(str(marker)):
            write_durably(marker, [json.dumps(note).encode()])


def _last_moment(desk: Desk) -> datetime:
    head: Head = head_of(desk)
    with desk.store.read() as transaction:
        lines = transaction.journal_lines(after=max(0, head.seq - 1))
    return parse_line(lines[-1]).at if lines else desk.clock.now()
