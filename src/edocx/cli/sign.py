"""``edocx sign``: one PDF, signed by a person or sealed by an organisation."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

import typer

from edocx.cli.output import emit_json, language, say
from edocx.errors import Text

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class _Role(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class _Scheme(StrEnum):
    PKCS1V15 = "pkcs1v15"
    PSS = "pss"


@app.command()
def sign(
    file: Path = typer.Argument(..., help="PDF."),
    key: str = typer.Option(..., "--key", help="file:key.p12, file:key.pem"),
    role: _Role = typer.Option(..., "--as", help="Cá nhân hay cơ quan / person or organisation."),
    out: Path = typer.Option(..., "--out", help="Tệp kết quả / the signed file."),
    trust: list[Path] = typer.Option([], "--trust", help="Kho tin cậy / trusted roots."),
    registry: Path | None = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry."),
    image: Path | None = typer.Option(None, "--image", help="Ảnh chữ ký hoặc con dấu / image (PNG)."),
    reason: str | None = typer.Option(None, "--reason", help="Lý do / reason."),
    scheme: _Scheme = typer.Option(_Scheme.PKCS1V15, "--scheme", help="RSA."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Ký (cá nhân) hoặc đóng dấu (cơ quan) một tệp PDF. / Sign or seal a PDF."""
    from edocx.clock import SystemClock
    from edocx.signing.judgement import Criteria
    from edocx.signing.keys import open_signer
    from edocx.signing.pdf.appearance import Appearance
    from edocx.signing.pdf.order import sign_as
    from edocx.signing.trust import TrustStore

    signer = open_signer(key, _ask, scheme=scheme.value)
    now = SystemClock().now()
    store = TrustStore()
    for place in trust:
        store |= TrustStore.from_path(place)
    known = None
    if registry is not None:
        from edocx.units.registry import CsvRegistry

        known = CsvRegistry.from_path(registry)
    criteria = Criteria(store, now, known) if trust or known else None
    appearance = Appearance(image=image) if image else None
    notes = sign_as(file, out, signer, role.value, at=now, criteria=criteria, appearance=appearance, reason=reason)
    if as_json:
        emit_json({"schema": 1, "file": str(out), "messages": [note.model_dump() for note in notes]})
        return
    say(Text(f"Đã ký: {out}", f"Signed: {out}"))
    for note in notes:
        say(f"  ! {note.vi if language() == 'vi' else note.en}  [{note.code}]")


def _ask(name: str) -> str | None:
    given = os.environ.get("EDOCX_KEY_PASSWORD")
    if given is not None:
        return given
    import sys

    if not sys.stdin.isatty():
        return None
    prompt = {"vi": f"Mật khẩu của {name}"}.get(language(), f"Password of {name}")
    return str(typer.prompt(prompt, hide_input=True))
