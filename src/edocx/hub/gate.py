"""Who may speak: authentication of a call, its age, its rate. What it may then see is each operation's to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request

from edocx.clock import Clock
from edocx.hub import agencies, refusal
from edocx.hub.agencies import Agency
from edocx.hub.configuration import HubConfig
from edocx.hub.database import HubStore
from edocx.hub.metrics import OLD_SECONDS, Metrics
from edocx.hub.rate import Rate
from edocx.hub.signed_headers import Parameters, SignedHeaders
from edocx.hub.vault import Vault

_LOOPBACK = ("127.", "::1", "::ffff:127.")


Known = tuple[Agency | None, tuple[str, ...]]
"""A caller's record with its secrets, as the register holds them."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated agency and what it said."""

    agency: Agency
    parameters: Parameters


@dataclass(slots=True)
class Gate:
    """Lets callers in."""

    config: HubConfig
    store: HubStore
    vault: Vault
    clock: Clock
    metrics: Metrics
    rate: Rate = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        self.rate = Rate(self.store)

    def let_in(self, request: Request) -> Caller:
        """Return who calls; raise `Refused` for a wrong signature, a stale call or too many of them."""
        headers = SignedHeaders.from_raw(request.headers.raw)
        return self.believe(headers, self.known(headers.system))

    def known(self, system: str) -> Known:
        """Return what the register holds of a caller: its record and secrets, or nothing."""
        with self.store.read() as connection:
            agency = agencies.find(connection, system)
            return agency, agencies.hmac_secrets(connection, agency, self.vault, now=self.clock.now()) if agency else ()

    def believe(self, headers: SignedHeaders, known: Known) -> Caller:
        """Return who spoke, by what is known of the system that the headers claim; raise as `let_in` does."""
        agency, secrets = known
        now = self.clock.now()
        parameters = headers.verify(secrets)
        assert agency is not None
        self._check_age(agency, parameters, now)
        self.rate.spend(agency, agency.per_minute or self.config.per_minute, now)
        return Caller(agency, parameters)

    def _check_age(self, agency: Agency, parameters: Parameters, now: datetime) -> None:
        # A client's timestamp is frozen for the life of its process (axis-http.md §1.2): by default it is only counted.
        made = parameters.made_at
        age = (now - made).total_seconds() if made is not None else None
        if age is not None and age > OLD_SECONDS:
            self.metrics.add("old_timestamps")
        if agency.max_age_seconds is not None and (age is None or abs(age) > agency.max_age_seconds):
            raise refusal.too_old()


def is_loopback(host: str | None) -> bool:
    """Tell whether a peer address is of this machine; a socket without addresses is."""
    return host is None or host.startswith(_LOOPBACK)
