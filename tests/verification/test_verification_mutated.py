"""``edocx verify`` over files with bytes flipped, cut and spliced: a verdict or a sentence for each, and what still passes
says what was signed."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import signxml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from lxml import etree
from verification_scene import AT, SIGNED_AT

from edocx.content import Blob
from edocx.envelope.model import Attachment, Envelope, Organization, Trace
from edocx.envelope.write import compose
from edocx.sealing import seal
from edocx.signing.container.sign import sign_files
from edocx.signing.pdf.sign import sign
from edocx.testing.attacks.mutation import mutations

GAP = re.compile(rb"<[0-9A-Fa-f]{2000,}>")
"""A PDF signature's own room, which no digest covers."""


@pytest.fixture
def genuine(bench, plain, tmp_path):
    """One signed file of every kind, by its ending."""
    person = bench.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    first = sign(plain, tmp_path / "1.pdf", bench.person, at=SIGNED_AT, field="S1")
    document = sign(first, tmp_path / "2.pdf", bench.agency, at=SIGNED_AT, field="S2")
    signer = signxml.XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
    root = etree.fromstring("<a><b>Nguyễn Văn A</b><c>1</c></a>")
    signed = etree.tostring(signer.sign(root, key=person.private_key, cert=[person.certificate]))
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"content of the message")
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    skeleton = compose(
        Envelope(
            sender=Organization(unit="H58.12.01", name="UBND xã Bình Đức"),
            to=(Organization(unit="H58.12", name="UBND huyện Châu Thành"),),
            document_id="x",
            subject="Thử",
            business="new",
            trace=(Trace(unit="H58.12.01", timestamp=SIGNED_AT),),
            attachments=(Attachment(name="a.txt", content=Blob.from_bytes(b"hello" * 50)),),
        )
    )
    seal(skeleton, bench.agency, at=SIGNED_AT)
    skeleton.save(tmp_path / "a.edxml")
    container = sign_files([plain], tmp_path / "a.asice", bench.agency, at=SIGNED_AT)
    return {
        "pdf": document.read_bytes(),
        "xml": signed,
        "p7m": builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]),
        "edxml": (tmp_path / "a.edxml").read_bytes(),
        "asice": container.read_bytes(),
    }


def contents(folder):
    """What was taken out for each signature of a file: the octets of its parts, without a PDF signature's own room."""
    index = json.loads((folder / "signed.json").read_text("utf-8"))
    return {
        tuple(GAP.sub(b"<>", (folder / part["path"]).read_bytes()) for part in one["parts"]) for one in index["signed"]
    }


def judged(bench, folder, out):
    command = [sys.executable, "-m", "edocx", "verify", str(folder), "--trust", str(bench.folder / "trust")]
    command += ["--at", AT.isoformat(), "--json", "--jobs", "2", "--extract", str(out)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=3000, check=False)


def run(bench, genuine, tmp_path, count, seed):
    files, good = tmp_path / "files", tmp_path / "good"
    files.mkdir()
    good.mkdir()
    made = 0
    for ending, data in genuine.items():
        (good / f"0.{ending}").write_bytes(data)
        for number, attack in enumerate(mutations(data, count // len(genuine), seed=seed)):
            (files / f"{number}.{ending}").write_bytes(attack.data)
            made += 1
    assert judged(bench, good, tmp_path / "wanted").returncode == 0
    wanted = {ending: contents(tmp_path / "wanted" / f"0.{ending}") for ending in genuine}
    done = judged(bench, files, tmp_path / "out")
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == made
    for one in verdicts:
        assert ("error" in one) != ("indication" in one)
        codes = {message["code"] for message in one.get("messages", ())}
        assert not codes & {"EDX-BUDGET-TIME", "EDX-BUDGET-CRASH"}, one["file"]
    for folder in (tmp_path / "out").iterdir() if (tmp_path / "out").exists() else ():
        assert contents(folder) <= wanted[folder.name.rpartition(".")[2]], folder.name


def test_mutated_files_of_every_kind(bench, genuine, tmp_path):
    run(bench, genuine, tmp_path, 300, seed=7)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_thousand_mutated_files_of_every_kind(bench, genuine, tmp_path):
    run(bench, genuine, tmp_path, 5000, seed=2026)
