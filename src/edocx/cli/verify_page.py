"""A report as one HTML page that a clerk can print and file: no script, nothing loaded from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from edocx.cli.output import plain
from edocx.cli.verify_pictures import pictures
from edocx.cli.verify_view import (
    AT_SIGNING,
    INTEGRITY,
    UNCHECKED,
    VERDICTS,
    coverage,
    headline,
    holder,
    time_phrase,
    validity,
)
from edocx.clock import in_vietnam
from edocx.errors import EdocxError, Text
from edocx.signing.report import Message, Report, SignatureReport

_STYLE = """
body { font: 11pt/1.45 "Liberation Serif", "Times New Roman", serif; margin: 2cm auto; max-width: 18cm; color: #111 }
h1 { font-size: 16pt } h2 { font-size: 13pt; border-bottom: 1px solid #999; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1em }
th, td { border: 1px solid #999; padding: .25em .5em; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { width: 30%; background: #f3f3f3; font-weight: normal }
.TOTAL-PASSED { color: #0a6b1f } .TOTAL-FAILED { color: #a80000 } .INDETERMINATE, .NO-SIGNATURE { color: #8a5a00 }
.pair td { width: 50% } .pair img { width: 100%; border: 1px solid #ccc }
.inside { margin-left: 1em } @media print { body { margin: 0 } }
"""

_ROWS = {
    "verdict": Text("Kết quả", "Verdict"),
    "signer": Text("Người ký", "Signer"),
    "kind": Text("Loại chủ thể, cơ quan", "Kind of holder, unit"),
    "covers": Text("Phần được ký", "What is signed"),
    "issuer": Text("Tổ chức cấp chứng thư", "Issuer of the certificate"),
    "managed": Text("Tổ chức quản lý chứng thư", "Body managing the certificate"),
    "time": Text("Thời gian ký", "Signing time"),
    "integrity": Text("Tính toàn vẹn", "Integrity"),
    "validity": Text("Hiệu lực chứng thư", "Validity of the certificate"),
    "then": Text("Hiệu lực tại thời điểm ký", "Validity at the signing time"),
    "serial": Text("Số hiệu chứng thư, SHA-256", "Serial number, SHA-256"),
    "algorithm": Text("Thuật toán, mức", "Algorithm, level"),
    "messages": Text("Ghi chú", "Remarks"),
}


def render(
    results: Iterable[tuple[Path, Report | EdocxError]], *, at: datetime, lang: str, left: Mapping[Path, Text]
) -> str:
    """Return the page for reports and errors, and what is left out and why; every word from a file is escaped."""
    title = Text("Kết quả kiểm tra chữ ký số", "Verification of digital signatures").in_language(lang)
    judged = Text("Xét tại thời điểm", "Judged for").in_language(lang)
    body = "".join(_file(path, outcome, lang) for path, outcome in results)
    body += "".join(f"<p>{_escaped(str(path))}: {_escaped(why.in_language(lang))}</p>\n" for path, why in left.items())
    return (
        f'<!DOCTYPE html>\n<html lang="{_escaped(lang)}"><head><meta charset="utf-8"><title>{_escaped(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{_escaped(title)}</h1>\n"
        f"<p>{_escaped(judged)} {in_vietnam(at):%Y-%m-%d %H:%M:%S%z}</p>\n{body}</body></html>\n"
    )


def _escaped(text: str) -> str:
    """Return a text from a file as HTML shows it, without what steers a terminal that the page is read in."""
    return html.escape(plain(text))


def _file(path: Path, outcome: Report | EdocxError, lang: str) -> str:
    if isinstance(outcome, EdocxError):
        text = f"{outcome.code}: {outcome.text.in_language(lang)} {outcome.hint.in_language(lang)}"
        return f'<section><h2>{_escaped(str(path))}</h2><p class="INDETERMINATE">{_escaped(text)}</p></section>\n'
    return _report(outcome, path, lang)


def _report(report: Report, path: Path | None, lang: str, css: str = "") -> str:
    note = f"<p>{_escaped(UNCHECKED.in_language(lang))}</p>" if report.policy == "signatures-only" and not css else ""
    parts = [
        f'<section class="{css}"><h2>{_escaped(report.file)}</h2>',
        f'<p class="{report.indication}"><b>{_escaped(headline(report, lang))}</b></p>{note}',
        *(_signature(signature, lang) + pictures(path, signature, lang) for signature in report.signatures),
        _messages(report.messages, lang),
        *(_report(inside, None, lang, "inside") for inside in report.attachments),
        "</section>\n",
    ]
    return "".join(parts)


def _signature(signature: SignatureReport, lang: str) -> str:
    certificate = signature.certificate
    reason = f" ({signature.sub_indication})" if signature.sub_indication else ""
    rows = {
        "verdict": f"{VERDICTS[signature.indication].in_language(lang)}{reason}",
        "signer": certificate.subject if certificate else "",
        "kind": holder(signature, lang),
        "covers": coverage(signature, lang) or "",
        "issuer": certificate.issuer if certificate else "",
        "managed": certificate.managed_by if certificate else "",
        "time": time_phrase(signature, lang),
        "integrity": INTEGRITY[signature.integrity].in_language(lang),
        "validity": validity(certificate, lang) if certificate else "",
        "then": AT_SIGNING[certificate.at_signing].in_language(lang) if certificate else "",
        "serial": f"{certificate.serial}, {certificate.sha256}" if certificate else "",
        "algorithm": f"{signature.algorithm}, {signature.format} {signature.level or ''}",
    }
    cells = "".join(
        f"<tr><th>{_escaped(_ROWS[name].in_language(lang))}</th><td>{_escaped(value)}</td></tr>"
        for name, value in rows.items()
        if value or name != "covers"
    )
    remarks = _ROWS["messages"].in_language(lang)
    cells += f"<tr><th>{_escaped(remarks)}</th><td>{_messages(signature.messages, lang)}</td></tr>"
    return f"<h3>{_escaped(signature.id)}</h3><table>{cells}</table>"


def _messages(messages: Iterable[Message], lang: str) -> str:
    items = "".join(
        f"<li>{_escaped(message.vi if lang == 'vi' else message.en)} [{_escaped(message.code)}]</li>"
        for message in messages
    )
    return f"<ul>{items}</ul>" if items else ""
