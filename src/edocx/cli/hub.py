"""``edocx hub``: serve an axis, keep its register of agencies, look it over."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import typer

from edocx.cli.hub_agencies import register
from edocx.cli.hub_care import app as care
from edocx.cli.hub_nats import nats_config
from edocx.cli.hub_place import CONFIG, DATABASE, JSON, opened, settings_of
from edocx.cli.interrupt import Terminated
from edocx.cli.output import emit_json, language, say
from edocx.errors import KeyFileError, Text, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.registered_commands += care.registered_commands
app.add_typer(register, name="agencies", help="Danh bạ đơn vị của trục / the hub's register.")

DEFAULT_PORT = 8642


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
    config: Path | None = CONFIG,
    listen: str = typer.Option(f"127.0.0.1:{DEFAULT_PORT}", "--listen", metavar="HOST:PORT", help="127.0.0.1:8642."),
    db: str | None = DATABASE,
    certificate: Path | None = typer.Option(None, "--certificate", help="TLS, PEM."),
    key: Path | None = typer.Option(None, "--key", help="Khóa TLS / its key, PEM."),
    log: bool = typer.Option(False, "--log", help="Nhật ký JSON ra stderr / log calls to stderr as JSON."),
) -> None:
    """Chạy trục; không có cấu hình thì là trục thử nghiệm với hai đơn vị. / Serve; a sandbox without settings."""
    import sys

    from edocx.hub import app as make
    from edocx.hub import sandbox
    from edocx.hub.server import listen_on, server, settle_memory

    if log:
        from edocx.hub.call_log import write_json_lines

        write_json_lines()
    settings, found = settings_of(config, db)
    host, port = _address(listen)
    hub = make(settings)
    try:
        made = server(
            hub, host=host, certificate=str(certificate) if certificate else None, key=str(key) if key else None
        )
        with listen_on(host, port) as line:
            shown = f"[{host}]" if ":" in host else host
            endpoint = f"{'https' if certificate else 'http'}://{shown}:{line.getsockname()[1]}"
            say(Text(f"Trục đang chạy tại {endpoint}", f"The axis answers at {endpoint}"))
            if not found:
                say(Text("Trục thử nghiệm, không có giá trị pháp lý. Dán vào cấu hình của ứng dụng:", _SANDBOX))
                for code, secret in sandbox.enrol(hub.service).items():
                    say(f"\n# {code}\n{sandbox.properties(endpoint, code, secret)}")
            sys.stdout.flush()
            settle_memory()
            with suppress(Terminated):  # raised again by uvicorn when all calls are answered: the end is in order
                made.run(sockets=[line])
    finally:
        hub.service.close()


@app.command()
def doctor(config: Path | None = CONFIG, db: str | None = DATABASE, as_json: bool = JSON) -> None:
    """Kiểm tra trục. / Look the hub over."""
    from edocx.hub.doctor import examine, unopened

    try:
        with opened(config, db) as service:
            checks = examine(service)
    except KeyFileError as error:
        checks = unopened(error)
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
def relay_key(config: Path | None = CONFIG, db: str | None = DATABASE, as_json: bool = JSON) -> None:
    """Khóa công khai cho lời khai trung chuyển của trục này. / The public key of this hub's relay statements."""
    import base64

    with opened(config, db) as service:
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


MOST_PORT = 65_535
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:\[\]]+)):([0-9]{1,9})", re.ASCII)
_SANDBOX = "A sandbox without legal value. Paste into a client's properties:"
_MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


def _address(listen: str) -> tuple[str, int]:
    found = _LISTEN.fullmatch(listen)
    if found is None:
        raise UsageError(
            Text(f"Địa chỉ “{listen}” không đúng.", f"“{listen}” is no address."),
            hint=Text(
                "Ghi HOST:PORT, ví dụ 127.0.0.1:8642; địa chỉ IPv6 trong ngoặc vuông: [::1]:8642.",
                "Write HOST:PORT, such as 127.0.0.1:8642; an IPv6 address in brackets: [::1]:8642.",
            ),
            code="EDX-HUB-LISTEN",
            where=listen,
        )
    host, port = found[1] or found[2], int(found[3])
    if port > MOST_PORT:
        raise UsageError(
            Text(
                f"Không có cổng {port}: cổng lớn nhất là {MOST_PORT}.", f"There is no port {port}: up to {MOST_PORT}."
            ),
            hint=Text("Chọn cổng từ 1 đến 65535, hoặc 0 để lấy cổng trống.", "Choose one of 1 to 65535, or 0 for any."),
            code="EDX-HUB-LISTEN",
            where=listen,
        )
    return host, port
