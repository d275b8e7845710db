"""The subjects and names under which hubs meet on a NATS server: they follow the tree of units. Pure.

``edx.H58.>`` is everything of the province H58 and of the hubs below it, so that an account, an export or a leaf node
is cut along the tree. A hub has three lanes for mail, one subject for what hubs tell each other, one for calls.
"""

from __future__ import annotations

import re

from edocx.errors import Text, UsageError

ROOT = "edx"

LANES = ("top", "middle", "bottom")
"""Lanes by urgency: 3-4 (hỏa tốc), 1-2 (khẩn, thượng khẩn), 0. Each has a consumer of its own."""

_TOP, _MIDDLE = 3, 1
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[A-Za-z0-9-]")


def lane_of(urgency: int) -> str:
    """Return the lane of an urgency (0-4)."""
    if urgency >= _TOP:
        return "top"
    return "middle" if urgency >= _MIDDLE else "bottom"


def mail_subject(unit: str, lane: str) -> str:
    """Return where mail for the hub of a unit is published; ``*`` as the lane stands for all."""
    return f"{ROOT}.{_path(unit)}.mail.{lane}"


def talk_subject(unit: str) -> str:
    """Return where other hubs tell the hub of a unit what became of its mail, and ask after theirs."""
    return f"{ROOT}.{_path(unit)}.talk"


def call_subject(unit: str) -> str:
    """Return where offices call the hub of a unit."""
    return f"{ROOT}.{_path(unit)}.call"


def stream_name(unit: str) -> str:
    """Return the stream of the hub of a unit; different units have different names."""
    return f"EDX_{_name(unit)}"


def bucket_name(unit: str, use: str) -> str:
    """Return the object bucket of the hub of a unit for "mail" or "calls"."""
    return f"edx-{_name(unit)}-{use}"


def _path(unit: str) -> str:
    tokens = unit.split(".")
    if not all(_TOKEN.fullmatch(token) for token in tokens):
        # "*" and ">" in a subject reach other units' mail.
        raise UsageError(
            Text(
                "Mã đơn vị này không làm địa chỉ NATS được (chỉ dùng chữ không dấu, số, gạch và dấu chấm).",
                "This unit's code makes no NATS subject (letters, digits, hyphens and dots only).",
            ),
            hint=Text("Dùng mã định danh theo QĐ 20/2020.", "Use the code of QĐ 20/2020."),
            code="EDX-NATS-SUBJECT",
            where=unit,
        )
    return ".".join(tokens)


def _name(unit: str) -> str:
    """Write a code with letters, digits and hyphens alone; what is none of them as its number between underscores."""
    return "".join(sign if _PLAIN.fullmatch(sign) else f"_{ord(sign):x}_" for sign in unit)
