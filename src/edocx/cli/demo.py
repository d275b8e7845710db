"""``edocx demo``: one official letter, signed, sealed, routed through four levels, verified and answered."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import emit_json, language, say
from edocx.errors import Text

if TYPE_CHECKING:
    from edocx.testing.story import Moment, Story

app = typer.Typer(add_completion=False, rich_markup_mode=None)

WIDTH = 78
"""Columns a line of commands may take: a terminal has 80, and they are indented by two."""

_WHO = 22
"""Width of the column of names, so that the timeline fits 80 columns."""


@app.command()
def demo(
    pdf: Path | None = typer.Option(None, "--pdf", help="Dùng tệp PDF này làm văn bản / use this PDF as the document."),
    keep: Path | None = typer.Option(None, "--keep", help="Giữ mọi thứ trong thư mục này / keep everything here."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Một văn bản thật đi qua bốn cấp, từ xã đến Văn phòng Chính phủ. / One document through four levels and back."""
    from edocx.testing.network import Network
    from edocx.testing.story import Story

    if pdf is not None:
        _require_signable(pdf)
    folder = keep or Path(tempfile.mkdtemp(prefix="edocx-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not as_json:
        _introduce()
    with Network.four_levels(folder, key="rsa2048") as network:
        story = Story(network, pdf)
        told = 0
        for doing in story.steps():
            told = _tell(story, told, quiet=as_json)
            _progress(doing, quiet=as_json)
        told = _tell(story, told, quiet=as_json)
        files = story.keep()
        reports = _verify(story, files)
        if as_json:
            emit_json(_as_json(story, files, reports))
        else:
            _conclude(story, files, reports, kept=keep is not None)
    if any(report.indication != "TOTAL-PASSED" for report in reports.values()):
        raise typer.Exit(1)


def _require_signable(pdf: Path) -> None:
    """Refuse a file that the story could not sign before anything is made of it."""
    from edocx.signing.pdf.form import make_form
    from edocx.signing.pdf.placing import layout_for

    with tempfile.TemporaryDirectory(prefix="edocx-demo-") as trial:
        make_form(pdf, Path(trial) / "form.pdf", layout_for(pdf))


def _introduce() -> None:
    say(
        Text(
            "Xã Bình Đức (Tiền Giang), tháng 6/2023, khi còn bốn cấp hành chính.\n"
            "Khóa, con dấu và người ký đều là mẫu thử, không có giá trị pháp lý.\n",
            "Bình Đức commune (Tiền Giang), June 2023, when there were four levels.\n"
            "Keys, seal and people are samples without legal value.\n",
        )
    )


def _progress(doing: Text, *, quiet: bool) -> None:
    if not quiet and sys.stderr.isatty():
        line = f"… {doing.in_language(language())}"
        sys.stderr.write(f"\r\x1b[2K{line[:78]}")
        sys.stderr.flush()


def _tell(story: Story, told: int, *, quiet: bool) -> int:
    if story.document is None or quiet:
        return told
    moments = story.timeline()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()
    for moment in moments[told:]:
        _line(moment)
    return len(moments)


def _line(moment: Moment) -> None:
    from edocx.clock import in_vietnam

    lang = language()
    level = moment.station.level.label.in_language(lang)
    who = moment.station.name.replace("Ủy ban nhân dân", "UBND")[:_WHO]
    what = moment.what.in_language(lang)
    say(f"{in_vietnam(moment.at):%d/%m %H:%M}  {level:<10} {who:<{_WHO}} {moment.status or '  '} {what}")


def _verify(story: Story, files: dict[str, Path]) -> dict[str, Any]:
    from edocx.units.registry import CsvRegistry
    from edocx.verification import verify

    registry = CsvRegistry.from_path(files["registry"])
    trust = story.network.trust
    return {name: verify(files[name], trust=trust, registry=registry) for name in ("document", "envelope")}


def _conclude(story: Story, files: dict[str, Path], reports: dict[str, Any], *, kept: bool) -> None:
    lang = language()
    say(
        Text(
            "\nKết quả, theo các trạng thái có niêm phong mà xã nhận được:",
            "\nThe outcome, by the sealed statuses that came back:",
        )
    )
    for result in story.results():
        mark = "✓" if result.handling == "completed" else "✗"
        say(f"  {mark} {result.station.name}: {result.handling.label.in_language(lang)}")
        say(f"      {' → '.join(result.way)}")
        if result.reason:
            say(f"      “{result.reason}”")
    say(Text("\nKiểm tra lại:", "\nVerified again:"))
    for name, report in reports.items():
        say(f"  {files[name].name}: {report.indication} ({len(report.signatures)})")
    folder = story.network.folder
    say(Text(f"\nTệp nằm trong {folder}", f"\nThe files are in {folder}"))
    if not kept:
        say(
            Text("  (thư mục tạm; dùng --keep DIR để chọn chỗ)", "  (a temporary folder; --keep DIR chooses the place)")
        )
    say(Text("Kiểm tra bằng công cụ của người khác:", "Check them with other people's tools:"))
    for line in _commands(folder):
        say(f"  {line}")


def _commands(folder: Path) -> list[str]:
    return [
        f"cd {shlex.quote(str(folder))}",
        "pdfsig document.pdf",
        "qpdf --check document.pdf",
        "xmlsec1 --verify --trusted-pem trust/root.crt \\",
        "  --untrusted-pem trust/state.crt \\",
        "  --id-attr:Id MessageHeader --id-attr:Id Bussiness \\",
        "  --id-attr:Id edXMLBody --id-attr:Id ContentTransferEncoded \\",
        "  --id-attr:Id SignedProperties envelope.edxml",
        *in_width(_own_name(), "verify document.pdf envelope.edxml --trust trust"),
    ]


def in_width(program: str, arguments: str) -> list[str]:
    """Break a command after its program where the two do not fit one line of a terminal."""
    whole = f"{program} {arguments}"
    return [whole] if len(whole) <= WIDTH else [f"{program} \\", f"  {arguments}"]


def _own_name() -> str:
    """Return how a shell calls this very program: ``make demo`` does not put it on the PATH."""
    if shutil.which("edocx"):
        return "edocx"
    beside = Path(sys.executable).with_name("edocx")
    return shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m edocx"


def _as_json(story: Story, files: dict[str, Path], reports: dict[str, Any]) -> dict[str, Any]:
    assert story.document is not None
    return {
        "schema": 1,
        "document_id": str(story.document.id),
        "number": str(story.document.number),
        "folder": str(story.network.folder),
        "files": {name: str(path) for name, path in files.items()},
        "timeline": [
            {
                "at": moment.at.isoformat(),
                "unit": moment.station.code,
                "name": moment.station.name,
                "level": moment.station.level.value,
                "status": moment.status,
                "vi": moment.what.vi,
                "en": moment.what.en,
            }
            for moment in story.timeline()
        ],
        "results": [
            {
                "unit": result.station.code,
                "name": result.station.name,
                "way": list(result.way),
                "handling": str(result.handling),
                "reason": result.reason,
            }
            for result in story.results()
        ],
        "verdicts": {name: str(report.indication) for name, report in reports.items()},
        "check": _commands(story.network.folder),
    }
