"""What a PDF brings to its own verification: certificates, CRLs and OCSP answers (PAdES EN 319 142-1 5.4).

Everything here may help to complete a path and to know what was revoked; nothing here is trusted by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.signing.certificate import certificates_in, ocsp_responses_in, revocation_lists_in
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.trust import TrustStore

MAX_ITEMS = 500
"""Of each kind in one document; a document of many signers has some dozens."""

MAX_ITEM = 32 * 1024 * 1024
"""Bytes of one list; those of national CAs have a few megabytes."""


def evidence_in(reader: PdfFileReader) -> TrustStore:
    """Return the document security store of the newest revision, without anchors; empty when there is none."""
    try:
        store = reader.root["/DSS"].get_object()
    except MALFORMED:
        return TrustStore()
    certificates = [c for data in _streams(store, "/Certs", "/Cert") for c in certificates_in(data)]
    lists = [one for data in _streams(store, "/CRLs", "/CRL") for one in revocation_lists_in(data)]
    answers = [one for data in _streams(store, "/OCSPs", "/OCSP") for one in ocsp_responses_in(data)]
    return TrustStore((), tuple(certificates), tuple(lists), tuple(answers))


def archived_in(info: cms.SignerInfo) -> TrustStore:
    """Return the lists and answers of Adobe's signed attribute (ISO 32000-1 12.8.3.3.2), empty without it."""
    lists: list[crl.CertificateList] = []
    answers: list[ocsp.OCSPResponse] = []
    try:
        for attribute in info["signed_attrs"]:
            if attribute["type"].native == "adobe_revocation_info_archival":
                value = attribute["values"][0]
                lists += list(value["crl"] or ())[:MAX_ITEMS]
                answers += list(value["ocsp"] or ())[:MAX_ITEMS]
    except MALFORMED:
        return TrustStore()
    return TrustStore((), (), tuple(lists), tuple(answers))


def responders(answers: tuple[ocsp.OCSPResponse, ...]) -> tuple[x509.Certificate, ...]:
    """Return the certificates that OCSP answers bring along."""
    found: list[x509.Certificate] = []
    for answer in answers[:MAX_ITEMS]:
        try:
            found += list(answer.basic_ocsp_response["certs"] or ())
        except MALFORMED:
            continue
    return tuple(found)


def _streams(store: Any, name: str, short: str) -> Iterator[bytes]:
    listed: list[Any] = []
    try:
        listed += list(store.get(name, ()))
        for key in list(store.get("/VRI", {}))[:MAX_ITEMS]:
            entry = store["/VRI"][key].get_object()
            if isinstance(entry, generic.DictionaryObject):
                listed += list(entry.get(short, ()))
    except MALFORMED:
        return
    seen: set[Any] = set()
    for reference in listed[: 2 * MAX_ITEMS]:
        mark = getattr(reference, "reference", id(reference))
        if mark in seen:
            continue
        seen.add(mark)
        try:
            data = bytes(reference.get_object().data)
        except MALFORMED:
            continue
        if len(data) <= MAX_ITEM:
            yield data
