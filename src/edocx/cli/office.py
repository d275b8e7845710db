"""``edocx office``: one unit's records work: approve, issue, send, receive, answer, take back, follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli import office_approvals as approvals
from edocx.cli import office_books as books
from edocx.cli import office_care as care
from edocx.cli import office_sending as sending
from edocx.cli import office_view as view
from edocx.cli.office_care import JSON, OFFICE, opened
from edocx.cli.output import emit_json, say
from edocx.cli.signing_means import say_notes
from edocx.errors import InputError, Text, UsageError

if TYPE_CHECKING:
    from edocx.documents import Draft
    from edocx.office import Office
    from edocx.signing.report import Message

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.command()(care.init)
app.command()(care.backup)
app.command()(care.restore)
app.command()(care.reconcile)
app.command()(care.doctor)
app.command()(care.retention)
app.command()(care.receipt)
app.command()(approvals.awaiting)
app.command()(approvals.complete)
app.command()(sending.send)
app.command()(sending.redrive)
app.command("check-bundle")(books.check_bundle)
app.command()(books.overdue)
app.command()(books.register)
app.command()(books.void)

_DOCUMENT = sending.DOCUMENT
_BY = typer.Option(..., "--by", help="Tài khoản người thực hiện / who does it.")
_REASON = typer.Option(..., "--reason", help="Lý do / reason.")
_TO = sending.TO


@app.callback()
def _office() -> None:
    """Văn phòng: ban hành, gửi, nhận, theo dõi. / The office: issue, send, receive, follow."""


@app.command()
def approve(
    file: Path = typer.Argument(..., metavar="PDF|JSON", help="Dự thảo PDF, hoặc JSON / a PDF, or a draft as JSON."),
    by: str = typer.Option("director", "--by", help="Tên khóa người ký / the signatory's key."),
    subject: str = typer.Option("", "--subject", help="Trích yếu / subject."),
    kind: str = typer.Option("Công văn", "--kind", help="Loại văn bản / document kind."),
    notation: str = typer.Option("", "--notation", help="Ký hiệu / notation, UBND-VP."),
    place: str = typer.Option("", "--place", help="Địa danh / place."),
    signatory: str = typer.Option("", "--signatory", help="Họ tên người ký / full name."),
    position: str = typer.Option("", "--position", help="Chức vụ / position."),
    capacity: str = typer.Option("", "--capacity", help="TM., Q., KT., TL., TUQ."),
    urgency: int = typer.Option(0, "--urgency", min=0, max=4, help="Độ khẩn / urgency."),
    due: str | None = typer.Option(None, "--due", metavar="DATE", help="Hạn xử lý / due date."),
    attach: list[Path] = typer.Option([], "--attach", help="Tệp kèm theo / attached file."),
    draft_id: str | None = typer.Option(None, "--id", help="Mã dự thảo / the draft's own id."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Người có thẩm quyền ký dự thảo. / The signatory signs a draft."""
    given: dict[str, Any] = {
        "kind": kind,
        "notation": notation,
        "subject": subject,
        "place": place,
        "signatory": {"full_name": signatory, "position": position, "capacity": capacity},
        "urgency": urgency,
        "due_date": due,
        "attachments": attach,
    }
    with opened(office) as desk:
        draft, notes = _draft(desk, file, given)
        approved = desk.approve(draft, by=by, draft_id=draft_id)
        notes += desk.key_notes(by)
    if as_json:
        messages = [note.model_dump() for note in notes]
        emit_json({"schema": 1, "draft": approved.id, "by": by, "sha256": approved.pdf.sha256, "messages": messages})
        return
    say(Text(f"Đã ký dự thảo {approved.id}", f"Signed draft {approved.id}"))
    say_notes(notes)
    say(Text(f"Tiếp theo: edocx office issue {approved.id}", f"Next: edocx office issue {approved.id}"))


