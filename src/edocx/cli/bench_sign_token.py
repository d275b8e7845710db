"""Signing on a token beside the token itself: what one login for many threads costs, on SoftHSM if it is there."""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edocx.signing.keys import Signer, open_signer
from edocx.testing.credential import Credential
from edocx.testing.pki import Pki

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
GOAL = 0.7
"""Of the raw token's rate, at least."""

_PIN, _LABEL = "918273645", "bench"
_ROUNDS, _EACH, _THREADS, _SIGNATURES = 20, 10, 8, 200


def measure_token() -> list[dict[str, Any]]:
    """Return the rate through `open_signer` beside python-pkcs11 alone; what is missing is said in words."""
    module = next((one for one in MODULES if Path(one).exists()), None)
    tool = shutil.which("softhsm2-util")
    try:
        import pkcs11  # noqa: F401
    except ImportError:
        return [_missing("python-pkcs11")]
    if module is None or tool is None:
        return [_missing("SoftHSM")]
    with tempfile.TemporaryDirectory() as folder, _token(Path(folder), module, tool) as uri:
        signer = open_signer(uri, lambda _: _PIN)
        signer.sign_digest(hashlib.sha256(b"").digest())  # logs in
        return [_single(signer, module), _threads(signer)]


def _single(signer: Signer, module: str) -> dict[str, Any]:
    digest = hashlib.sha256(b"text").digest()
    with _raw(module) as raw:
        own, theirs = _rates(lambda: signer.sign_digest(digest), lambda: raw(digest))
    return {
        "name": "sign a digest on SoftHSM, RSA-2048",
        "value": round(own, 1),
        "unit": "/s",
        "goal": f">= {GOAL} x the token alone",
        "peers": {"python-pkcs11, one session": {"per_s": round(theirs, 1), "ratio": round(own / theirs, 2)}},
    }


def _rates(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Take turns, and return signatures a second of each by the median round."""
    taken: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(_ROUNDS):
        for place, act in enumerate((ours, theirs)):
            begun = time.perf_counter()
            for _ in range(_EACH):
                act()
            taken[place].append(time.perf_counter() - begun)
    return _EACH / statistics.median(taken[0]), _EACH / statistics.median(taken[1])


def _threads(signer: Signer) -> dict[str, Any]:
    digests = [hashlib.sha256(str(number).encode()).digest() for number in range(_SIGNATURES)]
    with ThreadPoolExecutor(_THREADS) as pool:
        begun = time.perf_counter()
        values = set(pool.map(signer.sign_digest, digests))
        seconds = time.perf_counter() - begun
    assert len(values) == _SIGNATURES
    return {
        "name": f"{_SIGNATURES} signatures from {_THREADS} threads over one login",
        "value": round(_SIGNATURES / seconds, 1),
        "unit": "/s",
        "goal": "all of them, the PIN asked once",
        "peers": {},
    }


@contextmanager
def _token(folder: Path, module: str, tool: str) -> Iterator[str]:
    """Make a token with a key and its certificate in a folder of its own; give the key's URI."""
    import pkcs11

    from edocx.signing.keys.pkcs11_token import close_tokens

    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    try:
        arguments = ("--init-token", "--free", "--label", "bench", "--pin", _PIN, "--so-pin", "12345678")
        subprocess.run([tool, *arguments], check=True, capture_output=True)  # noqa: S603 - found above, no shell
        credential = Pki.create().issue_person("Nguyễn Văn A", "CƠ QUAN THỬ NGHIỆM")
        with pkcs11.lib(module).get_token(token_label=_LABEL).open(rw=True, user_pin=_PIN) as session:
            _load(session, credential)
        yield f"pkcs11:token=bench;object=key?module-path={module}"
    finally:
        close_tokens()
        if before is None:
            os.environ.pop("SOFTHSM2_CONF", None)
        else:
            os.environ["SOFTHSM2_CONF"] = before


def _load(session: Any, credential: Credential) -> None:
    from pkcs11 import Attribute, ObjectClass
    from pkcs11.util.rsa import decode_rsa_private_key

    der = credential.private_key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    names = {Attribute.TOKEN: True, Attribute.LABEL: "key", Attribute.ID: b"\x01"}
    guarded = {Attribute.PRIVATE: True, Attribute.SENSITIVE: True}
    session.create_object({**decode_rsa_private_key(der), **names, **guarded})
    session.create_object(
        {
            **names,
            Attribute.CLASS: ObjectClass.CERTIFICATE,
            Attribute.CERTIFICATE_TYPE: 0,
            Attribute.VALUE: credential.certificate.public_bytes(Encoding.DER),
            Attribute.SUBJECT: credential.certificate.subject.public_bytes(),
        }
    )


@contextmanager
def _raw(module: str) -> Iterator[Callable[[bytes], bytes]]:
    """Give the token's own signing: one session, one key, the mechanism that ours uses too."""
    import pkcs11
    from asn1crypto import algos

    token = pkcs11.lib(module).get_token(token_label=_LABEL)
    # Logged in already, by ours: a second login of one process is refused, a second session is not.
    with token.open() as session:
        key: Any = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label="key")

        def sign(digest: bytes) -> bytes:
            info = algos.DigestInfo({"digest_algorithm": {"algorithm": "sha256"}, "digest": digest})
            return bytes(key.sign(info.dump(), mechanism=pkcs11.Mechanism.RSA_PKCS))

        yield sign


def _missing(what: str) -> dict[str, Any]:
    return {
        "name": "sign a digest on a token",
        "value": 0,
        "unit": "/s",
        "goal": f">= {GOAL} x the token alone",
        "peers": {what: "missing: not installed"},
    }
