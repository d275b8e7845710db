"""``edocx sign``: one file, signed by a person or sealed by an organisation; or a folder of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import emit_json, language, say
from edocx.cli.signing_means import LevelName, ask_secret, evidence_from, timestamps_from
from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.signing.keys import Signer
    from edocx.signing.report import Message

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class _Role(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class _Scheme(StrEnum):
    PKCS1V15 = "pkcs1v15"
    PSS = "pss"


class _Container(StrEnum):
    PDF = "pdf"
    P7S = "p7s"
    ASICE = "asice"


@app.command()
def sign(
    file: Path = typer.Argument(..., help="PDF; thư mục; tệp bất kỳ với --format / a PDF, a folder, any file."),
    key: str = typer.Option(..., "--key", help="file:key.p12, pkcs11:token=…, csc:https://…"),
    role: _Role = typer.Option(..., "--as", help="Cá nhân hay cơ quan / person or organisation."),
    out: Path | None = typer.Option(None, "--out", help="Tệp hoặc thư mục kết quả / the signed file or folder."),
    chain: Path | None = typer.Option(None, "--chain", help="Chứng thư của khóa / the key's certificates."),
    level: LevelName | None = typer.Option(None, "--level", help="B-B, B-T, B-LT, B-LTA."),
    tsa: list[str] = typer.Option([], "--tsa", metavar="URL", help="Dịch vụ dấu thời gian / time-stamping service."),
    defer: bool = typer.Option(
        False, "--defer", help="Không có dấu thời gian thì ký B-B trước / B-B if no TSA answers."
    ),
    trust: list[str] = typer.Option([], "--trust", help="Kho tin cậy / trusted roots."),
    online: bool = typer.Option(False, "--online", help="Hỏi OCSP, tải CRL / ask OCSP, fetch CRLs."),
    registry: Path | None = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry."),
    image: Path | None = typer.Option(None, "--image", help="Ảnh chữ ký hoặc con dấu / image (PNG)."),
    reason: str | None = typer.Option(None, "--reason", help="Lý do / reason."),
    scheme: _Scheme = typer.Option(_Scheme.PKCS1V15, "--scheme", help="RSA."),
    container: _Container = typer.Option(_Container.PDF, "--format", help="pdf, p7s, asice."),
    near: str | None = typer.Option(None, "--near", metavar="TEXT", help="Đặt trên dòng chữ này / above this text."),
    preview: Path | None = typer.Option(
        None, "--preview", metavar="PNG", help="Xem trước, không ký / show, do not sign."
    ),
    fast: bool = typer.Option(False, "--fast", help="Ghi thẳng vào PDF đơn giản / append to plain PDFs directly."),
    jobs: int = typer.Option(2, "--jobs", min=1, max=64, help="Số việc song song với thư mục / for a folder."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Ký (cá nhân) hoặc đóng dấu (cơ quan) một tệp hoặc cả thư mục. / Sign or seal a file or a folder."""
    from edocx.signing.certificate import load_chain
    from edocx.signing.keys import open_signer
    from edocx.signing.pdf.appearance import Appearance

    appearance = Appearance(image=image) if image else None
    if preview is not None:
        _preview(file, preview, role.value, appearance, near)
        return
    if out is None:
        raise UsageError(
            Text("Thiếu nơi ghi kết quả.", "The place for the result is missing."),
            hint=Text("Thêm --out TỆP.", "Add --out FILE."),
            code="EDX-USAGE-OUT",
        )
    signer = open_signer(key, ask_secret, scheme=scheme.value, certificates=load_chain([chain]) if chain else ())
    options = {
        "appearance": appearance,
        "reason": reason,
        "level": level.value if level else ("B-T" if tsa else "B-B"),
        "unstamped": "defer" if defer else "fail",
        "fast": fast,
        **_means(trust, registry, tsa, online=online),
    }
    if file.is_dir():
        _folder(file, out, signer, role.value, options, jobs=jobs, as_json=as_json)
    elif container is not _Container.PDF:
        _say_done(out, _other(file, out, signer, role.value, options, container), as_json=as_json)
    else:
        from edocx.signing.pdf.order import sign_as

        if near is not None:
            from edocx.signing.pdf.page_text import box_above

            options["box"] = box_above(file, near)
        _say_done(out, sign_as(file, out, signer, role.value, **options), as_json=as_json)


def _means(trust: list[str], registry: Path | None, tsa: list[str], *, online: bool) -> dict[str, Any]:
    from edocx.cli.verify_run import trust_from
    from edocx.clock import SystemClock
    from edocx.signing.judgement import Criteria

    now = SystemClock().now()
    store = trust_from(trust)
    known = None
    if registry is not None:
        from edocx.units.registry import CsvRegistry

        known = CsvRegistry.from_path(registry)
    return {
        "at": now,
        "criteria": Criteria(store, now, known) if trust or known else None,
        "timestamps": timestamps_from(tsa, store),
        "evidence": evidence_from(store, online=online),
    }


def _say_done(out: Path, notes: tuple[Message, ...], *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": 1, "file": str(out), "messages": [note.model_dump() for note in notes]})
        return
    say(Text(f"Đã ký: {out}", f"Signed: {out}"))
    for note in notes:
        say(f"  ! {note.vi if language() == 'vi' else note.en}  [{note.code}]")


def _preview(file: Path, preview: Path, role: str, appearance: Any, near: str | None) -> None:
    from edocx.signing.pdf.preview import preview_page

    shown = preview_page(file, preview, role=role, appearance=appearance, near=near)  # type: ignore[arg-type]
    say(Text(f"Bản xem trước (chưa ký): {shown}", f"Preview (not signed): {shown}"))


def _other(
    file: Path, out: Path, signer: Signer, role: str, options: dict[str, Any], container: _Container
) -> tuple[Message, ...]:
    from edocx.signing.pdf.order import check_certificate

    check_certificate(signer, role, options["at"], options["criteria"])  # type: ignore[arg-type]
    timestamps = options["timestamps"] if options["level"] != "B-B" else None
    if container is _Container.P7S:
        from edocx.signing.cms.sign import sign_file

        sign_file(file, out, signer, at=options["at"], timestamps=timestamps)
    else:
        from edocx.signing.container.sign import sign_files

        sign_files([file], out, signer, at=options["at"])
    return ()


def _folder(
    folder: Path, out: Path, signer: Signer, role: str, options: dict[str, Any], *, jobs: int, as_json: bool
) -> None:
    from edocx.cli.sign_folder import sign_folder

    raise typer.Exit(sign_folder(folder, out, signer, role, options, jobs=jobs, as_json=as_json))
