"""A sandbox axis: two made-up agencies that can write to each other at once, with no configuration."""

from __future__ import annotations

from edocx.hub import agencies
from edocx.hub.agencies import NewAgency
from edocx.hub.service import Service

AGENCIES = (
    NewAgency("Z99.01", "Đơn vị thử nghiệm số 1", old_code="000.00.01.Z99"),
    NewAgency("Z99.02", "Đơn vị thử nghiệm số 2", old_code="000.00.02.Z99"),
)
"""No real unit has a code that begins with Z99."""


def enrol(service: Service) -> dict[str, str]:
    """Register the two agencies unless they are there; return each one's secret by its code."""
    found: dict[str, str] = {}
    with service.store.begin("sandbox") as connection:
        now = service.store.now()
        for wanted in AGENCIES:
            agency = agencies.find(connection, wanted.code)
            if agency is None:
                agency = agencies.register(connection, wanted, now=now, by="sandbox")
            held = agencies.hmac_secrets(connection, agency, service.vault, now=now)
            found[agency.code] = (
                held[0] if held else agencies.new_hmac_secret(connection, agency, service.vault, now=now, by="sandbox")
            )
    return found


def properties(endpoint: str, code: str, secret: str) -> str:
    """Return what to paste into an official client's properties."""
    return "\n".join(
        [
            f"client.protocol={endpoint.partition(':')[0]}",
            f"service.endpoint={endpoint}",
            f"systemid={code}",
            f"secret={secret}",
            "store-path-dir=./van-ban",
            "client.max-connection=5",
            "client.max-error-retry=2",
        ]
    )
