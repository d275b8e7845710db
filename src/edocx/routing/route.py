"""The way of a parcel over the levels: up to the first common node, down to the recipient. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from edocx.errors import Text, UsageError

MAX_LEVELS = 16
"""Deepest tree of nodes: the nation has four levels; more means a circle in the table."""


def hops(sender: str, recipient: str, above: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the nodes a parcel passes, both ends included.

    Args:
        sender: unit code.
        recipient: unit code.
        above: each unit's or node's next node upwards; None or absent at the top. Two trees without a
            common node meet at the axis itself, which is not listed.

    Raises `UsageError` when ``above`` runs in a circle.
    """
    up = _climb(sender, above)
    down = _climb(recipient, above)
    shared = next((node for node in up if node in down), None)
    if shared is None:
        return (*up, *reversed(down))
    return (*up[: up.index(shared) + 1], *reversed(down[: down.index(shared)]))


def _climb(unit: str, above: Mapping[str, str | None]) -> tuple[str, ...]:
    way = [unit]
    while (node := above.get(way[-1])) is not None:
        if node in way or len(way) >= MAX_LEVELS:
            raise UsageError(
                Text("Bảng tuyến liên thông có vòng lặp.", "The table of nodes runs in a circle."),
                hint=Text("Sửa nút cấp trên của đơn vị này.", "Correct the node above this unit."),
                code="EDX-ROUTE-CIRCLE",
                where=node,
            )
        way.append(node)
    return tuple(way)
