"""The axis' operations about its register: lists, and wishes that an administrator grants."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from edocx.hub import agencies, mailroom, refusal, replies, wishes
from edocx.hub.call import Call, answer, small_body
from edocx.hub.heard import was_heard
from edocx.hub.schema import agencies as table

_WISHED = ("id", "pcode", "code", "name", "mail", "mobile", "fax")
_FILED = "Da tiep nhan yeu cau, cho quan tri phe duyet"
_FILED_SHUT = "Da tiep nhan yeu cau; don vi nay dang bi khoa, quan tri phai mo lai truoc khi phe duyet"
_SCALAR = (str, int, float, type(None))


async def register_agency(call: Call) -> Response:
    """File the wish to register an agency below the caller; an administrator grants it."""
    call.require_no_file()
    try:
        told = json.loads((await small_body(call)).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise refusal.bad_parameter("body") from error
    if not isinstance(told, dict):
        raise refusal.bad_parameter("body")
    if not all(isinstance(told.get(name), _SCALAR) for name in _WISHED):
        raise refusal.bad_parameter("body")
    wish = {name: str(told[name]).strip() for name in _WISHED if told.get(name) not in (None, "")}
    return await _file(call, "register", wish)


async def delete_agency(call: Call) -> Response:
    """File the wish to close an agency below the caller."""
    call.require_no_file()
    await small_body(call)
    return await _file(call, "close", {"code": call.get("AgencyCode")})


async def _file(call: Call, act: str, wish: dict[str, str]) -> Response:
    def run() -> bytes:
        now = call.service.store.now()
        with call.service.store.begin("request") as connection:
            if not was_heard(connection, call, now):
                stamp = wishes.stamp_of(call.caller.parameters, now)
                wishes.file_request(connection, call.caller.agency, act, wish, now=now, stamp=stamp)
            shut = wishes.is_shut(connection, wish["code"])
        return replies.to_bytes(replies.ok(ErrorDesc=_FILED_SHUT if shut else _FILED))

    return answer(await run_in_threadpool(run))


def agencies_list(_call: Call, connection: Connection) -> dict[str, Any]:
    """List all open agencies."""
    # The real axis has 120,000: only what is shown is read, and each row is made once.
    shown = select(*(table.c[name] for name in ("id", "code", "name", "mail", "old_code", "parent")))
    rows = connection.execute(shown.where(table.c.state == "open").order_by(table.c.code)).all()
    above = {row[5] for row in rows}
    ids = {row[1]: str(row[0]) for row in rows if row[1] in above}
    return {
        "data": [
            {"id": str(number), "code": code, "name": name, "mail": mail or ""}
            | ({"oldCode": old} if old is not None else {})
            | ({"pid": ids[parent]} if parent in ids else {})
            for number, code, name, mail, old, parent in rows
        ]
    }


def agencies_by_level(call: Call, connection: Connection) -> dict[str, Any]:
    """List all open agencies, of one level when it is given; one whose level nobody recorded is listed always."""
    wanted = call.get("level")
    shown = select(*(table.c[name] for name in ("id", "code", "name", "mail", "old_code", "level")))
    rows = connection.execute(shown.where(table.c.state == "open").order_by(table.c.code)).all()
    return {
        "data": [
            {"id": str(number), "code": code, "name": name, "mail": mail or ""}
            | ({"code102": old} if old is not None else {})
            for number, code, name, mail, old, level in rows
            if not wanted or level is None or str(level) == wanted
        ]
    }


def synchronize_unit(_call: Call, connection: Connection) -> dict[str, Any]:
    """List all agencies, the closed ones too, as ``getSynchronizeUnit`` does."""
    rows, ids = _agencies(connection)
    return {
        "data": replies.without_nulls(
            [
                {
                    "id": str(row.id),
                    "pid": ids.get(row.parent),
                    "code": row.code,
                    "name": row.name,
                    "mail": row.mail or "",
                    "version": 1,
                    "centerCode": row.served_by or row.code,
                    "deleted": row.state != "open",
                    "modifyDate": mailroom.wire_time(row.modified_at),
                    "isAgency": True,
                }
                for row in rows
            ]
        )
    }


def _agencies(connection: Connection) -> tuple[Any, dict[str, str]]:
    rows = agencies.every(connection)
    return rows, {row.code: str(row.id) for row in rows}
