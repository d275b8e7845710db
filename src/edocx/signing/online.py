"""Revocation evidence and missing issuers from the network, only when the user asks for it (``--online``).

Addresses of responders and lists come from certificates whose path to an anchor was checked first. Only where no path
leads to an anchor, because an issuer is missing, the certificate of a file names the address itself: that one is asked
over a guarded line (`edocx.signing.line`). Answers are judged like any other evidence; a source that is away leaves the
verdict indeterminate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from asn1crypto import crl, ocsp, x509

from edocx.clock import Clock
from edocx.content import write_durably
from edocx.errors import Unavailable, UsageError
from edocx.signing.certificate import certificates_in, ocsp_responses_in, revocation_lists_in
from edocx.signing.evidence import RevocationAnswer
from edocx.signing.line import Line, PlainLine

OCSP_LIMIT = timedelta(seconds=10)
CRL_LIMIT = timedelta(seconds=60)
ISSUER_LIMIT = timedelta(seconds=10)
"""For one exchange; official services were seen to take from 2 to 131 seconds."""

MAX_OCSP = 1024 * 1024
MAX_CRL = 64 * 1024 * 1024
MAX_ISSUER = 256 * 1024
"""Bytes of an answer; a national authority's list has megabytes."""

MAX_ADDRESSES = 3
"""Tried for one certificate."""

MAX_CHAIN = 4
"""Issuers fetched one above the other; official paths have two."""

CLOSE_TO = timedelta(hours=1)
"""An OCSP answer without an end is asked again after so long."""

KEPT_ISSUER = timedelta(days=30)
"""An issuer's certificate is fetched again after so long."""


class OnlineSource:
    """Asks the responder and the list that a certificate names; remembers every answer for a whole run.

    Answers are kept in ``folder`` too, if given, until their next update: all processes of a run share it. A server
    that did not answer is not asked again in the run. ``line`` is Python's own client unless another is given.
    """

    def __init__(self, clock: Clock, folder: Path | None = None, *, line: Line | None = None) -> None:
        self._clock = clock
        self._folder = folder
        self._line: Line = line or PlainLine()
        self._away: set[str] = set()
        self._lists: dict[str, tuple[crl.CertificateList, ...]] = {}
        self._answers: dict[bytes, tuple[ocsp.OCSPResponse, ...]] = {}
        self._issuers: dict[str, tuple[x509.Certificate, ...]] = {}

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationAnswer:
        """Ask OCSP first, then the list; return what is known, nothing when nobody answers."""
        answers = self._ask(certificate, issuer)
        if any(map(self._is_fresh, answers)):
            return RevocationAnswer((), answers)
        lists: list[crl.CertificateList] = []
        for url in _list_addresses(certificate):
            lists += self._list(url)
            if lists:
                break
        return RevocationAnswer(tuple(lists), answers)

    def issuers(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """Fetch the certificates above one, as far as each names the next (RFC 5280 4.2.2.1); none is an anchor."""
        found: list[x509.Certificate] = []
        below = certificate
        for _ in range(MAX_CHAIN):
            if below.self_issued:
                break
            above = next((one for one in self._above(below) if one.subject == below.issuer), None)
            if above is None:
                break
            found.append(above)
            below = above
        return tuple(found)

    def _above(self, certificate: x509.Certificate) -> Iterator[x509.Certificate]:
        for url in _issuer_addresses(certificate):
            if url not in self._issuers:
                name = self._place(url, "crt")
                held = self._kept(name) if self._age(name) < KEPT_ISSUER else None
                data = held or self._fetched(url, name)
                self._issuers[url] = certificates_in(data) if data else ()
            yield from self._issuers[url]

    def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[ocsp.OCSPResponse, ...]:
        request = _request(certificate, issuer)
        if request not in self._answers:
            name = self._place(request.hex(), "ocsp")
            held = _successful(self._kept(name))
            fresh = tuple(a for a in held if self._is_fresh(a))
            # What has run out may still say "revoked" (`edocx.signing.revocation`), where nobody answers any more.
            self._answers[request] = (
                fresh or self._asked(list(certificate.ocsp_urls)[:MAX_ADDRESSES], request, name) or held
            )
        return self._answers[request]

    def _asked(self, urls: Iterable[str], request: bytes, name: Path | None) -> tuple[ocsp.OCSPResponse, ...]:
        for url in urls:
            if self._is_away(url):
                continue
            try:
                data = self._line.post(
                    url,
                    request,
                    media_type="application/ocsp-request",
                    accept="application/ocsp-response",
                    limit=OCSP_LIMIT,
                    max_answer=MAX_OCSP,
                    code="EDX-OCSP-AWAY",
                )
            except (Unavailable, UsageError):
                self._note_away(url)
                continue  # the next address, or the list; without either the verdict says that evidence is missing
            if found := _successful(data):
                self._keep(name, data)
                return found
        return ()

    def _list(self, url: str) -> tuple[crl.CertificateList, ...]:
        if url not in self._lists:
            name, now = self._place(url, "crl"), self._clock.now()
            held = revocation_lists_in(self._kept(name) or b"")
            fresh = tuple(one for one in held if (end := one["tbs_cert_list"]["next_update"].native) and end > now)
            self._lists[url] = fresh or revocation_lists_in(self._fetched(url, name) or b"") or held
        return self._lists[url]

    def _fetched(self, url: str, name: Path | None) -> bytes | None:
        if self._is_away(url):
            return None
        is_list = name is None or name.suffix == ".crl"
        try:
            if is_list:
                data = self._line.get(
                    url, accept="application/pkix-crl", limit=CRL_LIMIT, max_answer=MAX_CRL, code="EDX-CRL-AWAY"
                )
            else:
                data = self._line.get(
                    url, accept="application/pkix-cert", limit=ISSUER_LIMIT, max_answer=MAX_ISSUER, code="EDX-CRT-AWAY"
                )
        except (Unavailable, UsageError):
            self._note_away(url)
            return None
        if revocation_lists_in(data) if is_list else certificates_in(data):
            self._keep(name, data)
        return data

    def _is_fresh(self, answer: ocsp.OCSPResponse) -> bool:
        now = self._clock.now()
        data = answer.response_data
        ends = [one["next_update"].native or one["this_update"].native + CLOSE_TO for one in data["responses"]]
        return bool(ends) and min(ends) > now

    def _is_away(self, url: str) -> bool:
        return (urlsplit(url).netloc or url) in self._away

    def _note_away(self, url: str) -> None:
        self._away.add(urlsplit(url).netloc or url)

    def _place(self, name: str, kind: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.{kind}"

    def _age(self, place: Path | None) -> timedelta:
        if place is None or not place.is_file():
            return timedelta.max
        return timedelta(seconds=max(0.0, self._clock.now().timestamp() - place.stat().st_mtime))

    def _kept(self, place: Path | None) -> bytes | None:
        if place is None or not place.is_file():
            return None
        with place.open("rb") as stream:
            return stream.read(MAX_CRL)

    def _keep(self, place: Path | None, data: bytes) -> None:
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_durably(place, [data])


def _successful(data: bytes | None) -> tuple[ocsp.OCSPResponse, ...]:
    return tuple(a for a in ocsp_responses_in(data or b"") if a["response_status"].native == "successful")


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


def _issuer_addresses(certificate: x509.Certificate) -> Iterator[str]:
    access = certificate.authority_information_access_value
    listed = [one for one in access or () if one["access_method"].native == "ca_issuers"]
    for one in listed[:MAX_ADDRESSES]:
        if one["access_location"].name == "uniform_resource_identifier":
            yield str(one["access_location"].native)
