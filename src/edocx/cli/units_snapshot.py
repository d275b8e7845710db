"""``edocx units snapshot``: take the signed directory, show what is in force, publish one's own part."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli import units_place as place
from edocx.cli.output import emit_json, error_json, language, say
from edocx.clock import in_vietnam
from edocx.errors import EdocxError, InputError, Text, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from edocx.units.memory import MemoryDirectory
    from edocx.units.metadata import Role, Sign
    from edocx.units.publisher import Made
    from edocx.units.trusted import TrustedDirectory

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

_FOLDER = typer.Argument(..., metavar="DIR", help="Thư mục công bố / the published folder.")
_KEYS = typer.Option([], "--key", metavar="URI", help="Khóa ký, nhiều lần / signing key, repeatable.")


@app.command()
def take(
    folder: Path = _FOLDER,
    root: Path | None = typer.Option(None, "--root", metavar="FILE", help="Bản gốc tin cậy, lần đầu / first root."),
    office: Path | None = place.OFFICE,
    as_json: bool = place.JSON,
) -> None:
    """Nhận danh bạ đã ký, được tất cả hoặc không gì cả. / Take in the signed directory, whole or not at all."""
    from edocx.office.records import unsigned_base
    from edocx.signing.named_key import check_named
    from edocx.units.published import take_published
    from edocx.units.trusted import TrustedDirectory
    from edocx.units.trusted_store import TrustedStore

    known = place.needed(office)
    store = TrustedStore(place.engine(office))
    store.create_tables()
    kept = store.load()
    if kept is None and root is None:
        raise UsageError(
            Text("Lần đầu phải có bản gốc tin cậy.", "The first time needs a root that is trusted."),
            hint=Text(
                "Lấy 1.root.json bằng đường an toàn, rồi thêm --root FILE.",
                "Get 1.root.json by a safe way and add --root FILE.",
            ),
            code="EDX-UNITS-ROOT",
        )
    with place.explained(as_json):
        if kept is not None:
            trusted = TrustedDirectory.restore(kept, check_named)
            with suppress(EdocxError):
                # So that a delegate whose new contents are set aside goes on with what he is served with now. A state
                # that no longer joins (the shipped data changed under it) is what this take is to mend.
                trusted.directory(unsigned_base(known))
        else:
            assert root is not None
            trusted = TrustedDirectory(place.read(root), check_named)
        take_published(trusted, folder, place.now())
        # Nothing is kept of a state that does not join: the one before goes on until it expires.
        directory = trusted.directory(unsigned_base(known))
        store.save(trusted.taken)
    _show(trusted, directory, _overruled(office), as_json=as_json)
    raise typer.Exit(1 if trusted.refusals else 0)


@app.command()
def show(office: Path | None = place.OFFICE, as_json: bool = place.JSON) -> None:
    """Danh bạ đã ký đang dùng: phiên bản, hạn, ai bị từ chối. / The signed directory in force."""
    from edocx.office.records import base_of

    known = place.needed(office)
    with place.explained(as_json):
        directory, trusted = base_of(known, place.engine(office))
    if trusted is None:
        raise InputError(
            Text("Văn phòng chưa nhận danh bạ đã ký nào.", "The office has taken no signed directory."),
            hint=Text("Dùng edocx units snapshot take.", "Use edocx units snapshot take."),
            code="EDX-UNITS-NO-SNAPSHOT",
        )
    _show(trusted, directory, _overruled(office), as_json=as_json)


@app.command()
def key(uri: str = typer.Argument(..., metavar="URI|CERT", help="Khóa hoặc chứng thư / key or certificate.")) -> None:
    """In tên khóa để ghi vào roles.json. / Print a key's name, for roles.json."""
    say(_key_name(uri))


@app.command()
def root(
    folder: Path = _FOLDER,
    roles: Path = typer.Option(..., "--roles", metavar="FILE", help='{"root": {"keys": […], "threshold": 1}, …}'),
    keys: list[str] = _KEYS,
    days: int = typer.Option(365, "--days", min=1, max=3650, help="Hạn dùng / days until it expires."),
    as_json: bool = place.JSON,
) -> None:
    """Ký bản gốc kế tiếp: khóa nào nói thay vai trò nào. / Sign the next root: which keys speak for which role."""
    from edocx.units.publisher import make_root

    folder.mkdir(parents=True, exist_ok=True)
    made = make_root(folder, _roles(roles), _signers(keys), expires=_until(days=days))
    _say_made([made], as_json=as_json)


