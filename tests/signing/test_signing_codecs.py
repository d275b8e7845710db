"""The small codecs of signing, over everything that could come: DER, PKCS#11 URIs, pending signatures."""

from __future__ import annotations

import contextlib
import json

from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from edocx.errors import EdocxError, InputError
from edocx.signing.cms.content import _oid, tlv
from edocx.signing.keys import open_signer
from edocx.signing.keys.pkcs11_uri import Pkcs11Uri
from edocx.signing.pdf.prepared import Prepared


@given(st.binary(max_size=70_000))
def test_der_values_are_those_of_a_general_library(data):
    assert tlv(0x04, data) == core.OctetString(data).dump()


@given(st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), min_size=1, max_size=8)))
def test_object_identifiers_are_those_of_a_general_library(arcs):
    first, second, rest = arcs
    dotted = ".".join(map(str, (first, second, *rest)))
    assert _oid(dotted) == core.ObjectIdentifier(dotted).dump()


label = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(label, label, st.binary(min_size=1, max_size=20))
def test_what_a_pkcs11_uri_says_is_what_was_meant(token, name, identifier):
    from urllib.parse import quote

    uri = f"pkcs11:token={quote(token, safe='')};object={quote(name, safe='')};id={quote(identifier)}?module-path=/m.so"
    parsed = Pkcs11Uri.parse(uri)
    assert (parsed.token_label, parsed.label, parsed.object_id) == (token, name, identifier)


@given(st.text(max_size=200))
def test_no_uri_ends_in_anything_but_our_errors(rest):
    for kind in ("pkcs11:", "csc:"):
        with contextlib.suppress(EdocxError):
            if kind == "pkcs11:":
                Pkcs11Uri.parse(kind + rest + "?module-path=/m.so")
            else:
                open_signer(f"csc:{rest}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.sampled_from(["gap", "chain", "scheme", "certificate", "working_file", "schema", "hash_name"]))
def test_pending_data_is_read_back_or_refused(value, name):
    whole = Prepared(
        working_file="w.pdf",
        document_digest=bytes(32),
        gap=(10, 20),
        signed_attributes=b"1\x00",
        certificate=b"0\x00",
        chain=(),
        scheme="ecdsa",
        hash_name="sha256",
    )
    data = json.loads(json.dumps(whole.to_json()))
    assert Prepared.from_json(data) == whole
    with contextlib.suppress(InputError):
        Prepared.from_json({**data, name: value})
