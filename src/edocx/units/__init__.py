"""Unit identifiers (both code systems) and the dated directory: who is this, on which date, under whom."""

from __future__ import annotations

from edocx.units.level import Level
from edocx.units.unit_id import Scheme, UnitId

__all__ = ["Level", "Scheme", "UnitId"]
