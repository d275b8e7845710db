"""``edocx hub agencies``: the register of a hub, its secrets, and the requests that wait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.cli.hub_place import BY, CONFIG, DATABASE, JSON, opened
from edocx.cli.output import emit_json, language, say
from edocx.errors import Text

if TYPE_CHECKING:
    from edocx.hub import NewAgency

MOST = 2**31 - 1
"""The largest number that every database keeps in an integer."""

MOST_BYTES = 2**50
MOST_DAYS = 3650

register = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@register.command("list")
def list_agencies(config: Path | None = CONFIG, db: str | None = DATABASE, as_json: bool = JSON) -> None:
    """Liệt kê đơn vị. / List the agencies."""
    from edocx.hub import agencies

    with opened(config, db) as service, service.store.read() as connection:
        rows = agencies.every(connection)
    told = [
        {name: getattr(row, name) for name in ("code", "old_code", "name", "parent", "kind", "state", "served_by")}
        for row in rows
    ]
    if as_json:
        emit_json({"schema": 1, "agencies": told})
        return
    for row in told:
        say(f"{row['code']:20} {row['state']:7} {row['name']}")


@register.command()
def add(
    code: str = typer.Argument(..., help="H58.12.01."),
    name: str = typer.Option(..., "--name", help="Tên đơn vị / its name."),
    old_code: str | None = typer.Option(None, "--old-code", help="001.01.12.H58."),
    parent: str | None = typer.Option(None, "--parent", help="H58.12."),
    mail: str | None = typer.Option(None, "--mail", help="E-mail."),
    served_by: str | None = typer.Option(None, "--served-by", help="Trục lân cận / the neighbouring hub."),
    neighbour: bool = typer.Option(False, "--hub", help="Là một trục lân cận / it is a neighbouring hub."),
    seal: str | None = typer.Option(None, "--seal", metavar="off|record|require", help="Luật riêng / its own rule."),
    takes_bytes: int | None = typer.Option(
        None, "--takes-bytes", min=1024, max=MOST_BYTES, help="Nhận đến / takes up to."
    ),
    takes_types: str | None = typer.Option(None, "--takes-types", help='"pdf docx".'),
    max_bytes: int | None = typer.Option(None, "--max-bytes", min=1024, max=MOST_BYTES, help="Gửi đến / sends up to."),
    per_minute: int | None = typer.Option(None, "--per-minute", min=1, max=MOST, help="Số lần gọi / calls a minute."),
    max_age: int | None = typer.Option(None, "--max-age", min=1, max=MOST, help="Tuổi dấu thời gian, giây / seconds."),
    clear: list[str] = typer.Option([], "--clear", metavar="old-code|parent|…", help="Bỏ mục này / take this away."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Thêm hoặc sửa một đơn vị; mục không nêu thì giữ nguyên. / Enter or change an agency; what is not named stays."""
    from edocx.hub import NewAgency, agencies

    if seal not in {None, "off", "record", "require"}:
        raise typer.BadParameter("off|record|require", param_hint="--seal")
    forget = tuple(one.replace("-", "_") for one in clear)
    if not set(forget) <= set(agencies.FORGETTABLE):
        raise typer.BadParameter("|".join(agencies.FORGETTABLE).replace("_", "-"), param_hint="--clear")
    wanted = NewAgency(
        code,
        name,
        old_code=old_code,
        parent=parent,
        mail=mail,
        served_by=served_by,
        kind="hub" if neighbour else None,
        seal=seal,
        takes_bytes=takes_bytes,
        takes_types=takes_types,
        max_bytes=max_bytes,
        per_minute=per_minute,
        max_age_seconds=max_age,
    )
    _require_no_contradiction(wanted, forget)
    secret: str | None = None
    with opened(config, db) as service, service.store.begin("add") as connection:
        now = service.store.now()
        agency = agencies.register(connection, wanted, now=now, by=BY, forget=forget)
        if agency.served_by is None and not agencies.hmac_secrets(connection, agency, service.vault, now=now):
            secret = agencies.new_hmac_secret(connection, agency, service.vault, now=now, by=BY)
        hub = agencies.find(connection, agency.served_by) if agency.served_by else None
        is_known = hub is not None or agency.served_by in {None, *(one.code for one in service.config.peers)}
    _tell_secret(agency.code, secret, as_json=as_json)
    if not is_known:
        told = Text(
            f"Chú ý: chưa có trục lân cận nào mang mã {agency.served_by}.",
            f"Note: no neighbouring hub has the code {agency.served_by} yet.",
        )
        typer.echo(told.in_language(language()), err=True)


def _require_no_contradiction(wanted: NewAgency, forget: tuple[str, ...]) -> None:
    named = next((one for one in forget if getattr(wanted, one) is not None), None)
    if named is not None:
        option = "--max-age" if named == "max_age_seconds" else f"--{named.replace('_', '-')}"
        told = Text(f"{option} vừa được nêu vừa bị bỏ.", f"{option} is both given and taken away.")
        raise typer.BadParameter(told.in_language(language()), param_hint="--clear")


