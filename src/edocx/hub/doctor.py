"""Looks a hub over: what would stop it, what should worry its keeper, and what to do about each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from edocx.clock import in_vietnam
from edocx.errors import EdocxError, KeyFileError, Text
from edocx.hub import agencies
from edocx.hub.admission import INITIAL, PROCESSING
from edocx.hub.broker_doctor import examine_servers
from edocx.hub.neighbourhood import is_stale
from edocx.hub.open_files import PER_LINE, ROOM, lines_within, raise_limit
from edocx.hub.schema import agencies as agency_table
from edocx.hub.schema import copies, messages, neighbours
from edocx.hub.schema import requests as request_table
from edocx.hub.schema import secrets as secret_table
from edocx.hub.service import LOW_DISK, Service
from edocx.hub.soundness import damaged_now
from edocx.routing.store.private_place import open_to_others

OLD_COPY = timedelta(days=3)
"""A copy not fetched for so long is a recipient whose system is away."""

_NAMED = 5
"""Messages named in a sentence."""

SKEWED = timedelta(seconds=30)
"""Clocks further apart than this are worth setting: statuses and relay statements carry times."""

Grade = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: its name, how it stands, and in words."""

    name: str
    grade: Grade
    text: Text


def examine(service: Service) -> tuple[Check, ...]:
    """Look at database, key, disk, secrets, waiting copies and requests; raise `StoreUnavailable` when unreadable."""
    with service.store.read() as connection:
        return (
            _database(service, connection),
            _secrets(service, connection),
            _silent_agencies(connection),
            _old_copies(service, connection),
            *_ways(service, connection),
            _contents(service, connection),
            _requests(connection),
            *_neighbours(service, connection),
            _disk(service),
            _key_file(service),
            *_files(service),
            _lines(service),
            *_broker(service),
        )


def unopened(error: KeyFileError) -> tuple[Check, ...]:
    """Say of a hub that could not be opened why not: its key file is away, or is another's."""
    where = f" ({error.where})" if error.where else ""
    return (
        Check(
            "secrets",
            "error",
            Text(f"{error.text.vi}{where} {error.hint.vi}", f"{error.text.en}{where} {error.hint.en}"),
        ),
    )


def _broker(service: Service) -> Iterator[Check]:
    if service.config.broker is None:
        return
    for grade, text in examine_servers(service.config.broker):
        yield Check("broker", grade, text)


def _database(service: Service, connection: Connection) -> Check:
    if service.store.is_shared:
        return Check("database", "ok", Text("Máy chủ cơ sở dữ liệu trả lời.", "The database server answers."))
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found == "ok":
        return Check("database", "ok", Text("Cơ sở dữ liệu nguyên vẹn.", "The database is whole."))
    return Check(
        "database",
        "error",
        Text("Cơ sở dữ liệu bị hỏng: phục hồi bản sao lưu.", "The database is damaged: restore a backup."),
    )


def _secrets(service: Service, connection: Connection) -> Check:
    now, broken = service.store.now(), []
    for row in agencies.every(connection):
        agency = agencies.find(connection, row.code)
        try:
            if agency is not None:
                agencies.hmac_secrets(connection, agency, service.vault, now=now)
        except EdocxError:
            broken.append(row.code)
    if not broken:
        return Check("secrets", "ok", Text("Khóa mở được mọi bí mật.", "The key opens every secret."))
    names = ", ".join(broken[:5])
    return Check(
        "secrets",
        "error",
        Text(f"Khóa không mở được bí mật của: {names}.", f"The key does not open the secrets of: {names}."),
    )


def _silent_agencies(connection: Connection) -> Check:
    held = select(secret_table.c.agency)
    query = (
        select(func.count())
        .select_from(agency_table)
        .where(agency_table.c.state == "open", agency_table.c.served_by.is_(None), agency_table.c.id.not_in(held))
    )
    count = connection.execute(query).scalar_one()
    if not count:
        return Check("agencies", "ok", Text("Mọi đơn vị đều có bí mật.", "Every agency has a secret."))
    return Check(
        "agencies",
        "warning",
        Text(f"{count} đơn vị chưa có bí mật nên chưa gọi được.", f"{count} agencies have no secret and cannot call."),
    )


