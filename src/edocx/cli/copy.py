"""``edocx copy``: an electronic copy of a document or a scan, sealed (NĐ 30/2020 Điều 25-27)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from edocx.cli import signing_options as options
from edocx.cli.destination import spare_inputs
from edocx.cli.output import emit_json, say
from edocx.cli.sign_look import pages_of, preview_copy
from edocx.cli.signing_means import LevelName, Means, Scheme, forget_old_task, open_key, require_out, say_notes
from edocx.errors import Text, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class _Form(StrEnum):
    WHOLE = "sao-y"
    FROM_COPY = "sao-luc"
    EXTRACT = "trich-sao"


@app.command()
def copy(
    file: Path = typer.Argument(..., help="PDF đã ký hoặc bản quét / a signed PDF, or a scan."),
    form: _Form = typer.Option(..., "--form", help="sao-y, sao-luc, trich-sao."),
    agency: str = typer.Option(..., "--agency", help="Tên cơ quan sao / the agency that copies."),
    key: str | None = options.KEY,
    out: Path | None = typer.Option(None, "--out", help="Tệp kết quả / the copy."),
    pages: str | None = typer.Option(None, "--pages", metavar="1,3-5", help="Các trang trích / pages of an extract."),
    chain: Path | None = options.CHAIN,
    level: LevelName | None = options.LEVEL,
    tsa: list[str] = options.TSA,
    defer: bool = options.DEFER,
    trust: list[str] = options.TRUST,
    online: bool = options.ONLINE,
    registry: Path | None = options.REGISTRY,
    scheme: Scheme = options.SCHEME,
    preview: Path | None = options.PREVIEW,
    as_json: bool = options.JSON,
) -> None:
    """Sao y, sao lục, trích sao điện tử, có con dấu. / A sealed electronic copy or extract."""
    from edocx.signing.pdf.copies import make_copy
    from edocx.signing.pdf.marks import CopyForm

    kind = {_Form.WHOLE: CopyForm.WHOLE, _Form.FROM_COPY: CopyForm.FROM_COPY, _Form.EXTRACT: CopyForm.EXTRACT}[form]
    chosen = pages_of(pages) if pages else None
    if not agency.strip():
        raise UsageError(
            Text("Tên cơ quan sao còn trống.", "The name of the agency that copies is empty."),
            hint=Text('Ghi tên như trên con dấu: --agency "…".', 'Name it as its seal does: --agency "…".'),
            code="EDX-USAGE-SIGN",
        )
    means = Means.of(trust, registry, tsa, level, defer=defer, online=online)
    if preview is not None:
        spare_inputs(preview, (file, key, chain, registry, *trust), option="--preview")
        shown = preview_copy(file, preview, form=kind, agency=agency, pages=chosen, at=means.at)
        say(Text(f"Bản xem trước (chưa ký): {shown}", f"Preview (not signed): {shown}"))
        return
    target = require_out(out)
    spare_inputs(target, (file, key, chain, registry, *trust))
    signer = open_key(key, scheme, chain)
    notes = make_copy(
        file,
        target,
        signer,
        form=kind,
        agency=agency,
        at=means.at,
        criteria=means.criteria,
        pages=chosen,
        **means.levels(),
    )
    forget_old_task(target, notes)
    notes = (*notes, *means.unchecked(notes))
    if as_json:
        emit_json(
            {"schema": 1, "file": str(target), "form": form.value, "messages": [note.model_dump() for note in notes]}
        )
        return
    say(Text(f"Đã sao: {target}", f"Copied: {target}"))
    say_notes(notes)
