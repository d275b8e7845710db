"""Keys on a token, with SoftHSM: one login for many threads, the PIN asked once and never shown."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import signing_samples as samples
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from signing_samples import SIGNED_AT

from edocx.errors import EdocxError, KeyFileError, SigningRefused, Unavailable, UsageError, WrongPassword
from edocx.signing.certificate import public_key
from edocx.signing.keys import open_signer
from edocx.signing.keys.pkcs11_uri import Pkcs11Uri
from edocx.signing.pdf.sign import sign
from edocx.testing import Pki

pkcs11 = pytest.importorskip("pkcs11") if os.environ.get("CI") != "true" else __import__("pkcs11")
from edocx.signing.keys import pkcs11_token  # noqa: E402

PIN = "918273645"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
DIGEST = hashlib.sha256(b"text").digest()


class Hsm:
    """A SoftHSM with one token that holds an RSA and an elliptic-curve key, and another that is empty."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.asked: list[str] = []

    def uri(self, rest: str = "token=edocx;object=rsa") -> str:
        return f"pkcs11:{rest}?module-path={self.module}"

    def pin(self, name: str) -> str:
        self.asked.append(name)
        return PIN


def load(session, credential, label: str, identifier: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat
    from pkcs11 import Attribute, KeyType, ObjectClass
    from pkcs11.util.ec import decode_ec_private_key
    from pkcs11.util.rsa import decode_rsa_private_key

    key = credential.private_key
    if isinstance(key, rsa.RSAPrivateKey):
        der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        template = decode_rsa_private_key(der)
    else:
        der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        template = decode_ec_private_key(der)
    names = {Attribute.TOKEN: True, Attribute.LABEL: label, Attribute.ID: identifier}
    session.create_object({**template, **names, Attribute.PRIVATE: True, Attribute.SENSITIVE: True})
    certificate = credential.certificate
    session.create_object(
        {
            **names,
            Attribute.CLASS: ObjectClass.CERTIFICATE,
            Attribute.CERTIFICATE_TYPE: 0,
            Attribute.VALUE: certificate.public_bytes(Encoding.DER),
            Attribute.SUBJECT: certificate.subject.public_bytes(),
        }
    )
    assert KeyType.RSA is not None


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory, signing, tool):
    tool("softhsm2-util")
    module = next((path for path in MODULES if Path(path).exists()), None)
    if module is None:
        pytest.skip("no SoftHSM module where Debian puts it")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    for label in ("edocx", "empty", "guarded"):
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"],
            check=True,
            capture_output=True,
        )
    curve = Pki.create(key="p256")
    with pkcs11.lib(module).get_token(token_label="edocx").open(rw=True, user_pin=PIN) as session:
        load(session, signing.pki.issue_person("Trần Thị B", "CƠ QUAN THỬ NGHIỆM"), "rsa", b"\x01")
        load(session, curve.issue_person("Lê Văn C", "CƠ QUAN THỬ NGHIỆM"), "curve", b"\x02")
    return Hsm(module)


@pytest.fixture
def hsm(softhsm):
    softhsm.asked.clear()
    yield softhsm
    pkcs11_token.close_tokens()


@pytest.mark.parametrize("scheme", ["pkcs1v15", "pss"])
def test_an_rsa_key_signs_by_both_schemes(hsm, scheme):
    signer = open_signer(hsm.uri(), hsm.pin, scheme=scheme)
    value = signer.sign_digest(DIGEST)
    assert signer.algorithm.scheme == scheme
    assert signer.algorithm.matches(public_key(signer.certificate), value, DIGEST) is None


def test_a_curve_key_gives_a_der_signature(hsm):
    signer = open_signer(hsm.uri("token=edocx;id=%02"), hsm.pin)
    assert signer.algorithm.name == "ECDSA-SHA256"
    assert signer.algorithm.matches(public_key(signer.certificate), signer.sign_digest(DIGEST), DIGEST) is None


