"""Which certificates and lists can matter to one certificate: by its issuer's name, and so upwards.

A file may bring thousands of certificates and any list ever published. Only what hangs together by names goes to the
path search: loops and crowds stay outside, and so do lists of other authorities, which say nothing about this one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from asn1crypto import crl, x509

from edocx.signing.authenticity import certified
from edocx.signing.certificate import fingerprint
from edocx.signing.trust import TrustStore

MAX_RELEVANT = 50
"""Certificates considered for one path; a national hierarchy with its renewals and cross-certificates has a dozen."""

FEW = 5
"""As many go to the path search as they are; it tries every order of those that certify each other."""

MAX_VOUCHED = 16
"""Of more, only those that an anchor vouches for, directly or through others, and no more than these."""

MAX_NAMES = 4_096
"""Names remembered in the form in which they are compared."""

_NAMELESS = (ValueError, TypeError, KeyError, AttributeError)


def relevant_to(
    certificate: x509.Certificate, trust: TrustStore, extra: Iterable[x509.Certificate]
) -> tuple[tuple[x509.Certificate, ...], tuple[crl.CertificateList, ...]]:
    """Return the intermediates that can stand above a certificate, and the lists of those who issue or speak for them.

    Certificates with names that cannot be compared are left out.
    """
    pool = _by_subject((*trust.anchors, *trust.intermediates, *extra))
    found: dict[str, x509.Certificate] = {}
    names: set[str] = set()
    waiting = list(_names_above(certificate))
    while waiting and len(found) < MAX_RELEVANT:
        name = waiting.pop()
        if name in names:
            continue
        names.add(name)
        for candidate in pool.get(name, ())[: MAX_RELEVANT - len(found)]:
            found[fingerprint(candidate)] = candidate
            waiting += _names_above(candidate)
    anchors = {fingerprint(anchor) for anchor in trust.anchors}
    above = [c for mark, c in found.items() if mark not in anchors]
    if len(above) > FEW:
        above = _vouched(above, trust.anchors)
    responders = _vouched(
        itertools.islice((c for c in (*trust.intermediates, *extra) if _answers_for(c, names)), MAX_RELEVANT),
        (*trust.anchors, *above),
        generations=1,
    )
    lists = tuple(one for one in trust.revocation_lists if _issuer_of(one) in names)
    return (*above, *responders), lists


def _vouched(
    certificates: Iterable[x509.Certificate], anchors: Iterable[x509.Certificate], *, generations: int = MAX_VOUCHED
) -> list[x509.Certificate]:
    """Return the certificates to which signatures lead down from an anchor, the nearest first.

    Twenty authorities of one's own that certify each other have more paths than anybody can try, and all lead nowhere.
    """
    left, found = list(certificates), list[x509.Certificate]()
    above = _by_subject(anchors)
    for _ in range(generations):
        if not left or not above or len(found) >= MAX_VOUCHED:
            break
        next_ones = [c for c in left if any(certified(c, one) for one in above.get(_issuer_of(c) or "", ()))]
        known = set(map(id, next_ones))
        left = [c for c in left if id(c) not in known]
        found += next_ones
        above = _by_subject(next_ones)
    return found[:MAX_VOUCHED]


def comparable(name: x509.Name) -> str:
    """Return a name prepared for comparison (RFC 4518), which takes as long as a signature does: once for each."""
    key = bytes(name.chosen.contents)
    found = _prepared.get(key)
    if found is None:
        if len(_prepared) >= MAX_NAMES:
            _prepared.clear()
        found = _prepared[key] = str(name.hashable)
    return found


_prepared: dict[bytes, str] = {}


def _names_above(certificate: x509.Certificate) -> Iterator[str]:
    try:
        yield comparable(certificate.issuer)
        for point in certificate.crl_distribution_points_value or ():
            for name in point["crl_issuer"] or ():
                if name.name == "directory_name":
                    yield comparable(name.chosen)
    except _NAMELESS:
        return


def _by_subject(certificates: Iterable[x509.Certificate]) -> dict[str, list[x509.Certificate]]:
    found: dict[str, list[x509.Certificate]] = {}
    for certificate in certificates:
        try:
            found.setdefault(comparable(certificate.subject), []).append(certificate)
        except _NAMELESS:
            continue
    return found


def _answers_for(certificate: x509.Certificate, names: set[str]) -> bool:
    # A delegated OCSP responder stands beside the path, not on it (RFC 6960 4.2.2.2).
    try:
        usage = certificate.extended_key_usage_value
        purposes = usage.native if usage is not None else ()
        issuer = comparable(certificate.issuer)
    except _NAMELESS:
        return False
    return "ocsp_signing" in purposes and issuer in names


def _issuer_of(one: crl.CertificateList | x509.Certificate) -> str | None:
    try:
        return comparable(one.issuer)
    except _NAMELESS:
        return None
