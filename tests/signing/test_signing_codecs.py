"""The small codecs of signing, over everything that could come: DER, PKCS#11 URIs. Pending signatures: test_signing_complete."""

from __future__ import annotations

import contextlib

from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from edocx.errors import EdocxError
from edocx.signing.cms.content import _oid, tlv
from edocx.signing.keys import open_signer
from edocx.signing.keys.pkcs11_uri import Pkcs11Uri


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
