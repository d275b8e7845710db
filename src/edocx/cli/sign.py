"""``edocx sign``: one file, signed by a person or sealed by an organisation; or a folder of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli import signing_options as options
from edocx.cli.destination import spare_inputs
from edocx.cli.output import emit_json, say
from edocx.cli.sign_folder import sign_folder
from edocx.cli.sign_look import SignLook, preview_sign
from edocx.cli.signing_means import LevelName, Means, Scheme, forget_old_task, open_key, require_out, say_notes
from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.signing.keys import Signer
    from edocx.signing.report import Message

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class _Container(StrEnum):
    PDF = "pdf"
    P7S = "p7s"
    ASICE = "asice"


_FILES: Any = typer.Argument(
    ..., metavar="FILE", help="PDF; thư mục; tệp bất kỳ với --format / a PDF, a folder, any files."
)
_SERVICES: Any = typer.Option(
    16, "--services", min=1, max=512, help="Số yêu cầu dấu thời gian cùng lúc / time-stamps asked for at once."
)


@app.command()
def sign(
    files: list[Path] = _FILES,
    key: str | None = options.KEY,
    role: options.Role = options.ROLE,
    out: Path | None = typer.Option(None, "--out", help="Tệp hoặc thư mục kết quả / the signed file or folder."),
    chain: Path | None = options.CHAIN,
    level: LevelName | None = options.LEVEL,
    tsa: list[str] = options.TSA,
    defer: bool = options.DEFER,
    trust: list[str] = options.TRUST,
    online: bool = options.ONLINE,
    registry: Path | None = options.REGISTRY,
    image: Path | None = options.IMAGE,
    reason: str | None = options.REASON,
    scheme: Scheme = options.SCHEME,
    container: _Container = typer.Option(_Container.PDF, "--format", help="pdf, p7s, asice."),
    near: str | None = options.NEAR,
    place: str | None = options.PLACE,
    field: str | None = options.FIELD,
    initials: bool = options.INITIALS,
    attachment: str | None = options.ATTACHMENT,
    number: str | None = options.NUMBER,
    issued_on: datetime | None = options.DATE,
    city: str | None = options.CITY,
    preview: Path | None = options.PREVIEW,
    fast: bool = typer.Option(False, "--fast", help="Ghi thẳng vào PDF đơn giản / append to plain PDFs directly."),
    jobs: int = typer.Option(2, "--jobs", min=1, max=64, help="Số việc song song với thư mục / for a folder."),
    services: int = _SERVICES,
    as_json: bool = options.JSON,
) -> None:
    """Ký (cá nhân) hoặc đóng dấu (cơ quan) một tệp hoặc cả thư mục. / Sign or seal a file or a folder."""
    look = SignLook(image, place, near, field, initials, attachment, number, issued_on, city)
    _require_shape(files, container, preview, look)
    look.check(role.value)
    means = Means.of(trust, registry, tsa, level, defer=defer, online=online, patient=files[0].is_dir())
    if preview is not None:
        spare_inputs(preview, (*files, image, key, chain, registry, *trust), option="--preview")
        shown = preview_sign(files[0], preview, role.value, look, means.at)
        say(Text(f"Bản xem trước (chưa ký): {shown}", f"Preview (not signed): {shown}"))
        return
    target = require_out(out)
    _require_kind(files[0], target)
    content = () if container is _Container.PDF else files  # a PDF is signed in place, others would be lost
    spare_inputs(target, (*content, image, key, chain, registry, *trust))
    signer = open_key(key, scheme, chain)
    if container is not _Container.PDF and not files[0].is_dir():
        _say_done(target, _other(files, target, signer, role.value, means, container), as_json=as_json)
    elif files[0].is_dir():
        raise typer.Exit(
            sign_folder(
                files[0], target, signer, role.value, look=look, means=means, reason=reason, fast=fast, jobs=jobs,
                services=services, as_json=as_json,
            )
        )  # fmt: skip
    else:
        notes = _sign_pdf(files[0], target, signer, role.value, look, means, reason=reason, fast=fast)
        _say_done(target, notes, as_json=as_json)


def _sign_pdf(
    file: Path, target: Path, signer: Signer, role: Any, look: SignLook, means: Means, *, reason: str | None, fast: bool
) -> tuple[Message, ...]:
    from edocx.signing.pdf.order import sign_as

    wanted = {**look.keywords(file, role, means.at), **means.levels()}
    notes = sign_as(
        file, target, signer, role, at=means.at, criteria=means.criteria, reason=reason, fast=fast, **wanted
    )
    forget_old_task(target, notes)
    return (*notes, *means.unchecked(notes))


def _require_shape(files: list[Path], container: _Container, preview: Path | None, look: SignLook) -> None:
    """Refuse what cannot go together, before any key is opened."""
    if len(files) > 1 and container is not _Container.ASICE:
        raise _usage(
            Text("Chỉ ký được nhiều tệp một lần trong một gói ASiC-E.", "Several files go into one ASiC-E only."),
            Text("Thêm --format asice, hoặc ký cả thư mục.", "Add --format asice, or sign a folder."),
        )
    if container is _Container.PDF:
        return
    if preview is not None or look != SignLook():
        raise _usage(
            Text("Chữ ký p7s và ASiC-E không hiện trên trang nào.", "A p7s or ASiC-E signature shows on no page."),
            Text(
                "Bỏ các tùy chọn về hình, vị trí và xem trước, hoặc dùng --format pdf.",
                "Leave image, place and preview out, or use --format pdf.",
            ),
        )


def _require_kind(file: Path, out: Path) -> None:
    """Refuse a folder as the name of one result, and a file as the folder of several, before any key is opened."""
    if file.is_dir() and out.exists() and not out.is_dir():
        text = Text("Ký cả thư mục thì kết quả cũng phải là thư mục.", "A folder's results need a folder.")
        hint = Text("Chọn một thư mục cho --out.", "Name a folder with --out.")
    elif out.is_dir() and not file.is_dir():
        text = Text("Nơi ghi kết quả là một thư mục.", "The place for the result is a folder.")
        hint = Text(f"Ghi cả tên tệp: --out {out / file.name}.", f"Name the file too: --out {out / file.name}.")
    else:
        return
    raise UsageError(text, hint=hint, code="EDX-USAGE-OUT", where=str(out))


def _say_done(out: Path, notes: tuple[Message, ...], *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": 1, "file": str(out), "messages": [note.model_dump() for note in notes]})
        return
    say(Text(f"Đã ký: {out}", f"Signed: {out}"))
    say_notes(notes)


def _other(
    files: list[Path], out: Path, signer: Signer, role: Any, means: Means, container: _Container
) -> tuple[Message, ...]:
    from edocx.signing.fitness import check_certificate
    from edocx.signing.pdf.extend import require_means

    highest = "B-LT" if container is _Container.ASICE else "B-T"
    levels = [one.value for one in LevelName]
    if means.defer or levels.index(means.level) > levels.index(highest):
        raise _usage(
            Text(
                f"Dạng {container} chỉ ký được đến mức {highest}, và không hoãn được.",
                f"{container} goes up to {highest}, and cannot be put off.",
            ),
            Text(f"Dùng --level {highest} hoặc thấp hơn, bỏ --defer.", f"Use {highest} or less, without --defer."),
        )
    if means.level != "B-B":
        require_means(means.level, means.timestamps, means.evidence)
    notes = check_certificate(signer, role, means.at, means.criteria, means.evidence)
    timestamps = means.timestamps if means.level != "B-B" else None
    if container is _Container.P7S:
        from edocx.signing.cms.sign import sign_file

        sign_file(files[0], out, signer, at=means.at, timestamps=timestamps)
    else:
        from edocx.signing.container.sign import sign_files

        evidence = means.evidence if means.level == "B-LT" else None
        sign_files(files, out, signer, at=means.at, timestamps=timestamps, evidence=evidence)
    return (*notes, *means.unchecked())


def _usage(text: Text, hint: Text) -> UsageError:
    return UsageError(text, hint=hint, code="EDX-USAGE-SIGN")
