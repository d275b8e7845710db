"""``edocx hub``: backup and restore, what became of a message, keys of other hubs, what administrators did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from edocx.cli.hub_place import CONFIG, DATABASE, JSON, opened, opened_store, settings_of
from edocx.cli.output import emit_json, language, say
from edocx.errors import Text, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def backup(
    folder: Path = typer.Argument(..., help="Thư mục trống / an empty folder."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Sao lưu trục đang chạy; không kèm tệp khóa. / Back up a hub that goes on working; without its key file."""
    from edocx.hub import backup as copies

    with opened_store(config, db) as (settings, store):  # a hub whose key is lost can still be backed up
        kept = copies.backup(store, folder)
        key = settings.key_path
    if as_json:
        told = {"messages": kept.messages, "files": kept.files, "bytes": kept.size}
        emit_json({"schema": 1, **told, "keep_apart": [str(key)]})
        return
    say(Text(f"Đã sao lưu {kept.messages} văn bản và kiểm tra lại.", f"{kept.messages} messages kept and looked over."))
    say(
        Text(
            f"Tệp khóa {key} không nằm trong bản sao lưu: giữ một bản ở nơi khác. Nó mở bí mật của các đơn vị và khóa"
            " lời khai trung chuyển.",
            f"The key file {key} is not in the backup: keep a copy somewhere else. It opens the agencies' secrets and"
            " the key of the relay statements.",
        )
    )


@app.command()
def restore(
    folder: Path = typer.Argument(..., help="Bản sao lưu / the backup."),
    without_key: bool = typer.Option(False, "--without-key", help="Khóa đã mất: bỏ mọi bí mật / its key is lost."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Phục hồi vào nơi chưa có dữ liệu; đặt lại tệp khóa trước. / Put a backup where no hub is; its key file first."""
    from edocx.hub import backup as copies

    settings = settings_of(config, db)[0]
    if settings.server:
        raise UsageError(
            Text("Trục trên PostgreSQL phục hồi bằng công cụ của PostgreSQL.", "PostgreSQL restores by its own tools."),
            hint=Text("Dùng pg_restore.", "Use pg_restore."),
            code="EDX-HUB-BACKUP-SERVER",
        )
    kept = copies.restore(folder, settings.database, key=settings.key_path, without_key=without_key)
    if as_json:
        emit_json({"schema": 1, "messages": kept.messages, "files": kept.files, "bytes": kept.size})
        return
    say(Text(f"Đã phục hồi {kept.messages} văn bản.", f"{kept.messages} messages restored."))
    if without_key:
        say(Text("Cấp lại bí mật: `edocx hub agencies secret`.", "Make new secrets: `edocx hub agencies secret`."))


@app.command()
def trace(
    doc_id: str = typer.Argument(..., help="DocId."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Đường đi của một văn bản, lời khai của từng trạm. / The way of a message, with each station's statement."""
    from edocx.hub.way import way_of

    with opened(config, db) as service:
        ways = way_of(service, doc_id)
    if as_json:
        emit_json({"schema": 1, "doc_id": doc_id, "copies": [_way_json(one) for one in ways]})
        return
    for way in ways:
        say(f"{way.recipient:20} {way.state:10} {way.description or ''}")
        for move in way.moves:
            here = Text("lấy tại đây", "fetched here").in_language(language())
            say(f"  {move.at.isoformat(' ', 'seconds')} {move.old} ⇒ {move.new or here}")
        for number, station in enumerate(way.stations, 1):
            entered = station.entered.isoformat(" ", "seconds") if station.entered else "?"
            remarks = "; ".join(text.in_language(language()) for text in way.remarks(station))
            say(f"  {number} {station.hub:20} {station.standing:11} {entered} → {station.following}  {remarks}")


def _way_json(way: Any) -> dict[str, Any]:
    return {
        "recipient": way.recipient,
        "state": way.state,
        "description": way.description,
        "rerouted": [{"at": one.at.isoformat(), "from": one.old, "to": one.new} for one in way.moves],
        "stations": [
            {
                "hub": one.hub,
                "standing": str(one.standing),
                "remarks": list(one.remarks),
                "entered": one.entered.isoformat() if one.entered else None,
                "left": one.left.isoformat() if one.left else None,
                "next": one.following,
            }
            for one in way.stations
        ],
    }


@app.command("relay-keys")
def relay_keys(config: Path | None = CONFIG, db: str | None = DATABASE, as_json: bool = JSON) -> None:
    """Khóa của các trục khác, do ai cho biết. / The keys of other hubs, and who told them."""
    from sqlalchemy import select

    from edocx.hub.schema import relay_keys as table

    with opened(config, db) as service, service.store.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.hub, table.c.since)).all()
    told = [
        {
            "hub": row.hub,
            "key": row.key,
            "since": row.since.isoformat(),
            "until": row.until.isoformat() if row.until else None,
            "told_by": row.told_by,
        }
        for row in rows
    ]
    if as_json:
        emit_json({"schema": 1, "keys": told})
        return
    for one in told:
        say(f"{one['hub']:20} {one['key']} {one['told_by']}{' ✗' if one['until'] else ''}")


@app.command("trust-relay-key")
def trust_relay_key(
    hub: str = typer.Argument(..., help="hub.H37."),
    key: str = typer.Argument(..., help="Từ lệnh relay-key của trục ấy / from that hub's relay-key."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
) -> None:
    """Ghi khóa của một trục do chính quản trị xác nhận. / Enter a hub's key that an administrator vouches for."""
    from edocx.cli.hub_place import BY
    from edocx.hub import agencies
    from edocx.hub.neighbourhood import enter_by_hand, read_key
    from edocx.routing.parcel import require_id

    found = read_key(key)
    if found is None:
        raise UsageError(
            Text("Đây không phải khóa Ed25519 dạng base64.", "That is no Ed25519 key in base64."),
            hint=Text("Lấy bằng `edocx hub relay-key` ở trục ấy.", "Get it by `edocx hub relay-key` at that hub."),
            code="EDX-HUB-RELAY-KEY",
        )
    with opened(config, db) as service, service.store.begin("relay key") as connection:
        now = service.store.now()
        enter_by_hand(connection, require_id(hub, "hub"), found, now=now)
        agencies.note(connection, now=now, by=BY, act="relay-key", subject=hub)
    say(Text(f"Đã ghi khóa của {hub}.", f"The key of {hub} is entered."))


@app.command()
def audit(config: Path | None = CONFIG, db: str | None = DATABASE, as_json: bool = JSON) -> None:
    """Những việc quản trị đã làm. / What administrators did."""
    from sqlalchemy import select

    from edocx.hub.schema import audit as table

    with opened(config, db) as service, service.store.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.id)).all()
    told = [{"at": row.at.isoformat(), "who": row.who, "act": row.act, "subject": row.subject} for row in rows]
    if as_json:
        emit_json({"schema": 1, "acts": told})
        return
    for one in told:
        say(f"{one['at']} {one['who']:10} {one['act']:12} {one['subject']}")
