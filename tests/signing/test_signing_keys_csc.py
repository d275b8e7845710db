"""Keys in a remote signing service: the authorisation is for one digest, and the answer is checked."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback

import pytest
import signing_samples as samples
from signing_samples import SIGNED_AT

from edocx.errors import (
    EdocxError,
    InputError,
    Refused,
    SignaturePending,
    SigningRefused,
    Unavailable,
    UsageError,
    WrongPassword,
)
from edocx.signing.certificate import public_key
from edocx.signing.keys import open_signer
from edocx.signing.keys.csc import CscSigner
from edocx.signing.pdf.sign import complete, prepare, sign
from edocx.testing import Pki
from edocx.testing.csc import CREDENTIAL, Csc

httpx = pytest.importorskip("httpx") if os.environ.get("CI") != "true" else __import__("httpx")

BASE = "https://ky.example/csc/v2"
URI = f"csc:{BASE}?credential={CREDENTIAL}"
DIGEST = hashlib.sha256(b"text").digest()


@pytest.fixture
def credential(signing):
    return signing.pki.issue_person("Trần Thị B", "CƠ QUAN THỬ NGHIỆM")


def transport(service: Csc, change=None):
    calls = []

    def handle(request):
        calls.append((request.url.path, json.loads(request.content)))
        status, body = service.answer(request.url.path, request.headers.get("Authorization", ""), request.content)
        if change is not None:
            status, body = change(request.url.path, status, body)
        return httpx.Response(status, content=body)

    made = httpx.MockTransport(handle)
    made.calls = calls
    return made


def asker(service: Csc):
    def ask(name):
        return {BASE: service.access_token, f"{CREDENTIAL} PIN": service.pin}[name]

    return ask


def opened(service: Csc, uri: str = URI, change=None, **options) -> CscSigner:
    return CscSigner.open(uri, asker(service), transport=transport(service, change), **options)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("scheme", ["pkcs1v15", "pss"])
def test_both_versions_sign_by_both_schemes(credential, version, scheme):
    signer = opened(Csc(credential, version=version), scheme=scheme)
    value = signer.sign_digest(DIGEST)
    assert signer.algorithm.matches(public_key(signer.certificate), value, DIGEST) is None
    signer.close()


def test_a_curve_key_signs_too():
    service = Csc(Pki.create(key="p256").issue_person("Lê Văn C", "CƠ QUAN THỬ NGHIỆM"))
    signer = opened(service)
    assert signer.algorithm.scheme == "ecdsa"
    signer.sign_digest(DIGEST)


def test_a_pdf_signed_remotely_is_accepted(credential, tmp_path, accepted_by_all):
    draft = samples.plain(tmp_path / "draft.pdf")
    signer = opened(Csc(credential))
    accepted_by_all(sign(draft, tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1"), 1)


def test_only_digests_travel_and_each_is_authorised_for_itself(credential, tmp_path):
    service = Csc(credential)
    wire = transport(service)
    signer = CscSigner.open(URI, asker(service), transport=wire)
    draft = samples.plain(tmp_path / "draft.pdf")
    sign(draft, tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1")
    assert [path.rsplit("/csc/v2/")[-1] for path, _ in wire.calls] == [
        "info",
        "credentials/info",
        "credentials/authorize",
        "signatures/signHash",
    ]
    (authorised,), (signed,) = wire.calls[2][1]["hashes"], wire.calls[3][1]["hashes"]
    assert authorised == signed
    assert len(service.signed[0]) == 32


def test_an_authorisation_for_another_digest_is_worth_nothing(credential):
    service = Csc(credential)
    signer = opened(service)
    activation = signer._authorise(DIGEST)
    request = signer._request(hashlib.sha256(b"other").digest()) | {"SAD": activation}
    with pytest.raises(Refused):
        signer._client.call("signatures/signHash", request)
    assert service.signed == []


def test_a_signature_of_something_else_is_refused(credential, tmp_path):
    signer = opened(Csc(credential, lies=True))
    draft = samples.plain(tmp_path / "draft.pdf")
    with pytest.raises(SigningRefused) as refusal:
        sign(draft, tmp_path / "out.pdf", signer, at=SIGNED_AT, field="Sig1")
    assert refusal.value.code == "EDX-SIGN-MISMATCH"
    assert not (tmp_path / "out.pdf").exists()


def test_a_pending_signature_is_collected_later(credential, tmp_path, accepted_by_all):
    signer = opened(Csc(credential, pending=2))
    prepared = prepare(
        samples.plain(tmp_path / "draft.pdf"),
        tmp_path / "working.pdf",
        certificate=signer.certificate,
        algorithm=signer.algorithm,
        chain=signer.chain,
        at=SIGNED_AT,
        field="Sig1",
    )
    with pytest.raises(SignaturePending) as pending:
        signer.sign_digest(prepared.to_sign)
    with pytest.raises(SignaturePending):
        signer.collect(pending.value.where, prepared.to_sign)
    value = signer.collect(pending.value.where, prepared.to_sign)
    accepted_by_all(complete(prepared, value, tmp_path / "out.pdf"), 1)


@pytest.mark.parametrize("version", [1, 2])
def test_a_wrong_pin_is_named_and_not_shown(credential, version):
    service = Csc(credential, version=version)
    secret = "0000001111"
    signer = CscSigner.open(
        URI, lambda name: service.access_token if name == BASE else secret, transport=transport(service)
    )
    with pytest.raises(WrongPassword) as refusal:
        signer.sign_digest(DIGEST)
    shown = "".join(traceback.format_exception(refusal.value)) + repr(signer) + repr(signer._client)
    assert secret not in shown
    assert service.access_token not in shown


def test_a_wrong_access_token_is_refused(credential):
    service = Csc(credential)
    with pytest.raises(Refused) as refusal:
        CscSigner.open(URI, lambda _: "stolen", transport=transport(service))
    assert refusal.value.code == "EDX-CSC-REFUSED"
    assert "stolen" not in str(refusal.value)


def test_a_disabled_key_is_refused_before_a_pin_is_asked(credential):
    with pytest.raises(SigningRefused) as refusal:
        opened(Csc(credential, enabled=False))
    assert refusal.value.code == "EDX-CSC-DISABLED"


def test_the_only_credential_needs_no_name(credential):
    assert opened(Csc(credential), uri=f"csc:{BASE}").sign_digest(DIGEST)


CHANGES = {
    "not-json": (lambda path, status, body: (200, b"<html>"), InputError, "EDX-CSC-ANSWER"),
    "not-an-object": (lambda path, status, body: (200, b"[]"), InputError, "EDX-CSC-ANSWER"),
    "too-much": (lambda path, status, body: (200, b" " * (2 << 20)), InputError, "EDX-CSC-ANSWER"),
    "nested": (lambda path, status, body: (200, b"[" * 100_000), InputError, "EDX-CSC-ANSWER"),
    "error": (lambda path, status, body: (500, b"{}"), Unavailable, "EDX-CSC-AWAY"),
    "redirect": (lambda path, status, body: (302, b"{}"), EdocxError, None),
    "no-certificate": (
        lambda path, status, body: (200, b'{"key": {"status": "enabled"}}'),
        EdocxError,
        "EDX-KEY-UNREADABLE",
    ),
    "broken-certificate": (
        lambda path, status, body: (200, b'{"key": {"status": "enabled"}, "cert": {"certificates": ["AAAA"]}}'),
        InputError,
        "EDX-CSC-ANSWER",
    ),
    "no-base64": (
        lambda path, status, body: (200, b'{"key": {"status": "enabled"}, "cert": {"certificates": ["*"]}}'),
        InputError,
        "EDX-CSC-ANSWER",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_malformed_answer_is_an_error_of_ours(credential, case):
    change, kind, code = CHANGES[case]
    with pytest.raises(kind) as refusal:
        opened(Csc(credential), change=change)
    assert code is None or refusal.value.code == code


@pytest.mark.parametrize("answer", [b"{}", b'{"signatures": []}', b'{"signatures": [7]}', b'{"signatures": ["*"]}'])
def test_a_signature_that_is_none_is_malformed(credential, answer):
    def change(path, status, body):
        return (200, answer) if path.endswith("signHash") else (status, body)

    with pytest.raises(InputError):
        opened(Csc(credential), change=change).sign_digest(DIGEST)


def test_a_service_that_does_not_answer_is_away(credential):
    def broken(request):
        raise httpx.ConnectError("no route")

    with pytest.raises(Unavailable) as refusal:
        CscSigner.open(URI, lambda _: None, transport=httpx.MockTransport(broken))
    assert refusal.value.retryable


@pytest.mark.parametrize("uri", ["csc:http://ky.example/csc/v2", "csc:ky.example", "csc:ftp://ky.example/x"])
def test_only_https_is_spoken(uri):
    with pytest.raises(UsageError):
        open_signer(uri)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(UsageError) as refusal:
        open_signer(URI)
    assert "edocx[remote]" in refusal.value.hint.en
