"""A report as text for people: what TT 15/2025 wants shown stands in it (issuer, signer, times, validity)."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

import typer

from edocx.cli.output import language, plain, say
from edocx.clock import in_vietnam
from edocx.errors import Text
from edocx.signing.parts import EARLIER, WHOLE, name_parts
from edocx.signing.report import CertificateInfo, Message, Report, SignatureReport

WIDTH = 80
"""Columns of a terminal that nobody made wider; names of agencies with all their parents are longer."""

VERDICTS = {
    "TOTAL-PASSED": Text("HỢP LỆ: còn nguyên vẹn và được tin cậy", "PASSED: intact and trusted"),
    "TOTAL-FAILED": Text("KHÔNG HỢP LỆ", "FAILED"),
    "INDETERMINATE": Text("CHƯA KẾT LUẬN ĐƯỢC", "INDETERMINATE"),
    "NO-SIGNATURE": Text("KHÔNG CÓ CHỮ KÝ", "NO SIGNATURE"),
}
COLOURS = {"TOTAL-PASSED": "green", "TOTAL-FAILED": "red", "INDETERMINATE": "yellow", "NO-SIGNATURE": "yellow"}
KINDS = {
    "person": Text("cá nhân", "person"),
    "organisation": Text("cơ quan", "organisation"),
    "device": Text("thiết bị", "device"),
    "unknown": Text("chưa rõ", "unknown"),
}
SOURCES = {
    "timestamp": Text("thời gian ký (dấu thời gian)", "signing time (timestamp)"),
    "receipt": Text("thời gian ký (biên nhận)", "signing time (receipt)"),
    "claimed": Text("thời gian ký (tự khai)", "signing time (claimed)"),
    "none": Text("không có thời gian ký", "no signing time"),
}
INTEGRITY = {
    "valid": Text("nội dung còn nguyên vẹn", "content intact"),
    "invalid": Text("nội dung hoặc chữ ký đã bị thay đổi", "content or signature changed"),
    "partial": Text("phần đã ký còn nguyên, phần khác không được ký", "signed part intact, other parts unsigned"),
    "indeterminate": Text("chưa kiểm tra được tính toàn vẹn", "integrity could not be checked"),
}
LOCAL_CODES = frozenset({"EDX-REGISTRY-LOCAL", "EDX-RECEIPT-LOCAL", "EDX-DIRECTORY-LOCAL"})
"""What says that a verdict rests on records that only whoever verifies vouches for."""

LOCALLY = Text("theo sổ tự nhập, chưa ai xác nhận", "by local records that nobody has confirmed")
UNCHECKED = Text("chưa xét: văn bản của ai, có thẩm quyền không", "not checked: from whom, and with what authority")


def headline(report: Report, lang: str) -> str:
    """Return the verdict in one line, with its reason and whether it rests on local records."""
    reason = f" ({report.sub_indication})" if report.sub_indication else ""
    own = f" [{LOCALLY.in_language(lang)}]" if _is_local(report) else ""
    return f"{VERDICTS[report.indication].in_language(lang)}{reason}{own}"


def _is_local(report: Report) -> bool:
    """Say whether a report, or one of a file inside, names units that only local records vouch for."""
    said = [*report.messages, *(one for signature in report.signatures for one in signature.messages)]
    return any(one.code in LOCAL_CODES for one in said) or any(map(_is_local, report.attachments))


def show(report: Report, indent: str = "") -> None:
    """Print a report, with those of the files inside."""
    lang = language()
    typer.secho(plain(f"{indent}{report.file}: {headline(report, lang)}"), fg=COLOURS[report.indication], bold=True)
    if not indent and report.policy == "signatures-only":
        say(f"  {UNCHECKED.in_language(lang)}")
    for signature in report.signatures:
        _show_signature(signature, indent + "  ", lang)
    _show_messages(report.messages, indent + "  ", lang)
    for inside in report.attachments:
        show(inside, indent + "  ")


def validity(certificate: CertificateInfo, lang: str) -> str:
    """Return the certificate's validity as a phrase."""
    words = Text("chứng thư có hiệu lực từ", "certificate valid from").in_language(lang)
    to = Text("đến", "to").in_language(lang)
    return f"{words} {in_vietnam(certificate.not_before):%Y-%m-%d} {to} {in_vietnam(certificate.not_after):%Y-%m-%d}"


