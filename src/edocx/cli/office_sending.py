"""``edocx office send | redrive``: a document on its way, and on its way again once it was given up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.cli.office_care import JSON, OFFICE, opened
from edocx.cli.office_view import tell_faults
from edocx.cli.output import emit_json, say
from edocx.errors import Text

if TYPE_CHECKING:
    from edocx.routing.outbox import Outgoing

DOCUMENT = typer.Argument(..., metavar="DOCUMENT", help="Mã văn bản hoặc mã thông điệp / DocumentId or message id.")
TO = typer.Option([], "--to", metavar="CODE", help="Nơi nhận / recipient (nhiều lần / repeatable).")


def send(
    document: str = DOCUMENT,
    to: list[str] = TO,
    attempt: int = typer.Option(1, "--attempt", min=1, help="Lần gửi / attempt."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Gửi văn bản: bền vững khi lệnh xong, rồi chuyển ngay lên trục. / Queue durably, then carry to the axis."""
    with opened(office) as desk:
        dispatch = desk.send(desk.document(document), to=to, attempt=attempt)
        progress = desk.work()
        with desk.store.read() as transaction:
            parcel = transaction.outbox.find(dispatch.message_id)
    dead = parcel if parcel is not None and parcel.state == "dead" else None
    if as_json:
        emit_json(
            {
                "schema": 1,
                "document_id": dispatch.document_id,
                "message_id": dispatch.message_id,
                "recipients": list(dispatch.recipients),
                "state": parcel.state if parcel is not None else None,
                "reason": dead.reason if dead is not None else None,
                "faults": list(progress.faults),
            }
        )
    elif dead is not None:
        _tell_dead(dead, dispatch.recipients)
    else:
        count = len(dispatch.recipients)
        say(Text(f"Đã xếp gửi {dispatch.document_id} đến {count} nơi.", f"Queued {dispatch.document_id} for {count}."))
        tell_faults(progress.faults)
    if dead is not None:
        raise typer.Exit(1)


def redrive(
    document: str = DOCUMENT,
    by: str = typer.Option(..., "--by", help="Tài khoản người thực hiện / who does it."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Gửi lại những gì đã bị bỏ của một văn bản. / Queue anew what was given up of a document."""
    with opened(office) as desk:
        made = desk.redrive(document, by=by)
        progress = desk.work()
        with desk.store.read() as transaction:
            found = [(one, transaction.outbox.find(one.message_id)) for one in made]
    dead = [(one, parcel) for one, parcel in found if parcel is not None and parcel.state == "dead"]
    if as_json:
        messages = [
            {
                "message_id": one.message_id,
                "document_id": one.document_id,
                "kind": one.kind,
                "recipients": list(one.recipients),
                "state": parcel.state if parcel is not None else None,
                "reason": parcel.reason if parcel is not None else None,
            }
            for one, parcel in found
        ]
        emit_json({"schema": 1, "messages": messages, "faults": list(progress.faults)})
    else:
        count = len(made)
        say(Text(f"Đã xếp gửi lại {count} gói tin.", f"Queued anew: {count}."))
        for one, parcel in dead:
            _tell_dead(parcel, one.recipients)
        if not dead:
            tell_faults(progress.faults)
    if dead:
        raise typer.Exit(1)


def _tell_dead(parcel: Outgoing, recipients: tuple[str, ...]) -> None:
    names = ", ".join(recipients)
    reason = parcel.reason
    say(
        Text(
            f"KHÔNG gửi được {parcel.document_id} đến {names}: đã bỏ, lý do {reason}.",
            f"NOT sent: {parcel.document_id} to {names} was given up, because of {reason}.",
        )
    )
    again = f"edocx office redrive {parcel.message_id} --by"
    say(Text(f"Khắc phục lý do rồi: {again} TÀI-KHOẢN", f"Mend the reason, then: {again} ACCOUNT"))
