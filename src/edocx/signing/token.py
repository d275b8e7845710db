"""Timestamp tokens (RFC 3161), checked as the signatures they are.

A token proves that whatever hashes to its imprint existed at its time, if the authority that signed it is trusted;
the trust is judged in `edocx.signing.proof`, from the certificate found here.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from asn1crypto import cms, tsp, x509

from edocx.signing.cms.signer import MALFORMED, Digester, SignerFinding, examine_signer
from edocx.signing.mechanism import digest
from edocx.signing.messages import STAMP_BAD
from edocx.signing.report import SubIndication

MAX_TOKENS = 20
"""Looked at for one signature; each costs a path validation."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its time (aware, UTC), whether imprint and signature hold, and who signed it.

    ``end`` is the place up to which a document timestamp covers its file, None for a signature timestamp.
    """

    intact: bool
    time: datetime | None = None
    hash_name: str = "unknown"
    signer: SignerFinding | None = None
    end: int | None = None

    @property
    def certificate(self) -> x509.Certificate | None:
        """The time-stamping unit's certificate, if it came along."""
        return self.signer.certificate if self.signer is not None else None


def read_token(value: bytes | cms.ContentInfo, stamped: Digester) -> Token:
    """Check a token over what it stamps, given by digests; a malformed or foreign token is simply not intact."""
    found = Token(intact=False)
    try:
        outer = value if isinstance(value, cms.ContentInfo) else cms.ContentInfo.load(value)
        if outer["content_type"].native != "signed_data":
            return found
        signed = outer["content"]
        encapsulated = signed["encap_content_info"]
        if encapsulated["content_type"].native != "tst_info" or len(signed["signer_infos"]) != 1:
            return found
        content = bytes(encapsulated["content"])
        info = tsp.TSTInfo.load(content)
        moment = info["gen_time"].native
        imprint = info["message_imprint"]
        hash_name = str(imprint["hash_algorithm"]["algorithm"].native)
        found = replace(found, time=moment.astimezone(UTC), hash_name=hash_name)
        signer = examine_signer(signed, signed["signer_infos"][0], lambda name: digest(name, content))
        imprinted = hmac.compare_digest(bytes(imprint["hashed_message"].native), stamped(hash_name))
    except MALFORMED:
        return found
    if signer.failure is None and not signer.bound:
        # RFC 3161 2.4.2, RFC 5816: else any certificate of the same key, name and number could be put in its place.
        signer = replace(signer, failure=SubIndication.FORMAT_FAILURE, message=STAMP_BAD)
    return replace(found, intact=imprinted and signer.failure is None, signer=signer)


def may_stamp(certificate: x509.Certificate, at: datetime | None) -> str | None:
    """Say why a certificate may not sign a timestamp dated ``at``, None when it may.

    RFC 3161 2.3 wants the purpose critical, timeStamping, and alone; nobody stamps before or after the life of his
    certificate.
    """
    usage = certificate.extended_key_usage_value
    if usage is None or usage.native != ["time_stamping"]:
        return "the certificate's only purpose must be timeStamping"
    if "extended_key_usage" not in certificate.critical_extensions:
        return "the purpose timeStamping must be critical"
    if at is not None and not certificate.not_valid_before <= at <= certificate.not_valid_after:
        return "the timestamp is dated outside the certificate's life"
    return None
