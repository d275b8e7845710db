"""``edocx envelope``: read, write, check, and the JSON Schema of the record.

These commands stay small in memory: nothing here may import sqlalchemy, structlog, rich or pyhanko, and cryptography
and ASN.1 only where there is a seal.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.destination import spare_inputs
from edocx.cli.output import emit_json, error_json, fail, say
from edocx.errors import EdocxError, InputError, Text, UsageError

if TYPE_CHECKING:
    from edocx.envelope import Envelope, Reading
    from edocx.signing.report import Report

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
    trust: list[str] = typer.Option([], "--trust", metavar="DIR|FILE|PACK", help="Tin ai về con dấu / whom to trust."),
    registry: Path | None = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry."),
    strict: bool = typer.Option(
        False, "--strict", help="Mã thoát 1 khi có lỗi, dấu hỏng / exit 1 on an error or a failed seal."
    ),
) -> None:
    """Đọc một phong bì, nói rõ mọi chỗ bất thường. / Read an envelope and say all that is odd."""
    from edocx.cli.envelope_view import show
    from edocx.envelope import extract as take_out
    from edocx.envelope import rules
    from edocx.envelope.record import to_record

    with _opened(file, as_json=as_json) as reading:
        paths = take_out(reading.envelope, extract) if extract else []
        seal = _judge_seal(reading, file, trust, registry)
        if as_json:
            emit_json(to_record(reading, file=str(file), extracted=paths, seal=seal.to_json() if seal else None))
        else:
            show(reading, paths)
            if seal is not None:
                from edocx.cli.verify_view import show as show_seal

                show_seal(seal)
        failed = rules.has_errors(reading.findings) or (seal is not None and seal.indication == "TOTAL-FAILED")
        raise typer.Exit(1 if strict and failed else 0)


@app.command()
def write(
    header: Path = typer.Argument(..., metavar="HEADER.json", help="Như `read --json` / as `read --json` prints."),
    attach: list[Path] = typer.Option([], "--attach", metavar="FILE", help="Tệp đính kèm / attachment."),
    out: Path = typer.Option(..., "--out", metavar="FILE", help="Phong bì kết quả / the envelope."),
    seal: str | None = typer.Option(
        None, "--seal", metavar="URI", help="Khóa đóng dấu / the agency's key: file:…, pkcs11:…"
    ),
    chain: Path | None = typer.Option(None, "--chain", help="Chứng thư của khóa / the key's certificates."),
    detached: bool = typer.Option(False, "--detached-seal", help="Kèm con dấu tách rời / add the seal as a file too."),
    tsa: list[str] = typer.Option(
        [], "--tsa", metavar="URL", help="Dấu thời gian cho con dấu / timestamp for the seal."
    ),
    trust: list[str] = typer.Option([], "--trust", help="Gốc, CRL để đạt B-LT / roots and CRLs for B-LT."),
    peer: _Peer = typer.Option(_Peer.AXIS, "--for", help="Bên nhận / the peer."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Ghi một phong bì từ thông tin JSON và các tệp, có thể đóng dấu. / Write an envelope, sealed if given a key."""
    from edocx.envelope import compose

    spare_inputs(out, (header, *attach, seal, chain, *trust))
    level = None
    if seal is None:
        if detached or tsa or chain:
            raise _without_key()
        skeleton = compose(load(header, attach), peer.value)
    else:
        from edocx.cli.envelope_seal import sealed

        skeleton, level = sealed(
            load(header, attach), seal, peer=peer.value, chain=chain, tsa=tsa, trust=trust, detached=detached
        )
    blob = skeleton.save(out)
    if as_json:
        emit_json({"schema": 1, "file": str(out), "size": blob.size, "sha256": blob.sha256, "seal": level})
        return
    how = Text(f", đóng dấu mức {level}", f", sealed at {level}") if level else Text("", "")
    say(Text(f"Đã ghi {out} ({blob.size} byte{how.vi}).", f"Wrote {out} ({blob.size} bytes{how.en})."))


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
    from edocx.envelope.limits import Limits
    from edocx.envelope.record import from_record

    envelope = from_record(_record(header))
    most = Limits().attachment_bytes  # what no reader takes is not written either
    files = tuple(
        Attachment(name=name, media_type=media.type_of(name), content=Blob.from_path(path, limit=most))
        for path in attachments
        for name in (filenames.cleaned(path.name),)
    )
    return envelope.model_copy(update={"attachments": files})


def _record(header: Path) -> Any:
    import json

    from edocx.content import Blob

    data = Blob.from_path(header, limit=MAX_RECORD).read()
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(
            Text("Tệp thông tin không phải là JSON.", "The record is not JSON."),
            hint=Text("Xem `edocx envelope schema`.", "See `edocx envelope schema`."),
            code="EDX-RECORD",
            where=str(header),
        ) from error


def _judge_seal(reading: Reading, file: Path, trust: list[str], registry: Path | None) -> Report | None:
    """Judge the seal when there is one or what is left of one; an envelope without costs none of the imports."""
    from edocx.envelope import names

    signed = ("Signature", "SignedInfo", "SignatureValue")
    found = reading.skeleton.iter(*(f"{{*}}{name}" for name in signed))
    # A bent seal must not pass for none; the dummy in an envelope's own namespace is none.
    held = any(names.namespace(str(element.tag)) not in names.ENVELOPES for element in found)
    if not held and all(item.name != names.SEAL_FILE for item in reading.envelope.attachments):
        return None
    from edocx.cli.envelope_seal import judge

    return judge(reading, file, trust, registry)


def _without_key() -> UsageError:
    return UsageError(
        Text("Thiếu khóa để đóng dấu.", "There is no key to seal with."),
        hint=Text("Thêm --seal URI, hoặc bỏ các tùy chọn của con dấu.", "Add --seal URI, or drop the seal's options."),
        code="EDX-USAGE-SEAL",
    )


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
