"""Keys in files and behind callbacks: what opens, what is refused, and that a signer sees a digest only."""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import signing_samples as samples
from cryptography import x509 as pyca
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from signing_samples import SIGNED_AT

from edocx.errors import EdocxError, InputError, KeyFileError, SigningRefused, UsageError, WrongPassword
from edocx.signing.certificate import public_key
from edocx.signing.keys import open_signer
from edocx.signing.keys.callback import CallbackSigner
from edocx.signing.pdf.sign import sign

DIGEST = hashlib.sha256(b"text").digest()
NAME = pyca.Name([pyca.NameAttribute(NameOID.COMMON_NAME, "Thử nghiệm")])

KEYS = {
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def certificate_for(key) -> pyca.Certificate:
    """A certificate that anybody could make: only whether it fits the key matters here."""
    issuer = ec.generate_private_key(ec.SECP256R1())
    return (
        pyca.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2023, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2033, 1, 1, tzinfo=UTC))
        .sign(issuer, hashes.SHA256())
    )


def p12(path: Path, key, certificate, password: bytes | None = None) -> Path:
    protection = BestAvailableEncryption(password) if password else NoEncryption()
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"test", key, certificate, None, protection))
    return path


def pem(key, password: bytes | None = None) -> bytes:
    protection = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


