"""``edocx extend``: lift the signatures of a PDF to a level that outlives their certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.destination import spare_inputs
from edocx.cli.output import emit_json, error_json, language, say
from edocx.cli.signing_means import LevelName, evidence_from, say_notes, timestamps_from, unchecked_services
from edocx.errors import EdocxError, StateError, Text

if TYPE_CHECKING:
    from edocx.signing.report import Message

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def extend(
    file: Path = typer.Argument(..., help="PDF; không có --to: tệp hoặc thư mục còn việc hoãn / file or folder."),
    to: LevelName | None = typer.Option(
        None, "--to", help="B-T, B-LT, B-LTA (mặc định: mức đã hoãn) / (default: the level that was put off)."
    ),
    out: Path | None = typer.Option(
        None, "--out", help="Tệp kết quả (mặc định: tại chỗ) / result (default: in place)."
    ),
    tsa: list[str] = typer.Option([], "--tsa", metavar="URL", help="Dịch vụ dấu thời gian / time-stamping service."),
    trust: list[str] = typer.Option([], "--trust", help="Gốc tin cậy, trung gian, CRL / roots, intermediates, CRLs."),
    evidence: list[str] = typer.Option([], "--evidence", help="CRL, OCSP, trung gian / CRLs, OCSP, intermediates."),
    online: bool = typer.Option(False, "--online", help="Hỏi OCSP, tải CRL / ask OCSP, fetch CRLs."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Nâng mức chữ ký: dấu thời gian, bằng chứng thu hồi, lưu trữ. / Lift signatures: time, evidence, archive."""
    from edocx.cli.verify_run import trust_from
    from edocx.clock import SystemClock
    from edocx.signing.pdf.deferred import drop_task
    from edocx.signing.pdf.extend import extend_file

    store = trust_from(trust)
    held = evidence_from(store | trust_from(evidence).as_evidence(), online=online)
    services = timestamps_from(tsa, store, patient=to is None)
    now = SystemClock().now()
    if to is None:
        means = {"at": now, "timestamps": services, "evidence": held}
        notes = unchecked_services("", services, trusting=bool(store.anchors))
        raise typer.Exit(_settle_all(file, means, notes, as_json=as_json))
    target = out or file
    spare_inputs(target, (*trust, *evidence))
    extend_file(file, target, to.value, at=now, timestamps=services, evidence=held)
    if target == file:
        drop_task(file)
    notes = unchecked_services(to.value, services, trusting=bool(store.anchors))
    if as_json:
        emit_json(
            {"schema": 1, "file": str(target), "level": to.value, "messages": [note.model_dump() for note in notes]}
        )
        return
    say(Text(f"Đã nâng lên {to.value}: {target}", f"Lifted to {to.value}: {target}"))
    say_notes(notes)


def _settle_all(place: Path, means: dict[str, Any], notes: tuple[Message, ...], *, as_json: bool) -> int:
    """Do what was put off for a file or a folder; what cannot be done now stays noted."""
    from edocx.signing.pdf.deferred import SUFFIX, notes_in, read_task, settle

    rows: list[dict[str, Any]] = []
    code = 0
    for note in notes_in(place):
        row: dict[str, Any] = {"file": str(note).removesuffix(SUFFIX), "level": None, "since": None, "error": None}
        error: EdocxError | None = None
        try:
            task = read_task(note)
            row |= {"level": task.level, "since": task.since.isoformat()}
            settle(task, **means)
        except EdocxError as failed:
            error = failed
            row["error"] = error_json(error)
            code = max(code, failed.exit_code)
        rows.append(row)
        if not as_json:
            _show(row["file"], row["level"], error)
    if not rows and not place.is_dir():
        raise _nothing(place)
    left = sum(row["error"] is not None for row in rows)
    said = notes if left < len(rows) else ()
    if as_json:
        messages = [note.model_dump() for note in said]
        emit_json({"schema": 1, "lifted": len(rows) - left, "left": left, "files": rows, "messages": messages})
    elif not rows:
        say(Text("Không còn việc nâng mức nào bị hoãn ở đây.", "Nothing that was put off is left here."))
    else:
        say_notes(said)
    return code


def _show(file: str, level: str | None, error: EdocxError | None) -> None:
    if error is None:
        say(Text(f"Đã nâng lên {level}: {file}", f"Lifted to {level}: {file}"))
        return
    reason = error.text.in_language(language())
    say(Text(f"Chưa nâng được: {file}  {reason} [{error.code}]", f"Not lifted yet: {file}  {reason} [{error.code}]"))


def _nothing(file: Path) -> StateError:
    return StateError(
        Text("Tệp này không có việc nâng mức nào bị hoãn.", "Nothing was put off for this file."),
        hint=Text("Thêm --to B-T, B-LT hoặc B-LTA.", "Add --to B-T, B-LT or B-LTA."),
        code="EDX-LIFT-NOTHING",
        where=str(file),
    )