def test_a_pdf_signed_on_a_token_is_accepted(hsm, tmp_path, accepted_by_all):
    signer = open_signer(hsm.uri(), hsm.pin)
    draft = samples.plain(tmp_path / "draft.pdf")
    accepted_by_all(sign(draft, tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1"), 1)


def test_eight_threads_make_two_hundred_signatures_over_one_login(hsm):
    signers = [open_signer(hsm.uri(), hsm.pin) for _ in range(8)]
    assert hsm.asked == [], "nobody is asked for a PIN before something is signed"
    key = public_key(signers[0].certificate)
    digests = [hashlib.sha256(str(n).encode()).digest() for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda n: signers[n % 8].sign_digest(digests[n]), range(200)))
    assert hsm.asked == ["edocx"], "one login, whoever asks"
    assert all(
        signers[0].algorithm.matches(key, value, digest) is None for value, digest in zip(values, digests, strict=True)
    )


def test_a_wrong_pin_is_tried_once_and_not_shown(hsm):
    secret = "0000001111"
    tries = []

    def wrong(name):
        tries.append(name)
        return secret

    with pytest.raises(WrongPassword) as refusal:
        open_signer(hsm.uri(), wrong).sign_digest(DIGEST)
    assert refusal.value.code == "EDX-TOKEN-PIN"
    assert tries == ["edocx"]
    shown = "".join(traceback.format_exception(refusal.value)) + repr(refusal.value.__cause__) + str(refusal.value)
    assert secret not in shown
    pkcs11_token.close_tokens()
    open_signer(hsm.uri(), hsm.pin).sign_digest(DIGEST)


def test_no_representation_holds_the_pin_or_a_name(hsm):
    signer = open_signer(hsm.uri(), hsm.pin)
    shown = repr(signer) + repr(signer._token) + repr(vars(signer)) + repr(vars(signer._token))
    assert PIN not in shown
    assert "Trần" not in repr(signer)


def test_without_a_pin_the_token_is_not_tried(hsm):
    with pytest.raises(WrongPassword):
        open_signer(hsm.uri(), lambda _: None).sign_digest(DIGEST)


def test_a_locked_token_says_so_and_is_not_tried(hsm):
    flags = pkcs11.TokenFlag
    token = pkcs11_token.Token(pkcs11, Stub(flags.USER_PIN_LOCKED | flags.LOGIN_REQUIRED), hsm.pin)
    with pytest.raises(Unavailable) as refusal:
        token.require_login()
    assert refusal.value.code == "EDX-TOKEN-LOCKED"
    assert hsm.asked == [], "a locked token is not asked for"


class Stub:
    """A token as the library shows it, with flags of our choice and nothing behind it."""

    label, manufacturer_id, model, serial = "stub", "Maker", "Model", b"1"

    def __init__(self, flags, failure=None):
        self.flags = flags
        self.failure = failure
        self.slot = self
        self.slot_id = 99

    def get_token(self):
        return self

    def open(self, **_):
        if self.failure is not None:
            raise self.failure
        return self


@pytest.mark.parametrize(
    "flag, words", [("USER_PIN_FINAL_TRY", "One try is left"), ("USER_PIN_COUNT_LOW", "few tries are left")]
)
def test_a_wrong_pin_says_what_is_left(hsm, flag, words):
    token = pkcs11_token.Token(pkcs11, Stub(pkcs11.TokenFlag[flag], pkcs11.PinIncorrect()), hsm.pin)
    with pytest.raises(WrongPassword) as refusal:
        token.require_login()
    assert words in refusal.value.text.en


class Counting(Stub):
    """A token that takes one PIN, counts what it is sent, and says afterwards that one was wrong."""

    def __init__(self, right):
        super().__init__(pkcs11.TokenFlag(0))
        self.right, self.sent = right, []

    def open(self, user_pin=None, **_):
        self.sent.append(user_pin)
        if user_pin != self.right:
            self.flags = pkcs11.TokenFlag.USER_PIN_COUNT_LOW
            raise pkcs11.PinIncorrect
        return self


def test_the_first_wrong_pin_is_not_called_the_second():
    token = pkcs11_token.Token(pkcs11, Counting("1234"), lambda _: "4321")
    with pytest.raises(WrongPassword) as refusal:
        token.require_login()
    assert refusal.value.text.en == "The PIN is wrong."


def test_a_refused_pin_is_not_sent_again_and_another_is():
    stub, pins = Counting("1234"), iter(["4321", "4321", "9999", "4321", "1234"])
    token = pkcs11_token.Token(pkcs11, stub, lambda _: next(pins))
    for _ in range(4):
        with pytest.raises(WrongPassword) as refusal:
            token.require_login()
        assert refusal.value.code == "EDX-TOKEN-PIN"
    assert stub.sent == ["4321", "9999"]
    token.require_login()
    assert stub.sent == ["4321", "9999", "1234"]
    assert "4321" not in repr(vars(token))


def test_who_waited_for_a_refused_login_does_not_ask_again():
    asked, entered = [], threading.Event()

    def ask(name):
        asked.append(name)
        entered.wait(30)
        return "4321"

    token = pkcs11_token.Token(pkcs11, Counting("1234"), ask)

    class Queue:
        """Lets the login go on when the second thread stands before it."""

        def __init__(self, lock):
            self.lock, self.came = lock, 0

        def __enter__(self):
            self.came += 1
            if self.came == 2:
                entered.set()
            return self.lock.__enter__()

        def __exit__(self, *error):
            return self.lock.__exit__(*error)

    token._login = Queue(token._login)
    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(token.require_login) for _ in range(2)]
    assert all(isinstance(one.exception(), WrongPassword) for one in tries)
    assert asked == ["stub"]


