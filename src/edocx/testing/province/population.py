"""Making the province: certificates, registry, the axis with every unit in it, and the settings of each office."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from edocx.clock import Clock
from edocx.office.configuration import OfficeConfig, SignerConfig
from edocx.routing.transport.local import LocalAxis
from edocx.testing import scene
from edocx.testing.pki import Pki
from edocx.testing.province.plan import OUTSIDE, PROVINCE, Plan
from edocx.testing.registry import write_registrations
from edocx.units import UnitId

AXIS, REGISTRY, TRUST, OFFICES, LETTER = "axis.db", "registry.csv", "trust", "offices", "letter.pdf"
"""What lies in a province's folder."""


def populate(folder: Path, plan: Plan, *, clock: Clock, told: Callable[[int], None] = lambda _: None) -> int:
    """Make a province in an empty folder; ``told`` hears of each certificate. Return how many were issued."""
    folder.mkdir(parents=True, exist_ok=True)
    pki, issued = Pki.create(key="p256"), 0
    for code in (*plan.sealed, *OUTSIDE):
        place = folder / OFFICES / code
        place.mkdir(parents=True)
        signers = plan.signers(code) if code in plan.sealed else 0
        _certify(pki, place, code, signers)
        _write_config(place, code, signers)
        issued += 1 + signers
        told(1 + signers)
    for code in sorted({letter.sender for letter in plan.letters if not letter.signed}):
        (folder / OFFICES / code).mkdir()
        _write_config(folder / OFFICES / code, code, None)
    pki.save_trust(folder / TRUST)
    (folder / REGISTRY).write_text(write_registrations(pki.registrations), encoding="utf-8")
    path, layout = scene.write_letter(folder)
    shutil.move(path, folder / LETTER)
    (folder / "layout.json").write_text(layout.model_dump_json(), encoding="utf-8")
    with LocalAxis.open(folder / AXIS, clock=clock) as axis:
        axis.register_all(plan.above)
    return issued


def config_of(folder: Path, code: str) -> OfficeConfig:
    """Return the settings of an office of the province."""
    return OfficeConfig.from_path(folder / OFFICES / code / "office.toml")


def _certify(pki: Pki, place: Path, code: str, signers: int) -> None:
    agency = pki.issue_organisation(f"CƠ QUAN SỐ {code}", "TIỀN GIANG")
    agency.save(place / "agency.p12")
    pki.register(agency, code)
    signatory = scene.SIGNATORY
    for number in range(signers):
        person = pki.issue_person(f"{signatory.full_name} {number:02}", f"CƠ QUAN SỐ {code}")
        person.save(place / f"person-{number:02}.p12")
        pki.register(
            person,
            code,
            full_name=signatory.full_name,
            position=signatory.position,
            capacity=signatory.capacity.value,
        )


def _write_config(place: Path, code: str, signers: int | None) -> None:
    keys: dict[str, SignerConfig] = {}
    if signers is not None:
        keys["agency"] = SignerConfig(key="file:agency.p12", role="organisation")
    for number in range(signers or 0):
        keys[f"person-{number:02}"] = SignerConfig(key=f"file:person-{number:02}.p12", role="person")
    config = OfficeConfig(
        unit=UnitId.parse(code),
        name=f"Cơ quan số {code} (dữ liệu thử)" if code != PROVINCE else "Ủy ban nhân dân tỉnh (dữ liệu thử)",
        store=Path("office.db"),
        axis=f"local:../../{AXIS}",
        trust=(Path(f"../../{TRUST}"),),
        registry=Path(f"../../{REGISTRY}"),
        signers=keys,
    )
    (place / "office.toml").write_text(config.to_toml(), encoding="utf-8")
