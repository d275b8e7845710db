"""What an office works with, made from its settings: the line to its axis, time-stamping services, evidence."""

from __future__ import annotations

from edocx.clock import Clock
from edocx.errors import Text, UsageError
from edocx.office.configuration import OfficeConfig
from edocx.routing.faults import Faults
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.local import LocalAxis
from edocx.signing.evidence import Evidence
from edocx.signing.keys import Secrets
from edocx.signing.timestamp import Timestamper, http_timestamper
from edocx.signing.timestamp_pool import TimestampPool
from edocx.signing.trust import TrustStore


def line_of(config: OfficeConfig, *, clock: Clock, secrets: Secrets, faults: Faults) -> LocalAxis | AxisTransport:
    """Open the line to the axis that the settings name; nothing is called over it yet.

    Raises `UsageError` for an address that is neither https nor allowed (``EDX-AXIS-ENDPOINT``), and when nobody gives
    the secret of an axis over HTTP (``EDX-AXIS-SECRET``).
    """
    if config.axis_path is not None:
        return LocalAxis.open(config.axis_path, clock=clock, faults=faults)
    secret = secrets(f"axis:{config.axis}")
    if not secret:
        raise UsageError(
            Text("Chưa có mã bí mật để nối với trục.", "There is no secret for the axis."),
            hint=Text(
                "Đặt biến môi trường EDOCX_AXIS_SECRET, hoặc truyền secrets= trả lời tên “axis:ĐỊA-CHỈ”.",
                "Set EDOCX_AXIS_SECRET, or give secrets= that answers the name “axis:ADDRESS”.",
            ),
            code="EDX-AXIS-SECRET",
            where=config.axis,
        )
    settings = config.axis_line
    return AxisTransport(
        config.axis,
        system=settings.system or str(config.unit),
        secret=secret,
        clock=clock,
        attempts=settings.attempts,
        plain_http=settings.plain_http,
    )


def timestamps_of(config: OfficeConfig, trust: TrustStore) -> Timestamper | None:
    """Return the pool of time-stamping services, or None without them; each must be trusted by its certificate."""
    if config.timestamp is None:
        return None
    return TimestampPool([http_timestamper(url, trust=trust) for url in config.timestamp.services])


def evidence_of(config: OfficeConfig, trust: TrustStore, clock: Clock) -> Evidence:
    """Return where validation data for B-LT comes from: the trust material, and the network when told so."""
    if config.timestamp is None or not config.timestamp.online:
        return Evidence(trust)
    from edocx.signing.online import OnlineSource  # noqa: PLC0415 - only where the network is asked

    return Evidence(trust, OnlineSource(clock, config.place.parent / "lists"))
