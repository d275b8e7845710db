"""CMS files and ASiC containers, made by other software, changed by us."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from datetime import timedelta

import pytest
from asn1crypto import cms, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from signing_samples import SIGNED_AT

from edocx.errors import EdocxError, InputError
from edocx.signing.report import Indication, Integrity, SubIndication
from edocx.testing.attacks.cms import attributes_as_content
from edocx.testing.credential import Credential
from edocx.verification import verify

CONTENT = "Công văn số 1 của Nguyễn Văn A.\n".encode()
AT = SIGNED_AT + timedelta(days=1)


@pytest.fixture(scope="module")
def person(signing) -> Credential:
    return signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")


def signed(person: Credential, content: bytes, *options, encoding=Encoding.DER) -> bytes:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    return builder.sign(encoding, [pkcs7.PKCS7Options.Binary, *options])


def detached(person, content=CONTENT, **kwargs):
    return signed(person, content, pkcs7.PKCS7Options.DetachedSignature, **kwargs)


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return path


def only(report):
    (signature,) = report.signatures
    return signature


@pytest.mark.parametrize("inside", [True, False])
def test_attributes_pass_for_no_content_where_an_empty_set_of_them_is_outside(signing, person, tmp_path, inside):
    names = []
    for attack in attributes_as_content(signed(person, CONTENT)):
        outer = cms.ContentInfo.load(attack.data)
        content = write(tmp_path, "a.bin", bytes(outer["content"]["encap_content_info"]["content"].native))
        data = attack.data if inside else changed(attack.data, lambda one: one["encap_content_info"].__delitem__(1))
        given = {} if inside else {"detached": [content]}
        report = verify(write(tmp_path, "a.p7m", data), trust=signing.trust, at=AT, **given)
        assert report.indication is Indication.TOTAL_FAILED, attack.name
        assert only(report).sub_indication is SubIndication.FORMAT_FAILURE, attack.name
        names.append(attack.name)
    assert names == ["attributes-absent", "attributes-empty"]


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_content_inside_is_judged(signing, person, tmp_path, encoding):
    path = write(tmp_path, "a.p7m", signed(person, CONTENT, encoding=encoding))
    report = verify(path, trust=signing.trust, at=AT)
    assert (report.format, report.indication) == ("cms", Indication.TOTAL_PASSED)
    assert only(report).certificate.sha256 == person.sha256


def test_bare_base64_is_read(signing, person, tmp_path):
    path = write(tmp_path, "a.p7m", base64.encodebytes(signed(person, CONTENT)))
    assert verify(path, trust=signing.trust, at=AT).indication is Indication.TOTAL_PASSED


def test_detached_content_must_be_given(signing, person, tmp_path):
    path = write(tmp_path, "a.p7s", detached(person))
    report = verify(path, trust=signing.trust, at=AT)
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    content = write(tmp_path, "a.txt", CONTENT)
    assert verify(path, trust=signing.trust, at=AT, detached=[content]).indication is Indication.TOTAL_PASSED


def test_other_content_fails_with_the_digest(signing, person, tmp_path):
    path = write(tmp_path, "a.p7s", detached(person))
    content = write(tmp_path, "a.txt", CONTENT + b" ")
    signature = only(verify(path, trust=signing.trust, at=AT, detached=[content]))
    assert signature.sub_indication is SubIndication.HASH_FAILURE
    assert "EDX-CONTENT-DIGEST" in {m.code for m in signature.messages}


def changed(data: bytes, change) -> bytes:
    outer = cms.ContentInfo.load(data)
    change(outer["content"])
    return outer.dump(force=True)


def test_a_certificate_exchanged_for_another_is_not_taken_for_the_signers(signing, person, tmp_path):
    other = signing.pki.issue_person("Trần Thị B", "ỦY BAN THỬ NGHIỆM")

    def exchange(content):
        content["certificates"] = [cms.Certificate.load(other.certificate.public_bytes(Encoding.DER))]

    path = write(tmp_path, "a.p7m", changed(signed(person, CONTENT), exchange))
    signature = only(verify(path, trust=signing.trust, at=AT))
    assert signature.indication is not Indication.TOTAL_PASSED
    assert signature.integrity is not Integrity.VALID


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_a_changed_byte_never_passes(signing, person, tmp_path, place):
    data = bytearray(signed(person, CONTENT, pkcs7.PKCS7Options.NoCerts))
    data[len(data) * place // 100] ^= 0x41
    path = write(tmp_path, "a.p7m", bytes(data))
    try:
        report = verify(path, trust=signing.trust, at=AT, keys=[])
    except InputError:
        return
    assert report.indication is not Indication.TOTAL_PASSED


def test_attributes_may_not_be_passed_off_as_content(signing, person, tmp_path):
    # A signature over attributes is also one over content that is these attributes, when there are none outside.
    original = cms.ContentInfo.load(signed(person, CONTENT))
    attributes = original["content"]["signer_infos"][0]["signed_attrs"].untag().dump()

    def forge(content):
        content["encap_content_info"]["content"] = attributes
        info = content["signer_infos"][0]
        content["signer_infos"] = [
            {
                "version": info["version"].native,
                "sid": info["sid"],
                "digest_algorithm": info["digest_algorithm"],
                "signature_algorithm": info["signature_algorithm"],
                "signature": info["signature"].native,
            }
        ]

    path = write(tmp_path, "a.p7m", changed(signed(person, CONTENT), forge))
    report = verify(path, trust=signing.trust, at=AT)
    assert report.indication is Indication.TOTAL_FAILED


def asic(*members: tuple[str, bytes], mimetype=b"application/vnd.etsi.asic-s+zip") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", mimetype)
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def manifest(*files: tuple[str, bytes]) -> bytes:
    entries = "".join(
        f'<a:DataObjectReference URI="{name}"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f"<ds:DigestValue>{base64.b64encode(hashlib.sha256(data).digest()).decode()}</ds:DigestValue>"
        "</a:DataObjectReference>"
        for name, data in files
    )
    return (
        '<a:ASiCManifest xmlns:a="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        f'<a:SigReference URI="META-INF/signature1.p7s" MimeType="application/x-pkcs7-signature"/>{entries}'
        "</a:ASiCManifest>"
    ).encode()


def test_a_simple_container_is_judged(signing, person, tmp_path):
    path = write(tmp_path, "a.asics", asic(("a.txt", CONTENT), ("META-INF/signature.p7s", detached(person))))
    report = verify(path, trust=signing.trust, at=AT)
    assert (report.format, report.indication) == ("asice", Indication.TOTAL_PASSED)
    assert [inside.indication for inside in report.attachments] == [Indication.NO_SIGNATURE]


def container(person, *, listed=None, files=(("a.txt", CONTENT), ("b.txt", b"b"))):
    text = manifest(*(listed or files))
    return asic(
        *files, ("META-INF/ASiCManifest1.xml", text), ("META-INF/signature1.p7s", detached(person, text)),
        mimetype=b"application/vnd.etsi.asic-e+zip",
    )  # fmt: skip


def test_an_extended_container_is_judged_through_its_manifest(signing, person, tmp_path):
    report = verify(write(tmp_path, "a.asice", container(person)), trust=signing.trust, at=AT)
    assert report.indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize("weak", ["sha1", "md5"])
def test_a_weak_hash_in_a_containers_list_is_as_weak_as_in_a_signature(signing, person, tmp_path, weak):
    names = {"sha1": "http://www.w3.org/2000/09/xmldsig#sha1", "md5": "http://www.w3.org/2001/04/xmldsig-more#md5"}
    value = base64.b64encode(hashlib.new(weak, CONTENT).digest()).decode()
    text = (
        '<a:ASiCManifest xmlns:a="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        '<a:SigReference URI="META-INF/signature1.p7s"/><a:DataObjectReference URI="a.txt">'
        f'<ds:DigestMethod Algorithm="{names[weak]}"/><ds:DigestValue>{value}</ds:DigestValue>'
        "</a:DataObjectReference></a:ASiCManifest>"
    ).encode()
    listed = (("META-INF/ASiCManifest1.xml", text), ("META-INF/signature1.p7s", detached(person, text)))
    data = asic(("a.txt", CONTENT), *listed, mimetype=b"application/vnd.etsi.asic-e+zip")
    report = verify(write(tmp_path, "a.asice", data), trust=signing.trust, at=AT)
    assert report.indication is Indication.INDETERMINATE
    assert only(report).sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


def test_a_changed_file_in_a_container_fails(signing, person, tmp_path):
    data = container(person, listed=(("a.txt", CONTENT), ("b.txt", b"b")), files=(("a.txt", CONTENT), ("b.txt", b"c")))
    report = verify(write(tmp_path, "a.asice", data), trust=signing.trust, at=AT)
    assert (report.indication, report.integrity) == (Indication.TOTAL_FAILED, Integrity.INVALID)


def test_a_file_beside_the_signed_ones_makes_a_container_partial(signing, person, tmp_path):
    data = container(person, listed=(("a.txt", CONTENT),), files=(("a.txt", CONTENT), ("more.txt", b"b")))
    report = verify(write(tmp_path, "a.asice", data), trust=signing.trust, at=AT)
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, SubIndication.PARTIAL_COVERAGE)
    assert [m.where for m in report.messages] == ["more.txt"]


@pytest.mark.parametrize("names", [("a.txt", "A.TXT"), ("../a.txt",), ("/a.txt",), ("a\\b.txt",), ("C:a.txt",)])
def test_a_treacherous_archive_is_not_read(tmp_path, names):
    path = write(tmp_path, "a.asice", asic(*((name, b"x") for name in names)))
    with pytest.raises(InputError) as caught:
        verify(path)
    assert caught.value.code == "EDX-ZIP-TREACHEROUS"


def test_two_entries_of_one_name_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        data = asic(("a.txt", b"1"), ("a.txt", b"2"))
    with pytest.raises(InputError) as caught:
        verify(write(tmp_path, "a.asice", data))
    assert caught.value.code == "EDX-ZIP-TREACHEROUS"


def test_a_bomb_is_stopped_by_what_comes_out_of_it(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.etsi.asic-e+zip")
        archive.writestr("bomb", bytes(20 * 1024 * 1024))
    with pytest.raises(InputError) as caught:
        verify(write(tmp_path, "a.asice", stream.getvalue()))
    assert caught.value.code == "EDX-LIMIT-ARCHIVE"


def test_the_certificate_of_another_person_with_the_same_name_does_not_fit(signing, person, tmp_path):
    twin = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    data = signed(person, CONTENT, pkcs7.PKCS7Options.NoCerts)

    def add(content):
        content["certificates"] = [cms.Certificate.load(twin.certificate.public_bytes(Encoding.DER))]

    report = verify(write(tmp_path, "a.p7m", changed(data, add)), trust=signing.trust, at=AT)
    assert only(report).sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    assert isinstance(twin.certificate, x509.Certificate)


def test_a_change_fails_also_where_the_certificate_is_gone(signing, person, tmp_path):
    path = write(tmp_path, "a.p7s", detached(person, CONTENT))
    path.write_bytes(changed(path.read_bytes(), lambda content: content.__setitem__("certificates", [])))
    content = write(tmp_path, "a.txt", CONTENT)
    whole = only(verify(path, trust=signing.trust, at=AT, detached=[content]))
    assert whole.sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    assert whole.indication is Indication.INDETERMINATE
    content.write_bytes(CONTENT + b" ")
    altered = only(verify(path, trust=signing.trust, at=AT, detached=[content]))
    assert altered.sub_indication is SubIndication.HASH_FAILURE
    assert altered.indication is Indication.TOTAL_FAILED


def test_a_damaged_signature_is_never_told_as_a_fault_of_ours(signing, person, tmp_path):
    data = signed(person, CONTENT)
    codes = set()
    for place in range(0, len(data), 3):
        path = write(tmp_path, "a.p7m", data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            verify(path, trust=signing.trust, at=AT)
        except EdocxError as error:
            codes.add(error.code)
    assert "EDX-CMS-UNREADABLE" in codes
    assert "EDX-FILE-HOSTILE" not in codes


@pytest.mark.parametrize("kind", ["1.2.3.4", "counter_signature"])
def test_an_unsigned_attribute_that_nobody_judges_is_named(signing, person, tmp_path, kind):
    def add(content):
        info = content["signer_infos"][0]
        value = core.UTF8String("FORGED") if kind[0].isdigit() else info.copy()
        info["unsigned_attrs"] = cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [value]})])

    path = write(tmp_path, "a.p7m", changed(signed(person, CONTENT), add))
    report = verify(path, trust=signing.trust, at=AT)
    assert report.indication is Indication.TOTAL_PASSED
    assert [m.where for m in only(report).messages if m.code == "EDX-CMS-UNSIGNED"]