def test_a_usb_token_gets_one_session_and_an_hsm_several(hsm):
    token = pkcs11_token.Token(pkcs11, Stub(pkcs11.TokenFlag(0)), hsm.pin)
    assert token.quirks.sessions == 1
    assert open_signer(hsm.uri(), hsm.pin)._token.quirks.sessions == 8


def test_a_token_pulled_out_while_signing_is_gone_not_broken(hsm, tmp_path, monkeypatch):
    signer = open_signer(hsm.uri(), hsm.pin)

    def pulled(*_):
        raise pkcs11.DeviceRemoved

    monkeypatch.setattr("edocx.signing.keys.pkcs11._sign", pulled)
    draft = samples.plain(tmp_path / "draft.pdf")
    before = draft.read_bytes()
    with pytest.raises(Unavailable) as refusal:
        sign(draft, tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1")
    assert refusal.value.code == "EDX-TOKEN-GONE"
    assert refusal.value.retryable
    assert not (tmp_path / "out.pdf").exists()
    assert draft.read_bytes() == before
    monkeypatch.undo()
    hsm.asked.clear()
    open_signer(hsm.uri(), hsm.pin).sign_digest(DIGEST)
    assert hsm.asked == ["edocx"], "after the token was gone its owner logs in anew"


@pytest.mark.parametrize(
    "rest, kind, code",
    [
        ("token=nowhere", Unavailable, "EDX-TOKEN-GONE"),
        ("token=empty", KeyFileError, "EDX-KEY-NOT-FOUND"),
        ("token=edocx;object=other", KeyFileError, "EDX-KEY-NOT-FOUND"),
        ("token=edocx", KeyFileError, "EDX-KEY-AMBIGUOUS"),
        ("manufacturer=SoftHSM%20project", UsageError, "EDX-KEY-URI-AMBIGUOUS"),
        ("token=edocx;colour=red", UsageError, "EDX-KEY-URI"),
        ("token=edocx;token=edocx", UsageError, "EDX-KEY-URI"),
        ("token", UsageError, "EDX-KEY-URI"),
        ("token=%ff", UsageError, "EDX-KEY-URI"),
        ("token=edocx;pin-value=1234", UsageError, "EDX-KEY-URI-PIN"),
    ],
)
def test_what_the_uri_does_not_find_is_named(hsm, rest, kind, code):
    with pytest.raises(kind) as refusal:
        open_signer(hsm.uri(rest), hsm.pin)
    assert refusal.value.code == code
    assert "1234" not in str(refusal.value)


def test_an_unfit_certificate_is_refused_before_the_pin_is_asked(hsm, tmp_path):
    from edocx.signing.pdf.order import sign_as

    signer = open_signer(hsm.uri(), hsm.pin)
    late = SIGNED_AT.replace(year=2060)
    with pytest.raises(SigningRefused) as refusal:
        sign_as(samples.plain(tmp_path / "d.pdf"), tmp_path / "o.pdf", signer, "person", at=late)
    assert refusal.value.code == "EDX-CERT-NOT-FIT"
    assert hsm.asked == []


def test_a_module_that_is_none_is_unavailable(tmp_path):
    (tmp_path / "not.so").write_bytes(b"text")
    for path in (tmp_path / "not.so", tmp_path / "missing.so"):
        with pytest.raises(Unavailable) as refusal:
            open_signer(f"pkcs11:token=x?module-path={path}", lambda _: PIN)
        assert refusal.value.code == "EDX-TOKEN-MODULE"


def test_the_module_may_come_from_the_environment(monkeypatch):
    monkeypatch.delenv("EDOCX_PKCS11_MODULE", raising=False)
    with pytest.raises(UsageError) as refusal:
        Pkcs11Uri.parse("pkcs11:token=a%20b;id=%01%02;slot-id=7")
    assert refusal.value.code == "EDX-KEY-MODULE"
    monkeypatch.setenv("EDOCX_PKCS11_MODULE", "/lib/module.so")
    assert Pkcs11Uri.parse("pkcs11:token=a%20b;id=%01%02;slot-id=7;type=private") == Pkcs11Uri(
        "/lib/module.so", token_label="a b", object_id=b"\x01\x02", slot_id=7
    )


def test_a_foreign_certificate_does_not_fit(hsm, signing, monkeypatch):
    monkeypatch.setattr("edocx.signing.keys.pkcs11._certificates", lambda *_: [])
    signer = open_signer(hsm.uri(), hsm.pin, certificates=[signing.person.certificate])
    with pytest.raises(KeyFileError) as refusal:
        signer.sign_digest(DIGEST)
    assert refusal.value.code == "EDX-KEY-MISMATCH"


def test_the_certificate_may_lie_beside_the_token(hsm, monkeypatch):
    whole = open_signer(hsm.uri(), hsm.pin)
    monkeypatch.setattr("edocx.signing.keys.pkcs11._certificates", lambda *_: [])
    beside = x509.Certificate.load(whole.certificate.dump())
    assert open_signer(hsm.uri(), hsm.pin, certificates=[beside]).certificate is beside


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(UsageError) as refusal:
        open_signer("pkcs11:token=x?module-path=/m.so", lambda _: PIN)
    assert "edocx[pkcs11]" in refusal.value.hint.en


def test_an_unsupported_mechanism_is_refused(hsm, monkeypatch):
    signer = open_signer(hsm.uri(), hsm.pin)

    def unsupported(*_):
        raise pkcs11.MechanismInvalid

    monkeypatch.setattr("edocx.signing.keys.pkcs11._sign", unsupported)
    with pytest.raises(SigningRefused) as refusal:
        signer.sign_digest(DIGEST)
    assert refusal.value.code == "EDX-TOKEN-MECHANISM"
    assert isinstance(refusal.value, EdocxError)


def test_a_kill_while_signing_leaves_no_half_file(hsm, tmp_path):
    draft = samples.plain(tmp_path / "draft.pdf")
    script = """
        import os, signal, sys
        from datetime import datetime, UTC
        from pathlib import Path
        from edocx.signing.keys import open_signer, pkcs11
        from edocx.signing.pdf.sign import sign
        signer = open_signer(sys.argv[1], lambda _: sys.argv[2])
        pkcs11._sign = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        folder = Path(sys.argv[3])
        sign(folder / "draft.pdf", folder / "out.pdf", signer, at=datetime(2023, 6, 15, tzinfo=UTC), field="S")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), hsm.uri(), PIN, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "out.pdf").exists()
    assert draft.exists()
