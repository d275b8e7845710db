"""What the signing commands share: secrets, time-stamping services, and evidence from the same trust."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from edocx.cli.output import language

if TYPE_CHECKING:
    from edocx.signing.evidence import Evidence
    from edocx.signing.timestamp import Timestamper
    from edocx.signing.trust import TrustStore

PASSWORD_VARIABLE = "EDOCX_KEY_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable that answers the question for a password or PIN."""


AXIS_VARIABLE = "EDOCX_AXIS_SECRET"
"""Environment variable that answers the question for the secret of an axis over HTTP."""


class LevelName(StrEnum):
    """The levels of EN 319 142-1 as the commands take them."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


def ask_secret(name: str) -> str | None:
    """Answer from the environment, or ask on the terminal without showing; None when there is nobody to ask."""
    given = os.environ.get(AXIS_VARIABLE if name.startswith("axis:") else PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return None
    prompt = {"vi": f"Mật khẩu hoặc mã PIN của {name}"}.get(language(), f"Password or PIN of {name}")
    return str(typer.prompt(prompt, hide_input=True, err=True))


def evidence_from(store: TrustStore, *, online: bool) -> Evidence | None:
    """Make what B-LT needs from trust material, asking OCSP and CRL addresses too when told to; None without roots."""
    if not store.anchors:
        return None
    from edocx.signing.evidence import Evidence

    if not online:
        return Evidence(store)
    from edocx.clock import SystemClock
    from edocx.signing.online import OnlineSource

    return Evidence(store, OnlineSource(SystemClock()))


def timestamps_from(urls: list[str], trust: TrustStore) -> Timestamper | None:
    """Make a pool of the services named, in order; None when none is. Trust is checked when there is any."""
    if not urls:
        return None
    from edocx.signing.timestamp import http_timestamper
    from edocx.signing.timestamp_pool import TimestampPool

    checked = trust if trust.anchors else None
    return TimestampPool([http_timestamper(url, trust=checked) for url in urls])
