"""The root of the command line: every command by name, loaded only when it is called."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from edocx.cli.output import language
from edocx.errors import Text

_COMMANDS = {
    "demo": Text("Một văn bản qua bốn cấp, từ đầu đến cuối", "One document through four levels, from end to end"),
    "verify": Text("Kiểm tra chữ ký, con dấu của tệp", "Verify the signatures of files"),
    "sign": Text("Ký hoặc đóng dấu tệp", "Sign or seal files"),
    "prepare": Text("Chuẩn bị chữ ký cho khóa ở nơi khác", "Prepare a signature for a key that is elsewhere"),
    "complete": Text("Hoàn tất chữ ký đã chuẩn bị", "Complete a prepared signature"),
    "form": Text("Tạo ô số, ngày, chữ ký, con dấu trước khi ký", "Make the fields before anybody signs"),
    "copy": Text("Sao y, sao lục, trích sao điện tử", "Sealed electronic copies and extracts"),
    "extend": Text("Nâng mức chữ ký để lưu lâu dài", "Lift signatures for the long term"),
    "envelope": Text("Đọc, ghi, kiểm tra phong bì edXML", "Read, write and check edXML envelopes"),
    "units": Text("Mã định danh và danh bạ cơ quan", "Unit identifiers and the directory"),
    "office": Text("Văn phòng: ban hành, gửi, nhận, theo dõi", "The office: issue, send, receive, follow"),
    "hub": Text("Trục liên thông: phục vụ, danh bạ đơn vị", "The axis: serve, keep the agencies"),
    "pki": Text("Hệ thống chứng thư thử nghiệm", "A certificate authority for tests"),
    "trust": Text("Kho tin cậy", "Trust stores"),
    "bench": Text("Đo tốc độ bên cạnh các công cụ khác", "Measured speed beside peers"),
}
"""Every command with its line of help; a command is the module of the same name in this package."""


class _LazyGroup(TyperGroup):
    """Lists all commands without importing any: ``edocx --help`` must not wait for cryptography."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(_available())

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _available():
            return None
        from importlib import import_module

        from edocx.cli.empty_name import refuse_empty_names

        module = import_module(f"edocx.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        refuse_empty_names(command)
        return command

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        with formatter.section({"vi": "Lệnh"}.get(language(), "Commands")):
            formatter.write_dl([(name, _COMMANDS[name].in_language(language())) for name in _available()])


def _available() -> tuple[str, ...]:
    from importlib.util import find_spec

    return tuple(name for name in _COMMANDS if find_spec(f"edocx.cli.{name}"))


app = typer.Typer(cls=_LazyGroup, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        from edocx import __version__

        typer.echo(f"edocx {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Phiên bản / version."
    ),
    lang: str = typer.Option("", "--lang", metavar="vi|en", help="Ngôn ngữ / language."),
) -> None:
    """Official electronic documents: signed, sealed, enveloped, routed. / Văn bản điện tử: ký, đóng dấu, gửi, nhận."""