AT_SIGNING = {
    "valid": Text("chứng thư có hiệu lực tại thời điểm ký", "certificate valid at the signing time"),
    "outside-dates": Text("chứng thư không có hiệu lực tại thời điểm ký", "certificate not valid at the signing time"),
    "unknown": Text(
        "chưa xác định được hiệu lực của chứng thư tại thời điểm ký",
        "not known whether the certificate was valid at the signing time",
    ),
}


def holder(signature: SignatureReport, lang: str) -> str:
    """Return the kind of the holder and the unit, labelled where the claimed time alone says which."""
    kind = KINDS[signature.kind].in_language(lang)
    claimed = next((one.where for one in signature.messages if one.code == "EDX-UNIT-CLAIMED"), None)
    if signature.unit is None and claimed is not None:
        return f"{kind}, {Text(f'{claimed} (theo thời gian tự khai)', f'{claimed} (claimed)').in_language(lang)}"
    return f"{kind}, {signature.unit}" if signature.unit else kind


def coverage(signature: SignatureReport, lang: str) -> str | None:
    """Return what a signature covers where it is less, or other, than the document it stands in."""
    differs = any(one.code == "EDX-PARTS-DIFFER" for one in signature.messages)
    if not signature.parts or (signature.parts in {(WHOLE,), (EARLIER,)} and not differs):
        return None
    return name_parts(signature.parts).in_language(lang)


COVERS = Text("phần được ký", "covers")


def time_phrase(signature: SignatureReport, lang: str) -> str:
    """Return when it was signed, who says so, and whether the certificate was valid then."""
    words = SOURCES[signature.time_source].in_language(lang)
    if signature.signing_time is None:
        return words
    phrase = f"{words}: {in_vietnam(signature.signing_time):%Y-%m-%d %H:%M:%S%z}"
    if signature.receipt is not None:
        phrase += Text(f", nơi cấp {signature.receipt.issuer}", f", issued by {signature.receipt.issuer}").in_language(
            lang
        )
    certificate = signature.certificate
    if certificate is None:
        return phrase
    inside = certificate.not_before <= signature.signing_time <= certificate.not_after
    then = Text("chứng thư còn hạn lúc đó", "certificate within its dates then")
    out = Text("chứng thư ngoài hạn lúc đó", "certificate outside its dates then")
    return f"{phrase}; {(then if inside else out).in_language(lang)}"


def _show_signature(signature: SignatureReport, indent: str, lang: str) -> None:
    reason = f" ({signature.sub_indication})" if signature.sub_indication else ""
    level = f" {signature.level}" if signature.level else ""
    who = holder(signature, lang)
    typer.secho(
        plain(f"{indent}• {signature.id} [{signature.format}{level}, {who}] {signature.indication}{reason}"),
        fg=COLOURS[signature.indication],
    )
    say(f"{indent}  {INTEGRITY[signature.integrity].in_language(lang)}; {signature.algorithm}")
    if (covered := coverage(signature, lang)) is not None:
        _say_wrapped(f"{COVERS.in_language(lang)}: {covered}", indent + "  ")
    certificate = signature.certificate
    if certificate is not None:
        _say_wrapped(certificate.subject, indent + "  ")
        issued = Text("cấp và quản lý bởi", "issued and managed by").in_language(lang)
        _say_wrapped(f"{issued} {certificate.issuer}", indent + "  ")
        managed = Text("tổ chức quản lý chứng thư", "body managing the certificate").in_language(lang)
        _say_wrapped(f"{managed}: {certificate.managed_by}", indent + "  ")
        then = AT_SIGNING[certificate.at_signing].in_language(lang)
        _say_wrapped(f"{validity(certificate, lang)}; {then}", indent + "  ")
    _say_wrapped(time_phrase(signature, lang), indent + "  ")
    _show_messages(signature.messages, indent + "  ", lang)


def _say_wrapped(line: str, indent: str) -> None:
    """Print a sentence, or a line with a distinguished name, in as many lines as a terminal needs."""
    for piece in wrap(
        plain(line),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    ) or [indent]:
        say(piece)


def _show_messages(messages: Iterable[Message], indent: str, lang: str) -> None:
    marks = {"error": "✗", "warning": "!", "info": "·"}
    for message in messages:
        if message.code == "EDX-TIME-CLAIMED":
            continue  # said on the line of the signing time
        told = message.vi if lang == "vi" else message.en
        _say_wrapped(f"{marks[message.severity]} {told} [{message.code}]", indent)
