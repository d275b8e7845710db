"""Looks at the NATS servers: is what they acknowledge on disk, on enough of them, and does anything wait too long?"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

from edocx.errors import Text
from edocx.hub.broker_settings import BrokerConfig

MAX_ANSWER = 4 * 1024 * 1024
ANSWER_SECONDS = 5.0

Found = tuple[Literal["ok", "warning", "error"], Text]
"""One thing seen, and how it stands."""


def examine_servers(config: BrokerConfig) -> Iterator[Found]:
    """Yield what the servers' monitoring says; a server that cannot be seen is not trusted.

    JetStream acknowledges before any fsync unless ``sync_interval: always`` is set: such a server is an error, which
    ``unsynced = true`` turns into a warning.
    """
    grade: Literal["warning", "error"] = "warning" if config.unsynced else "error"
    if not config.monitors:
        yield (
            grade,
            Text(
                "Chưa khai báo monitors: không biết NATS có ghi xuống đĩa trước khi xác nhận hay không.",
                "There are no monitors: whether NATS writes to disk before it acknowledges is not known.",
            ),
        )
    for monitor in config.monitors:
        yield _server(monitor, grade)
    if config.monitors and len(config.monitors) < config.replicas:
        yield (
            "warning",
            Text(
                f"Chỉ xem được {len(config.monitors)} máy chủ NATS, cần {config.replicas} bản sao.",
                f"Only {len(config.monitors)} NATS servers can be seen, and {config.replicas} replicas are asked for.",
            ),
        )


def _server(monitor: str, grade: Literal["warning", "error"]) -> Found:
    found = _ask(monitor)
    if found is None:
        return "error", Text(f"Không xem được máy chủ NATS {monitor}.", f"The NATS server {monitor} cannot be seen.")
    if found.get("config", {}).get("sync_always") is True:
        return "ok", Text(
            f"NATS {monitor} ghi xuống đĩa trước khi xác nhận.",
            f"NATS {monitor} writes to disk before it acknowledges.",
        )
    return grade, Text(
        f"NATS {monitor} xác nhận trước khi ghi xuống đĩa: đặt sync_interval: always (xem `edocx hub nats-config`).",
        f"NATS {monitor} acknowledges before it writes: set sync_interval: always (see `edocx hub nats-config`).",
    )


def _ask(monitor: str) -> dict[str, Any] | None:
    if urlsplit(monitor).scheme not in {"http", "https"}:
        return None
    try:
        with urllib.request.urlopen(f"{monitor.rstrip('/')}/jsz?config=true", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - http(s) alone
            read = json.loads(answer.read(MAX_ANSWER))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None
