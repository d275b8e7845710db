"""``edocx envelope``: read, write, check, and the JSON Schema of the record.

These commands stay small in memory: nothing here may import sqlalchemy, structlog, rich or pyhanko.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import emit_json, error_json, fail, say
from edocx.errors import EdocxError, InputError, Text

if TYPE_CHECKING:
    from edocx.envelope import Envelope, Reading

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

MAX_RECORD = 4 * 1024 * 1024
"""Most bytes of a HEADER.json: it holds a header, never files."""


class _Peer(StrEnum):
    AXIS = "axis"
    LGSP = "lgsp"
    DOTNET = "dotnet"


@app.command()
def read(
    file: Path = typer.Argument(..., metavar="FILE", help="Phong bì edXML / envelope."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
    extract: Path | None = typer.Option(None, "--extract", metavar="DIR", help="Tách tệp đính kèm / take files out."),
    strict: bool = typer.Option(False, "--strict", help="Mã thoát 1 khi có lỗi / exit 1 on an error finding."),
) -> None:
    """Đọc một phong bì, nói rõ mọi chỗ bất thường. / Read an envelope and say all that is odd."""
    from edocx.cli.envelope_view import show
    from edocx.envelope import extract as take_out
    from edocx.envelope import rules
    from edocx.envelope.record import to_record

    with _opened(file, as_json=as_json) as reading:
        paths = take_out(reading.envelope, extract) if extract else []
        if as_json:
            emit_json(to_record(reading, file=str(file), extracted=paths))
        else:
            show(reading, paths)
        raise typer.Exit(1 if strict and rules.has_errors(reading.findings) else 0)


@app.command()
def write(
    header: Path = typer.Argument(..., metavar="HEADER.json", help="Như `read --json` / as `read --json` prints."),
    attach: list[Path] = typer.Option([], "--attach", metavar="FILE", help="Tệp đính kèm / attachment."),
    out: Path = typer.Option(..., "--out", metavar="FILE", help="Phong bì kết quả / the envelope."),
    peer: _Peer = typer.Option(_Peer.AXIS, "--for", help="Bên nhận / the peer."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Ghi một phong bì từ thông tin JSON và các tệp. / Write an envelope from its JSON record and files."""
    from edocx.envelope import write as write_envelope

    blob = write_envelope(load(header, attach), out, peer.value)
    if as_json:
        emit_json({"schema": 1, "file": str(out), "size": blob.size, "sha256": blob.sha256})
    else:
        say(Text(f"Đã ghi {out} ({blob.size} byte).", f"Wrote {out} ({blob.size} bytes)."))


@app.command()
def check(
    file: Path = typer.Argument(..., metavar="FILE", help="Phong bì edXML / envelope."),
    peer: _Peer = typer.Option(_Peer.AXIS, "--for", help="Bên nhận / the peer."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Nói trước khi gửi: bên nhận sẽ vướng ở đâu. / Say before sending what a peer will choke on."""
    from edocx.cli.envelope_view import show_findings
    from edocx.envelope import rules
    from edocx.envelope.peers import check_for

    with _opened(file, as_json=as_json) as reading:
        findings = check_for(reading, peer.value)
        if as_json:
            shown = [finding.model_dump() for finding in findings]
            emit_json({"schema": 1, "file": str(file), "for": peer.value, "findings": shown})
        else:
            show_findings(findings)
        raise typer.Exit(1 if rules.has_errors(findings) else 0)


@app.command()
def schema() -> None:
    """In lược đồ JSON của thông tin phong bì. / Print the JSON Schema of the record."""
    from edocx.envelope.record import schema as record_schema

    emit_json(record_schema())


def load(header: Path, attachments: list[Path]) -> Envelope:
    """Return the envelope that a record file and a list of files describe; raise `InputError` for a bad record."""
    from edocx.content import Blob
    from edocx.envelope import Attachment, filenames, media
    from edocx.envelope.record import from_record

    envelope = from_record(_record(header))
    files = tuple(
        Attachment(name=name, media_type=media.type_of(name), content=Blob.from_path(path))
        for path in attachments
        for name in (filenames.cleaned(path.name),)
    )
    return envelope.model_copy(update={"attachments": files})


def _record(header: Path) -> Any:
    import json

    from edocx.content import Blob

    data = Blob.from_path(header).read(limit=MAX_RECORD)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(
            Text("Tệp thông tin không phải là JSON.", "The record is not JSON."),
            hint=Text("Xem `edocx envelope schema`.", "See `edocx envelope schema`."),
            code="EDX-RECORD",
            where=str(header),
        ) from error


def _opened(file: Path, *, as_json: bool) -> Reading:
    """Open an envelope, or say why it cannot be read, with the file's name, and exit."""
    from edocx.envelope import open_envelope

    try:
        return open_envelope(file)
    except EdocxError as error:
        if as_json:
            emit_json({"schema": 1, "file": str(file), "error": error_json(error)})
            raise typer.Exit(error.exit_code) from error
        error.where = f"{file}: {error.where}" if error.where else str(file)
        raise typer.Exit(fail(error)) from error
