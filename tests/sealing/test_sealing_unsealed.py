"""Whatever stands outside a seal is said to, with its place: nothing unsealed passes in silence."""

from __future__ import annotations

import copy

import pytest
from lxml import etree
from sealing_scenario import AT

from edocx._xml import parse
from edocx.envelope import names as n
from edocx.envelope.quirks import QUIRKS
from edocx.envelope.read import open_envelope
from edocx.envelope.write import compose
from edocx.errors import UsageError
from edocx.sealing import report_seal, seal
from edocx.signing.report import Indication, Integrity
from edocx.signing.xml import sign as xml_sign
from edocx.signing.xml.names import DS, XADES
from edocx.signing.xml.sign import Reference

HEADER = "/edXML/edXMLEnvelope/edXMLHeader"
TRACE = f"{HEADER}/TraceHeaderList/TraceHeader"
XML = {"e": n.QCVN, "ds": DS, "xades": XADES}


def verdict(workshop, data: bytes):
    with open_envelope(data) as reading:
        return report_seal(reading, workshop.criteria, name="x")


def unsealed(report) -> set[str]:
    return {m.where for m in report.messages if m.code == "EDX-UNSEALED"}


def changed(sealed, path: str, change) -> bytes:
    root = parse(sealed.read_bytes())
    found = root.xpath(path, namespaces=XML)
    change(found[0])
    return etree.tostring(root)


def child(name: str, text: str = "nội dung lạ"):
    def change(element) -> None:
        etree.SubElement(element, n.tag(name)).text = text

    return change


def text(element) -> None:
    element.text = f"{element.text or ''}nội dung lạ"


def tail(element) -> None:
    element.tail = f"{element.tail or ''}nội dung lạ"


def attribute(name: str, value: str = "nội dung lạ"):
    return lambda element: element.set(name, value)


@pytest.mark.parametrize(
    "path,change,where",
    [
        ("//e:TraceHeader", child("Payload"), f"{TRACE}/Payload"),
        ("//e:TraceHeader", child(n.SUBJECT), f"{TRACE}/Subject"),
        ("//e:TraceHeader", child(n.ORGAN_ID, "H99"), f"{TRACE}/OrganId[2]"),
        ("//e:TraceHeader", text, f"{TRACE}/text()"),
        ("//e:TraceHeader/e:OrganId", tail, f"{TRACE}/text()"),
        ("//e:TraceHeader/e:OrganId", lambda e: setattr(e, "text", "x" * 201), f"{TRACE}/OrganId/text()"),
        ("//e:TraceHeader/e:OrganId", child("Payload"), f"{TRACE}/OrganId/Payload"),
        ("//e:TraceHeader/e:OrganId", attribute("note"), f"{TRACE}/OrganId/@note"),
        ("//e:TraceHeader", attribute("note"), f"{TRACE}/@note"),
        ("//e:TraceHeader", attribute(n.MUST_UNDERSTAND), f"{TRACE}/@mustUnderstand"),
        ("//e:TraceHeader", lambda e: e.append(etree.Comment("x")), f"{TRACE}/comment()"),
        ("//e:TraceHeaderList", attribute(n.LIST_ID), f"{HEADER}/TraceHeaderList/@id"),
        (
            "//e:TraceHeaderList",
            lambda e: e.append(etree.PI("x")),
            f"{HEADER}/TraceHeaderList/processing-instruction()",
        ),
    ],
)
def test_a_trace_may_hold_unit_and_moment_and_all_else_is_named(workshop, sealed, path, change, where):
    report = verdict(workshop, changed(sealed, path, change))
    assert report.indication is Indication.INDETERMINATE
    assert str(report.sub_indication) == "EDX-PARTIAL-COVERAGE"
    assert unsealed(report) == {where}


def test_a_trace_of_dialect_e_holds_its_two_names_and_no_more(workshop, sealed):
    def business(element, *names: str) -> None:
        holder = etree.SubElement(element, n.tag(n.TRACE_BUSINESS))
        for name in names:
            etree.SubElement(holder, n.tag(name)).text = "x"

    usual = changed(sealed, "//e:TraceHeader", lambda e: business(e, *n.TRACE_BUSINESS_PARTS))
    assert verdict(workshop, usual).indication is Indication.TOTAL_PASSED
    more = changed(sealed, "//e:TraceHeader", lambda e: business(e, "BusinessName", "Payload"))
    assert unsealed(verdict(workshop, more)) == {f"{TRACE}/Business/Payload"}