def _old_copies(service: Service, connection: Connection) -> Check:
    before = service.store.now() - OLD_COPY
    waiting = (copies.c.state.in_((INITIAL, PROCESSING))) & (copies.c.created_at < before)
    count = connection.execute(select(func.count()).select_from(copies).where(waiting)).scalar_one()
    if not count:
        return Check("waiting", "ok", Text("Không có văn bản chờ quá lâu.", "Nothing waits for too long."))
    days = OLD_COPY.days
    return Check(
        "waiting",
        "warning",
        Text(f"{count} bản chờ quá {days} ngày.", f"{count} copies have waited for more than {days} days."),
    )


def _ways(service: Service, connection: Connection) -> Iterator[Check]:
    """Name at once what has no line to go by: it waits for ever, however new it is."""
    lines = {peer.code for peer in service.config.peers}
    custody = copies.c.state.in_((INITIAL, PROCESSING)) & copies.c.via.is_not(None)
    stuck = select(copies.c.via, func.count()).where(custody, copies.c.via.not_in(lines)).group_by(copies.c.via)
    served = select(agency_table.c.served_by, func.count()).where(
        agency_table.c.state == "open", agency_table.c.served_by.is_not(None), agency_table.c.served_by.not_in(lines)
    )
    clean = True
    for hub, count in connection.execute(stuck.order_by(copies.c.via)):
        clean = False
        text = Text(
            f"{count} bản phải qua trục {hub}, mà không có kết nối nào tới đó: khai báo [[peers]], hoặc sửa nơi kết nối"
            " của đơn vị (`edocx hub agencies add … --served-by`).",
            f"{count} copies have to go through {hub}, to which there is no line: name it in [[peers]], or mend where"
            " the agency is reached (`edocx hub agencies add … --served-by`).",
        )
        yield Check("ways", "error", text)
    for hub, count in connection.execute(served.group_by(agency_table.c.served_by)):
        clean = False
        text = Text(
            f"{count} đơn vị kết nối qua trục {hub}, mà không có kết nối nào tới đó: gửi cho các đơn vị ấy bị từ chối.",
            f"{count} agencies are reached through {hub}, to which there is no line: mail for them is refused.",
        )
        yield Check("ways", "error", text)
    if clean:
        yield Check("ways", "ok", Text("Mọi đường đi đều có kết nối.", "Every way has a line."))


def _contents(service: Service, connection: Connection) -> Check:
    """Name the messages whose large content was found damaged when it was to be given out, and still is."""
    broken = damaged_now(service.store, connection)
    if not broken:
        return Check("contents", "ok", Text("Không thấy nội dung nào bị hỏng.", "No content was found damaged."))
    rows = select(messages.c.doc_id).join(copies, copies.c.message == messages.c.number).distinct()
    found = connection.execute(rows.where(copies.c.sha256.in_(broken)).limit(_NAMED)).scalars().all()
    names = ", ".join(found)
    return Check(
        "contents",
        "error",
        Text(
            f"{len(broken)} nội dung bị hỏng trên đĩa ({names}): phục hồi từ bản sao lưu, kiểm tra ổ đĩa.",
            f"{len(broken)} contents are damaged on the disk ({names}): restore them from a backup; check the disk.",
        ),
    )


def _requests(connection: Connection) -> Check:
    query = select(func.count()).select_from(request_table).where(request_table.c.state == "open")
    count = connection.execute(query).scalar_one()
    if not count:
        return Check("requests", "ok", Text("Không có yêu cầu chờ duyệt.", "No request waits."))
    return Check(
        "requests",
        "warning",
        Text(
            f"{count} yêu cầu chờ duyệt: `edocx hub agencies requests`.",
            f"{count} requests wait: `edocx hub agencies requests`.",
        ),
    )


