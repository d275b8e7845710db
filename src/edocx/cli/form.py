"""``edocx form``: the fields for number, date, signatures and seals, before anybody signs (NĐ 30/2020 Điều 14-15)."""

from __future__ import annotations

from pathlib import Path

import typer

from edocx.cli.output import emit_json, say
from edocx.errors import Text

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def form(
    file: Path = typer.Argument(..., help="Dự thảo PDF chưa ký / an unsigned draft."),
    out: Path = typer.Option(..., "--out", help="Tệp kết quả / the draft with its fields."),
    signers: int = typer.Option(1, "--signers", min=1, max=6, help="Số người ký (liên tịch) / how many sign."),
    initials: int = typer.Option(0, "--initials", min=0, max=6, help="Số người ký nháy / how many put initials."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Tạo ô số, ngày, chữ ký, con dấu trước khi ký. / Make the fields that signing and sealing will use."""
    from edocx.signing.pdf.form import make_form
    from edocx.signing.pdf.placing import layout_for

    layout = layout_for(file, people=signers, initials=initials)
    make_form(file, out, layout)
    if as_json:
        emit_json({"schema": 1, "file": str(out), "layout": layout.model_dump(mode="json")})
        return
    say(
        Text(
            f"Đã tạo ô cho {signers} người ký, {initials} người ký nháy: {out}",
            f"Made fields for {signers} signatures and {initials} initials: {out}",
        )
    )