@register.command("secret")
def new_secret(
    code: str = typer.Argument(..., help="H58.12.01."),
    overlap: int = typer.Option(7, "--overlap", min=0, max=MOST_DAYS, help="Số ngày dùng tiếp / days."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Cấp bí mật mới; bí mật cũ còn dùng thêm vài ngày. / Make a new secret; the old one works on for some days."""
    from datetime import timedelta

    from edocx.hub import agencies

    with opened(config, db) as service, service.store.begin("secret") as connection:
        agency = agencies.require(connection, code)
        span = timedelta(days=overlap)
        now = service.store.now()
        secret = agencies.new_hmac_secret(connection, agency, service.vault, now=now, by=BY, overlap=span)
    _tell_secret(agency.code, secret, as_json=as_json)


@register.command("lgsp")
def new_lgsp(
    code: str = typer.Argument(..., help="H58.12.01."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Cấp khóa và mật khẩu mới cho phương ngữ LGSP. / Make a new key and password for the LGSP dialect."""
    from edocx.hub import agencies

    with opened(config, db) as service, service.store.begin("lgsp") as connection:
        agency = agencies.require(connection, code)
        key, password = agencies.new_lgsp_credentials(connection, agency, service.vault, now=service.store.now(), by=BY)
    if as_json:
        emit_json({"schema": 1, "code": agency.code, "key": key, "username": agency.code, "password": password})
        return
    say(f"X-SystemId: {agency.code}\nX-SecretKey: {key}\nusername: {agency.code}\npassword: {password}")


@register.command()
def outgoing(
    code: str = typer.Argument(..., help="hub.G22."), config: Path | None = CONFIG, db: str | None = DATABASE
) -> None:
    """Lưu bí mật mà trục lân cận đã cấp (hỏi hoặc đọc từ stdin). / Keep the secret a neighbouring hub gave us."""
    import sys

    from edocx.hub import agencies

    # Never an argument: arguments stand in the process list and the shell's history.
    secret = typer.prompt("secret", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    with opened(config, db) as service, service.store.begin("outgoing") as connection:
        agency = agencies.require(connection, code)
        agencies.put_outgoing_secret(connection, agency, service.vault, secret, now=service.store.now(), by=BY)
    say(Text(f"Đã lưu bí mật tới {agency.code}.", f"The secret for {agency.code} is kept."))


@register.command("close")
def close_agency(
    code: str = typer.Argument(..., help="H58.12.01."), config: Path | None = CONFIG, db: str | None = DATABASE
) -> None:
    """Khóa một đơn vị: không nhận thêm văn bản cho đơn vị ấy. / Accept nothing more for an agency."""
    from edocx.hub import agencies

    with opened(config, db) as service, service.store.begin("close") as connection:
        agency = agencies.close(connection, code, now=service.store.now(), by=BY)
    say(Text(f"Đã khóa {agency.code}.", f"{agency.code} is closed."))


@register.command("reopen")
def reopen_agency(
    code: str = typer.Argument(..., help="H58.12.01."), config: Path | None = CONFIG, db: str | None = DATABASE
) -> None:
    """Mở lại một đơn vị đã khóa. / Open a closed agency again."""
    from edocx.hub import agencies

    with opened(config, db) as service, service.store.begin("reopen") as connection:
        agency = agencies.reopen(connection, code, now=service.store.now(), by=BY)
    say(Text(f"Đã mở lại {agency.code}.", f"{agency.code} is open again."))


@register.command("requests")
def list_requests(config: Path | None = CONFIG, db: str | None = DATABASE, as_json: bool = JSON) -> None:
    """Yêu cầu chờ duyệt. / Requests that wait."""
    import json

    from edocx.hub import wishes

    with opened(config, db) as service, service.store.read() as connection:
        found = [
            (row, wishes.changes_of(connection, row), wishes.is_shut(connection, row.code))
            for row in wishes.open_requests(connection)
        ]
    if as_json:
        told = [
            {"id": r.id, "agency": r.agency, "act": r.act, "code": r.code, "wish": json.loads(r.wish), "closed": shut}
            | {"changes": [{"name": one.name, "old": one.old, "new": one.new} for one in changes]}
            for r, changes, shut in found
        ]
        emit_json({"schema": 1, "requests": told})
        return
    shut_word = Text("đang bị khóa", "is closed").in_language(language())
    for row, changes, shut in found:
        say(f"{row.id:5} {row.agency:20} {row.act:9} {row.code}{f'  ({shut_word})' if shut else ''}")
        for one in changes:
            say(f"{'':6}{one.name}: {one.old or '-'} → {one.new or '-'}")


@register.command()
def grant(
    number: int = typer.Argument(..., min=1, max=MOST),
    refuse: bool = typer.Option(False, "--refuse", help="Từ chối / refuse it."),
    config: Path | None = CONFIG,
    db: str | None = DATABASE,
) -> None:
    """Duyệt (hoặc từ chối) một yêu cầu. / Grant (or refuse) a request."""
    from edocx.hub import wishes

    with opened(config, db) as service, service.store.begin("grant") as connection:
        row = wishes.settle_request(connection, number, grant=not refuse, now=service.store.now(), by=BY)
    verb = Text("từ chối", "refused") if refuse else Text("duyệt", "granted")
    say(Text(f"Đã {verb.vi} yêu cầu {row.id} về {row.code}.", f"Request {row.id} about {row.code} is {verb.en}."))


def _tell_secret(code: str, secret: str | None, *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": 1, "code": code, "secret": secret})
    elif secret is None:
        say(Text(f"Đã ghi {code}.", f"{code} is entered."))
    else:
        say(Text(f"Đã ghi {code}. Bí mật (chỉ hiện một lần):", f"{code} is entered. Its secret (shown once):"))
        say(secret)