@pytest.mark.parametrize(
    "path,where",
    [
        ("/e:edXML", "/edXML"),
        ("//e:edXMLEnvelope", "/edXML/edXMLEnvelope"),
        ("//e:edXMLHeader", HEADER),
        ("//e:TraceHeaderList", f"{HEADER}/TraceHeaderList"),
        ("//e:AttachmentEncoded", "/edXML/AttachmentEncoded"),
        ("//e:Attachment[2]", "/edXML/AttachmentEncoded/Attachment[2]"),
        ("//ds:Signature", f"{HEADER}/Signature"),
        ("//ds:KeyInfo", f"{HEADER}/Signature/KeyInfo"),
        ("//ds:X509Data", f"{HEADER}/Signature/KeyInfo/X509Data"),
        ("//ds:Object", f"{HEADER}/Signature/Object"),
        ("//xades:QualifyingProperties", f"{HEADER}/Signature/Object/QualifyingProperties"),
    ],
)
@pytest.mark.parametrize("kind", ["text", "tail", "child", "attribute", "comment", "instruction"])
def test_a_frame_holds_nothing_unnoticed(workshop, sealed, path, where, kind):
    change, step = {
        "text": (text, "/text()"),
        "tail": (lambda e: tail(e[0]), "/text()"),
        "child": (child("La"), "/La"),
        "attribute": (attribute("note"), "/@note"),
        "comment": (lambda e: e.insert(0, etree.Comment("x")), "/comment()"),
        "instruction": (lambda e: e.append(etree.PI("x", "y")), "/processing-instruction()"),
    }[kind]
    report = verdict(workshop, changed(sealed, path, change))
    assert report.indication is not Indication.TOTAL_PASSED
    assert where + step in unsealed(report)


@pytest.mark.parametrize("change", [lambda e: e.addprevious(etree.PI("xml-stylesheet", 'href="x"')),
                                    lambda e: e.addnext(etree.Comment("x"))])  # fmt: skip
def test_a_stylesheet_or_comment_beside_the_root_is_named(workshop, sealed, change):
    root = parse(sealed.read_bytes())
    change(root)
    report = verdict(workshop, etree.tostring(root.getroottree()))
    assert report.indication is Indication.INDETERMINATE
    assert unsealed(report) == {"/comment()|/processing-instruction()"}


def test_something_added_anywhere_never_passes(workshop, sealed):
    """Every element of the file, every kind of addition; the two texts of a trace entry are the relay's own."""
    whole = parse(sealed.read_bytes())
    additions = {
        "text": text,
        "tail": tail,
        "first": lambda e: e.insert(0, etree.Element("x")),
        "last": lambda e: e.append(etree.Element("{urn:x}x")),
        "attribute": attribute("note"),
        "foreign-attribute": attribute("{urn:x}note"),
        "comment": lambda e: e.append(etree.Comment("x")),
        "instruction": lambda e: e.insert(0, etree.PI("x")),
    }
    count = 0
    for place, element in enumerate(whole.iter(etree.Element)):
        in_trace = element.getparent() is not None and element.getparent().tag == n.tag(n.TRACE)
        for kind, change in additions.items():
            if (kind == "tail" and element is whole) or (kind == "text" and in_trace):
                continue
            root = copy.deepcopy(whole)
            change(list(root.iter(etree.Element))[place])
            report = verdict(workshop, etree.tostring(root))
            assert report.indication is not Indication.TOTAL_PASSED, (element.tag, kind)
            count += 1
    assert count > 500


def test_a_forged_part_deep_inside_a_stranger_fails(workshop, sealed):
    """A reader that asks for the first MessageHeader by name takes the forged one."""

    def change(header) -> None:
        forged = copy.deepcopy(header[0])
        del forged.attrib[n.ID]
        etree.SubElement(etree.SubElement(header, "{urn:x}a"), "{urn:x}b").append(forged)
        header.insert(0, header[-1])

    report = verdict(workshop, changed(sealed, "//e:edXMLHeader", change))
    assert report.indication is Indication.TOTAL_FAILED
    assert "EDX-SEAL-LOOKALIKE" in {m.code for s in report.signatures for m in s.messages}


