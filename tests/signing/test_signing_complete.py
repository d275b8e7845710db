"""Finishing what was prepared: the certificate is asked again, and what waits is whole or refused by one name."""

from __future__ import annotations

import base64
import copy
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signing_samples import SIGNED_AT, plain

from edocx.content import Blob
from edocx.errors import EdocxError, InputError, SigningRefused, UsageError
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.completion import complete_as
from edocx.signing.pdf.order import prepare_as
from edocx.signing.pdf.phases import complete
from edocx.signing.pdf.prepared import Prepared
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.units.registry import CsvRegistry

LATER = SIGNED_AT + timedelta(days=3)


@pytest.fixture
def place(tmp_path):
    pki = Pki.create(key="p256")
    pki.save(tmp_path)
    return tmp_path, pki


def prepared_by(folder, signer):
    prepared, _ = prepare_as(plain(folder / "draft.pdf"), folder / "waiting.pdf", signer, "person", at=SIGNED_AT)
    return prepared, signer.sign_digest(prepared.to_sign)


def criteria_of(folder, at, *, registry=False):
    known = CsvRegistry.from_path(folder / "registry.csv") if registry else None
    return Criteria(TrustStore.from_path(folder / "trust"), at, known)


def refused(prepared, signature, out, **asked):
    before = Blob.from_path(prepared.working_file).sha256
    with pytest.raises(SigningRefused) as refusal:
        complete_as(prepared, signature, out, **asked)
    assert refusal.value.code == "EDX-CERT-NOT-FIT"
    assert "edocx prepare" in refusal.value.hint.en
    assert not out.exists()
    assert Blob.from_path(prepared.working_file).sha256 == before
    return refusal.value


def test_a_certificate_that_was_revoked_meanwhile_completes_nothing(place):
    folder, pki = place
    credential = pki.issue_person("Nguyễn Văn A", "CƠ QUAN THỬ NGHIỆM")
    credential.save(folder / "key.p12")
    signer = open_signer(f"file:{folder}/key.p12")
    prepared, signature = prepared_by(folder, signer)
    pki.revoke(credential, at=SIGNED_AT + timedelta(days=1))
    pki.save_trust(folder / "trust")
    refused(prepared, signature, folder / "out.pdf", at=LATER, criteria=criteria_of(folder, LATER))
    assert complete_as(prepared, signature, folder / "out.pdf", at=LATER) == ()


def test_a_certificate_that_expired_meanwhile_completes_nothing(place):
    folder, pki = place
    credential = pki.issue_person("Nguyễn Văn A", "CƠ QUAN THỬ NGHIỆM", not_after=SIGNED_AT + timedelta(days=1))
    credential.save(folder / "key.p12")
    prepared, signature = prepared_by(folder, open_signer(f"file:{folder}/key.p12"))
    refused(prepared, signature, folder / "out.pdf", at=LATER)


def test_a_certificate_that_the_registry_does_not_hold_completes_nothing(place):
    folder, pki = place
    pki.issue_person("Nguyễn Văn A", "CƠ QUAN THỬ NGHIỆM").save(folder / "key.p12")
    prepared, signature = prepared_by(folder, open_signer(f"file:{folder}/key.p12"))
    refused(prepared, signature, folder / "out.pdf", at=LATER, criteria=criteria_of(folder, LATER, registry=True))


def test_the_role_goes_along_and_a_fit_certificate_completes(place):
    folder, _ = place
    prepared, signature = prepared_by(folder, open_signer(f"file:{folder}/person.p12"))
    told = Prepared.from_json(json.loads(json.dumps(prepared.to_json())))
    assert told == prepared
    assert told.role == "person"
    sealing = told.model_copy(update={"role": "organisation"})
    refused(sealing, signature, folder / "out.pdf", at=LATER, criteria=criteria_of(folder, LATER, registry=True))
    asked = {"at": LATER, "criteria": criteria_of(folder, LATER, registry=True)}
    assert complete_as(told, signature, folder / "out.pdf", **asked) == ()
    # Left by an edocx that did not note the role: everything but that is asked.
    prepared, signature = prepared_by(folder, open_signer(f"file:{folder}/person.p12"))
    older = {name: value for name, value in prepared.to_json().items() if name != "role"}
    assert complete_as(Prepared.from_json(older), signature, folder / "old.pdf", **asked) == ()


