"""``edocx verify``: the verdict on files, for people or as JSON."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import emit_json, error_json, fail, language, say
from edocx.errors import EdocxError, Text, UsageError

if TYPE_CHECKING:
    from edocx.signing.report import Report, SignatureReport

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXIT = {"TOTAL-PASSED": 0, "TOTAL-FAILED": 1, "INDETERMINATE": 3, "NO-SIGNATURE": 3}
_RANK = (1, 4, 3, 0)
"""Several files: 1 if any failed, else 4, else 3, else 0."""


@app.command()
def verify(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="PDF, edXML."),
    trust: list[Path] = typer.Option([], "--trust", help="Thư mục hoặc tệp chứng thư gốc / trusted roots."),
    evidence: list[Path] = typer.Option([], "--evidence", help="CRL, chứng thư trung gian / CRLs, intermediates."),
    registry: Path | None = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry (CSV)."),
    at: str | None = typer.Option(None, "--at", metavar="ISO8601", help="Thời điểm xét / moment to judge for."),
    policy: str = typer.Option("signatures-only", "--policy", help="Chính sách / policy."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Kiểm tra mọi chữ ký trong tệp, kể cả tệp bên trong. / Verify every signature, also of files inside."""
    from edocx.signing.trust import TrustStore
    from edocx.verification import verify as verify_file

    store = TrustStore()
    for place in trust:
        store |= TrustStore.from_path(place)
    for place in evidence:
        store |= TrustStore.from_path(place).as_evidence()
    known = None
    if registry is not None:
        from edocx.units.registry import CsvRegistry

        known = CsvRegistry.from_path(registry)
    moment = _moment(at)
    results: list[dict[str, Any]] = []
    codes = []
    for file in files:
        try:
            report = verify_file(file, trust=store, registry=known, at=moment, policy=policy)
        except EdocxError as error:
            codes.append(error.exit_code)
            results.append({"schema": 1, "file": str(file), "error": error_json(error)})
            if not as_json:
                fail(error)
            continue
        codes.append(_EXIT[report.indication])
        results.append(report.to_json())
        if not as_json:
            _show(report)
    if as_json:
        emit_json(results[0] if len(results) == 1 else results)
    raise typer.Exit(next(code for code in (2, *_RANK) if code in codes))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    from edocx.clock import VIETNAM

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            Text(f"Không đọc được thời điểm “{text}”.", f"The moment “{text}” cannot be read."),
            hint=Text("Ví dụ: 2023-06-15T09:00:00+07:00.", "An example: 2023-06-15T09:00:00+07:00."),
            code="EDX-USAGE-TIME",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)


_VERDICTS = {
    "TOTAL-PASSED": Text("HỢP LỆ: còn nguyên vẹn và được tin cậy", "PASSED: intact and trusted"),
    "TOTAL-FAILED": Text("KHÔNG HỢP LỆ", "FAILED"),
    "INDETERMINATE": Text("CHƯA KẾT LUẬN ĐƯỢC", "INDETERMINATE"),
    "NO-SIGNATURE": Text("KHÔNG CÓ CHỮ KÝ", "NO SIGNATURE"),
}
_COLOURS = {"TOTAL-PASSED": "green", "TOTAL-FAILED": "red", "INDETERMINATE": "yellow", "NO-SIGNATURE": "yellow"}
_KINDS = {
    "person": Text("cá nhân", "person"),
    "organisation": Text("cơ quan", "organisation"),
    "device": Text("thiết bị", "device"),
    "unknown": Text("chưa rõ", "unknown"),
}


def _show(report: Report, indent: str = "") -> None:
    lang = language()
    reason = f" ({report.sub_indication})" if report.sub_indication else ""
    verdict = f"{_VERDICTS[report.indication].in_language(lang)}{reason}"
    typer.secho(f"{indent}{report.file}: {verdict}", fg=_COLOURS[report.indication], bold=True)
    if not indent and report.policy == "signatures-only":
        say(
            Text("  chưa xét: văn bản của ai, có thẩm quyền không", "  not checked: from whom, and with what authority")
        )
    for signature in report.signatures:
        _show_signature(signature, indent + "  ", lang)
    _show_messages(report.messages, indent + "  ", lang)
    for inside in report.attachments:
        _show(inside, indent + "  ")


def _show_signature(signature: SignatureReport, indent: str, lang: str) -> None:
    reason = f" ({signature.sub_indication})" if signature.sub_indication else ""
    kind = _KINDS[signature.kind].in_language(lang)
    unit = f", {signature.unit}" if signature.unit else ""
    typer.secho(
        f"{indent}• {signature.id} [{signature.format}, {kind}{unit}] {signature.indication}{reason}",
        fg=_COLOURS[signature.indication],
    )
    certificate = signature.certificate
    if certificate is not None:
        say(f"{indent}  {certificate.subject}")
        issued = Text("cấp bởi", "issued by").in_language(lang)
        say(f"{indent}  {issued} {certificate.issuer}")
    if signature.signing_time is not None:
        from edocx.clock import in_vietnam

        claimed = Text("thời gian ký (tự khai)", "signing time (claimed)").in_language(lang)
        say(f"{indent}  {claimed}: {in_vietnam(signature.signing_time):%Y-%m-%d %H:%M:%S%z}")
    _show_messages(signature.messages, indent + "  ", lang)


def _show_messages(messages: Any, indent: str, lang: str) -> None:
    marks = {"error": "✗", "warning": "!", "info": "·"}
    for message in messages:
        if message.severity == "info" and message.code == "EDX-TIME-CLAIMED":
            continue  # said on the line of the signing time
        say(f"{indent}{marks[message.severity]} {message.vi if lang == 'vi' else message.en}  [{message.code}]")
