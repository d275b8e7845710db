"""`Verified` and ``--extract``: only what was signed comes out, octet for octet, and only when it is trusted."""

from __future__ import annotations

import copy
import json
import zipfile

import pytest
import signxml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs7
from lxml import etree
from verification_scene import AT, SIGNED_AT

from edocx import cli
from edocx._xml import canonicalise
from edocx.content import Blob
from edocx.envelope import names as n
from edocx.envelope.model import Attachment, Code, Envelope, Organization, Trace
from edocx.envelope.write import compose
from edocx.errors import EdocxError, InputError
from edocx.sealing import seal, with_statement
from edocx.sealing.sealed import SealedEnvelope
from edocx.signing.cms.sign import sign_file
from edocx.signing.container.sign import sign_files
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.signing.signed import Content, PdfRevision, Piece, SignedFiles, SignedXml, Verified, verified
from edocx.testing.attacks import pdf as pdf_attacks
from edocx.testing.attacks import xml as xml_attacks
from edocx.verification import extract

DOCUMENT = b'<doc xmlns="urn:x"><part Id="p"><amount>100</amount></part><rest>nobody signs this</rest></doc>'


def taken(bench, path, into, **options):
    return extract(path, into, trust=bench.trust, at=AT, **options)


def test_nobody_but_a_verifier_makes_verified():
    with pytest.raises(TypeError):
        Verified(PdfRevision(Blob.from_bytes(b""), (0, 0)), None, "a", maker=object())


def test_a_signature_that_did_not_pass_verifies_nothing(bench, plain, tmp_path):
    out = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S")
    report = extract(out, tmp_path / "x", at=AT).report
    assert report.signatures[0].indication is Indication.INDETERMINATE
    assert not (tmp_path / "x").exists()
    content = Content("cms", (), SignedFiles)
    with pytest.raises(TypeError):
        verified(content, (), report.signatures[0])


def test_each_signature_of_a_pdf_gives_its_own_revision(bench, plain, tmp_path):
    first = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S1").read_bytes()
    second = sign(tmp_path / "b.pdf", tmp_path / "c.pdf", bench.agency, at=SIGNED_AT, field="S2").read_bytes()
    found = taken(bench, tmp_path / "c.pdf", tmp_path / "x")
    values = [one.value for one in found.contents]
    assert all(isinstance(value, PdfRevision) for value in values)
    assert [value.content.read() for value in values] == [first, second]
    assert [one.signature.id for one in found.contents] == ["S1", "S2"]
    again = taken(bench, values[0].content.path, tmp_path / "y")
    assert again.report.indication is Indication.TOTAL_PASSED


def test_what_follows_the_signed_revision_stays_behind(bench, plain, tmp_path):
    data = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S").read_bytes()
    for order, attack in enumerate(pdf_attacks.forgeries(data)):
        path = tmp_path / f"{order}.pdf"
        path.write_bytes(attack.data)
        try:
            found = taken(bench, path, tmp_path / f"x{order}")
        except InputError:
            continue
        for one in found.contents:
            assert one.value.content.read() == data, attack.name


def test_foreign_octets_in_the_room_of_a_signature_are_blanked(bench, plain, tmp_path):
    data = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S").read_bytes()
    end = data.index(b">", data.index(b"/Contents <"))
    smuggled = data[: end - 8] + b"DEADBEEF" + data[end:]
    (tmp_path / "c.pdf").write_bytes(smuggled)
    found = taken(bench, tmp_path / "c.pdf", tmp_path / "x")
    (one,) = found.contents
    assert found.report.indication is Indication.INDETERMINATE
    assert one.value.content.read() == data


def test_a_file_that_changes_meanwhile_gives_nothing(plain, tmp_path):
    piece = Piece.of_file("a", plain, "sha256", bytes(32))
    with pytest.raises(InputError) as caught:
        piece.save(tmp_path / "out")
    assert caught.value.code == "EDX-FILE-CHANGED"
    assert not (tmp_path / "out").exists()


def signed_part(bench) -> bytes:
    person = bench.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    signer = signxml.XMLSigner(
        method=signxml.methods.detached, c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"
    )
    root = etree.fromstring(DOCUMENT)
    root.append(signer.sign(root, key=person.private_key, cert=[person.certificate], reference_uri="#p"))
    return etree.tostring(root)


def test_of_an_xml_document_only_the_referenced_octets_come_out(bench, tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(signed_part(bench))
    found = taken(bench, path, tmp_path / "x")
    (one,) = found.contents
    assert found.report.sub_indication == "EDX-PARTIAL-COVERAGE"
    assert isinstance(one.value, SignedXml)
    (part,) = one.value.parts
    assert part.name == "#p"
    assert part.content.read() == canonicalise(etree.fromstring(DOCUMENT)[0])
    assert b"nobody signs this" not in b"".join(p.read_bytes() for p in (tmp_path / "x").rglob("*") if p.is_file())


def test_wrapped_xml_never_lets_the_forgery_out(bench, tmp_path):
    for order, attack in enumerate(xml_attacks.forgeries(signed_part(bench))):
        path = tmp_path / f"{order}.xml"
        path.write_bytes(attack.data)
        try:
            found = taken(bench, path, tmp_path / f"x{order}")
        except EdocxError:
            continue
        for one in found.contents:
            assert all(b"FORGED" not in part.content.read() for part in one.value.parts), attack.name


def test_cms_gives_its_content_inside_or_beside(bench, plain, tmp_path):
    person = bench.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"inside")
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    from cryptography.hazmat.primitives.serialization import Encoding

    inside = tmp_path / "a.p7m"
    inside.write_bytes(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]))
    (one,) = taken(bench, inside, tmp_path / "x").contents
    assert one.value.parts[0].content.read() == b"inside"
    beside = sign_file(plain, tmp_path / "b.p7s", bench.person, at=SIGNED_AT)
    decoy = tmp_path / "decoy.pdf"
    decoy.write_bytes(b"%PDF-1.4 something else")
    (one,) = taken(bench, beside, tmp_path / "y", detached=[decoy, plain]).contents
    assert (one.value.parts[0].name, one.value.parts[0].content.read()) == (plain.name, plain.read_bytes())


