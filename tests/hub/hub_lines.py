"""One line for each unit, as offices have them, and the contracts of transports that speak for all of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import FunctionType

from edocx.routing.transport import Transport

_ROUTING = Path(__file__).parents[1] / "routing"


def contract(name: str) -> dict[str, FunctionType]:
    """Return the tests of a contract that lies with the routing room, by their names."""
    spec = importlib.util.spec_from_file_location(f"hub_{name}", _ROUTING / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {name: value for name, value in vars(module).items() if name.startswith("test_")}
    assert len(found) > 5, "the contract is empty"
    return found


class Lines:
    """Every unit's line, opened when it is first used; whoever a call speaks of makes it."""

    def __init__(self, make: Callable[[str], Transport], units: tuple[str, ...]) -> None:
        self._make, self._units = make, units
        self._lines: dict[str, Transport] = {}

    def of(self, unit: str) -> Transport:
        if unit not in self._lines:
            self._lines[unit] = self._make(unit)
        return self._lines[unit]

    def submit(self, parcel, payload):
        return self.of(parcel.sender if parcel.sender in self._units else self._units[0]).submit(parcel, payload)

    def pending(self, unit):
        return self.of(unit).pending(unit)

    def fetch(self, entry):
        return self.of(entry.recipient).fetch(entry)

    def acknowledge(self, entry):
        self.of(entry.recipient).acknowledge(entry)

    def remembers(self):
        return self.of(self._units[0]).remembers()

    def keep_head(self, unit, head, *, anew=False):
        return self.of(unit).keep_head(unit, head, anew=anew)

    def head_of(self, unit):
        return self.of(unit).head_of(unit)

    def sent(self, unit, since):
        return self.of(unit).sent(unit, since)

    def received(self, unit, since):
        return self.of(unit).received(unit, since)

    def trace(self, sender, message_id):
        return self.of(sender).trace(sender, message_id)

    def close(self):
        for line in self._lines.values():
            line.close()
