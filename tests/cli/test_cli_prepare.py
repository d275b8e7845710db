"""Signing in two phases from the command line: prepared here, signed by whoever holds the key, completed once."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from edocx.signing.pdf.form import make_form
from edocx.signing.pdf.placing import layout_for
from edocx.testing import Pki, scene


@pytest.fixture
def place(tmp_path):
    Pki.create(key="p256").save(tmp_path)
    for who in ("person", "organisation"):
        key, certificate, others = pkcs12.load_key_and_certificates((tmp_path / f"{who}.p12").read_bytes(), None)
        pem = b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, *others))
        (tmp_path / f"{who}.crt").write_bytes(pem)
        (tmp_path / f"{who}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    letter, _ = scene.write_letter(tmp_path)
    make_form(letter, tmp_path / "form.pdf", layout_for(letter))
    return tmp_path


def edocx(place, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "edocx", *map(str, arguments), "--lang", "en"],
        capture_output=True, text=True, check=False, cwd=place,
    )  # fmt: skip


def prepare(place, *more, file="letter.pdf", who="person"):
    arguments = ("--certificate", f"{who}.crt", "--as", who, "--out", "waiting.json", "--digest", "digest", *more)
    return edocx(place, "prepare", file, *arguments)


def sign(place, who="person"):
    command = ["openssl", "pkeyutl", "-sign", "-inkey", f"{who}.key", "-in", "digest", "-out", "signature"]
    subprocess.run(command, check=True, cwd=place)


def complete(place, *more, out="signed.pdf"):
    return edocx(place, "complete", "waiting.json", "--signature", "signature", "--out", out, *more)


def test_what_was_prepared_is_signed_by_openssl_and_completed_by_another_process(place, tool):
    tool("openssl"), tool("pdfsig")
    assert prepare(place).returncode == 0
    sign(place)
    done = complete(place)
    assert done.returncode == 0, done.stderr
    said = subprocess.run(["pdfsig", "signed.pdf"], capture_output=True, text=True, check=False, cwd=place).stdout
    assert said.count("Signature is Valid") == 1
    assert edocx(place, "verify", "signed.pdf", "--trust", "trust").returncode == 0
    assert not (place / "waiting.json").exists()
    assert not (place / "waiting.json.pdf").exists()


def test_the_seal_is_prepared_too_and_needs_the_person_first(place, tool):
    tool("openssl")
    refused = prepare(place, who="organisation")
    assert refused.returncode == 1
    assert "EDX-SEAL-NO-PERSON" in refused.stderr
    assert not (place / "waiting.json").exists()
    prepare(place, file="form.pdf")
    sign(place)
    complete(place)
    fields = ("--number", "15/UBND-VP", "--city", "Bình Đức", "--date", "2023-06-15")
    assert prepare(place, *fields, file="signed.pdf", who="organisation").returncode == 0
    sign(place, "organisation")
    assert complete(place, out="sealed.pdf").returncode == 0
    told = json.loads(edocx(place, "verify", "sealed.pdf", "--trust", "trust", "--json").stdout)
    assert [one["indication"] for one in told["signatures"]] == ["TOTAL-PASSED", "TOTAL-PASSED"]


def test_a_signature_of_something_else_changes_nothing_and_the_right_one_still_fits(place, tool):
    tool("openssl")
    told = json.loads(prepare(place, "--json").stdout)
    assert base64.b64decode(told["to_sign"]) == (place / "digest").read_bytes()
    sign(place, "organisation")
    refused = complete(place)
    assert refused.returncode == 1
    assert "EDX-SIGN-MISMATCH" in refused.stderr
    assert not (place / "signed.pdf").exists()
    sign(place)
    (place / "signature").write_bytes(base64.encodebytes((place / "signature").read_bytes()))
    assert complete(place).returncode == 0


def test_a_waiting_signature_names_no_file_elsewhere(place, tool):
    tool("openssl")
    prepare(place)
    sign(place)
    (place / "other").mkdir()
    (place / "waiting.json.pdf").rename(place / "other" / "waiting.json.pdf")
    told = json.loads((place / "waiting.json").read_text("utf-8"))
    told["working_file"] = str(place / "other" / "waiting.json.pdf")
    (place / "waiting.json").write_text(json.dumps(told), "utf-8")
    before = (place / "other" / "waiting.json.pdf").read_bytes()
    refused = complete(place)
    assert refused.returncode == 1
    assert "EDX-SIGN-NO-FILE" in refused.stderr
    assert (place / "other" / "waiting.json.pdf").read_bytes() == before


def test_a_changed_working_file_is_not_signed(place, tool):
    tool("openssl")
    prepare(place)
    sign(place)
    data = bytearray((place / "waiting.json.pdf").read_bytes())
    data[len(data) // 2] ^= 1
    (place / "waiting.json.pdf").write_bytes(data)
    refused = complete(place)
    assert refused.returncode == 1, refused.stderr
    assert not (place / "signed.pdf").exists()


def test_what_waits_is_not_prepared_over(place):
    assert prepare(place).returncode == 0
    again = prepare(place)
    assert again.returncode == 2
    assert "EDX-USAGE-WAITING" in again.stderr


@pytest.mark.parametrize("taken", ["waiting.json.pdf", "digest"])
def test_nothing_is_prepared_over_another_file(place, taken):
    if taken == "digest":
        done = prepare(place, "--digest", "waiting.json.pdf")
    else:
        (place / taken).write_text("precious", "utf-8")
        done = prepare(place)
        assert (place / taken).read_text("utf-8") == "precious"
    assert done.returncode == 2
    assert "EDX-USAGE-WAITING" in done.stderr
    assert not (place / "waiting.json").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"schema": 1}', b"\xff\xfe"])
def test_a_file_that_prepare_did_not_leave_is_refused_with_a_sentence(place, content):
    (place / "waiting.json").write_bytes(content)
    (place / "signature").write_bytes(b"x")
    done = complete(place)
    assert done.returncode == 4
    assert "EDX-SIGN-PREPARED" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000, b"nan", b"\x00"])
def test_json_that_no_reader_can_take_is_refused_with_a_sentence(place, content):
    (place / "waiting.json").write_bytes(content)
    (place / "signature").write_bytes(b"x")
    done = complete(place)
    assert done.returncode == 4
    assert "EDX-SIGN-PREPARED" in done.stderr
    assert "edocx prepare" in done.stderr


def test_a_certificate_revoked_while_it_waited_completes_nothing(place, tool):
    tool("openssl")
    prepare(place, "--trust", "trust")
    sign(place)
    pki = Pki.load(place)
    _, certificate, _ = pkcs12.load_key_and_certificates((place / "person.p12").read_bytes(), None)
    pki.revoke(certificate, at=pki.not_before + timedelta(days=1))
    pki.save_trust(place / "trust")
    refused = complete(place, "--trust", "trust")
    assert refused.returncode == 1
    assert "EDX-CERT-NOT-FIT" in refused.stderr
    assert "edocx prepare" in refused.stderr
    assert not (place / "signed.pdf").exists()
    assert (place / "waiting.json").exists()
    assert complete(place, "--registry", "registry.csv").returncode == 0, "nobody was asked about revocation"


def test_a_missing_folder_for_the_result_is_said_and_the_signature_still_fits(place, tool):
    tool("openssl")
    lost = prepare(place, "--digest", "none/digest")
    assert (lost.returncode, "EDX-USAGE-OUT" in lost.stderr) == (2, True)
    assert not (place / "waiting.json").exists()
    prepare(place)
    sign(place)
    refused = complete(place, out="none/signed.pdf")
    assert refused.returncode == 2
    assert "EDX-USAGE-OUT" in refused.stderr
    assert complete(place).returncode == 0
