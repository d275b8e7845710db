"""Setting up an office and keeping it well: ``edocx office init | backup | restore | reconcile | doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.office_view import finding_json, retention_json, show_findings, show_retention
from edocx.cli.output import emit_json, say
from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.office import Office
    from edocx.office.configuration import SignerConfig
    from edocx.units import UnitId

OFFICE = typer.Option(Path("office.toml"), "--office", metavar="FILE", help="office.toml.")
JSON = typer.Option(False, "--json", help="JSON.")
TEST_PKI = "test-pki"
"""The folder beside the office that offices tried out on one machine share."""


def init(
    folder: Path = typer.Argument(Path(), metavar="[DIR]", help="Thư mục văn phòng / the office's folder."),
    unit: str = typer.Option(..., "--unit", metavar="CODE", help="Mã định danh / unit identifier."),
    name: str | None = typer.Option(None, "--name", help="Tên cơ quan / the unit's name."),
    axis: Path = typer.Option(Path("../axis.db"), "--axis", help="Tệp trục cục bộ / the local axis's file."),
    trust: Path = typer.Option(Path("trust"), "--trust", help="Kho tin cậy / trusted roots."),
    registry: Path | None = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry."),
    director: str | None = typer.Option(None, "--director", metavar="URI", help="Khóa người ký / signatory's key."),
    agency: str | None = typer.Option(None, "--agency", metavar="URI", help="Khóa cơ quan / agency's key."),
    test_pki: bool = typer.Option(False, "--test-pki", help="Khóa thử nghiệm / keys for trying out."),
    as_json: bool = JSON,
) -> None:
    """Tạo thư mục văn phòng. / Make an office's folder."""
    from edocx.clock import SystemClock
    from edocx.content import write_durably
    from edocx.office import Office, OfficeConfig, SignerConfig
    from edocx.routing.transport.local import LocalAxis
    from edocx.units import UnitId

    code = UnitId.parse(unit)
    place = folder / "office.toml"
    if place.exists():
        raise UsageError(
            Text("Ở đây đã có văn phòng.", "An office stands here already."),
            hint=Text("Chọn thư mục khác.", "Choose another folder."),
            code="EDX-OFFICE-EXISTS",
            where=str(place),
        )
    called = name or _name_of(code)
    folder.mkdir(parents=True, exist_ok=True)
    if test_pki:
        signers = _try_out(folder, code, called)
        trust, registry = Path("..") / TEST_PKI / "trust", Path("..") / TEST_PKI / "registry.csv"
    else:
        given = (("director", director, "person"), ("agency", agency, "organisation"))
        signers = {key: SignerConfig.model_validate({"key": uri, "role": role}) for key, uri, role in given if uri}
        (folder / trust).mkdir(parents=True, exist_ok=True)
    config = OfficeConfig(
        unit=code, name=called, store="office.db", axis=f"local:{axis}", trust=(trust,), registry=registry,
        signers=signers,
    )  # fmt: skip
    write_durably(place, [config.to_toml().encode()])
    with LocalAxis.open((folder / axis).resolve(), clock=SystemClock()) as line:
        line.register(str(code))
    Office.open(place, anew=True).close()
    if as_json:
        emit_json({"schema": 1, "office": str(place), "unit": str(code), "name": called, "test": test_pki})
        return
    say(Text(f"Đã tạo {place} cho {called} ({code}).", f"Made {place} for {called} ({code})."))
    if test_pki:
        say(Text("Khóa THỬ NGHIỆM, không có giá trị pháp lý.", "TEST keys, without legal value."))
    say(Text("Tiếp theo: edocx office doctor", "Next: edocx office doctor"))


def backup(folder: Path = typer.Argument(..., metavar="DIR"), office: Path = OFFICE, as_json: bool = JSON) -> None:
    """Sao lưu kho dữ liệu, kèm đầu chuỗi nhật ký đã ký. / Back the store up, with a signed journal head."""
    with opened(office) as desk:
        copy = desk.backup(folder)
    if as_json:
        emit_json({"schema": 1, "backup": str(copy)})
    else:
        say(Text(f"Đã sao lưu vào {copy}", f"Backed up to {copy}"))


def restore(folder: Path = typer.Argument(..., metavar="DIR"), office: Path = OFFICE, as_json: bool = JSON) -> None:
    """Phục hồi từ bản sao lưu; văn phòng chỉ đọc cho đến khi đối chiếu. / Restore; read-only until reconciled."""
    from edocx.clock import in_vietnam
    from edocx.office import Office

    at = in_vietnam(Office.restore(office, folder))
    if as_json:
        emit_json({"schema": 1, "restored": at.isoformat(), "read_only": True})
        return
    say(Text(f"Đã phục hồi về {at:%d/%m/%Y %H:%M}; chỉ đọc.", f"Restored to {at:%Y-%m-%d %H:%M}; read-only."))
    say(Text("Tiếp theo: edocx office reconcile", "Next: edocx office reconcile"))