@pytest.mark.parametrize(
    "kind, scheme, name",
    [
        ("rsa2048", "pkcs1v15", "RSA-PKCS1v15-SHA256"),
        ("rsa2048", "pss", "RSA-PSS-SHA256"),
        ("rsa3072", "pkcs1v15", "RSA-PKCS1v15-SHA256"),
        ("rsa3072", "pss", "RSA-PSS-SHA256"),
        ("p256", "pkcs1v15", "ECDSA-SHA256"),
        ("p384", "pkcs1v15", "ECDSA-SHA384"),
    ],
)
def test_each_kind_of_key_signs_a_pdf_that_others_verify(tmp_path, tool, kind, scheme, name):
    import subprocess

    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    key = KEYS[kind]()
    signer = open_signer(str(p12(tmp_path / "key.p12", key, certificate_for(key))), scheme=scheme)
    assert signer.algorithm.name == name
    out = sign(samples.plain(tmp_path / "draft.pdf"), tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1")
    with out.open("rb") as stream:
        (signature,) = PdfFileReader(stream).embedded_signatures
        digest = signature.compute_digest()
        assert validate_sig_integrity(signature.signer_info, signature.signer_cert, "data", digest) == (True, True)
    said = subprocess.run([tool("pdfsig"), "-nocert", str(out)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said


@pytest.mark.parametrize("kind", ["rsa1024", "p521", "ed25519"])
def test_keys_that_may_not_sign_are_refused(tmp_path, kind):
    key = KEYS[kind]()
    with pytest.raises(SigningRefused):
        open_signer(str(p12(tmp_path / "key.p12", key, certificate_for(key))))


def test_a_password_is_asked_for_only_when_needed_and_a_wrong_one_is_named(tmp_path):
    key = KEYS["p256"]()
    plain = p12(tmp_path / "plain.p12", key, certificate_for(key))
    locked = p12(tmp_path / "locked.p12", key, certificate_for(key), b"m\xe1\xba\xadt kh\xe1\xba\xa9u")
    asked = []

    def ask(answer):
        def secrets(name):
            asked.append(name)
            return answer

        return secrets

    open_signer(f"file:{plain}", ask("anything"))
    assert asked == []
    assert open_signer(f"file:{locked}", ask("mật khẩu")).sign_digest(DIGEST)
    assert asked == [str(locked)]
    for answer in ("sai", "", None):
        with pytest.raises(WrongPassword) as refusal:
            open_signer(str(locked), ask(answer))
        assert refusal.value.code == "EDX-KEY-PASSWORD"
        assert "sai" not in str(refusal.value)


def test_a_pem_with_its_certificate_opens_and_a_locked_one_needs_its_password(tmp_path):
    key = KEYS["rsa2048"]()
    certificate = certificate_for(key).public_bytes(Encoding.PEM)
    (tmp_path / "plain.pem").write_bytes(pem(key) + certificate)
    (tmp_path / "locked.pem").write_bytes(certificate + pem(key, b"secret"))
    assert open_signer(str(tmp_path / "plain.pem")).sign_digest(DIGEST)
    assert open_signer(str(tmp_path / "locked.pem"), lambda _: "secret").sign_digest(DIGEST)
    for answer in ("wrong", None):
        with pytest.raises(WrongPassword):
            open_signer(str(tmp_path / "locked.pem"), lambda _, answer=answer: answer)


def test_a_certificate_of_another_key_does_not_fit(tmp_path):
    key, other = KEYS["p256"](), KEYS["p256"]()
    (tmp_path / "key.pem").write_bytes(pem(key) + certificate_for(other).public_bytes(Encoding.PEM))
    with pytest.raises(KeyFileError) as refusal:
        open_signer(str(tmp_path / "key.pem"))
    assert refusal.value.code == "EDX-KEY-MISMATCH"


def test_a_key_without_certificate_takes_the_one_beside_it(tmp_path):
    from asn1crypto import x509

    key = KEYS["p256"]()
    (tmp_path / "key.pem").write_bytes(pem(key))
    beside = x509.Certificate.load(certificate_for(key).public_bytes(Encoding.DER))
    assert open_signer(str(tmp_path / "key.pem"), certificates=[beside]).certificate is beside


@pytest.mark.parametrize(
    "content", [b"", b"text", b"0\x82", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", bytes(2 << 20)]
)
def test_what_is_no_key_file_is_an_input_error(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(EdocxError) as refusal:
        open_signer(str(tmp_path / "key"))
    assert isinstance(refusal.value, KeyFileError | WrongPassword)


def test_a_missing_file_and_an_unknown_scheme_are_named(tmp_path):
    with pytest.raises(InputError) as refusal:
        open_signer(str(tmp_path / "missing.p12"))
    assert refusal.value.code == "EDX-FILE-UNREADABLE"
    with pytest.raises(UsageError) as refusal:
        open_signer("gopher://key")
    assert refusal.value.code == "EDX-KEY-SCHEME"


def test_no_representation_shows_the_key(tmp_path):
    key = KEYS["p256"]()
    shown = repr(open_signer(str(p12(tmp_path / "key.p12", key, certificate_for(key)))))
    assert f"{key.private_numbers().private_value:x}" not in shown
    assert "PrivateKey" not in shown


def test_threads_may_share_a_signer_from_its_first_use(signing, tmp_path):
    """asn1crypto parses lazily and without a lock; half-parsed certificates broke folders signed in threads."""
    draft = samples.plain(tmp_path / "draft.pdf")
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            for attempt in range(10):
                signer = open_signer(f"file:{signing.folder}/person.p12")
                places = [tmp_path / f"{attempt}-{number}.pdf" for number in range(8)]
                list(pool.map(lambda out: sign(draft, out, signer, at=SIGNED_AT, field="S"), places))  # noqa: B023
    finally:
        sys.setswitchinterval(before)
    assert signing.judge(tmp_path / "9-7.pdf")["S"].bottom_line


def test_a_callback_sees_a_digest_and_nothing_more(signing, tmp_path, accepted_by_all):
    seen = []

    def remote(digest, algorithm):
        seen.append((digest, algorithm))
        return signing.person.sign_digest(digest)

    signer = CallbackSigner(signing.person.certificate, signing.person.algorithm, remote, signing.person.chain)
    draft = samples.plain(tmp_path / "draft.pdf")
    accepted_by_all(sign(draft, tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1"), 1)
    ((digest, algorithm),) = seen
    assert len(digest) == 32
    assert algorithm == signing.person.algorithm
    assert "remote" not in repr(signer)


def test_a_signature_by_another_key_is_refused_by_complete(signing, tmp_path):
    signer = CallbackSigner(
        signing.person.certificate,
        signing.person.algorithm,
        lambda digest, _: signing.organisation.sign_digest(digest),
    )
    with pytest.raises(SigningRefused) as refusal:
        sign(samples.plain(tmp_path / "d.pdf"), tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1")
    assert refusal.value.code == "EDX-SIGN-MISMATCH"
    assert not (tmp_path / "out.pdf").exists()
    assert replace(signer, chain=()).certificate is signing.person.certificate
    assert public_key(signer.certificate) is not None
