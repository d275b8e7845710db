"""``edocx hub``: serve an axis, keep its register of agencies, look it over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.cli.hub_nats import nats_config
from edocx.cli.output import emit_json, language, say
from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.hub.configuration import HubConfig
    from edocx.hub.service import Service

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
register = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(register, name="agencies", help="Danh bạ đơn vị của trục / the hub's register.")

DEFAULT_PORT = 8642
_CONFIG = typer.Option(None, "--config", help="hub.toml.")
_DATABASE = typer.Option(None, "--db", help="sqlite:///hub.db, postgresql://…")
_JSON = typer.Option(False, "--json", help="JSON.")
_BY = "cli"


@app.callback()
def _hub() -> None:
    """Trục liên thông: phục vụ, danh bạ đơn vị, kiểm tra. / The axis: serve, agencies, doctor."""
    from importlib.util import find_spec

    missing = [name for name in ("starlette", "uvicorn", "httpx") if find_spec(name) is None]
    if missing:
        raise UsageError(
            Text(f"Chưa cài {', '.join(missing)} cho trục.", f"The hub needs {', '.join(missing)}."),
            hint=Text("Cài: pip install 'edocx[hub]'.", "Install it: pip install 'edocx[hub]'."),
            code="EDX-HUB-EXTRA",
        )


@app.command()
def serve(
    config: Path | None = _CONFIG,
    listen: str = typer.Option(f"127.0.0.1:{DEFAULT_PORT}", "--listen", metavar="HOST:PORT", help="127.0.0.1:8642."),
    db: str | None = _DATABASE,
    certificate: Path | None = typer.Option(None, "--certificate", help="TLS, PEM."),
    key: Path | None = typer.Option(None, "--key", help="Khóa TLS / its key, PEM."),
) -> None:
    """Chạy trục; không có cấu hình thì là trục thử nghiệm với hai đơn vị. / Serve; a sandbox without settings."""
    import sys

    from edocx.hub import app as make
    from edocx.hub import sandbox
    from edocx.hub.server import listen_on, server

    settings, found = _settings(config, db)
    host, port = _address(listen)
    hub = make(settings)
    try:
        made = server(
            hub, host=host, certificate=str(certificate) if certificate else None, key=str(key) if key else None
        )
        with listen_on(host, port) as line:
            endpoint = f"{'https' if certificate else 'http'}://{host}:{line.getsockname()[1]}"
            say(Text(f"Trục đang chạy tại {endpoint}", f"The axis answers at {endpoint}"))
            if not found:
                say(Text("Trục thử nghiệm, không có giá trị pháp lý. Dán vào cấu hình của ứng dụng:", _SANDBOX))
                for code, secret in sandbox.enrol(hub.service).items():
                    say(f"\n# {code}\n{sandbox.properties(endpoint, code, secret)}")
            sys.stdout.flush()
            made.run(sockets=[line])
    finally:
        hub.service.close()


@app.command()
def doctor(config: Path | None = _CONFIG, db: str | None = _DATABASE, as_json: bool = _JSON) -> None:
    """Kiểm tra trục. / Look the hub over."""
    from edocx.hub.doctor import examine

    with _service(config, db) as service:
        checks = examine(service)
    if as_json:
        rows = [{"name": one.name, "grade": one.grade, "vi": one.text.vi, "en": one.text.en} for one in checks]
        emit_json({"schema": 1, "checks": rows})
    else:
        for one in checks:
            say(f"{_MARKS[one.grade]} {one.text.in_language(language())}")
    if any(one.grade == "error" for one in checks):
        raise typer.Exit(1)


app.command("nats-config")(nats_config)


@app.command("relay-key")
def relay_key(config: Path | None = _CONFIG, db: str | None = _DATABASE, as_json: bool = _JSON) -> None:
    """Khóa công khai cho lời khai trung chuyển của trục này. / The public key of this hub's relay statements."""
    import base64

    with _service(config, db) as service:
        book = service.relay_book
        if book.public_key is None:
            raise UsageError(
                Text("Trục này chưa có đơn vị.", "This hub has no unit."),
                hint=Text("Ghi unit trong hub.toml.", "Set unit in hub.toml."),
                code="EDX-HUB-UNIT",
            )
        text = base64.b64encode(book.public_key.public_bytes_raw()).decode()
    if as_json:
        emit_json({"schema": 1, "hub": book.system, "key": text})
        return
    say(f"{book.system} {text}")


