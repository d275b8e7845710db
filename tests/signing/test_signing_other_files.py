"""What is not a PDF: CMS detached for one file, ASiC-E for several, judged by openssl, xmlsec1 and pyHanko."""

from __future__ import annotations

import subprocess
import zipfile

import pytest
from asn1crypto import cms
from lxml import etree
from signing_samples import SIGNED_AT

from edocx.errors import InputError, SigningRefused, UsageError
from edocx.signing.cms import sign as cms_sign
from edocx.signing.cms.content import signed_attributes, tlv
from edocx.signing.container.sign import MEDIA_TYPE, sign_files
from edocx.signing.keys import open_signer
from edocx.signing.timestamp import token_time


@pytest.fixture
def files(tmp_path):
    (tmp_path / "bảng số liệu.csv").write_bytes(b"a,b\n1,2\n" * 100_000)
    (tmp_path / "note.txt").write_text("ghi chú", "utf-8")
    return [tmp_path / "bảng số liệu.csv", tmp_path / "note.txt"]


@pytest.fixture(params=["pkcs1v15", "pss"])
def signer(signing, request):
    return open_signer(f"file:{signing.folder}/person.p12", scheme=request.param)


def openssl_verifies(tool, signing, signature, content):
    said = subprocess.run(
        [
            tool("openssl"), "cms", "-verify", "-inform", "DER", "-in", str(signature), "-content", str(content),
            "-binary", "-CAfile", str(signing.folder / "trust/root.crt"), "-purpose", "any", "-out", "/dev/null",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.returncode == 0


def test_openssl_accepts_the_detached_signature_and_only_of_this_file(signing, signer, files, tmp_path, tool):
    out = cms_sign.sign_file(files[0], tmp_path / "out.p7s", signer, at=SIGNED_AT)
    assert openssl_verifies(tool, signing, out, files[0])
    assert not openssl_verifies(tool, signing, out, files[1])


def test_the_cms_is_what_a_general_library_would_write(signing, files, tmp_path):
    out = cms_sign.sign_file(files[0], tmp_path / "out.p7s", signing.person, at=SIGNED_AT)
    content = cms.ContentInfo.load(out.read_bytes(), strict=True)
    (info,) = content["content"]["signer_infos"]
    assert {a["type"].native for a in info["signed_attrs"]} == {
        "content_type",
        "message_digest",
        "signing_certificate_v2",
        "signing_time",
    }
    attributes = info["signed_attrs"].untag()
    assert attributes.dump(force=True) == signed_attributes(
        next(a for a in info["signed_attrs"] if a["type"].native == "message_digest")["values"][0].native,
        signing.person.certificate,
        signing_time=SIGNED_AT,
    )
    held = [choice.chosen.subject.native["common_name"] for choice in content["content"]["certificates"]]
    assert len(held) == 2, "the root stays at home"


def test_a_timestamp_rides_in_the_signature(signing, files, tmp_path, tool):
    out = cms_sign.sign_file(
        files[0], tmp_path / "out.p7s", signing.person, at=SIGNED_AT, timestamps=signing.timestamps(SIGNED_AT)
    )
    (info,) = cms.ContentInfo.load(out.read_bytes())["content"]["signer_infos"]
    (attribute,) = info["unsigned_attrs"]
    assert attribute["type"].native == "signature_time_stamp_token"
    assert token_time(attribute["values"][0].dump()) == SIGNED_AT
    assert openssl_verifies(tool, signing, out, files[0])


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_der_lengths_are_the_shortest(length):
    from asn1crypto import core

    assert tlv(0x04, bytes(length)) == core.OctetString(bytes(length)).dump()


def test_another_keys_value_is_refused(signing, files, tmp_path):
    prepared = cms_sign.prepare(
        cms_sign.digest_file(files[0], "sha256"),
        certificate=signing.person.certificate,
        algorithm=signing.person.algorithm,
        at=SIGNED_AT,
    )
    with pytest.raises(SigningRefused) as refusal:
        cms_sign.complete(prepared, signing.organisation.sign_digest(prepared.to_sign))
    assert refusal.value.code == "EDX-SIGN-MISMATCH"


def test_a_missing_file_is_an_input_error(signing, tmp_path):
    with pytest.raises(InputError):
        cms_sign.sign_file(tmp_path / "missing", tmp_path / "o.p7s", signing.person, at=SIGNED_AT)
    with pytest.raises(InputError):
        sign_files([tmp_path / "missing"], tmp_path / "o.asice", signing.person, at=SIGNED_AT)
    assert not list(tmp_path.glob("o.*"))


def unpacked(container, folder):
    with zipfile.ZipFile(container) as archive:
        archive.extractall(folder)
        return archive


def xmlsec_verifies(tool, signing, folder):
    said = subprocess.run(
        [
            tool("xmlsec1"), "--verify", "--enabled-key-data", "x509", "--trusted-pem",
            str(signing.folder / "trust/root.crt"), "--verification-gmt-time", "2023-06-15 02:00:00",
            "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
            str(folder / "META-INF/signatures.xml"),
        ],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.returncode == 0, said.stderr


def test_xmlsec_accepts_the_signature_inside_the_container(signing, files, tmp_path, tool):
    out = sign_files(files, tmp_path / "out.asice", signing.person, at=SIGNED_AT)
    folder = tmp_path / "unpacked"
    unpacked(out, folder)
    holds, said = xmlsec_verifies(tool, signing, folder)
    assert holds, said
    (folder / "note.txt").write_text("khác", "utf-8")
    assert not xmlsec_verifies(tool, signing, folder)[0]


def test_the_container_has_the_shape_that_readers_look_for(signing, files, tmp_path):
    out = sign_files(files, tmp_path / "out.asice", signing.person, at=SIGNED_AT)
    head = out.read_bytes()[:80]
    assert head[30:38] == b"mimetype"
    assert head[38 : 38 + len(MEDIA_TYPE)] == MEDIA_TYPE.encode()
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "mimetype", "bảng số liệu.csv", "note.txt", "META-INF/manifest.xml", "META-INF/signatures.xml",
        ]  # fmt: skip
        assert archive.infolist()[0].date_time == (2023, 6, 15, 8, 0, 0), "the time given, not the machine's"
        root = etree.fromstring(archive.read("META-INF/signatures.xml"))
    types = root.findall(".//{http://uri.etsi.org/01903/v1.3.2#}MimeType")
    assert [one.text for one in types] == ["text/csv", "text/plain"]


def test_a_timestamp_makes_it_xades_t(signing, files, tmp_path, tool):
    import base64

    out = sign_files(
        files[1:], tmp_path / "out.asice", signing.person, at=SIGNED_AT, timestamps=signing.timestamps(SIGNED_AT)
    )
    folder = tmp_path / "unpacked"
    unpacked(out, folder)
    holds, said = xmlsec_verifies(tool, signing, folder)
    assert holds, said
    root = etree.parse(str(folder / "META-INF/signatures.xml"))
    (token,) = root.iterfind(".//{http://uri.etsi.org/01903/v1.3.2#}EncapsulatedTimeStamp")
    assert token_time(base64.b64decode(token.text)) == SIGNED_AT


def test_names_that_clash_are_refused(signing, files, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "note.txt").write_text("x")
    (tmp_path / "mimetype").write_text("x")
    for sources in ([*files, tmp_path / "more" / "note.txt"], [tmp_path / "mimetype"], []):
        with pytest.raises(UsageError):
            sign_files(sources, tmp_path / "out.asice", signing.person, at=SIGNED_AT)
    assert not (tmp_path / "out.asice").exists()
