"""Revocation evidence from the network, only when the user asks for it (``--online``).

Addresses come from certificates whose path to an anchor was checked first: a file by itself can make nobody call a
server. Answers are judged like any other evidence; a source that is away leaves the verdict indeterminate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from asn1crypto import crl, ocsp, x509

from edocx.clock import Clock
from edocx.content import write_durably
from edocx.errors import Unavailable, UsageError
from edocx.signing.certificate import ocsp_responses_in, revocation_lists_in
from edocx.signing.evidence import RevocationAnswer
from edocx.signing.http_exchange import get, post

OCSP_LIMIT = timedelta(seconds=10)
CRL_LIMIT = timedelta(seconds=60)
"""For one exchange; official services were seen to take from 2 to 131 seconds."""

MAX_OCSP = 1024 * 1024
MAX_CRL = 64 * 1024 * 1024
"""Bytes of an answer; a national authority's list has megabytes."""

MAX_ADDRESSES = 3
"""Tried for one certificate."""

CLOSE_TO = timedelta(hours=1)
"""An OCSP answer without an end is asked again after so long."""


class OnlineSource:
    """Asks the responder and the list that a certificate names; remembers every answer for a whole run.

    Lists are kept in ``folder`` too, if given, until their next update.
    """

    def __init__(self, clock: Clock, folder: Path | None = None) -> None:
        self._clock = clock
        self._folder = folder
        self._lists: dict[str, tuple[crl.CertificateList, ...]] = {}
        self._answers: dict[bytes, tuple[ocsp.OCSPResponse, ...]] = {}

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationAnswer:
        """Ask OCSP first, then the list; return what is known, nothing when nobody answers."""
        answers = self._ask(certificate, issuer)
        if answers:
            return RevocationAnswer((), answers)
        lists: list[crl.CertificateList] = []
        for url in _list_addresses(certificate):
            lists += self._list(url)
            if lists:
                break
        return RevocationAnswer(tuple(lists), ())

    def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[ocsp.OCSPResponse, ...]:
        request = _request(certificate, issuer)
        if request in self._answers:
            return self._answers[request]
        found: tuple[ocsp.OCSPResponse, ...] = ()
        for url in list(certificate.ocsp_urls)[:MAX_ADDRESSES]:
            try:
                data = post(
                    url,
                    request,
                    media_type="application/ocsp-request",
                    accept="application/ocsp-response",
                    limit=OCSP_LIMIT,
                    max_answer=MAX_OCSP,
                    code="EDX-OCSP-AWAY",
                )
            except (Unavailable, UsageError):
                continue  # the next address, or the list; without either the verdict says that evidence is missing
            found = tuple(a for a in ocsp_responses_in(data) if a["response_status"].native == "successful")
            if found:
                break
        self._answers[request] = found
        return found

    def _list(self, url: str) -> tuple[crl.CertificateList, ...]:
        if url not in self._lists:
            self._lists[url] = self._kept(url) or self._fetched(url)
        return self._lists[url]

    def _fetched(self, url: str) -> tuple[crl.CertificateList, ...]:
        try:
            data = get(url, accept="application/pkix-crl", limit=CRL_LIMIT, max_answer=MAX_CRL, code="EDX-CRL-AWAY")
        except (Unavailable, UsageError):
            return ()
        found = revocation_lists_in(data)
        if found and self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_durably(self._place(url), [data])
        return found

    def _kept(self, url: str) -> tuple[crl.CertificateList, ...]:
        if self._folder is None or not self._place(url).is_file():
            return ()
        now = self._clock.now()
        found = revocation_lists_in(self._place(url).read_bytes())
        return tuple(one for one in found if (end := one["tbs_cert_list"]["next_update"].native) and end > now)

    def _place(self, url: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()}.crl"


def _request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    # SHA-1 names an issuer here and protects nothing (RFC 6960 4.1.1); some responders know no other.
    question = ocsp.CertId(
        {
            "hash_algorithm": {"algorithm": "sha1"},
            "issuer_name_hash": issuer.subject.sha1,
            "issuer_key_hash": issuer.public_key.sha1,
            "serial_number": certificate.serial_number,
        }
    )
    request = ocsp.OCSPRequest({"tbs_request": {"request_list": [{"req_cert": question}]}})
    return bytes(request.dump())


def _list_addresses(certificate: x509.Certificate) -> Iterator[str]:
    for point in list(certificate.crl_distribution_points)[:MAX_ADDRESSES]:
        if point.url:
            yield str(point.url)