def test_a_missing_folder_for_the_result_is_named_and_nothing_is_touched(place):
    folder, _ = place
    prepared, signature = prepared_by(folder, open_signer(f"file:{folder}/person.p12"))
    before = Blob.from_path(prepared.working_file).sha256
    with pytest.raises(UsageError) as refusal:
        complete(prepared, signature, folder / "none" / "out.pdf")
    assert (refusal.value.code, refusal.value.where) == ("EDX-USAGE-OUT", str(folder / "none"))
    assert Blob.from_path(prepared.working_file).sha256 == before
    complete(prepared, signature, folder / "out.pdf")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    Pki.create(key="p256").save(folder)
    prepared, _ = prepared_by(folder, open_signer(f"file:{folder}/person.p12"))
    return prepared.to_json()


def leaves(value, path=()):
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, name))
    else:
        yield path


def changed(told, path, value):
    made = copy.deepcopy(told)
    holder = made
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    return made


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=40).map(
        lambda data: base64.b64encode(data).decode()
    )
    | st.sampled_from(["AAAA", "", "..", ".", "a\0b", "\ud800", "-1", "pss", "ecdsa", "sha1", "sha512", 10**400, -1, 2]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_in_a_leaf_is_read_or_refused_by_one_name(told, data):
    path = data.draw(st.sampled_from([*leaves(told), *((name,) for name in told)]))
    scrap = data.draw(SCRAPS)
    made = changed(told, path, scrap)
    read, refusal = None, None
    try:
        read = Prepared.from_json(made)
    except EdocxError as error:
        refusal = error
    if read is None:
        assert isinstance(refusal, InputError)
        assert refusal.code == "EDX-SIGN-PREPARED"
        assert refusal.hint.vi
    else:
        # Where it goes and in which role may be others; what is signed, by whom and how may not.
        assert path[0] in {"working_file", "role", "gap", "chain"} or made == told
        assert read.to_sign


@pytest.mark.parametrize(
    "change",
    [
        {"certificate": "AAAA"},
        {"chain": ["AAAA"]},
        {"chain": "AAAA"},
        {"chain": [""] * 1000},
        {"schema": 2},
        {"schema": True},
        {"schema": "1"},
        {"schema_": 1},
        {"unknown": 1},
        {"working_file": ""},
        {"working_file": "/"},
        {"working_file": ".."},
        {"working_file": "a\0b"},
        {"working_file": "\ud800"},
        {"gap": [5, 4]},
        {"gap": [-5, 400]},
        {"gap": [5, 10**400]},
        {"gap": ["5", "900"]},
        {"gap": [5, 900, 1]},
        {"scheme": "pkcs1v15"},
        {"hash_name": "sha512"},
        {"document_digest": base64.b64encode(b"x" * 32).decode()},
        {"signed_attributes": "AAAA"},
        {"role": "king"},
    ],
)
def test_a_damaged_part_is_refused(told, change):
    with pytest.raises(InputError) as refusal:
        Prepared.from_json({**told, **change})
    assert refusal.value.code == "EDX-SIGN-PREPARED"


@pytest.mark.parametrize("gone", ["schema", "working_file", "gap", "chain", "certificate", "scheme", "hash_name"])
def test_a_part_that_is_gone_is_refused(told, gone):
    with pytest.raises(InputError) as refusal:
        Prepared.from_json({name: value for name, value in told.items() if name != gone})
    assert refusal.value.code == "EDX-SIGN-PREPARED"
