"""What is no ordinary file ends in a sentence, and never in a wait."""

from __future__ import annotations

import os

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from verification_scene import AT

from edocx.errors import InputError
from edocx.signing.report import Indication
from edocx.verification import verify


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name on this system")
@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError) as caught:
        verify(tmp_path / "pipe")
    assert caught.value.code == "EDX-FILE-ORDINARY"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError):
        verify(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\0" * 5000, b"<", b"PK\x03\x04", b"%PDF-", b"MIIB", b"\x30\x80"])
def test_crumbs_end_in_a_sentence(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError):
        verify(tmp_path / "a")


def enclosed(bench, content: bytes, encoding: Encoding = Encoding.DER) -> bytes:
    person = bench.pki.issue_person("Nguyễn Văn C", "ỦY BAN THỬ NGHIỆM")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    return builder.sign(encoding, [pkcs7.PKCS7Options.Binary])


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_signature_that_holds_a_pdf_is_a_signature(bench, tmp_path, plain, encoding):
    (tmp_path / "a.p7m").write_bytes(enclosed(bench, plain.read_bytes(), encoding))
    report = verify(tmp_path / "a.p7m", trust=bench.trust, at=AT)
    assert (report.format, report.indication) == ("cms", Indication.TOTAL_PASSED)


def test_a_signature_beside_whose_content_a_pdf_begins_does_not_pass(bench, tmp_path):
    outer = cms.ContentInfo.load(enclosed(bench, b"a"))
    foreign = {"algorithm": "1.2.3", "parameters": core.Any(core.OctetString(b"%PDF-1.7"))}
    outer["content"]["digest_algorithms"].append(foreign)  # which stand ahead of everything, and nobody signs
    (tmp_path / "a.p7m").write_bytes(outer.dump(force=True))
    report = verify(tmp_path / "a.p7m", trust=bench.trust, at=AT)
    assert (report.format, report.indication) == ("cms", Indication.INDETERMINATE)
