"""What an office can be asked about its work: ``edocx office register | void | overdue | check-bundle``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from edocx.cli.office_care import JSON, OFFICE, opened
from edocx.cli.office_view import moment, show_table
from edocx.cli.output import emit_json, language, say
from edocx.errors import Text

_STATES = {
    "reserved": Text("giữ chỗ", "reserved"),
    "issued": Text("đã cấp", "issued"),
    "voided": Text("đã hủy", "voided"),
    "missing": Text("thiếu", "missing"),
}


class _Book(StrEnum):
    OUT = "out"
    IN = "in"


def register(
    book: _Book = typer.Argument(..., help="out: sổ đi, in: sổ đến / which book."),
    year: int | None = typer.Option(None, "--year", help="Năm / year."),
    search: str = typer.Option("", "--search", help="Tìm, không cần dấu / words, diacritics optional."),
    to_csv: Path | None = typer.Option(None, "--csv", metavar="FILE", help="Xuất CSV / export."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Sổ văn bản đi, đến: xem, tìm, xuất. / The registers: read, search, export."""
    from edocx.clock import SystemClock, in_vietnam
    from edocx.content import write_durably
    from edocx.office import registers

    with opened(office) as desk:
        lines = desk.register(book.value, year or in_vietnam(SystemClock().now()).year, search=search)
    if to_csv is not None:
        # With a byte order mark: without it Excel reads Vietnamese letters as something else.
        write_durably(to_csv, [registers.to_csv(lines).encode("utf-8-sig")])
    if as_json:
        emit_json({"schema": 1, "lines": [line.model_dump(mode="json") for line in lines]})
        return
    heads = (Text("Số", "No."), Text("Trạng thái", "State"), Text("Văn bản", "Document"), Text("Trích yếu", "Subject"))
    mark = {True: "! ", False: ""}
    show_table(
        heads,
        (
            [
                str(line.ordinal),
                _STATES[line.state].in_language(language()),
                f"{mark[line.duplicate]}{line.number or ''}",
                line.reason or line.subject or "",
            ]
            for line in lines
        ),
    )


def void(
    draft: str = typer.Argument(..., metavar="DRAFT", help="Mã dự thảo / the draft's id."),
    reason: str = typer.Option(..., "--reason", help="Lý do / reason."),
    by: str = typer.Option(..., "--by", help="Tài khoản người thực hiện / who does it."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Hủy số đã giữ cho dự thảo, nêu lý do. / Void the number reserved for a draft."""
    with opened(office) as desk:
        number = desk.void(draft, reason, by=by)
    if as_json:
        emit_json({"schema": 1, "number": number})
    else:
        say(Text(f"Đã hủy số {number}; sổ giữ lại lý do.", f"Voided number {number}; the register keeps the reason."))


def overdue(office: Path = OFFICE, as_json: bool = JSON) -> None:
    """Việc quá hạn: gửi, tiếp nhận, trả lời, xử lý xong. / What is past its deadline."""
    with opened(office) as desk:
        found = desk.overdue()
    if as_json:
        rows = [
            {"duty": str(one.duty), "document_id": one.document_id, "unit": one.unit, "due": one.due.isoformat()}
            for one in found
        ]
        emit_json({"schema": 1, "overdue": rows})
    elif not found:
        say(Text("Không có việc quá hạn.", "Nothing is overdue."))
    else:
        heads = (Text("Hạn", "Due"), Text("Việc", "Duty"), Text("Cơ quan", "Unit"), Text("Văn bản", "Document"))
        lang = language()
        rows_shown = (
            [moment(one.due), _DUTY[one.duty].in_language(lang), one.unit or "", one.document_id] for one in found
        )
        show_table(heads, rows_shown)


def check_bundle(
    file: Path = typer.Argument(..., metavar="FILE"),
    trust: list[str] = typer.Option(..., "--trust", help="Kho tin cậy / trusted roots."),
    registry: Path | None = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry."),
    as_json: bool = JSON,
) -> None:
    """Kiểm tra gói chứng cứ, không cần văn phòng nào. / Verify an evidence bundle without any office."""
    from edocx.cli.verify_run import trust_from
    from edocx.clock import SystemClock
    from edocx.office.bundle import verify_bundle
    from edocx.signing.judgement import Criteria
    from edocx.units.registry import CsvRegistry

    known = CsvRegistry.from_path(registry) if registry else None
    found = verify_bundle(file, Criteria(trust_from(trust), SystemClock().now(), known))
    if as_json:
        faults, remarks = ([{"vi": one.vi, "en": one.en} for one in texts] for texts in (found.faults, found.remarks))
        report = found.report.to_json()
        emit_json({"schema": 1, "passed": found.passed, "report": report, "faults": faults, "remarks": remarks})
    else:
        say(f"{found.indication}  {file}")
        for one in found.faults:
            say(Text(f"  ✗ {one.vi}", f"  ✗ {one.en}"))
        for one in found.remarks:
            say(Text(f"  ! {one.vi}", f"  ! {one.en}"))
    if not found.passed:
        unsure = found.report.indication in {"INDETERMINATE", "NO-SIGNATURE"} and not found.faults
        raise typer.Exit(3 if unsure else 1)


_DUTY = {
    "send": Text("gửi", "send"),
    "arrive": Text("chờ báo đến", "arrive"),
    "accept": Text("tiếp nhận", "accept"),
    "finish": Text("hoàn thành", "finish"),
}
