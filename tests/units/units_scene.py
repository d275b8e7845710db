"""Units and passages with less to type."""

from __future__ import annotations

from datetime import date

from edocx.units import Succession, SuccessionKind, UnitHistory, UnitId

REFORM = date(2025, 7, 1)


def unit(identity: str, code: str | None = None, **known) -> UnitHistory:
    """A history with less to type: codes and levels as text."""
    if code is not None:
        known["code"] = UnitId.parse(code)
    for name in ("code102",):
        if name in known:
            known[name] = UnitId.parse(known[name])
    known.setdefault("name", f"Đơn vị {identity}")
    return UnitHistory.of(identity, **known)


def passage(kind: str, old: str, new: str | None, on: date = REFORM, **known) -> Succession:
    return Succession(SuccessionKind(kind), old, new, on, known.pop("decree", "nghị quyết"), **known)
