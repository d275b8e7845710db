"""One hierarchy, and one file of every kind signed under it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from verification_scene import UNIT, Bench

from edocx.signing.keys import open_signer
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.units.registry import CsvRegistry


@pytest.fixture(scope="session")
def bench(tmp_path_factory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    pki = Pki.create()
    people = {
        "person": pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM"),
        "agency": pki.issue_organisation("ỦY BAN THỬ NGHIỆM"),
        "other": pki.issue_organisation("SỞ THỬ NGHIỆM"),
    }
    pki.register(people["person"], UNIT, full_name="Nguyễn Văn A", position="Chủ tịch")
    pki.register(people["agency"], UNIT)
    pki.register(people["other"], "H58.13")
    pki.save(folder)
    for name, one in people.items():
        one.save(folder / f"my-{name}.p12")
    keys = {name: open_signer(f"file:{folder / f'my-{name}.p12'}") for name in people}
    return Bench(
        pki, folder, TrustStore.from_path(folder / "trust"), CsvRegistry.from_path(folder / "registry.csv"), **keys
    )


@pytest.fixture
def plain(tmp_path) -> Path:
    import fpdf

    document = fpdf.FPDF()
    document.set_creation_date(datetime(2023, 6, 1, tzinfo=UTC))
    document.add_page()
    document.set_font("helvetica", size=12)
    document.cell(text="Page 1")
    document.output(str(tmp_path / "plain.pdf"))
    return tmp_path / "plain.pdf"
