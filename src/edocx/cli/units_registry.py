"""``edocx units confirm | registry …``: which certificate belongs to whom, as this office decides."""

from __future__ import annotations

from pathlib import Path

import typer

from edocx.cli import units_lists as lists
from edocx.cli import units_place as place
from edocx.cli import units_view as view
from edocx.cli.output import emit_json, language, say
from edocx.errors import Text, UsageError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def confirm(
    sha256: str = typer.Argument(..., help="SHA-256 của chứng thư / of the certificate."),
    unit: str = typer.Option(..., "--unit", metavar="CODE"),
    kind: str = typer.Option("organisation", "--kind", metavar="person|organisation|device"),
    name: str = typer.Option("", "--name", help="Họ tên / full name (person)."),
    by: str = typer.Option(..., "--by", help="Người xác nhận / who decides."),
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Văn thư xác nhận một chứng thư chưa có trong sổ. / A clerk confirms a certificate unknown so far."""
    from edocx.units import UnitId
    from edocx.units.registry import HolderKind

    if kind not in [one.value for one in HolderKind] or (kind == "person" and not name):
        raise UsageError(
            Text("Cần --kind person|organisation|device; cá nhân cần --name.", "Give --kind, and --name for a person."),
            hint=Text("Xem edocx units confirm --help.", "See edocx units confirm --help."),
        )
    with place.explained(as_json):
        store = place.registry_store(office)
        code = UnitId.parse(unit)
        entry = store.confirm(sha256, kind=HolderKind(kind), unit=code, full_name=name, by=by)
    if as_json:
        emit_json({"schema": 1, "entry": lists.entry_json(entry)})
    else:
        say(Text(f"Đã ghi chứng thư cho {entry.unit}.", f"The certificate is registered for {entry.unit}."))


@app.command(name="import")
def registry_import(file: Path, office: Path | None = place.OFFICE, as_json: bool = place.JSON) -> None:
    """Nhập sổ chứng thư từ CSV, được tất cả hoặc không gì cả. / Take in a registry CSV, all or nothing."""
    from edocx.units.registry import doubts
    from edocx.units.registry_csv import read_registry_bytes
    from edocx.units.registry_holders import holder_doubts, spoken_for

    data = place.read(file)
    directory = place.directory(office)
    with place.explained(as_json):
        store = place.registry_store(office)
        count = store.take_in(data, where=str(file))
    entries = read_registry_bytes(data)
    # NĐ 30/2020 Điều 13 asks it of an authorisation; what is missing makes no certificate anybody else's.
    lacking = [
        (entry.sha256, why)
        for entry in entries
        for why in (
            *(why for mandate in entry.mandates for why in doubts(mandate)),
            *holder_doubts(entry, directory),
        )
    ]
    own = list(dict.fromkeys((entry.sha256, why) for entry in entries if (why := spoken_for(entry, directory))))
    if as_json:
        told, local = (
            [{"sha256": sha256, "vi": why.vi, "en": why.en} for sha256, why in some] for some in (lacking, own)
        )
        emit_json({"schema": 1, "added": count, "doubts": told, "local": local})
        return
    say(Text(f"Đã thêm {count} dòng vào sổ chứng thư.", f"{count} entries were added to the registry."))
    if own:
        units = ", ".join(dict.fromkeys(str(entry.unit) for entry in entries if spoken_for(entry, directory)))
        _note(
            Text(
                f"{len(own)} chứng thư được gán cho đơn vị do nơi khác trả lời ({units[:60]}): chỉ là ghi nhận riêng"
                " của cơ quan này, kết quả kiểm tra dựa vào đó sẽ nói rõ.",
                f"{len(own)} certificates are given to units that others answer for ({units[:60]}): this office's own"
                " word, and verdicts that rest on it say so.",
            )
        )
    for sha256, why in lacking[: view.MAX_SHOWN]:
        _note(Text(f"{sha256[:16]}…: {why.vi}", f"{sha256[:16]}…: {why.en}"))


def _note(text: Text) -> None:
    for line in view.wrapped(f"! {text.in_language(language())}", "  "):
        say(line)


@app.command()
def renew(
    old: str,
    new: str,
    valid_from: str = typer.Option(..., "--from", metavar="DATE"),
    valid_to: str = typer.Option("", "--to", metavar="DATE"),
    source: str = typer.Option("renewal", "--source"),
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Ghi chứng thư gia hạn cho cùng chủ thể. / Register a renewed certificate for the same holder."""
    from edocx.units.table import read_moment

    try:
        begin, end = read_moment(valid_from), read_moment(valid_to)
    except ValueError as error:
        raise place.bad_date(valid_from) from error
    if begin is None:
        raise place.bad_date(valid_from)
    with place.explained(as_json):
        store = place.registry_store(office)
        entry = store.renew(old, new, valid_from=begin, valid_to=end, source=source)
    if as_json:
        emit_json({"schema": 1, "entry": lists.entry_json(entry)})
    else:
        say(Text(f"Đã ghi chứng thư gia hạn cho {entry.unit}.", f"The renewal is registered for {entry.unit}."))


@app.command()
def close(
    sha256: str = typer.Argument(..., help="SHA-256 của chứng thư / of the certificate."),
    by: str = typer.Option(..., "--by", help="Người quyết định / who decides."),
    at: str = typer.Option("", "--at", metavar="DATE", help="Mặc định: chưa từng có hiệu lực / it never held."),
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Kết thúc dòng riêng của cơ quan trong sổ chứng thư. / End this office's own entries of a certificate."""
    from edocx.units.table import read_moment

    try:
        moment = read_moment(at)
    except ValueError as error:
        raise place.bad_date(at) from error
    with place.explained(as_json):
        count = place.registry_store(office).close(sha256, by=by, at=moment)
    if as_json:
        emit_json({"schema": 1, "closed": count})
    else:
        say(Text(f"Đã kết thúc {count} dòng trong sổ chứng thư.", f"{count} registry entries were ended."))