@app.command()
def issue(
    draft: str = typer.Argument(..., metavar="DRAFT", help="Mã dự thảo / the draft's id."),
    seal: str = typer.Option("agency", "--seal", help="Tên khóa cơ quan / the agency's key."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Cấp số, ngày và đóng dấu. / Number, date and seal."""
    with opened(office) as desk:
        document = desk.issue(desk.approved(draft), seal=seal)
        notes = desk.key_notes(seal)
    if as_json:
        messages = [note.model_dump() for note in notes]
        emit_json({"schema": 1, **view.document_json(document), "messages": messages})
        return
    say(Text(f"Đã ban hành số {document.number}: {document.id}", f"Issued number {document.number}: {document.id}"))
    say(str(document.pdf))
    say_notes(notes)


@app.command()
def inbox(
    wait: int = typer.Option(0, "--wait", min=0, help="Chờ bao nhiêu giây / seconds to wait."),
    extract: Path | None = typer.Option(None, "--extract", metavar="DIR", help="Lưu tệp đính kèm / save attachments."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Văn bản đến chờ tiếp nhận, đã kiểm tra. / Received documents that wait, verified."""
    from datetime import timedelta

    with opened(office) as desk:
        waiting = list(desk.inbox(wait=timedelta(seconds=wait)))
        if extract is not None:
            for place, incoming in enumerate(waiting, 1):
                folder = extract / str(place)
                folder.mkdir(parents=True, exist_ok=True)
                incoming.save(folder)
    if as_json:
        emit_json({"schema": 1, "incoming": [view.incoming_json(one) for one in waiting]})
    else:
        view.show_inbox(waiting)


@app.command()
def accept(document: str = _DOCUMENT, by: str = _BY, office: Path = OFFICE, as_json: bool = JSON) -> None:
    """Tiếp nhận và vào sổ văn bản đến (03). / Accept and enter in the incoming book."""
    with opened(office) as desk:
        number = desk.accept(document, by=by)
        desk.work()
    if as_json:
        emit_json({"schema": 1, "document_id": document, "arrival_number": number})
    else:
        say(Text(f"Đã tiếp nhận, số đến {number}.", f"Accepted as arrival number {number}."))


@app.command()
def reject(
    document: str = _DOCUMENT, reason: str = _REASON, by: str = _BY, office: Path = OFFICE, as_json: bool = JSON
) -> None:
    """Từ chối tiếp nhận, nêu lý do (02). / Refuse with a reason."""
    with opened(office) as desk:
        desk.reject(document, reason, by=by)
        desk.work()
    _done({"document_id": document, "status": "02"}, Text("Đã từ chối và báo bên gửi.", "Refused."), as_json=as_json)


@app.command()
def status(
    document: str | None = typer.Argument(None, metavar="[DOCUMENT]"), office: Path = OFFICE, as_json: bool = JSON
) -> None:
    """Văn bản đang ở đâu, tại từng nơi nhận. / How a document stands at every recipient."""
    with opened(office) as desk:
        desk.work()
        wanted = [document] if document else [str(one.id) for one in desk.documents()]
        traces = [desk.status(one) for one in wanted]
    if as_json:
        emit_json({"schema": 1, "documents": [view.trace_json(one) for one in traces]})
        return
    for one in traces:
        view.show_status(one)


@app.command()
def recall(
    document: str = _DOCUMENT,
    reason: str = _REASON,
    by: str = _BY,
    to: list[str] = _TO,
    as_document: bool = typer.Option(False, "--as-document", help="Bằng gói nghiệp vụ 1 / as business action 1."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Thu hồi văn bản đã gửi. / Ask receivers to give a document back."""
    with opened(office) as desk:
        asked = desk.recall(document, reason, by=by, to=to or None, as_document=as_document)
        desk.work()
    _asked(asked.document_id, asked.code, asked.recipients, as_json=as_json)


@app.command()
def update(
    document: str = _DOCUMENT,
    reason: str = _REASON,
    by: str = _BY,
    due: str | None = typer.Option(None, "--due", metavar="DATE", help="Hạn xử lý mới / new due date."),
    urgency: int | None = typer.Option(None, "--urgency", min=0, max=4, help="Độ khẩn mới / new urgency."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Cập nhật hạn, độ khẩn của văn bản đã gửi. / Change due date or urgency of a sent document."""
    from edocx.documents import Urgency

    with opened(office) as desk:
        level = None if urgency is None else Urgency(urgency)
        asked = desk.update(document, reason, by=by, due_date=_day(due), urgency=level)
        desk.work()
    _asked(asked.document_id, asked.code, asked.recipients, as_json=as_json)


@app.command()
def replace(
    document: str = _DOCUMENT,
    new: str = typer.Option(..., "--with", metavar="DOCUMENT", help="Văn bản mới / the new document."),
    reason: str = _REASON,
    by: str = _BY,
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Gửi văn bản mới thay thế văn bản cũ. / Send a new document in the place of an earlier one."""
    with opened(office) as desk:
        dispatch = desk.replace(document, desk.document(new), reason, by=by)
        desk.work()
    _asked(dispatch.document_id, "replace", dispatch.recipients, as_json=as_json)


@app.command()
def requests(office: Path = OFFICE, as_json: bool = JSON) -> None:
    """Yêu cầu thu hồi, cập nhật, thay thế đang chờ. / Requests of issuers that wait for the clerk."""
    with opened(office) as desk:
        desk.work()
        waiting = desk.requests()
    if as_json:
        emit_json({"schema": 1, "requests": [view.request_json(one) for one in waiting]})
    elif not waiting:
        say(Text("Không có yêu cầu nào đang chờ.", "No request waits."))
    else:
        for one in waiting:
            say(one.document_id)
            say(f"    {one.code}  {one.asked_by}  {view.moment(one.asked_at)}  {one.reason or one.replacement or ''}")


@app.command()
def agree(document: str = _DOCUMENT, by: str = _BY, office: Path = OFFICE, as_json: bool = JSON) -> None:
    """Đồng ý yêu cầu của bên gửi (15). / Agree to the issuer's request."""
    with opened(office) as desk:
        desk.request(document).agree(by=by)
        desk.work()
    _done({"document_id": document, "status": "15"}, Text("Đã đồng ý và báo bên gửi.", "Agreed."), as_json=as_json)


@app.command()
def refuse(
    document: str = _DOCUMENT, reason: str = _REASON, by: str = _BY, office: Path = OFFICE, as_json: bool = JSON
) -> None:
    """Từ chối yêu cầu của bên gửi, nêu lý do (16). / Refuse the issuer's request with a reason."""
    with opened(office) as desk:
        desk.request(document).refuse(reason, by=by)
        desk.work()
    _done({"document_id": document, "status": "16"}, Text("Đã từ chối và báo bên gửi.", "Refused."), as_json=as_json)


@app.command()
def trace(
    document: str = _DOCUMENT,
    bundle: Path | None = typer.Option(None, "--bundle", metavar="FILE", help="Gói chứng cứ ASiC-E / evidence."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Toàn bộ đường đi của văn bản, kèm gói chứng cứ nếu cần. / A document's whole way, as evidence if wanted."""
    with opened(office) as desk:
        found = desk.trace(document)
        written = desk.bundle(document, bundle) if bundle else None
    if as_json:
        emit_json({"schema": 1, **view.trace_json(found), "bundle": str(written) if written else None})
        return
    view.show_trace(found)
    if written:
        say(Text(f"Gói chứng cứ: {written}", f"Evidence: {written}"))


@app.command()
def work(
    watch: bool = typer.Option(False, "--watch", help="Làm liên tục đến khi bị dừng / go on until stopped."),
    every: float = typer.Option(1.0, "--every", min=0.1, help="Giây giữa hai lượt / seconds between rounds."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Chuyển những gì đến hạn, nhận những gì đang chờ. / Carry what is due, fetch what waits."""
    with opened(office) as desk:
        if watch:
            _watch(desk, every)
            return
        done = desk.work()
        count = desk.inbox_count()
        with desk.store.read() as transaction:
            delayed = transaction.outbox.delayed()
    if as_json:
        counts = {"sent": done.sent, "put_off": done.put_off, "dead": done.dead, "received": done.received}
        emit_json({"schema": 1, **counts, "waiting": count, "delayed": delayed, "faults": list(done.faults)})
        return
    sent, received = done.sent, done.received
    say(
        Text(
            f"Gửi {sent}, nhận {received}; {count} văn bản chờ tiếp nhận.",
            f"Sent {sent}, received {received}; {count} documents wait.",
        )
    )
    for code, parcels in delayed.items():
        say(
            Text(f"  ! {parcels} gói tin chờ gửi lại, vì {code}", f"  ! waiting for another try: {parcels}, for {code}")
        )
    view.tell_faults([code for code in done.faults if code not in delayed])


def _watch(desk: Office, every: float) -> None:
    """Work until SIGTERM or SIGINT, and end with nothing half done."""
    import signal
    from datetime import timedelta

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: desk.stop())
    say(Text("Đang làm việc; dừng bằng Ctrl-C.", "Working; stop with Ctrl-C."))
    desk.serve(every=timedelta(seconds=every), told=lambda done: view.tell_faults(done.faults))
    say(Text("Đã dừng; không có gì dở dang.", "Stopped; nothing is half done."))


def _draft(desk: Office, file: Path, given: dict[str, Any]) -> tuple[Draft, tuple[Message, ...]]:
    """Return the draft that a file and the options describe, and what is to be said of its fields' places."""
    from pydantic import ValidationError

    from edocx.documents import Draft
    from edocx.signing.pdf.fitting import FittedLayout, fit_layout

    if file.suffix.lower() == ".json":
        import json

        try:
            given = json.loads(file.read_bytes())
            given["pdf"] = file.parent / given["pdf"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                Text("Tệp dự thảo không phải JSON có trường pdf.", "The draft is no JSON object with a field pdf."),
                hint=Text("Xem tài liệu office.", "See the office's documentation."),
                code="EDX-DRAFT-UNREADABLE",
                where=str(file),
            ) from error
    else:
        given = {**given, "pdf": file}
    fitted = fit_layout(Path(given["pdf"])) if "layout" not in given else FittedLayout(given["layout"])
    try:
        return Draft.model_validate({"unit": desk.unit, "layout": fitted.layout, **given}), fitted.messages
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            Text(f"Dự thảo thiếu hoặc sai trường “{field}”.", f"The draft's field “{field}”: {first['msg']}."),
            hint=Text("Xem các tùy chọn bằng --help.", "See the options with --help."),
            code="EDX-DRAFT-FIELD",
            where=str(file),
        ) from error


def _day(text: str | None) -> Any:
    from datetime import date

    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            Text(f"Ngày “{text}” không đọc được.", f"The day “{text}” cannot be read."),
            hint=Text("Viết năm-tháng-ngày, ví dụ 2026-11-30.", "Write year-month-day, such as 2026-11-30."),
            code="EDX-USAGE-DATE",
        ) from error


def _asked(document_id: str, code: str, recipients: tuple[str, ...], *, as_json: bool) -> None:
    value = {"document_id": document_id, "code": code, "recipients": list(recipients)}
    names = ", ".join(recipients)
    _done(value, Text(f"Đã gửi yêu cầu đến: {names}", f"Asked: {names}"), as_json=as_json)


def _done(value: dict[str, Any], text: Text, *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": 1, **value})
    else:
        say(text)
