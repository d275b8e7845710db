"""When a copy in custody is due, also after a clock that stood ahead was put right.

A copy is put off for minutes at most. What is due later than that was put there by a clock that stood ahead: left
alone, it would wait for the days or years by which that clock was wrong. It is due now (as in an office's outbox).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_

from edocx.hub.schema import copies

_APART = 2
"""Clocks of a hub's nodes may differ a little: twice the longest pause is no sign of anything."""


def is_due(now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """Return the condition that a copy is due; ``longest`` is for how long one is ever put off."""
    return or_(copies.c.due_at <= now, copies.c.due_at > now + _APART * longest)


def has_passed(since: datetime | None, now: datetime, pause: timedelta) -> bool:
    """Tell whether it is time again for what is done every now and then; a moment still to come is none at all."""
    return since is None or not timedelta(0) <= now - since < pause
