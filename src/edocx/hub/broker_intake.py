"""What neighbouring hubs send by the broker, taken in: the same door as for calls, one answer for each message.

A message may come any number of times: the database knows it by its key and gives the same docId again. Only once the
answer is with the broker is the message acknowledged there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from starlette.requests import Request

from edocx.content import Blob
from edocx.errors import EdocxError, InputError, UnitError
from edocx.hub import refusal
from edocx.hub.admission import Offered, Taken
from edocx.hub.axis_operations import KINDS, offered_by
from edocx.hub.broker_mail import Reader
from edocx.hub.call import Call
from edocx.hub.gate import Caller
from edocx.hub.promises import copies_in, is_for_good
from edocx.hub.service import Service
from edocx.routing.transport.nats_frame import Frame

_NO_REQUEST = cast("Request", None)
"""The operations read parameters alone; there is no HTTP request behind them here."""


class Said(NamedTuple):
    """An answer for a neighbouring hub: its code, and what became of one message for some recipients."""

    hub: str
    what: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes mail in for one hub."""

    service: Service

    def place_of(self, frame: Frame, reader: Reader) -> tuple[Caller, str]:
        """Return who wrote a message, and the name of its content in that hub's bucket ("" when it stands in it)."""
        caller = reader.believe(frame)
        return caller, caller.parameters.get("object")

    def take(self, caller: Caller, file: Blob) -> list[Said]:
        """Take one message in, durably, and return what its sender is told.

        Raises what is to be tried again (``retryable``), and `InputError` for a message that is none.
        """
        told = caller.parameters
        kind = KINDS.get(told.get("messagetype").lower())
        if kind is None or file.sha256 != told.get("hash-file") or not told.get("key"):
            raise _poisoned(told.get("key"))
        asked = copies_in(told.get("copies"))
        call = Call(self.service, _NO_REQUEST, caller)
        try:
            offered = offered_by(call, file, kind)
        except EdocxError as error:
            if error.retryable:
                raise
            return [self._refused(caller, asked, error)]
        return self._admit(caller, offered, asked)

    def _admit(self, caller: Caller, offered: Offered, asked: list[tuple[str, int]]) -> list[Said]:
        """Admit a message for all its recipients; one by one when one of them is refused."""
        try:
            taken = self.service.door.admit(offered)
        except UnitError as error:
            if len(asked) == 1:
                return [self._refused(caller, asked, error)]
            each = [(replace(offered, recipients=(recipient,)), [(recipient, n)]) for recipient, n in asked]
            return [said for one, mine in each for said in self._admit(caller, one, mine)]
        except EdocxError as error:
            if error.retryable:
                raise
            return [self._refused(caller, asked, error)]
        self.service.metrics.add("documents_received", int(taken.new))
        return [self._taken(caller, asked, taken)]

    def _taken(self, caller: Caller, asked: list[tuple[str, int]], taken: Taken) -> Said:
        about = {"key": caller.parameters.get("key"), "copies": asked}
        return Said(caller.agency.code, about | {"as": taken.doc_id, "at": taken.received_at.isoformat()})

    def _refused(self, caller: Caller, asked: list[tuple[str, int]], error: EdocxError) -> Said:
        self.service.metrics.add("broker_refused")
        about = {"key": caller.parameters.get("key"), "copies": asked}
        told = {"code": error.code, "vi": error.text.vi, "en": error.text.en}
        # `never`: this hub wrote down that it never takes the copy, whatever frame of it comes later.
        return Said(caller.agency.code, about | told | ({"never": True} if is_for_good(error) else {}))


def _poisoned(key: str) -> InputError:
    found = refusal.wrong_hash()
    return InputError(found.text, hint=found.hint, code=found.code, where=key or None)
