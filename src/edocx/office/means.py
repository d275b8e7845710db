"""What an office works with, made from its settings: the line to its axis, time-stamping services, evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from edocx.clock import Clock
from edocx.errors import KeyFileError, Text, UsageError
from edocx.office.configuration import AxisLineConfig, OfficeConfig
from edocx.routing.faults import Faults
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.lgsp import LgspTransport
from edocx.routing.transport.local import LocalAxis
from edocx.signing.evidence import Evidence
from edocx.signing.keys import Secrets
from edocx.signing.timestamp import Timestamper, http_timestamper
from edocx.signing.timestamp_pool import TimestampPool
from edocx.signing.trust import TrustStore

if TYPE_CHECKING:
    import ssl


OwnLine = LocalAxis | AxisTransport | LgspTransport
"""A line that an office opened by its settings, and closes."""


class _Told(TypedDict):
    clock: Clock
    attempts: Path
    verify: ssl.SSLContext | None
    plain_http: bool


def line_of(config: OfficeConfig, *, clock: Clock, secrets: Secrets, faults: Faults) -> OwnLine:
    """Open the line to the axis that the settings name; nothing is called over it yet.

    Raises `UsageError` for an address that is neither https nor allowed (``EDX-AXIS-ENDPOINT``), and when nobody gives
    the secret of an axis over a network (``EDX-AXIS-SECRET``), `KeyFileError` for a certificate that cannot be used.
    """
    if config.axis_path is not None:
        return LocalAxis.open(config.axis_path, clock=clock, faults=faults)
    line, secret = config.axis_line, _secret(secrets, "axis", "EDOCX_AXIS_SECRET", config.axis)
    system = line.system or str(config.unit)
    if config.axis_kind == "nats":
        return _over_nats(config, secret, secrets, clock)
    told = _Told(clock=clock, attempts=line.attempts, verify=_tls(line), plain_http=line.plain_http)
    if config.axis_kind == "lgsp":
        password = _secret(secrets, "axis-password", "EDOCX_AXIS_PASSWORD", config.axis)
        endpoint = config.axis.removeprefix("lgsp+")
        return LgspTransport(endpoint, system=system, key=secret, username=line.user or "", password=password, **told)
    return AxisTransport(config.axis, system=system, secret=secret, **told)


def _over_nats(config: OfficeConfig, secret: str, secrets: Secrets, clock: Clock) -> AxisTransport:
    from edocx.routing.transport.nats import NatsTransport  # noqa: PLC0415 - nats-py is an extra
    from edocx.routing.transport.nats_line import NatsSettings  # noqa: PLC0415

    line = config.axis_line
    password = _secret(secrets, "axis-password", "EDOCX_AXIS_PASSWORD", config.axis) if line.user else None
    return NatsTransport(
        NatsSettings(
            (config.axis, *line.servers),
            user=line.user,
            plain=line.plain_http,
            ca=line.ca,
            certificate=line.certificate,
        ),
        hub=line.hub or "",
        system=line.system or str(config.unit),
        secret=secret,
        clock=clock,
        attempts=line.attempts,
        password=lambda _user: password,
    )


def _secret(secrets: Secrets, kind: str, variable: str, axis: str) -> str:
    found = secrets(f"{kind}:{axis}")
    if found:
        return found
    what = Text("mã bí mật", "secret") if kind == "axis" else Text("mật khẩu", "password")
    raise UsageError(
        Text(f"Chưa có {what.vi} để nối với trục.", f"There is no {what.en} for the axis."),
        hint=Text(
            f"Đặt biến môi trường {variable}, hoặc truyền secrets= trả lời tên “{kind}:ĐỊA-CHỈ”.",
            f"Set {variable}, or give secrets= that answers the name “{kind}:ADDRESS”.",
        ),
        code="EDX-AXIS-SECRET",
        where=axis,
    )


def _tls(line: AxisLineConfig) -> ssl.SSLContext | None:
    """Return the TLS settings of a line; None for the system's own."""
    if line.ca is None and line.certificate is None:
        return None
    import ssl  # noqa: PLC0415 - only for a line that has its own

    try:
        context = ssl.create_default_context(cafile=line.ca)
        if line.certificate is not None:
            context.load_cert_chain(line.certificate)
    except OSError as error:  # ssl.SSLError is one
        raise KeyFileError(
            Text("Không đọc được chứng thư của đường nối tới trục.", "The line's certificates cannot be read."),
            hint=Text(
                "Tệp ca là PEM; tệp certificate là PEM có cả khóa riêng không mật khẩu.",
                "The ca is a PEM file; the certificate a PEM file that holds its private key, without a password.",
            ),
            code="EDX-AXIS-CERTIFICATE",
            where="[axis_line]",
        ) from error
    return context


def timestamps_of(config: OfficeConfig, trust: TrustStore, clock: Clock) -> Timestamper | None:
    """Return the pool of time-stamping services, or None without them.

    Each must be trusted by its certificate, and tell the time that the office's ``clock`` does.
    """
    if config.timestamp is None:
        return None
    return TimestampPool([http_timestamper(url, trust=trust, clock=clock) for url in config.timestamp.services])


def evidence_of(config: OfficeConfig, trust: TrustStore, clock: Clock) -> Evidence:
    """Return where validation data for B-LT comes from: the trust material, and the network when told so."""
    if config.timestamp is None or not config.timestamp.online:
        return Evidence(trust)
    from edocx.signing.online import OnlineSource  # noqa: PLC0415 - only where the network is asked

    return Evidence(trust, OnlineSource(clock, config.place.parent / "lists"))
