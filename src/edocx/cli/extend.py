"""``edocx extend``: lift the signatures of a PDF to a level that outlives their certificates."""

from __future__ import annotations

from pathlib import Path

import typer

from edocx.cli.output import emit_json, say
from edocx.cli.signing_means import LevelName, evidence_from, timestamps_from
from edocx.errors import Text

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def extend(
    file: Path = typer.Argument(..., help="PDF."),
    to: LevelName = typer.Option(..., "--to", help="B-T, B-LT, B-LTA."),
    out: Path | None = typer.Option(
        None, "--out", help="Tệp kết quả (mặc định: tại chỗ) / result (default: in place)."
    ),
    tsa: list[str] = typer.Option([], "--tsa", metavar="URL", help="Dịch vụ dấu thời gian / time-stamping service."),
    trust: list[str] = typer.Option([], "--trust", help="Gốc tin cậy, trung gian, CRL / roots, intermediates, CRLs."),
    evidence: list[str] = typer.Option([], "--evidence", help="CRL, OCSP, trung gian / CRLs, OCSP, intermediates."),
    online: bool = typer.Option(False, "--online", help="Hỏi OCSP, tải CRL / ask OCSP, fetch CRLs."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Nâng mức chữ ký: dấu thời gian, bằng chứng thu hồi, lưu trữ. / Lift signatures: time, evidence, archive."""
    from edocx.cli.verify_run import trust_from
    from edocx.clock import SystemClock
    from edocx.signing.pdf.extend import extend_file

    store = trust_from(trust)
    held = store | trust_from(evidence).as_evidence()
    target = out or file
    extend_file(
        file,
        target,
        to.value,
        at=SystemClock().now(),
        timestamps=timestamps_from(tsa, store),
        evidence=evidence_from(held, online=online),
    )
    if as_json:
        emit_json({"schema": 1, "file": str(target), "level": to.value, "messages": []})
        return
    say(Text(f"Đã nâng lên {to.value}: {target}", f"Lifted to {to.value}: {target}"))