def _neighbours(service: Service, connection: Connection) -> Iterator[Check]:
    met = {row.code: row for row in connection.execute(select(neighbours))}
    for peer in service.config.peers:
        row = met.get(peer.code)
        name = f"neighbour {peer.code}"
        if row is None:
            yield Check(name, "warning", Text(f"Chưa hỏi trục {peer.code} lần nào.", f"{peer.code} was never asked."))
        elif row.error is not None:
            text = Text(
                f"Trục {peer.code} không trả lời ({row.error}) lúc {_clock(row.asked_at)}; {_heard(row).vi}.",
                f"{peer.code} did not answer ({row.error}) at {_clock(row.asked_at)}; {_heard(row).en}.",
            )
            yield Check(name, "warning", text)
        elif is_stale(row.answered_at, service.store.now()):
            # It answered once; whether it does now nobody asked: this hub's own upkeep stands still, or is not run.
            text = Text(
                f"Lâu nay chưa hỏi trục {peer.code}; {_heard(row).vi}: trục này có đang chạy (edocx hub serve) không?",
                f"{peer.code} was not asked lately; {_heard(row).en}: is this hub running (edocx hub serve)?",
            )
            yield Check(name, "warning", text)
        else:
            seconds = (row.ahead_ms or 0) / 1000
            skewed = abs(seconds) > SKEWED.total_seconds()
            text = Text(
                f"Trục {peer.code} trả lời lúc {_clock(row.answered_at)}; đồng hồ lệch {seconds:+.1f} giây.",
                f"{peer.code} answered at {_clock(row.answered_at)}; its clock is {seconds:+.1f} seconds ahead.",
            )
            yield Check(name, "warning" if skewed else "ok", text)


def _heard(row: Any) -> Text:
    if row.answered_at is None:
        return Text("chưa từng trả lời", "it never answered")
    return Text(f"trả lời lần cuối lúc {_clock(row.answered_at)}", f"it last answered at {_clock(row.answered_at)}")


def _clock(moment: datetime) -> str:
    return f"{in_vietnam(moment):%d/%m/%Y %H:%M}"


def _disk(service: Service) -> Check:
    free = shutil.disk_usage(service.store.path.parent).free
    low = free < max(LOW_DISK, 2 * service.config.max_bytes)
    mib = free // (1024 * 1024)
    return Check("disk", "error" if low else "ok", Text(f"Ổ đĩa còn {mib} MiB.", f"{mib} MiB are free on the disk."))


def _key_file(service: Service) -> Check:
    if not open_to_others(service.config.key_path):
        return Check("key", "ok", Text("Chỉ chủ sở hữu đọc được tệp khóa.", "Only its owner reads the key file."))
    return Check(
        "key", "warning", Text("Người khác đọc được tệp khóa: chmod 600.", "Others can read the key file: chmod 600.")
    )


def _files(service: Service) -> Iterator[Check]:
    """Name what an earlier version made for everybody to read: documents lie in it in clear."""
    if service.store.is_shared:
        return
    place, folder = service.store.path, service.store.path.with_name(service.store.path.name + ".payloads")
    found = [one for one in (place, place.with_name(place.name + "-wal"), folder) if open_to_others(one)]
    if found and open_to_others(place.parent.absolute()):
        names = ", ".join(one.name for one in found)
        yield Check(
            "files",
            "warning",
            Text(
                f"Người khác trên máy đọc được {names}: chmod 600 cho tệp, 700 cho thư mục.",
                f"Others on this machine can read {names}: chmod 600 for files, 700 for folders.",
            ),
        )


def _lines(service: Service) -> Check:
    """Tell whether as many lines as the settings allow fit into the files that this account may hold open."""
    wanted, limit = service.config.connections, raise_limit()
    most = lines_within(limit, wanted)
    if most == wanted:
        text = Text(f"Đủ chỗ cho {wanted} kết nối cùng lúc.", f"There is room for {wanted} connections at once.")
        return Check("connections", "ok", text)
    needed = wanted * PER_LINE + ROOM
    return Check(
        "connections",
        "warning",
        Text(
            f"Chỉ {most} trong {wanted} kết nối cùng lúc: tài khoản này được mở {limit} tệp, cần {needed}"
            " (ulimit -Hn, LimitNOFILE của systemd).",
            f"Only {most} of {wanted} connections at once: this account may open {limit} files, {needed} are needed"
            " (ulimit -Hn, systemd's LimitNOFILE).",
        ),
    )
