"""The report of TS 119 102-2: its structure is that of the schema, as pyHanko's types record it, and says what ours says."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from datetime import timedelta

import pytest
from lxml import etree
from verification_scene import AT, SIGNED_AT

from edocx import cli
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication, Integrity, Message, Report, SignatureReport, SubIndication
from edocx.signing.timestamp import Rfc3161
from edocx.testing import Tsa
from edocx.verification import verify
from edocx.verification.etsi import VR, etsi_report

V = f"{{{VR}}}"


@pytest.fixture(scope="module")
def schema():
    """The types that xsdata made from ETSI's schema, without xsdata: only names, order and occurrence are used."""
    stubs = {"xsdata": {}, "xsdata.models": {}, "xsdata.models.datatype": {"XmlDateTime": str, "XmlDate": str}}
    before = {name: sys.modules.get(name) for name in stubs}
    for name, content in stubs.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
    try:
        from pyhanko.generated.etsi import ts_11910202

        yield ts_11910202
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        for name in [name for name in sys.modules if name.startswith("pyhanko.generated")]:
            del sys.modules[name]


def conforms(element, kind) -> None:
    """Fail unless an element has the attributes and children of its type, in order, and all that it must have."""
    fields = dataclasses.fields(kind)
    hints = typing.get_type_hints(kind)
    attributes = {f.metadata.get("name", f.name) for f in fields if f.metadata.get("type") == "Attribute"}
    assert set(element.attrib) <= attributes, (element.tag, dict(element.attrib))
    known = [f for f in fields if f.metadata.get("type") == "Element"]
    names = [f"{{{f.metadata['namespace']}}}{f.metadata.get('name', f.name)}" for f in known]
    tags = [child.tag for child in element]
    assert not set(tags) - set(names), (element.tag, set(tags) - set(names))
    if kind.__name__ != "SignatureAttributesType":  # a choice, in any order
        assert tags == sorted(tags, key=names.index), element.tag
    for field, name in zip(known, names, strict=True):
        inner = next((a for a in flat(hints[field.name]) if dataclasses.is_dataclass(a)), None)
        several = "tuple" in str(hints[field.name])
        count = tags.count(name)
        assert count >= (1 if field.metadata.get("required") else field.metadata.get("min_occurs", 0)), (name, count)
        assert several or count <= 1, name
        if inner is not None:
            for child in element.findall(name):
                conforms(child, inner)


def flat(hint):
    inner = typing.get_args(hint)
    return [hint] if not inner else [one for part in inner for one in flat(part)]


def checked(reports, schema):
    root = etree.fromstring(etsi_report(reports, at=AT))
    assert root.tag == f"{V}ValidationReport"
    conforms(root, schema.ValidationReportType)
    identifiers = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(identifiers) == len(set(identifiers))
    references = {mark for e in root.iter() for mark in (e.get("VOReference") or "").split()}
    assert references <= set(identifiers)
    return root


def status(root):
    return [
        (one.findtext(f"{V}MainIndication"), one.findtext(f"{V}SubIndication"))
        for one in root.iter(f"{V}SignatureValidationStatus")
    ]


def test_the_checker_itself_can_fail(schema):
    root = etree.fromstring(f'<ValidationReport xmlns="{VR}"><SignatureValidationReport/></ValidationReport>')
    with pytest.raises(AssertionError):
        conforms(root, schema.ValidationReportType)


def test_a_real_verdict_stands_in_it_with_the_standards_uris(bench, plain, tmp_path, schema):
    service = Tsa(bench.pki)
    stamps = Rfc3161(
        "test", lambda request: service.answer(request, SIGNED_AT + timedelta(minutes=1)), trust=bench.trust
    )
    first = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S1")
    second = sign(first, tmp_path / "c.pdf", bench.agency, at=SIGNED_AT, field="S2", level="B-T", timestamps=stamps)
    good = verify(second, trust=bench.trust, at=AT)
    alone = verify(second, at=AT)
    (tmp_path / "d.pdf").write_bytes(first.read_bytes().replace(b"/MediaBox", b"/mediaBox", 1))
    bad = verify(tmp_path / "d.pdf", trust=bench.trust, at=AT)
    root = checked([good, alone, bad], schema)
    urn = "urn:etsi:019102:"
    assert status(root) == [
        (f"{urn}mainindication:total-passed", None),
        (f"{urn}mainindication:total-passed", None),
        (f"{urn}mainindication:indeterminate", f"{urn}subindication:NO_CERTIFICATE_CHAIN_FOUND"),
        (f"{urn}mainindication:indeterminate", f"{urn}subindication:NO_CERTIFICATE_CHAIN_FOUND"),
        (f"{urn}mainindication:total-failed", f"{urn}subindication:HASH_FAILURE"),
    ]
    times = [e.text for e in root.iter(f"{V}POETime")]
    assert times[0] == "2023-06-16T01:00:00Z", "a claimed time proves nothing"
    assert times[1] == "2023-06-15T01:01:00Z"
    processes = [e.text.rpartition(":")[2] for e in root.iter(f"{V}SignatureValidationProcessID")]
    assert processes == ["Basic", "LTVM", "Basic", "LTVM", "Basic"]


@pytest.mark.parametrize("sub", list(SubIndication))
def test_every_sub_indication_has_a_uri(schema, sub):
    signature = SignatureReport(
        id="S",
        indication=Indication.INDETERMINATE,
        sub_indication=sub,
        integrity=Integrity.VALID,
        format="XAdES",
        algorithm="?",
        covers="elements",
        messages=(Message(code="EDX-X", severity="info", vi="á", en="\x00<&>", where="\x1b"),),
    )
    report = Report.of(file="tệp\x08.xml", format="xml", policy="p", signatures=[signature])
    ((_, uri),) = status(checked([report], schema))
    assert uri.startswith("urn:x-edocx:" if sub.startswith("EDX-") else f"urn:etsi:019102:subindication:{sub}")


def test_a_file_without_signature_is_indeterminate_and_says_why(schema, plain):
    root = checked([verify(plain, at=AT)], schema)
    assert status(root) == [("urn:etsi:019102:mainindication:indeterminate", "urn:x-edocx:subindication:NO-SIGNATURE")]


def test_the_command_writes_it(bench, plain, tmp_path, schema, capfd):
    out = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S")
    page = tmp_path / "r.xml"
    with pytest.raises(SystemExit) as caught:
        cli.main(
            ["verify", str(out), "--trust", str(bench.folder / "trust"), "--at", AT.isoformat(), "--etsi", str(page)]
        )
    assert caught.value.code == 0
    conforms(etree.parse(page).getroot(), schema.ValidationReportType)