@register.command("list")
def list_agencies(config: Path | None = _CONFIG, db: str | None = _DATABASE, as_json: bool = _JSON) -> None:
    """Liệt kê đơn vị. / List the agencies."""
    from edocx.hub import agencies

    with _service(config, db) as service, service.store.read() as connection:
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
    config: Path | None = _CONFIG,
    db: str | None = _DATABASE,
    as_json: bool = _JSON,
) -> None:
    """Thêm hoặc sửa một đơn vị; đơn vị mới nhận bí mật, in ra một lần. / Enter an agency; its secret is shown once."""
    from edocx.hub import NewAgency, agencies

    wanted = NewAgency(
        code,
        name,
        old_code=old_code,
        parent=parent,
        mail=mail,
        served_by=served_by,
        kind="hub" if neighbour else "system",
    )
    secret: str | None = None
    with _service(config, db) as service, service.store.begin("add") as connection:
        now = service.store.now()
        agency = agencies.register(connection, wanted, now=now, by=_BY)
        if served_by is None and not agencies.hmac_secrets(connection, agency, service.vault, now=now):
            secret = agencies.new_hmac_secret(connection, agency, service.vault, now=now, by=_BY)
    _tell_secret(agency.code, secret, as_json=as_json)


@register.command("secret")
def new_secret(
    code: str = typer.Argument(..., help="H58.12.01."),
    overlap: int = typer.Option(7, "--overlap", min=0, help="Số ngày bí mật cũ còn dùng / days the old one works on."),
    config: Path | None = _CONFIG,
    db: str | None = _DATABASE,
    as_json: bool = _JSON,
) -> None:
    """Cấp bí mật mới; bí mật cũ còn dùng thêm vài ngày. / Make a new secret; the old one works on for some days."""
    from datetime import timedelta

    from edocx.hub import agencies

    with _service(config, db) as service, service.store.begin("secret") as connection:
        agency = agencies.require(connection, code)
        span = timedelta(days=overlap)
        now = service.store.now()
        secret = agencies.new_hmac_secret(connection, agency, service.vault, now=now, by=_BY, overlap=span)
    _tell_secret(agency.code, secret, as_json=as_json)


@register.command("lgsp")
def new_lgsp(
    code: str = typer.Argument(..., help="H58.12.01."),
    config: Path | None = _CONFIG,
    db: str | None = _DATABASE,
    as_json: bool = _JSON,
) -> None:
    """Cấp khóa và mật khẩu mới cho phương ngữ LGSP. / Make a new key and password for the LGSP dialect."""
    from edocx.hub import agencies

    with _service(config, db) as service, service.store.begin("lgsp") as connection:
        agency = agencies.require(connection, code)
        key, password = agencies.new_lgsp_credentials(
            connection, agency, service.vault, now=service.store.now(), by=_BY
        )
    if as_json:
        emit_json({"schema": 1, "code": agency.code, "key": key, "username": agency.code, "password": password})
        return
    say(f"X-SystemId: {agency.code}\nX-SecretKey: {key}\nusername: {agency.code}\npassword: {password}")


