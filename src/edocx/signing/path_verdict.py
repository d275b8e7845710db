"""What a certification path comes to: that it holds, or why not, in words that name the cause and the certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyhanko_certvalidator import errors

from edocx.errors import Text
from edocx.signing.report import Indication, Message, SubIndication


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """What the chain says of a certificate at a time; ``indication`` is TOTAL_PASSED when it holds."""

    indication: Indication
    sub_indication: SubIndication | None
    messages: tuple[Message, ...]
    anchor: str | None = None
    """SHA-256 of the anchor's certificate, lower-case hex, when the path holds."""


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a path does not hold: the validator's words that tell it, and ours; ``{whose}`` names the certificate."""

    words: str
    code: str
    text: Text


_CAUSES = (
    _Cause(
        "signature mechanism",
        "EDX-CHAIN-WEAK",
        Text(
            "{whose} được cấp bằng thuật toán hoặc độ dài khóa không còn được chấp nhận; đề nghị bên ký đổi chứng thư.",
            "{whose} was issued with an algorithm or a size of key that is not accepted any more; ask the signer for "
            "another certificate.",
        ),
    ),
    _Cause(
        "could not be verified",
        "EDX-CHAIN-SIGNATURE",
        Text(
            "Chữ ký của tổ chức cấp trên {whose} không đúng: chứng thư bị sửa hoặc giả mạo. Không tin; hỏi lại bên ký.",
            "The issuer's signature on {whose} is wrong: it was changed or forged. Do not trust it; ask the signer.",
        ),
    ),
    _Cause(
        "namespace",
        "EDX-CHAIN-NAMES",
        Text(
            "{whose} mang tên mà tổ chức cấp không được phép cấp (RFC 5280, 4.2.1.10). Không tin; hỏi lại bên ký.",
            "{whose} bears a name that its issuer may not give (RFC 5280, 4.2.1.10). Do not trust it; ask the signer.",
        ),
    ),
    _Cause(
        "policies",
        "EDX-CHAIN-POLICY",
        Text(
            "{whose} không theo chính sách chứng thư mà tổ chức cấp phía trên yêu cầu (RFC 5280, 6.1). Đề nghị bên ký "
            "đổi chứng thư.",
            "{whose} follows no certificate policy that the authorities above demand (RFC 5280, 6.1). Ask the signer "
            "for another certificate.",
        ),
    ),
    _Cause(
        "policy",
        "EDX-CHAIN-POLICY",
        Text(
            "{whose} khai chính sách chứng thư sai quy định (RFC 5280, 6.1). Đề nghị bên ký đổi chứng thư.",
            "{whose} states certificate policies against the rules (RFC 5280, 6.1). Ask the signer for another "
            "certificate.",
        ),
    ),
    _Cause(
        "is not a CA",
        "EDX-CHAIN-AUTHORITY",
        Text(
            "{whose} không phải của tổ chức cấp chứng thư mà lại cấp chứng thư: giả mạo. Không tin; hỏi lại bên ký.",
            "{whose} is none of an authority and issued another: a forgery. Do not trust it; ask the signer.",
        ),
    ),
    _Cause(
        "not allowed to sign certificates",
        "EDX-CHAIN-AUTHORITY",
        Text(
            "{whose} không được phép ký chứng thư (keyUsage) mà lại cấp chứng thư. Không tin; hỏi lại bên ký.",
            "{whose} may not sign certificates (keyUsage) and issued one. Do not trust it; ask the signer.",
        ),
    ),
    _Cause(
        "path length",
        "EDX-CHAIN-LENGTH",
        Text(
            "Dưới {whose} có nhiều cấp hơn mức được phép (pathLenConstraint). Không tin; hỏi lại bên ký.",
            "More authorities stand below {whose} than it allows (pathLenConstraint). Do not trust it; ask the signer.",
        ),
    ),
    _Cause(
        "critical extension",
        "EDX-CHAIN-EXTENSION",
        Text(
            "{whose} có phần mở rộng bắt buộc mà edocx không hiểu nên không thể chấp nhận (RFC 5280, 4.2). Đề nghị bên "
            "ký đổi chứng thư.",
            "{whose} has a critical extension that edocx does not understand, so it may not be accepted (RFC 5280, "
            "4.2). Ask the signer for another certificate.",
        ),
    ),
)
"""The validator has one kind of error for all of these and tells them apart in words; the tests hold each of them."""