def test_a_container_gives_the_covered_files_and_no_stowaway(bench, plain, tmp_path):
    container = sign_files([plain], tmp_path / "a.asice", bench.agency, at=SIGNED_AT)
    with zipfile.ZipFile(container, "a") as archive:
        archive.writestr("stowaway.txt", "FORGED")
    found = taken(bench, container, tmp_path / "x")
    assert found.report.indication is Indication.INDETERMINATE
    (one,) = [c for c in found.contents if isinstance(c.value, SignedXml | SignedFiles)]
    assert [part.content.read() for part in one.value.parts] == [plain.read_bytes()]


def letter(plain) -> Envelope:
    return Envelope(
        sender=Organization(unit="H58.12.01", name="UBND xã Bình Đức"),
        to=(Organization(unit="H58.12", name="UBND huyện Châu Thành"),),
        document_id="H58.12.01,2023/06/15,01/UBND-VP",
        code=Code(number="01", notation="UBND-VP"),
        subject="Về việc thử <A&B>",
        business="new",
        trace=(Trace(unit="H58.12.01", timestamp=SIGNED_AT),),
        attachments=(Attachment(name="a.pdf", content=Blob.from_path(plain)),),
    )


@pytest.mark.parametrize("way", ["header", "detached"])
def test_an_envelope_is_read_anew_without_its_trace(bench, plain, tmp_path, way):
    envelope = letter(plain)
    if way == "detached":
        skeleton = compose(with_statement(envelope, bench.agency, at=SIGNED_AT))
    else:
        skeleton = compose(envelope)
        seal(skeleton, bench.agency, at=SIGNED_AT)
    skeleton.save(tmp_path / "a.edxml")
    (one,) = taken(bench, tmp_path / "a.edxml", tmp_path / "x").contents
    assert isinstance(one.value, SealedEnvelope)
    assert one.file == str(tmp_path / "a.edxml")
    read = one.value.envelope
    assert (read.subject, read.sender.unit, read.document_id) == (
        envelope.subject,
        "H58.12.01",
        envelope.document_id,
    )
    assert read.trace == ()
    assert [(item.name, item.content.read()) for item in read.attachments] == [("a.pdf", plain.read_bytes())]


def test_what_stands_outside_the_seal_does_not_come_out(bench, plain, tmp_path):
    skeleton = compose(letter(plain))
    seal(skeleton, bench.agency, at=SIGNED_AT)
    skeleton.save(tmp_path / "a.edxml")
    root = etree.fromstring((tmp_path / "a.edxml").read_bytes(), etree.XMLParser(huge_tree=True))
    header = root.find(f"{n.tag(n.ENVELOPE)}/{n.tag(n.HEADER)}")
    stray = copy.deepcopy(header[0])
    stray.tag = "{urn:stray}Note"
    header.append(stray)
    (tmp_path / "b.edxml").write_bytes(etree.tostring(root))
    found = taken(bench, tmp_path / "b.edxml", tmp_path / "x")
    for one in found.contents:
        assert one.value.envelope.unknown == ()
        assert one.value.envelope.trace == ()


def test_under_a_policy_that_is_not_met_nothing_comes_out(bench, plain, tmp_path):
    out = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S")
    found = taken(bench, out, tmp_path / "x", registry=bench.registry, policy="official-document")
    assert (found.contents, (tmp_path / "x").exists()) == ((), False)


def test_the_command_writes_one_folder_a_file_and_an_index(bench, plain, tmp_path, capfd):
    out = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S")
    arguments = ["verify", str(out), "--trust", str(bench.folder / "trust"), "--at", AT.isoformat(), "--extract"]
    for code in (0, 4):  # the folder is taken the second time
        with pytest.raises(SystemExit) as caught:
            cli.main([*arguments, str(tmp_path / "x")])
        assert caught.value.code == code
    index = json.loads((tmp_path / "x/b.pdf/signed.json").read_text("utf-8"))
    (entry,) = index["signed"]
    assert (entry["kind"], entry["signature"]) == ("pdf", "S")
    assert (tmp_path / "x/b.pdf" / entry["parts"][0]["path"]).read_bytes() == out.read_bytes()
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["b.pdf"]


def test_a_signature_that_cannot_be_read_gives_a_verdict_and_nothing_else(bench, plain, tmp_path):
    data = sign(plain, tmp_path / "b.pdf", bench.person, at=SIGNED_AT, field="S").read_bytes()
    place = data.index(b"/Contents <") + len("/Contents <")
    for order, spoilt in enumerate((b"00", b"31", b"FF")):
        path = tmp_path / f"{order}.pdf"
        path.write_bytes(data[: place + 2 * order] + spoilt * 8 + data[place + 2 * order + 16 :])
        found = taken(bench, path, tmp_path / f"x{order}")
        assert (found.report.indication, found.contents) == (Indication.TOTAL_FAILED, ())