@register.command()
def outgoing(
    code: str = typer.Argument(..., help="hub.G22."), config: Path | None = _CONFIG, db: str | None = _DATABASE
) -> None:
    """Lưu bí mật mà trục lân cận đã cấp (hỏi hoặc đọc từ stdin). / Keep the secret a neighbouring hub gave us."""
    import sys

    from edocx.hub import agencies

    # Never an argument: arguments stand in the process list and the shell's history.
    secret = typer.prompt("secret", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    with _service(config, db) as service, service.store.begin("outgoing") as connection:
        agency = agencies.require(connection, code)
        agencies.put_outgoing_secret(connection, agency, service.vault, secret, now=service.store.now(), by=_BY)
    say(Text(f"Đã lưu bí mật tới {agency.code}.", f"The secret for {agency.code} is kept."))


@register.command("close")
def close_agency(
    code: str = typer.Argument(..., help="H58.12.01."), config: Path | None = _CONFIG, db: str | None = _DATABASE
) -> None:
    """Khóa một đơn vị: không nhận thêm văn bản cho đơn vị ấy. / Accept nothing more for an agency."""
    from edocx.hub import agencies

    with _service(config, db) as service, service.store.begin("close") as connection:
        agency = agencies.close(connection, code, now=service.store.now(), by=_BY)
    say(Text(f"Đã khóa {agency.code}.", f"{agency.code} is closed."))


@register.command("requests")
def list_requests(config: Path | None = _CONFIG, db: str | None = _DATABASE, as_json: bool = _JSON) -> None:
    """Yêu cầu chờ duyệt. / Requests that wait."""
    import json

    from edocx.hub import agencies

    with _service(config, db) as service, service.store.read() as connection:
        rows = agencies.open_requests(connection)
    if as_json:
        told = [
            {"id": r.id, "agency": r.agency, "act": r.act, "code": r.code, "wish": json.loads(r.wish)} for r in rows
        ]
        emit_json({"schema": 1, "requests": told})
        return
    for row in rows:
        say(f"{row.id:5} {row.agency:20} {row.act:9} {row.code}")


@register.command()
def grant(
    number: int = typer.Argument(...),
    refuse: bool = typer.Option(False, "--refuse", help="Từ chối / refuse it."),
    config: Path | None = _CONFIG,
    db: str | None = _DATABASE,
) -> None:
    """Duyệt (hoặc từ chối) một yêu cầu. / Grant (or refuse) a request."""
    from edocx.hub import agencies

    with _service(config, db) as service, service.store.begin("grant") as connection:
        row = agencies.settle_request(connection, number, grant=not refuse, now=service.store.now(), by=_BY)
    verb = Text("từ chối", "refused") if refuse else Text("duyệt", "granted")
    say(Text(f"Đã {verb.vi} yêu cầu {row.id} về {row.code}.", f"Request {row.id} about {row.code} is {verb.en}."))


_SANDBOX = "A sandbox without legal value. Paste into a client's properties:"
_MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


def _tell_secret(code: str, secret: str | None, *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": 1, "code": code, "secret": secret})
    elif secret is None:
        say(Text(f"Đã ghi {code}.", f"{code} is entered."))
    else:
        say(Text(f"Đã ghi {code}. Bí mật (chỉ hiện một lần):", f"{code} is entered. Its secret (shown once):"))
        say(secret)


@contextmanager
def _service(config: Path | None, db: str | None) -> Iterator[Service]:
    from edocx.hub.service import Service

    service = Service.open(_settings(config, db)[0])
    try:
        yield service
    finally:
        service.close()


def _settings(config: Path | None, db: str | None) -> tuple[HubConfig, bool]:
    """Return the settings, and whether anybody made them: a hub.toml, or a database that was named."""
    from edocx.hub.configuration import HubConfig

    place = config or Path("hub.toml")
    made = config is not None or place.exists()
    settings = HubConfig.from_path(place) if made else HubConfig(database=Path("edocx-sandbox/hub.db"))
    return (_at_place(settings, db) if db is not None else settings), made or db is not None


def _at_place(settings: HubConfig, url: str) -> HubConfig:
    """Return the settings with another database: a path, ``sqlite:///path``, or a PostgreSQL URL."""
    scheme, separator, rest = url.partition("://")
    if scheme in {"postgresql", "postgres"}:
        place = settings.database if settings.server else Path("edocx-hub/hub")
        return settings.model_copy(update={"server": url, "database": place})
    if separator and not (scheme == "sqlite" and rest.startswith("/")):
        raise UsageError(
            Text(f"Chưa hỗ trợ cơ sở dữ liệu '{scheme}' cho trục.", f"A hub on '{scheme}' is not supported."),
            hint=Text(
                "Dùng sqlite:///đường-dẫn hoặc postgresql://máy/cơ-sở-dữ-liệu.",
                "Use sqlite:///path or postgresql://host/database.",
            ),
            code="EDX-STORE-URL",
        )
    return settings.model_copy(update={"server": None, "database": Path(rest[1:] if separator else url)})


def _address(listen: str) -> tuple[str, int]:
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdigit() or not host:
        raise UsageError(
            Text(f"Địa chỉ “{listen}” không đúng.", f"“{listen}” is no address."),
            hint=Text("Ghi HOST:PORT, ví dụ 127.0.0.1:8642.", "Write HOST:PORT, such as 127.0.0.1:8642."),
            code="EDX-HUB-LISTEN",
        )
    return host.strip("[]"), int(port)
