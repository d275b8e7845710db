"""Whoever imports a table that maps a certificate to another unit must not become that unit unnoticed."""

from __future__ import annotations

import pytest

from edocx.cli.verify_view import LOCALLY, headline
from edocx.signing.judgement import Criteria
from edocx.signing.report import Indication
from edocx.testing import scene
from edocx.testing.network import Network
from edocx.units.registry import CsvRegistry, MemoryRegistry
from edocx.units.registry_csv import read_registry_bytes
from edocx.units.unit import SIGNED
from edocx.verification import verify

HEAD = "sha256,kind,unit,full_name,position,capacity,valid_from,valid_to,source\n"


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    with Network.four_levels(tmp_path_factory.mktemp("stolen") / "net") as net:
        document = net.sample()
        yield document.pdf, net.trust


def judged(issued, tmp_path, rows):
    pdf, trust = issued
    plain = verify(pdf, trust=trust)
    table = tmp_path / "registry.csv"
    lines = [row.format(*(s.certificate.sha256 for s in plain.signatures)) for row in rows]
    table.write_text(HEAD + "".join(lines), encoding="utf-8")
    report = verify(pdf, trust=trust, registry=CsvRegistry.from_path(table))
    assert report.indication is Indication.TOTAL_PASSED
    return [{message.code for message in signature.messages} for signature in report.signatures]


def test_a_verdict_that_rests_on_a_local_import_says_so(issued, tmp_path):
    rows = ["{0},person,G22,Nguyễn Văn A,,,,,\n", "{1},organisation,G22,,,,,,\n"]
    person, agency = judged(issued, tmp_path, rows)
    assert "EDX-REGISTRY-LOCAL" in person
    assert "EDX-REGISTRY-LOCAL" in agency


def test_a_name_that_contradicts_the_certificate_is_pointed_out(issued, tmp_path):
    person, _ = judged(issued, tmp_path, ["{0},person,G22,Trần Thị B,,,,,\n", "{1},organisation,G22,,,,,,\n"])
    assert "EDX-REGISTRY-NAME" in person
    person, _ = judged(issued, tmp_path, ["{0},person,G22,NGUYỄN VĂN A,,,,,\n", "{1},organisation,G22,,,,,,\n"])
    assert "EDX-REGISTRY-NAME" not in person


def test_without_a_registry_nobody_is_anybody(issued):
    pdf, trust = issued
    report = verify(pdf, trust=trust)
    assert {signature.unit for signature in report.signatures} == {None}
    assert Criteria(trust, scene.MORNING).registry is None


def test_a_verdict_that_rests_on_a_signed_registry_carries_no_such_warning(issued):
    pdf, trust = issued
    plain = verify(pdf, trust=trust)
    person, agency = (signature.certificate.sha256 for signature in plain.signatures)
    rows = f"{HEAD}{person},person,H58.12.01,NGUYỄN VĂN A,,,,,\n{agency},organisation,H58.12.01,,,,,,\n"
    registry = MemoryRegistry(read_registry_bytes(rows.encode(), authority=SIGNED))
    report = verify(pdf, trust=trust, registry=registry)
    assert {signature.unit for signature in report.signatures} == {"H58.12.01"}
    assert not {m.code for s in report.signatures for m in s.messages} & {"EDX-REGISTRY-LOCAL", "EDX-REGISTRY-NAME"}


@pytest.mark.parametrize("authority,said", [("local", True), (SIGNED, False)])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_headline_says_that_a_verdict_rests_on_local_records(issued, authority, said, lang):
    pdf, trust = issued
    plain = verify(pdf, trust=trust)
    person, agency = (signature.certificate.sha256 for signature in plain.signatures)
    rows = f"{HEAD}{person},person,H58.12.01,Nguyễn Văn A,,,,,\n{agency},organisation,H58.12.01,,,,,,\n"
    registry = MemoryRegistry(read_registry_bytes(rows.encode(), authority=authority))
    report = verify(pdf, trust=trust, registry=registry)
    assert report.indication is Indication.TOTAL_PASSED
    assert (LOCALLY.in_language(lang) in headline(report, lang)) is said
    outer = report.model_copy(update={"signatures": (), "attachments": (report,)})
    assert (LOCALLY.in_language(lang) in headline(outer, lang)) is said