@app.command()
def sign(
    folder: Path = _FOLDER,
    role: str = typer.Option(..., "--role", metavar="national|NAME", help="Vai trò / the role."),
    units: Path = typer.Option(..., "--units", metavar="FILE", help="Đơn vị: CSV hoặc JSON / units."),
    registry: Path | None = typer.Option(None, "--registry", metavar="CSV", help="Sổ chứng thư / registry."),
    delegates: Path | None = typer.Option(
        None, "--delegates", metavar="FILE", help='{"h20": {"keys": […], "prefixes": ["H20"]}} (national).'
    ),
    keys: list[str] = _KEYS,
    days: int = typer.Option(30, "--days", min=1, max=3650, help="Hạn dùng / days until it expires."),
    as_json: bool = place.JSON,
) -> None:
    """Ký phần danh bạ của mình. / Sign one's own part of the directory."""
    from edocx.units.metadata import NATIONAL
    from edocx.units.publisher import make_role

    if (role == NATIONAL) != (delegates is not None):
        raise UsageError(
            Text("Chỉ và luôn national cần --delegates.", "national, and nobody else, needs --delegates."),
            hint=Text("Xem edocx units snapshot sign --help.", "See edocx units snapshot sign --help."),
        )
    folder.mkdir(parents=True, exist_ok=True)
    with place.explained(as_json):
        contents = _contents(folder, role, units)
        table = _table(registry)
    made = make_role(
        folder,
        role,
        contents,
        _signers(keys),
        expires=_until(days=days),
        certificates=table,
        delegations=_roles(delegates) if delegates is not None else None,
    )
    _say_made([made], as_json=as_json)


@app.command()
def make(
    folder: Path = _FOLDER,
    keys: list[str] = _KEYS,
    timestamp_key: list[str] = typer.Option([], "--timestamp-key", metavar="URI", help="Mặc định như --key."),
    days: int = typer.Option(7, "--days", min=1, max=365, help="Hạn của snapshot / of the snapshot."),
    hours: int = typer.Option(24, "--hours", min=1, max=8760, help="Hạn của timestamp / of the timestamp."),
    as_json: bool = place.JSON,
) -> None:
    """Gộp mọi bản công bố trong thư mục thành một trạng thái. / Join all statements in the folder into one state."""
    from edocx.units.publisher import make_snapshot

    made = make_snapshot(
        folder,
        _signers(keys),
        _signers(timestamp_key or keys),
        now=place.now(),
        snapshot_expires=_until(days=days),
        timestamp_expires=_until(hours=hours),
    )
    _say_made(made, as_json=as_json)


def _contents(folder: Path, role: str, file: Path) -> bytes:
    """Read units against the shipped data and national's part, and write what they add or change as the role's own."""
    from edocx.units.bulk import take_in
    from edocx.units.metadata import NATIONAL
    from edocx.units.published import contents_file
    from edocx.units.publishing import write_contents
    from edocx.units.shipped import shipped_directory
    from edocx.units.unit import SIGNED
    from edocx.units.units_json import read_document

    base = shipped_directory()
    above = folder / contents_file(NATIONAL)
    if role != NATIONAL and above.is_file():
        document = read_document(place.read(above), where=str(above))
        base = base.with_changes((unit for _, unit in document.units), (edge for _, edge in document.successions))
    made = take_in(base, place.read(file), now=place.now(), source=file.name, authority=SIGNED, where=str(file))
    changed = made.difference
    return write_contents((*changed.added, *changed.changed), changed.successions_added, made.directory.snapshot)


def _table(file: Path | None) -> bytes:
    if file is None:
        return b""
    from edocx.units.registry_csv import read_registry, write_registry

    return write_registry(read_registry(file)).encode()


def _roles(file: Path) -> Mapping[str, Role]:
    import json

    from edocx.units.metadata import read_role

    try:
        said = json.loads(place.read(file))
        return {
            name: read_role(
                {"threshold": 1, **role, "keys": [_key_name(one, file.parent) for one in role["keys"]]}, name
            )
            for name, role in said.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            Text("Tệp vai trò sai dạng.", "The file of roles is malformed."),
            hint=Text(
                'Cần {"h20": {"keys": […], "prefixes": ["H20"]}}.',
                'It has {"h20": {"keys": […], "prefixes": ["H20"]}}.',
            ),
            code="EDX-UNITS-ROLES",
            where=str(file),
        ) from error