def test_the_dummy_signature_holds_its_own_names_only(workshop, sealed):
    def dummy(*more: str):
        def change(header) -> None:
            info = etree.SubElement(etree.SubElement(header, n.tag("Signature")), n.tag("SignedInfo"))
            etree.SubElement(info, n.tag("Reference"), URI="")
            for name in more:
                etree.SubElement(info, n.tag(name)).text = "x"

        return changed(sealed, "//e:edXMLHeader", change)

    assert verdict(workshop, dummy()).indication is Indication.TOTAL_PASSED
    assert unsealed(verdict(workshop, dummy("Payload"))) == {f"{HEADER}/Signature/SignedInfo/Payload"}


@pytest.mark.parametrize(
    "before,after,quirk",
    [
        (b"<?xml", b"1212<?xml", "leading-junk"),
        (b"<?xml", b"\n<?xml", "leading-junk"),
        (b'version="1.0"', b'version="1.1"', "declaration"),
        (b'encoding="UTF-8"', b'encoding="US-ASCII"', "declaration"),
        (f' xmlns:{n.PREFIX}="{n.QCVN}"'.encode(), b"", "undeclared-prefix"),
    ],
)
def test_a_file_that_only_we_can_read_is_not_the_one_that_was_sealed(workshop, sealed, before, after, quirk):
    data = sealed.read_bytes().replace(before, after)
    assert QUIRKS[quirk].spoils_seal
    with open_envelope(data) as reading:
        assert quirk in {used.id for used in reading.quirks}
    report = verdict(workshop, data)
    assert report.indication is Indication.TOTAL_FAILED
    assert report.integrity is Integrity.INVALID


def test_a_declaration_that_went_leaves_the_seal_whole(workshop, sealed):
    """Its line end stands before the root then, as XML allows."""
    data = sealed.read_bytes()
    rest = data[data.index(b"?>") + 2 :]
    assert rest.startswith(b"\n<edXML")
    assert verdict(workshop, rest).indication is Indication.TOTAL_PASSED


def test_a_status_has_no_place_for_files(workshop, status):
    data = workshop.write(status, "status.edxml").read_bytes()
    assert verdict(workshop, data).indication is Indication.TOTAL_PASSED
    report = verdict(workshop, data.replace(b"</edXML>", b"<AttachmentEncoded/></edXML>"))
    assert report.indication is Indication.TOTAL_FAILED
    assert "EDX-SEAL-EXTRA" in {m.code for s in report.signatures for m in s.messages}


def test_a_signer_cannot_let_one_reference_stand_for_two_parts(workshop, letter, monkeypatch):
    """Else the message header could be exchanged under the same seal."""
    skeleton = compose(letter)
    del skeleton.header[0].attrib[n.ID]
    prepare = xml_sign.prepare

    def forging(references, **options):
        return prepare([one for one in references if one.uri != "#None"], **options)

    monkeypatch.setattr(xml_sign, "prepare", forging)
    add = xml_sign._add_properties

    def named(signature, signature_id, *more):
        signed = add(signature, signature_id, *more)
        signed.set(n.ID, n.MESSAGE_HEADER)
        return signed

    monkeypatch.setattr(xml_sign, "_add_properties", named)
    monkeypatch.setattr(
        xml_sign,
        "Reference",
        lambda uri, *more: Reference(f"#{n.MESSAGE_HEADER}" if uri == "#Seal-properties" else uri, *more),
    )
    seal(skeleton, workshop.signer, at=AT)
    report = verdict(workshop, b"".join(skeleton.pieces()))
    assert report.indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize(
    "changes,member",
    [
        ({"trace_paper": 1}, "trace_paper"),
        ({"trace_id": "vết số 1"}, "trace_id"),
        ({"trace_version": "?"}, "trace_version"),
    ],
)
def test_what_would_stand_unsealed_is_refused_by_the_name_it_has_in_the_record(workshop, letter, changes, member):
    with pytest.raises(UsageError) as caught:
        seal(compose(letter.model_copy(update=changes)), workshop.signer, at=AT)
    error = caught.value
    assert error.code == "EDX-SEAL-OUTSIDE"
    assert member in (error.where or "")
    assert f"“{member}”" in error.hint.vi
    assert f"“{member}”" in error.hint.en
