"""``edocx prepare``: everything but the signature, for whoever holds the key on a phone or another machine."""

from __future__ import annotations

import base64
import json
import shlex
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.cli import signing_options as options
from edocx.cli.destination import spare_inputs
from edocx.cli.output import emit_json, say
from edocx.cli.sign_look import SignLook
from edocx.cli.signing_means import Means, Scheme, require_out, say_notes
from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.signing.pdf.prepared import Prepared
    from edocx.signing.report import Message

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def prepare(
    file: Path = typer.Argument(..., help="PDF."),
    certificate: Path = typer.Option(..., "--certificate", help="Chứng thư của người ký / the signer's certificate."),
    role: options.Role = options.ROLE,
    out: Path = typer.Option(..., "--out", metavar="JSON", help="Nơi giữ việc chờ ký / what waits is kept here."),
    digest: Path | None = typer.Option(None, "--digest", help="Ghi giá trị băm cần ký / the digest to sign, raw."),
    trust: list[str] = options.TRUST,
    registry: Path | None = options.REGISTRY,
    image: Path | None = options.IMAGE,
    reason: str | None = options.REASON,
    scheme: Scheme = options.SCHEME,
    near: str | None = options.NEAR,
    place: str | None = options.PLACE,
    field: str | None = options.FIELD,
    initials: bool = options.INITIALS,
    attachment: str | None = options.ATTACHMENT,
    number: str | None = options.NUMBER,
    issued_on: datetime | None = options.DATE,
    city: str | None = options.CITY,
    as_json: bool = options.JSON,
) -> None:
    """Chuẩn bị chữ ký; khóa ở nơi khác, hôm khác. / Prepare a signature that a key elsewhere makes, days later."""
    from edocx.signing.keys.elsewhere import open_elsewhere
    from edocx.signing.pdf.order import prepare_as
    from edocx.signing.timestamp import TOKEN_ROOM

    look = SignLook(image, place, near, field, initials, attachment, number, issued_on, city)
    look.check(role.value)
    means = Means.of(trust, registry, [], None, defer=False, online=False)
    working = working_beside(out)
    for named in (out, digest or out):
        require_out(named)
    for own in (out, working):
        _require_free(own, digest)
    for made in (out, working, digest):
        if made is not None:
            spare_inputs(made, (file, image, certificate, registry, *trust))
    signer = open_elsewhere(certificate, scheme=scheme.value)
    prepared, notes = prepare_as(
        file, working, signer, role.value, at=means.at, criteria=means.criteria, reason=reason,
        timestamp_room=TOKEN_ROOM, **look.keywords(file, role.value, means.at),
    )  # fmt: skip
    _keep(prepared, out, digest)
    _say(prepared, out, notes, as_json=as_json)


def working_beside(out: Path) -> Path:
    """Return where the file with its gap stands: beside what waits, so that both are moved together."""
    return out.with_name(f"{out.name}.pdf")


def _require_free(out: Path, digest: Path | None) -> None:
    if out.exists() or out == digest:
        raise UsageError(
            Text("Ở đó đã có tệp; có thể một chữ ký đang chờ.", "There is a file already; a signature may wait there."),
            hint=Text("Hoàn tất nó, xóa nó, hoặc chọn tên khác.", "Complete it, delete it, or choose another name."),
            code="EDX-USAGE-WAITING",
            where=str(out),
        )


def _keep(prepared: Prepared, out: Path, digest: Path | None) -> None:
    from edocx.content import write_durably

    told = {**prepared.to_json(), "working_file": prepared.working_file.name}
    if digest is not None:
        write_durably(digest, [prepared.to_sign])
    write_durably(out, [json.dumps(told, ensure_ascii=False, indent=2).encode()])


def _say(prepared: Prepared, out: Path, notes: tuple[Message, ...], *, as_json: bool) -> None:
    digest = base64.b64encode(prepared.to_sign).decode()
    if as_json:
        told = [note.model_dump() for note in notes]
        method = {"scheme": prepared.scheme, "hash": prepared.hash_name, "to_sign": digest}
        emit_json({"schema": 1, "file": str(out), **method, "messages": told})
        return
    say(Text(f"Đang chờ chữ ký: {out}", f"Waiting for its signature: {out}"))
    say(
        Text(
            f"Cần ký giá trị băm này ({prepared.hash_name}, {prepared.scheme}):",
            f"The digest to sign ({prepared.hash_name}, {prepared.scheme}):",
        )
    )
    say(f"  {digest}")
    say(Text("Khi có chữ ký:", "When the signature is there:"))
    say(f"  edocx complete {shlex.quote(str(out))} --signature FILE --out FILE.pdf")
    say_notes(notes)