_UNNAMED = _Cause(
    "",
    "EDX-CHAIN-INVALID",
    Text(
        "Đường dẫn chứng thực qua {whose} không hợp lệ. Không tin; hỏi lại bên ký.",
        "The certification path through {whose} is not valid. Do not trust it; ask the signer.",
    ),
)


def from_failure(failure: Exception) -> PathVerdict:
    """Say why a path did not hold, from what the validator raised."""
    match failure:
        case errors.RevokedError():
            return revoked_since(failure.revocation_dt, of_signer=failure.is_ee_cert)
        case errors.ExpiredError():
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.OUT_OF_BOUNDS_NO_POE,
                "EDX-CERT-EXPIRED",
                Text(
                    "Chứng thư đã hết hạn, và không dấu thời gian hay biên nhận nào cho thấy chữ ký đã có trước đó.",
                    "The certificate has expired, and no timestamp or receipt shows that the signature existed before.",
                ),
            )
        case errors.NotYetValidError():
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.OUT_OF_BOUNDS_NO_POE,
                "EDX-CERT-NOT-YET",
                Text(
                    "Chứng thư chưa có hiệu lực tại thời điểm kiểm tra.",
                    "The certificate is not valid yet at the time of checking.",
                ),
            )
        case errors.InsufficientRevinfoError():
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.TRY_LATER,
                "EDX-REVOCATION-UNKNOWN",
                Text(
                    "Không có CRL hay OCSP để biết chứng thư còn hiệu lực; đưa thêm bằng --evidence.",
                    "No CRL or OCSP answer tells whether the certificate was revoked; give one with --evidence.",
                ),
            )
        case errors.PathBuildingError() | errors.InvalidCertificateError():
            return no_chain()
        case _:
            return _from_cause(failure)


def _from_cause(failure: Exception) -> PathVerdict:
    said, _, _ = str(failure).partition("The name ")  # from there on it quotes the certificate
    cause = next((one for one in _CAUSES if one.words in said), _UNNAMED)
    whose = _OF_SIGNER if getattr(failure, "is_ee_cert", False) else _OF_AUTHORITY
    vi, en = cause.text.vi.format(whose=whose.vi), cause.text.en.format(whose=whose.en)
    return _verdict(
        Indication.INDETERMINATE,
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        cause.code,
        Text(vi[0].upper() + vi[1:], en[0].upper() + en[1:]),
    )


_OF_SIGNER = Text("chứng thư này", "this certificate")
_OF_AUTHORITY = Text("chứng thư của một tổ chức cấp phía trên", "the certificate of an authority above")


def malformed() -> PathVerdict:
    """Say that something on the path cannot be read."""
    return _verdict(
        Indication.INDETERMINATE,
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        "EDX-CERT-MALFORMED",
        Text(
            "Chứng thư hoặc CRL trong đường dẫn bị hỏng; lấy lại từ tổ chức cấp.",
            "A certificate or CRL on the path is malformed; fetch it again from its authority.",
        ),
    )


def revoked_since(since: datetime, *, of_signer: bool) -> PathVerdict:
    """Say that the certificate, or with ``of_signer`` False one above it, was revoked."""
    return _verdict(
        Indication.INDETERMINATE,
        SubIndication.REVOKED_NO_POE if of_signer else SubIndication.REVOKED_CA_NO_POE,
        "EDX-CERT-REVOKED",
        Text(
            f"Chứng thư đã bị thu hồi từ {since:%Y-%m-%d}, "
            "và không dấu thời gian hay biên nhận nào cho thấy chữ ký đã có trước ngày ấy.",
            f"The certificate was revoked on {since:%Y-%m-%d}, "
            "and no timestamp or receipt shows that the signature existed before that day.",
        ),
    )


def no_chain() -> PathVerdict:
    """Say that nothing leads to a trusted root."""
    return _verdict(
        Indication.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        "EDX-CHAIN-NOT-FOUND",
        Text(
            "Không có đường dẫn từ chứng thư này đến gốc được tin cậy; chỉ ra kho tin cậy bằng --trust.",
            "No path leads from this certificate to a trusted root; name one with --trust.",
        ),
    )


def _verdict(indication: Indication, sub: SubIndication, code: str, text: Text) -> PathVerdict:
    return PathVerdict(indication, sub, (Message.of(code, "error", text),))
