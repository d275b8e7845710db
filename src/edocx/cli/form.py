"""``edocx form``: the fields for number, date, signatures and seals, before anybody signs (NĐ 30/2020 Điều 14-15)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from edocx.cli import signing_options as options
from edocx.cli.output import emit_json, say
from edocx.cli.sign_look import box_of
from edocx.cli.signing_means import require_out, say_notes
from edocx.errors import Text, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_NEAR: Any = typer.Option(
    [], "--near", metavar="TEXT", help="Ô chữ ký trên dòng chữ này / the signature above this text; one a signatory."
)
_PLACES: Any = typer.Option(
    [],
    "--place",
    metavar="TRANG,X,Y,RỘNG,CAO",
    help="Vị trí ô chữ ký (mm, từ góc dưới trái) / the signature's page,x,y,width,height; one a signatory.",
)
_PAGE: Any = typer.Option(
    None, "--page", help="Trang có chữ ký (mặc định trang cuối: -1) / the page that is signed (the last: -1)."
)


@app.command()
def form(
    file: Path = typer.Argument(..., help="Dự thảo PDF chưa ký / an unsigned draft."),
    out: Path = typer.Option(..., "--out", help="Tệp kết quả / the draft with its fields."),
    signers: int = typer.Option(1, "--signers", min=1, max=6, help="Số người ký (liên tịch) / how many sign."),
    initials: int = typer.Option(0, "--initials", min=0, max=6, help="Số người ký nháy / how many put initials."),
    near: list[str] = _NEAR,
    place: list[str] = _PLACES,
    page: int | None = _PAGE,
    as_json: bool = options.JSON,
) -> None:
    """Tạo ô số, ngày, chữ ký, con dấu trước khi ký. / Make the fields that signing and sealing will use."""
    from edocx.signing.pdf.fitting import fit_layout
    from edocx.signing.pdf.form import make_form

    _check(near, place, page)
    boxes = [box_of(one) for one in place]
    require_out(out)
    fitted = fit_layout(
        file, people=signers, initials=initials, near=near, places=boxes, page=_from_zero(page)
    )  # fmt: skip
    make_form(file, out, fitted.layout)
    if as_json:
        told = [note.model_dump() for note in fitted.messages]
        layout = fitted.layout.model_dump(mode="json")
        emit_json({"schema": 1, "file": str(out), "layout": layout, "messages": told})
        return
    people = len(fitted.layout.signatures)
    say(
        Text(
            f"Đã tạo ô cho {people} người ký, {initials} người ký nháy: {out}",
            f"Made fields for {people} signatures and {initials} initials: {out}",
        )
    )
    say_notes(fitted.messages)


def _check(near: list[str], place: list[str], page: int | None) -> None:
    if near and place:
        raise _usage(
            Text("Chỉ chọn được một cách đặt ô chữ ký.", "Signatures are placed in one way."),
            Text("Dùng --near hoặc --place.", "Use --near or --place."),
        )
    if place and page is not None:
        raise _usage(
            Text("--place đã có số trang.", "--place names its page already."),
            Text("Bỏ --page.", "Leave --page out."),
        )
    if any(not one.strip() for one in near):
        raise _usage(
            Text("Chữ để đặt ô chữ ký cạnh nó còn trống.", "The text to place the signature near is empty."),
            Text('Ghi chữ có trên trang: --near "Nguyễn Văn A".', 'Name text of the page: --near "Nguyễn Văn A".'),
        )
    if page == 0:
        raise _usage(
            Text("Trang được đếm từ 1.", "Pages are counted from 1."),
            Text("Dùng --page 1 hoặc --page -1 (trang cuối).", "Use --page 1, or --page -1 for the last."),
        )


def _from_zero(page: int | None) -> int | None:
    return page - 1 if page is not None and page > 0 else page


def _usage(text: Text, hint: Text) -> UsageError:
    return UsageError(text, hint=hint, code="EDX-USAGE-LOOK")