def _key_name(text: str, folder: Path = Path()) -> str:
    """Return the name of a key: as given, of a certificate's file (beside the file that names it), or of a signer."""
    from edocx.signing.certificate import certificates_in
    from edocx.signing.named_key import is_key_name, key_name

    if is_key_name(text):
        return text
    file = folder / text
    if file.is_file() and (found := certificates_in(place.read(file))):
        return key_name(found[0])
    signer = _open(text)
    return key_name(signer.certificate, signer.algorithm)


def _signers(uris: list[str]) -> list[Sign]:
    from edocx.signing.named_key import sign_named

    if not uris:
        raise UsageError(
            Text("Chưa có khóa ký.", "There is no key to sign with."),
            hint=Text("Thêm --key file:khoa.p12.", "Add --key file:key.p12."),
        )
    return [sign_named(_open(uri)) for uri in uris]


def _open(uri: str) -> Any:
    from edocx.cli.signing_means import ask_secret
    from edocx.signing.keys import open_signer

    return open_signer(uri, ask_secret)


def _until(**span: int) -> datetime:
    return place.now() + timedelta(**span)


def _say_made(made: tuple[Made, ...] | list[Made], *, as_json: bool) -> None:
    if as_json:
        rows = [{"role": one.role, "version": one.version, "file": str(one.path)} for one in made]
        emit_json({"schema": 1, "made": rows})
        return
    for one in made:
        say(
            Text(
                f"Đã ký {one.role}, phiên bản {one.version}: {one.path}", f"Signed {one.role} {one.version}: {one.path}"
            )
        )


def _overruled(office: Path | None) -> list[str]:
    """Name the office's own records that no longer count: units by identity, successions as from → to."""
    store = place.store(office)
    edges = (f"{edge.predecessor} → {edge.successor or '-'}" for edge in store.overruled_successions())
    return [*(unit.identity for unit in store.overruled()), *edges]


def _show(trusted: TrustedDirectory, directory: MemoryDirectory, overruled: list[str], *, as_json: bool) -> None:
    if as_json:
        emit_json(_state(trusted, directory, overruled))
        return
    lang, expires = language(), directory.snapshot.expires
    until = f"{in_vietnam(expires):%Y-%m-%d %H:%M}" if expires else "-"
    late = Text(" (ĐÃ HẾT HẠN)", " (EXPIRED)").in_language(lang) if _expired(directory) else ""
    say(Text(f"Danh bạ đã ký, hạn {until}{late}", f"Signed directory, good until {until}{late}"))
    for name in trusted.published:
        told = trusted.refusals[name].text.in_language(lang) if name in trusted.refusals else ""
        say(f"  {name:<12} {trusted.version(name):>4}  {' '.join(_prefixes(trusted, name)):<16} {told}".rstrip())
    for identity in overruled:
        say(
            Text(
                f"  bản ghi riêng {identity} không được dùng: dữ liệu kèm theo hoặc bản ký nói khác",
                f"  the local record {identity} does not count: the shipped data or a signed one says otherwise",
            )
        )


def _state(trusted: TrustedDirectory, directory: MemoryDirectory, overruled: list[str]) -> dict[str, Any]:
    snapshot = directory.snapshot
    roles = {
        name: {
            "version": trusted.version(name),
            "published": version,
            "prefixes": _prefixes(trusted, name),
            "refused": error_json(trusted.refusals[name]) if name in trusted.refusals else None,
        }
        for name, version in trusted.published.items()
    }
    return {
        "schema": 1,
        "version": snapshot.version,
        "taken": snapshot.taken.isoformat(),
        "expires": snapshot.expires.isoformat() if snapshot.expires else None,
        "expired": _expired(directory),
        "root": trusted.root_version,
        "roles": roles,
        "units": sum(unit.authority == "signed" for unit in directory),
        "certificates": len(trusted.registry()),
        "overruled": overruled,
    }


def _prefixes(trusted: TrustedDirectory, name: str) -> list[str]:
    return [str(one) for one in trusted.delegations[name].prefixes] if name in trusted.delegations else []


def _expired(directory: MemoryDirectory) -> bool:
    return directory.snapshot.expired(place.now())