def reconcile(
    next_number: int | None = typer.Option(
        None, "--next-number", min=1, help="Số đi kế tiếp / the next outgoing number."
    ),
    by: str | None = typer.Option(None, "--by", help="Người xác nhận / who answers for it (mặc định: tài khoản máy)."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Lấy lại từ trục, cho văn phòng đã phục hồi làm việc lại. / Pull back from the axis, and work again."""
    with opened(office) as desk:
        found = desk.reconcile(next_number=next_number, by=by or _account())
    number, sent, received = found.next_number, found.sent, found.received
    if as_json:
        counts = {"sent": sent, "received": received, "unread": list(found.unread)}
        emit_json({"schema": 1, "next_number": number, **counts})
        return
    say(Text(f"Lấy lại từ trục: {sent} đã gửi, {received} đã nhận.", f"Pulled back: {sent} sent, {received} received."))
    say(Text(f"Sổ văn bản đi tiếp tục từ số {number}.", f"The outgoing book goes on from {number}."))
    for message_id in found.unread:
        say(Text(f"  ! không đọc được: {message_id}", f"  ! not readable: {message_id}"))


def retention(
    days: int = typer.Option(..., "--older-than", min=1, metavar="DAYS", help="Số ngày phải lưu / days to keep."),
    unfinished: bool = typer.Option(
        False, "--unfinished", help="Cả văn bản đã tiếp nhận chưa báo hoàn thành / accepted and never completed too."
    ),
    delete: bool = typer.Option(False, "--delete", help="Hủy thật / really delete (mặc định chỉ liệt kê)."),
    by: str | None = typer.Option(None, "--by", help="Người thực hiện / who does it."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Nội dung đã hết hạn lưu: liệt kê, chỉ hủy khi có --delete. / What was kept long enough; deletes with --delete."""
    from datetime import timedelta

    with opened(office) as desk:
        found = desk.retention(timedelta(days=days), unfinished=unfinished, delete=delete, by=by)
    if as_json:
        emit_json(retention_json(found))
    else:
        show_retention(found)


def receipt(
    files: list[Path] = typer.Argument(..., metavar="FILE..."),
    out: Path = typer.Option(Path("receipts"), "--out", metavar="DIR", help="Thư mục biên nhận / where to write."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Ký biên nhận: tệp này đang ở cơ quan vào lúc này. / Sign that these files are in this unit's hands now."""
    with opened(office) as desk:
        made = [(file, desk.receipt(file, out)) for file in files]
    if as_json:
        emit_json({"schema": 1, "receipts": [{"file": str(file), "receipt": str(path)} for file, path in made]})
        return
    for file, path in made:
        say(Text(f"Biên nhận cho {file}: {path}", f"Receipt for {file}: {path}"))


def doctor(
    deep: bool = typer.Option(False, "--deep", help="Đọc lại mọi nội dung / read every payload again."),
    sign_head: bool = typer.Option(False, "--sign-head", help="Ký đầu chuỗi nhật ký / sign the journal's head."),
    office: Path = OFFICE,
    as_json: bool = JSON,
) -> None:
    """Khám kho dữ liệu, nhật ký, khóa, đồng hồ. / Examine store, journal, keys and clock."""
    from edocx.cli.signing_means import ask_secret
    from edocx.office.examination import examine_place

    seen = examine_place(office, secrets=ask_secret, deep=deep, sign_head=sign_head)
    if as_json:
        head = str(seen.head) if seen.head else None
        found = [finding_json(one) for one in seen.findings]
        emit_json({"schema": 1, "well": seen.well, "findings": found, "head": head})
    else:
        show_findings(seen.findings)
    if not seen.well:
        raise typer.Exit(1)


def opened(office: Path) -> Office:
    """Open the office of a configuration file; passwords are asked for on the terminal."""
    from edocx.cli.signing_means import ask_secret
    from edocx.office import Office

    return Office.open(office, secrets=ask_secret)


def _account() -> str:
    """Return the machine's account that runs this, as an id for the journal."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid-{os.getuid()}"


def _name_of(code: UnitId) -> str:
    from edocx.clock import SystemClock
    from edocx.units.shipped import shipped_directory

    found = shipped_directory().find(code, SystemClock().now())
    return found.name if found is not None else str(code)


def _try_out(folder: Path, code: UnitId, name: str) -> dict[str, SignerConfig]:
    """Issue keys from the test PKI beside the office, making it when it is not there."""
    from edocx.office import SignerConfig
    from edocx.testing.pki import Pki

    shared = folder.resolve().parent / TEST_PKI
    pki = Pki.load(shared) if (shared / "ca").is_dir() else Pki.create()
    person = pki.issue_person("Nguyễn Văn A", name.upper())
    pki.register(person, str(code), full_name="Nguyễn Văn A", position="Chủ tịch", capacity="TM.")
    seal = pki.issue_organisation(name.upper())
    pki.register(seal, str(code), full_name=name)
    person.save(folder / "director.p12")
    seal.save(folder / "agency.p12")
    pki.save(shared, unit=str(code))
    made: dict[str, Any] = {"director": ("person", "director.p12"), "agency": ("organisation", "agency.p12")}
    return {key: SignerConfig(key=f"file:{file}", role=role) for key, (role, file) in made.items()}
