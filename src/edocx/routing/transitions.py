"""The transition tables of a delivery's three regions, as data: code follows them, docs print them.

No official transition table exists (spec/law #45); these follow data/statuses.csv. A jump forwards is no
fault, since peers leave out steps; what cannot be true of one document is a contradiction, which is
shown and never dropped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from edocx.errors import Text


class Passage(StrEnum):
    """How far the parcel got."""

    QUEUED = "queued"
    SENT = "sent"
    ARRIVED = "arrived"
    EXPIRED = "expired"
    DEAD = "dead"

    @property
    def label(self) -> Text:
        """The step in words, for people."""
        return _PASSAGES[self]


class Handling(StrEnum):
    """What the recipient says it has done with the document."""

    NONE = "none"
    ARRIVED = "arrived"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    PROCESSING = "processing"
    COMPLETED = "completed"
    RETURNED = "returned"

    @property
    def label(self) -> Text:
        """The step in words, for people."""
        return _HANDLINGS[self]


class Change(StrEnum):
    """Where a recall, withdrawal, update or replacement stands."""

    NONE = "none"
    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"

    @property
    def label(self) -> Text:
        """The step in words, for people."""
        return _CHANGES[self]


_PASSAGES = {
    Passage.QUEUED: Text("chờ gửi", "queued"),
    Passage.SENT: Text("đã gửi", "sent"),
    Passage.ARRIVED: Text("đã đến", "arrived"),
    Passage.EXPIRED: Text("quá hạn", "expired"),
    Passage.DEAD: Text("không gửi được", "dead"),
}

_HANDLINGS = {
    Handling.NONE: Text("chưa có tin", "nothing heard"),
    Handling.ARRIVED: Text("đã đến", "arrived"),
    Handling.REJECTED: Text("từ chối tiếp nhận", "rejected"),
    Handling.ACCEPTED: Text("đã tiếp nhận", "accepted"),
    Handling.ASSIGNED: Text("đã phân công", "assigned"),
    Handling.PROCESSING: Text("đang xử lý", "processing"),
    Handling.COMPLETED: Text("hoàn thành", "completed"),
    Handling.RETURNED: Text("trả lại", "returned"),
}

_CHANGES = {
    Change.NONE: Text("không có", "none"),
    Change.ASKED: Text("chờ trả lời", "asked"),
    Change.AGREED: Text("đồng ý", "agreed"),
    Change.REFUSED: Text("từ chối", "refused"),
}


class Step(NamedTuple):
    """One entry of a transition table: where to, and the contradiction this shows, if it does."""

    to: str
    contradiction: str | None = None


RECIPIENT_CODES = ("01", "02", "03", "04", "05", "06", "15", "16")
"""What only the recipient may state."""

ISSUER_CODES = ("13", "withdraw", "update", "replace")
"""What only the issuing unit may ask for: status 13, or a message of that business action."""

RECALLS = ("13", "withdraw")
"""The requests to take a document back."""

_PROGRESS = {
    "01": Handling.ARRIVED,
    "03": Handling.ACCEPTED,
    "04": Handling.ASSIGNED,
    "05": Handling.PROCESSING,
    "06": Handling.COMPLETED,
}
_RANK = {
    Handling.NONE: 0,
    Handling.ARRIVED: 1,
    Handling.ACCEPTED: 2,
    Handling.ASSIGNED: 3,
    Handling.PROCESSING: 4,
    Handling.COMPLETED: 5,
}
TAKEN = (Handling.ACCEPTED, Handling.ASSIGNED, Handling.PROCESSING, Handling.COMPLETED)
"""The states in which the document is in the recipient's arrival register."""


def _handling_step(state: Handling, code: str) -> Step:
    if code == "02":
        if state in {Handling.NONE, Handling.ARRIVED, Handling.REJECTED}:
            return Step(Handling.REJECTED)
        if state is Handling.COMPLETED:
            return Step(Handling.RETURNED, "EDX-STATE-RETURNED-AFTER-COMPLETION")
        return Step(Handling.RETURNED)
    wanted = _PROGRESS[code]
    if state in {Handling.REJECTED, Handling.RETURNED}:
        # 01 comes from the machine and may be stamped after the clerk's 02; it says nothing new.
        return Step(state) if code == "01" else Step(wanted, "EDX-STATE-TAKEN-AFTER-REFUSAL")
    return Step(wanted if _RANK[wanted] > _RANK[state] else state)


HANDLING: dict[tuple[Handling, str], Step] = {
    (state, code): _handling_step(state, code) for state in Handling for code in RECIPIENT_CODES[:6]
}
"""Every step of the handling region: total over states and codes 01-06."""

CHANGE: dict[tuple[Change, str], Step] = {
    **{(state, code): Step(Change.ASKED) for state in Change for code in ISSUER_CODES},
    (Change.NONE, "15"): Step(Change.NONE, "EDX-STATE-ANSWER-WITHOUT-REQUEST"),
    (Change.NONE, "16"): Step(Change.NONE, "EDX-STATE-ANSWER-WITHOUT-REQUEST"),
    (Change.ASKED, "15"): Step(Change.AGREED),
    (Change.ASKED, "16"): Step(Change.REFUSED),
    (Change.AGREED, "15"): Step(Change.AGREED),
    (Change.AGREED, "16"): Step(Change.REFUSED, "EDX-STATE-REFUSED-AFTER-AGREEMENT"),
    (Change.REFUSED, "15"): Step(Change.AGREED, "EDX-STATE-AGREED-AFTER-REFUSAL"),
    (Change.REFUSED, "16"): Step(Change.REFUSED),
}
"""Every step of the change region: total over states, requests and answers."""

PASSAGE: dict[tuple[Passage, Passage], Step] = {
    **{(state, heard): Step(heard) for state in (Passage.QUEUED, Passage.SENT) for heard in Passage},
    (Passage.SENT, Passage.QUEUED): Step(Passage.SENT),
    **{(state, heard): Step(state) for state in (Passage.EXPIRED, Passage.DEAD) for heard in Passage},
    (Passage.EXPIRED, Passage.ARRIVED): Step(Passage.ARRIVED),
    (Passage.EXPIRED, Passage.DEAD): Step(Passage.DEAD),
    # Given up, and yet it arrived: sending it anew would make it arrive twice.
    (Passage.DEAD, Passage.ARRIVED): Step(Passage.ARRIVED, "EDX-STATE-ARRIVED-AFTER-GIVING-UP"),
    **{(Passage.ARRIVED, heard): Step(Passage.ARRIVED) for heard in Passage},
    (Passage.ARRIVED, Passage.DEAD): Step(Passage.ARRIVED, "EDX-STATE-ARRIVED-AFTER-GIVING-UP"),
}
"""Every step of the passage within one round; a later round starts at queued."""


def rows() -> tuple[tuple[str, str, str, str, str], ...]:
    """Return every transition as region, state, event, next state, contradiction: what docs print."""
    regions = (("passage", PASSAGE), ("handling", HANDLING), ("change", CHANGE))
    return tuple(
        (region, str(state), str(event), str(step.to), step.contradiction or "")
        for region, table in regions
        for (state, event), step in table.items()
    )
