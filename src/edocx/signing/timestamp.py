"""Time-stamping: asking a service (RFC 3161), and checking its answer before anything is built on it.

A `Timestamper` gives tokens. `Rfc3161` speaks the protocol over any exchange of bytes, `http_timestamper` over HTTP,
and `edocx.signing.timestamp_pool.TimestampPool` holds several with order, time limits and health.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from asn1crypto import cms, core, tsp, x509
from pyhanko.sign.general import CMSExtractionError, extract_signer_info
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr, validate_sig_integrity

from edocx.clock import Clock, SystemClock, in_vietnam
from edocx.errors import EdocxError, Text, Unavailable
from edocx.signing.algorithms import HashName
from edocx.signing.http_exchange import post
from edocx.signing.path import judge_path
from edocx.signing.report import Indication, Message, SubIndication
from edocx.signing.token import may_stamp
from edocx.signing.trust import TrustStore

SignatureLevel = Literal["B-B", "B-T", "B-LT", "B-LTA"]
"""The baseline levels of EN 319 142-1 and its siblings."""

TOKEN_ROOM = 10 * 1024
"""Bytes kept for a token until one was seen; a token with its chain has 2 to 8 KiB."""

MAX_ANSWER = 256 * 1024
"""A service that sends more than this sends something else."""

DEFAULT_LIMIT = timedelta(seconds=30)
"""The public service was measured at 2 to 131 s (spec/law.md #104); a pool asks the next one sooner."""

TOLERANCE = timedelta(minutes=5)
"""How far a service's clock may be from ours: a token dated wrongly is as good as a signature dated wrongly."""

MAX_ACCURACY = timedelta(minutes=1)
"""What a token may say about its own accuracy (RFC 3161 2.4.2): against a service that claims years of it."""

SERVICE_UNCHECKED = Message.of(
    "EDX-TSA-UNCHECKED",
    "warning",
    Text(
        "Không có gốc tin cậy: chưa xét dịch vụ cấp dấu thời gian có đáng tin cậy hay không.",
        "There are no trusted roots: nobody checked whether the time-stamping service is to be trusted.",
    ),
)
"""What a signer is told who used a service without trust: its timestamp counts only where a verifier trusts it."""

_FAULTS = (ValueError, TypeError, KeyError, AttributeError, AssertionError, IndexError, OverflowError)
_WEAK = frozenset({"md5", "sha1", "sha224"})


class Timestamper(Protocol):
    """Gives a time-stamp token over a digest."""

    @property
    def name(self) -> str:
        """What it goes by in messages and health reports."""
        ...

    @property
    def room(self) -> int:
        """How many bytes its tokens take, as far as known."""
        ...

    def timestamp(self, digest: bytes, hash_name: HashName) -> bytes:
        """Return a checked token (DER ContentInfo) over ``digest``; raise `Unavailable` when there is none."""
        ...


class _Response(core.Sequence):  # type: ignore[misc, unused-ignore]
    """TimeStampResp with its token optional, as RFC 3161 2.4.2 has it and asn1crypto's class does not."""

    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


class Rfc3161:
    """A time-stamping service reached by exchanging bytes.

    ``exchange`` takes a DER TimeStampReq and returns a DER TimeStampResp. With ``trust`` the certificate of the
    service must lead to one of its anchors, else only the token itself is checked. With a ``clock`` the token must be
    dated between question and answer, give or take `TOLERANCE` and its own accuracy.
    """

    def __init__(
        self,
        name: str,
        exchange: Callable[[bytes], bytes],
        *,
        trust: TrustStore | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._name = name
        self._exchange = exchange
        self._trust = trust
        self._clock = clock
        self._room = TOKEN_ROOM

    @property
    def name(self) -> str:
        """What it goes by in messages and health reports."""
        return self._name

    @property
    def room(self) -> int:
        """How many bytes its tokens take; a quarter more than the largest seen so far."""
        return self._room

    def timestamp(self, digest: bytes, hash_name: HashName) -> bytes:
        """Ask for a token, and check status, nonce, digest, signature, purpose, (with a clock) time and (trust) chain.

        Raises `Unavailable`: ``EDX-TSA-REFUSED``, ``EDX-TSA-WRONG``, ``EDX-TSA-UNTRUSTED``, ``EDX-TSA-AWAY``.
        """
        nonce = secrets.randbits(63) | 1 << 62
        request = tsp.TimeStampReq(
            {
                "version": "v1",
                "message_imprint": {"hash_algorithm": {"algorithm": hash_name}, "hashed_message": digest},
                "nonce": nonce,
                "cert_req": True,
            }
        )
        asked = None if self._clock is None else self._clock.now()
        answer = self._exchange(request.dump())
        try:
            token = self._accept(answer, digest, hash_name, nonce)
            if self._clock is not None and asked is not None:
                _require_present(token, asked, self._clock.now(), self._name)
        except (*_FAULTS, CMSExtractionError, SignatureValidationError) as error:
            raise _wrong(self._name, "malformed") from error
        self._room = max(self._room, len(token) + len(token) // 4)
        return token

    def _accept(self, answer: bytes, digest: bytes, hash_name: str, nonce: int) -> bytes:
        response = _Response.load(answer, strict=True)
        status = response["status"]["status"].native
        if status not in {"granted", "granted_with_mods"}:
            raise _refused(self._name, str(status))
        token = response["time_stamp_token"]
        info = token_info(token)
        imprint = info["message_imprint"]
        if info["nonce"].native != nonce:
            raise _wrong(self._name, "nonce")
        if imprint["hash_algorithm"]["algorithm"].native != hash_name or imprint["hashed_message"].native != digest:
            raise _wrong(self._name, "digest")
        certificate, others = _check_signature(token, self._name)
        if self._trust is not None:
            _check_chain(certificate, others, self._trust, info["gen_time"].native, self._name)
        return bytes(token.dump())


def http_timestamper(
    url: str, *, limit: timedelta = DEFAULT_LIMIT, trust: TrustStore | None = None, clock: Clock | None = None
) -> Rfc3161:
    """Make a `Timestamper` for a service at an http or https address; ``limit`` is for the whole exchange.

    Its tokens are held against ``clock``, the machine's when none is given.
    """

    def exchange(request: bytes) -> bytes:
        return post(
            url,
            request,
            media_type="application/timestamp-query",
            accept="application/timestamp-reply",
            limit=limit,
            max_answer=MAX_ANSWER,
            code="EDX-TSA-AWAY",
        )

    return Rfc3161(url, exchange, trust=trust, clock=clock or SystemClock())


def token_info(token: cms.ContentInfo) -> tsp.TSTInfo:
    """Return the TSTInfo inside a token; raise ``ValueError`` for a CMS that is none."""
    content = token["content"]["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise ValueError("not a time-stamp token")
    info = content["content"].parsed
    assert isinstance(info, tsp.TSTInfo)
    return info


def token_time(token: bytes) -> datetime:
    """Return the aware moment that a DER token proves; raise ``ValueError`` for anything else."""
    moment = token_info(cms.ContentInfo.load(token))["gen_time"].native
    assert isinstance(moment, datetime)
    return moment


def token_certificates(token: bytes) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """Return the certificate that signed a DER token and the others embedded in it; raise ``ValueError``."""
    signed = cms.ContentInfo.load(token)["content"]
    return _certificates(signed, extract_signer_info(signed))


def _check_signature(token: Any, name: str) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    signed = token["content"]
    signer = extract_signer_info(signed)
    certificate, others = _certificates(signed, signer)
    hash_name = signer["digest_algorithm"]["algorithm"].native
    if hash_name in _WEAK or get_signing_cert_attr(signer["signed_attrs"]) is None:
        raise _wrong(name, "algorithm")
    content = bytes(signed["encap_content_info"]["content"])
    digest = hashlib.new(hash_name, content).digest()
    intact, valid = validate_sig_integrity(signer, certificate, "tst_info", digest)
    if not intact or not valid:
        raise _wrong(name, "signature")
    if may_stamp(certificate, token_info(token)["gen_time"].native) is not None:
        raise _wrong(name, "purpose")
    return certificate, others


def _certificates(signed: Any, signer: Any) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    sid = signer["sid"].chosen
    found = [choice.chosen for choice in signed["certificates"] if choice.name == "certificate"]
    for one in found:
        if one.issuer == sid["issuer"] and one.serial_number == sid["serial_number"].native:
            return one, tuple(other for other in found if other is not one)
    raise ValueError("the signing certificate is not in the token")


def _check_chain(
    certificate: x509.Certificate,
    others: tuple[x509.Certificate, ...],
    trust: TrustStore,
    at: datetime,
    name: str,
) -> None:
    verdict = judge_path(certificate, trust=trust, at=at, extra=others)
    # Revocation evidence of the service is collected for B-LT; its lack alone does not make a service untrusted.
    if verdict.indication is not Indication.TOTAL_PASSED and verdict.sub_indication is not SubIndication.TRY_LATER:
        raise Unavailable(
            Text(
                "Dịch vụ cấp dấu thời gian dùng chứng thư không được tin cậy.",
                "The time-stamping service uses a certificate that is not trusted.",
            ),
            hint=Text(
                "Chỉ ra gốc tin cậy của dịch vụ, hoặc dùng dịch vụ khác.",
                "Name the service's root as trusted, or use another service.",
            ),
            code="EDX-TSA-UNTRUSTED",
            where=name,
        )


def _require_present(token: bytes, asked: datetime, answered: datetime, name: str) -> None:
    info = token_info(cms.ContentInfo.load(token))
    said, stated = info["gen_time"].native, info["accuracy"].native or {}
    thousandths = 1000 * (stated.get("seconds") or 0) + (stated.get("millis") or 0)
    accuracy = timedelta(milliseconds=thousandths, microseconds=stated.get("micros") or 0)
    slack = TOLERANCE + min(accuracy, MAX_ACCURACY)
    if asked - slack <= said <= answered + slack:
        return
    ours, theirs = (f"{in_vietnam(one):%d/%m/%Y %H:%M:%S}" for one in (answered, said))
    what = Text(
        f"ghi {theirs} trong khi máy này là {ours}, giờ Việt Nam",
        f"dated {theirs} while this machine has {ours}, Vietnam's time",
    )
    raise _wrong(
        name,
        what,
        hint=Text(
            "Kiểm tra đồng hồ của máy này; nếu đồng hồ đúng, dùng dịch vụ khác.",
            "Check this machine's clock; if that is right, use another service.",
        ),
    )


def _refused(name: str, status: str) -> EdocxError:
    return Unavailable(
        Text(f"Dịch vụ cấp dấu thời gian từ chối ({status}).", f"The time-stamping service refused ({status})."),
        hint=Text("Thử lại sau hoặc dùng dịch vụ khác.", "Try again later, or use another service."),
        code="EDX-TSA-REFUSED",
        where=name,
        retryable=True,
    )


_ANOTHER = Text("Không dùng câu trả lời này; dùng dịch vụ khác.", "The answer is not used; use another service.")


def _wrong(name: str, what: str | Text, *, hint: Text = _ANOTHER) -> EdocxError:
    said = what if isinstance(what, Text) else Text(what, what)
    return Unavailable(
        Text(
            f"Dịch vụ cấp dấu thời gian trả lời sai ({said.vi}).",
            f"The time-stamping service gave a wrong answer ({said.en}).",
        ),
        hint=hint,
        code="EDX-TSA-WRONG",
        where=name,
        retryable=True,
    )
