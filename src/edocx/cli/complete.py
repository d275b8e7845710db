"""``edocx complete``: a signature made elsewhere goes into the file that ``edocx prepare`` left."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.cli import signing_options as options
from edocx.cli.destination import spare_inputs
from edocx.cli.output import emit_json, say
from edocx.cli.signing_means import Means, require_out, say_notes
from edocx.errors import Text

if TYPE_CHECKING:
    from edocx.signing.pdf.prepared import Prepared

app = typer.Typer(add_completion=False, rich_markup_mode=None)

MAX_WAITING = 4 * 1024 * 1024
"""Bytes of what waits for a signature: against files without end."""

MAX_SIGNATURE = 64 * 1024
"""Bytes of a signature: RSA-4096 has 512, or 684 letters of base64."""


@app.command()
def complete(
    waiting: Path = typer.Argument(..., metavar="JSON", help="Tệp mà edocx prepare để lại / what prepare left."),
    signature: Path = typer.Option(..., "--signature", help="Chữ ký: nhị phân hoặc base64 / raw or base64."),
    out: Path = typer.Option(..., "--out", help="Tệp đã ký / the signed file."),
    tsa: list[str] = options.TSA,
    trust: list[str] = options.TRUST,
    online: bool = options.ONLINE,
    registry: Path | None = options.REGISTRY,
    as_json: bool = options.JSON,
) -> None:
    """Hoàn tất chữ ký đã chuẩn bị. / Complete a prepared signature; a wrong one changes nothing."""
    from edocx.signing.pdf.completion import complete_as

    means = Means.of(trust, registry, tsa, None, defer=False, online=online)
    spare_inputs(require_out(out), (waiting, signature, registry, *trust))
    prepared = _read(waiting)
    notes = complete_as(
        prepared, _signature(signature), out, at=means.at, criteria=means.criteria, evidence=means.evidence,
        timestamps=means.timestamps,
    )  # fmt: skip
    waiting.unlink(missing_ok=True)  # what it named is signed now, and has its name
    notes += means.unchecked()
    if as_json:
        emit_json({"schema": 1, "file": str(out), "messages": [note.model_dump() for note in notes]})
        return
    say(Text(f"Đã ký: {out}", f"Signed: {out}"))
    say_notes(notes)


def _read(waiting: Path) -> Prepared:
    from edocx.content import Blob
    from edocx.signing.pdf.prepared import Prepared, damaged_prepared

    try:
        told = json.loads(Blob.from_path(waiting).read(MAX_WAITING))
    except (ValueError, RecursionError) as error:  # lists within lists without end are JSON too
        raise damaged_prepared(str(waiting)) from error
    if not isinstance(told, dict):
        raise damaged_prepared(str(waiting))
    prepared = Prepared.from_json(told, where=str(waiting))
    # Only the file beside it is ever written to, whatever the name says: this JSON may come from anybody.
    return prepared.model_copy(update={"working_file": waiting.parent / prepared.working_file.name})


def _signature(path: Path) -> bytes:
    from edocx.content import Blob

    data = Blob.from_path(path).read(MAX_SIGNATURE)
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        return data
