"""Desk: what every step of an office needs, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from edocx.clock import Clock, in_vietnam
from edocx.documents import Signatory
from edocx.envelope.model import Organization
from edocx.errors import Text, UnitError, UsageError
from edocx.office.configuration import OfficeConfig, SignerConfig
from edocx.office.entitlement import require_own, require_role
from edocx.office.judged import Judged
from edocx.office.workspace import workspace
from edocx.routing.database import Store
from edocx.routing.journal import Head
from edocx.routing.transport import Transport
from edocx.signing.certificate import fingerprint
from edocx.signing.evidence import Evidence
from edocx.signing.fitness import Role, check_certificate
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Secrets, Signer, no_secrets, open_signer
from edocx.signing.report import Message
from edocx.signing.timestamp import Timestamper
from edocx.signing.trust import TrustStore
from edocx.units import UnitId
from edocx.units.directory import Directory
from edocx.units.registry import CertificateRegistry

FRESH = timedelta(seconds=10)
"""How long a moment counts as now: a batch of messages is judged at one moment, and each signer's path once."""


@dataclass(slots=True)
class Desk:
    """One unit at work; keys are opened when first used and kept."""

    config: OfficeConfig
    clock: Clock
    store: Store
    transport: Transport
    directory: Directory
    trust: TrustStore
    registry: CertificateRegistry | None
    secrets: Secrets = no_secrets
    timestamps: Timestamper | None = None
    evidence: Evidence | None = None
    attested: Head | None = field(default=None, repr=False)
    """The journal's end that the axis is known to hold; see `edocx.office.attestation`."""
    compared: bool = field(default=False, repr=False)
    """Whether this office's journal was held against the axis' since it was opened."""
    judged: Judged = field(default_factory=Judged, repr=False)
    """Verdicts found under the present criteria."""
    _signers: dict[str, Signer] = field(default_factory=dict, repr=False)
    _criteria: Criteria | None = field(default=None, repr=False)
    _fit: dict[str, Criteria] = field(default_factory=dict, repr=False)
    """Under which criteria each key was last found fit: it is asked again as often as those are made anew."""
    _notes: dict[str, tuple[Message, ...]] = field(default_factory=dict, repr=False)

    @property
    def unit(self) -> UnitId:
        """Whose office this is."""
        return self.config.unit

    @property
    def criteria(self) -> Criteria:
        """Against what this office judges signatures now; kept for some seconds, for the paths it remembers."""
        now, known = self.clock.now(), self._criteria
        if known is None or not timedelta(0) <= now - known.at < FRESH:
            known = self._criteria = Criteria(self.trust, now, self.registry)
        return known

    def today(self) -> date:
        """The calendar day in Vietnam."""
        return in_vietnam(self.clock.now()).date()

    def signer_config(self, name: str) -> SignerConfig:
        """Return the settings of a key by its name; raise `UsageError` when there is none."""
        found = self.config.signers.get(name)
        if found is None:
            known = ", ".join(self.config.signers) or "–"
            raise UsageError(
                Text(f"Văn phòng không có khóa “{name}”.", f"The office has no key “{name}”."),
                hint=Text(f"Các khóa đã khai báo: {known}.", f"Keys in office.toml: {known}."),
                code="EDX-SIGNER-UNKNOWN",
            )
        return found

    def signer(self, name: str) -> Signer:
        """Open a key by its name, once."""
        config = self.signer_config(name)
        if name not in self._signers:
            self._signers[name] = open_signer(config.key, self.secrets)
        return self._signers[name]

    def fit_signer(self, name: str, role: Role) -> Signer:
        """Open a key for a step and check it before any PIN is asked: its role, its certificate, and whose it is.

        Raises `SigningRefused` for a key of the other step, one that is not fit now (`check_certificate`), or one that
        the registry knows as another unit's.
        """
        signer, config = self.signer(name), self.signer_config(name)
        require_role(config.role, role, name)
        criteria = self.criteria
        if self._fit.get(name) is not criteria:
            self._notes[name] = check_certificate(signer, role, self.clock.now(), criteria)
            require_own(self.registry, fingerprint(signer.certificate), self.unit, self.clock.now())
            self._fit[name] = criteria
        return signer

    def key_notes(self, name: str) -> tuple[Message, ...]:
        """Return what could not be checked of a key when it was last found fit; nothing for one not used yet."""
        return self._notes.get(name, ())

    def agency(self) -> Signer:
        """Open the agency's own key, which seals envelopes and statuses; raise what `fit_signer` raises."""
        for name, config in self.config.signers.items():
            if config.role == "organisation":
                return self.fit_signer(name, "organisation")
        raise UsageError(
            Text("Văn phòng chưa khai báo khóa cơ quan.", "The office has no organisational key."),
            hint=Text("Thêm [signers.…] với role = “organisation”.", "Add [signers.…] with role = “organisation”."),
            code="EDX-SIGNER-AGENCY",
        )

    def organization(self, unit: UnitId) -> Organization:
        """Describe a unit for the envelope as the directory knows it today; raise `UnitError` for one it refuses."""
        found = self.directory.resolve(unit, self.today())
        return Organization(
            unit=str(unit),
            name=found.name or None,
            address=found.contact.address or None,
            email=found.contact.email or None,
            telephone=found.contact.telephone or None,
            website=found.contact.website or None,
        )

    def own_organization(self) -> Organization:
        """Describe this office's own unit; its name is the configured one when the directory knows it not."""
        try:
            return self.organization(self.unit)
        except UnitError:
            return Organization(unit=str(self.unit), name=self.config.name)

    def workspace(self) -> AbstractContextManager[Path]:
        """Give a folder beside the store for files in the making; it is gone afterwards."""
        return workspace(self.config.place.parent)


def printed(signatory: Signatory) -> Mapping[str, str]:
    """Return the signatory as the envelope's SignerInfo writes it."""
    return {
        "capacity": signatory.competence,
        "position": signatory.position,
        "full_name": signatory.full_name,
    }
