"""``edocx pki``: a test PKI in the shape of the national one. It says so wherever it speaks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import emit_json, say
from edocx.errors import InputError, StateError, Text, UsageError

if TYPE_CHECKING:
    from cryptography import x509

    from edocx.testing.credential import Credential
    from edocx.testing.pki import Pki

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_WARNING = Text(
    "Đây là PKI THỬ NGHIỆM: chữ ký tạo bằng nó không có giá trị pháp lý.",
    "This is a TEST PKI: signatures made with it have no legal value.",
)

_FOLDER = typer.Argument(..., metavar="DIR", help="Thư mục PKI / the PKI's folder.")
_PASSWORD = typer.Option(None, "--password-file", help="Tệp chứa mật khẩu khóa / file with the keys' password.")
_JSON = typer.Option(False, "--json", help="JSON.")


class _Key(StrEnum):
    RSA2048 = "rsa2048"
    P256 = "p256"


class _Subscriber(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"
    DEVICE = "device"


class _Capacity(StrEnum):
    OWN = ""
    TM = "TM."
    Q = "Q."
    KT = "KT."
    TL = "TL."
    TUQ = "TUQ."


class _Reason(StrEnum):
    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION = "cessation_of_operation"


@app.callback()
def _pki() -> None:
    """PKI thử nghiệm theo hình mẫu chứng thực chuyên dùng công vụ. / A test PKI in the shape of the national one."""


@app.command()
def init(
    folder: Path = _FOLDER,
    unit: str | None = typer.Option(None, "--unit", metavar="CODE", help="Mã định danh cơ quan / unit identifier."),
    key: _Key = typer.Option(_Key.RSA2048, "--key", help="Loại khóa / kind of keys."),
    years: int = typer.Option(
        20, "--years", min=1, max=100, help="Hiệu lực tính từ 2023, năm / years of validity from 2023."
    ),
    password_file: Path | None = _PASSWORD,
    as_json: bool = _JSON,
) -> None:
    """Tạo PKI mới với một cá nhân và một cơ quan. / Make a new PKI with a person and an organisation."""
    from edocx.testing.credential import Credential
    from edocx.testing.pki import Pki
    from edocx.units import UnitId

    code = str(UnitId.parse(unit)) if unit is not None else None
    password = _password(password_file)
    if folder.exists() and any(folder.iterdir()):
        raise StateError(
            Text("Thư mục đã có dữ liệu.", "The folder is not empty."),
            hint=Text("Chọn thư mục mới hoặc trống.", "Choose a new or an empty folder."),
            code="EDX-PKI-EXISTS",
            where=str(folder),
        )
    Pki.create(key=key.value, years=years).save(folder, password=password, unit=code)
    made = {kind: folder / f"{kind}.p12" for kind in ("person", "organisation")}
    certificates = [_describe(kind, path, Credential.load(path, password)) for kind, path in made.items()]
    if as_json:
        emit_json(_result(folder, certificates=certificates))
        return
    say(_WARNING)
    say(Text(f"Đã tạo {folder}:", f"Made {folder}:"))
    say(Text("  trust/            chứng thư gốc, trung gian và CRL", "  trust/            root, intermediate and CRLs"))
    say(Text("  person.p12        khóa cá nhân (người giả định)", "  person.p12        a fictitious person's key"))
    say(Text("  organisation.p12  khóa cơ quan", "  organisation.p12  an agency's key"))
    say(Text("  registry.csv      chứng thư nào của đơn vị nào", "  registry.csv      which certificate is whose"))
    say(
        Text(
            "  ca/               khóa của CA, TSA, OCSP: giữ kín",
            "  ca/               keys of CA, TSA, OCSP: keep secret",
        )
    )


@app.command()
def issue(
    folder: Path = _FOLDER,
    kind: _Subscriber = typer.Argument(..., help="Loại thuê bao / kind of subscriber."),
    name: str = typer.Argument(..., help="Tên (CN) / common name."),
    out: Path = typer.Option(..., "--out", metavar="FILE.p12", help="Tệp khóa / the key file."),
    organisation: str = typer.Option("", "--organisation", help="O: cơ quan chủ quản / the body above."),
    units: list[str] = typer.Option([], "--ou", help="OU, từ ngoài vào trong / outermost first."),
    locality: str = typer.Option("", "--locality", help="L: tỉnh, thành phố / province."),
    email: str = typer.Option("", "--email", help="E (cá nhân / person)."),
    hosts: list[str] = typer.Option([], "--host", help="Tên DNS (thiết bị / device)."),
    unit: str | None = typer.Option(None, "--unit", metavar="CODE", help="Ghi vào sổ đăng ký / enter in registry.csv."),
    position: str = typer.Option("", "--position", help="Chức vụ / position, for the registry."),
    capacity: _Capacity = typer.Option(_Capacity.OWN, "--capacity", help="Thẩm quyền ký / signing capacity."),
    not_before: str | None = typer.Option(None, "--not-before", metavar="ISO8601", help="Hiệu lực từ / valid from."),
    not_after: str | None = typer.Option(None, "--not-after", metavar="ISO8601", help="Hết hạn / valid until."),
    password_file: Path | None = _PASSWORD,
    as_json: bool = _JSON,
) -> None:
    """Cấp thêm một khóa kèm chứng thư. / Issue one more key with its certificate."""
    from edocx.units import UnitId

    password = _password(password_file)
    code = str(UnitId.parse(unit)) if unit is not None else None
    first, last = _moment(not_before), _moment(not_after)
    pki = _load(folder, password)
    if out.exists():
        raise StateError(
            Text("Tệp khóa đã có, không ghi đè.", "The key file exists and is not overwritten."),
            hint=Text("Chọn tên khác cho --out.", "Choose another name for --out."),
            code="EDX-PKI-EXISTS",
            where=str(out),
        )
    dates = {"not_before": first, "not_after": last}
    match kind:
        case _Subscriber.PERSON:
            made = pki.issue_person(name, organisation, units=units, locality=locality, email=email, **dates)
        case _Subscriber.ORGANISATION:
            made = pki.issue_organisation(name, organisation, units=units, locality=locality, **dates)
        case _Subscriber.DEVICE:
            made = pki.issue_device(name, organisation, hosts=hosts, locality=locality, **dates)
    if code is not None:
        full_name = "" if kind is _Subscriber.DEVICE else name
        pki.register(made, code, full_name=full_name, position=position, capacity=capacity.value)
    # The book first: a certificate that is out and in no book could never be revoked.
    pki.save(folder, password=password)
    made.save(out, password)
    if as_json:
        emit_json(_result(folder, certificates=[_describe(kind.value, out, made)]))
        return
    say(_WARNING)
    say(Text(f"Đã cấp: {out}", f"Issued: {out}"))


@app.command()
def crl(
    folder: Path = _FOLDER,
    revoke: Path | None = typer.Option(
        None, "--revoke", metavar="FILE", help="Thu hồi chứng thư trong tệp (.p12, .crt)."
    ),
    at: str | None = typer.Option(None, "--at", metavar="ISO8601", help="Thời điểm thu hồi / moment of revocation."),
    reason: _Reason = typer.Option(_Reason.UNSPECIFIED, "--reason", help="Lý do / reason."),
    password_file: Path | None = _PASSWORD,
    as_json: bool = _JSON,
) -> None:
    """Công bố lại CRL, có thể thu hồi một chứng thư. / Publish the lists again, revoking a certificate if asked."""
    from cryptography import x509

    from edocx.clock import SystemClock

    password = _password(password_file)
    pki = _load(folder, password)
    if revoke is not None:
        moment = _moment(at) or SystemClock().now()
        pki.revoke(_certificate(revoke, password), moment, x509.ReasonFlags[reason.value])
    pki.save(folder, password=password)
    revoked = [
        {"serial": f"{one.serial:x}", "sha256": one.sha256, "revoked_at": one.revoked_at, "reason": one.reason.name}
        for authority in (pki.root, pki.state)
        for one in authority.revoked()
    ]
    if as_json:
        for row in revoked:
            assert isinstance(row["revoked_at"], datetime)
            row["revoked_at"] = row["revoked_at"].isoformat()
        emit_json(_result(folder, revoked=revoked))
        return
    say(_WARNING)
    say(Text(f"CRL đã cập nhật: {len(revoked)} chứng thư bị thu hồi.", f"Lists written: {len(revoked)} revoked."))


@app.command()
def serve(
    folder: Path = _FOLDER,
    listen: str = typer.Option("127.0.0.1:8318", "--listen", metavar="HOST:PORT", help="Địa chỉ / address."),
    password_file: Path | None = _PASSWORD,
) -> None:
    """Chạy TSA (/tsa), OCSP (/ocsp), CRL và chứng thư qua HTTP. / Serve TSA, OCSP, CRLs and certificates over HTTP."""
    from edocx.clock import SystemClock
    from edocx.testing.pki_server import open_server

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the last port there is
        raise UsageError(
            Text(f"Địa chỉ “{listen}” không hợp lệ.", f"“{listen}” is no address."),
            hint=Text("Ví dụ: 127.0.0.1:8318.", "An example: 127.0.0.1:8318."),
            code="EDX-USAGE-LISTEN",
        )
    pki = _load(folder, _password(password_file))
    with open_server(pki, SystemClock(), host, int(port)) as server:
        say(_WARNING)
        say(f"http://{host}:{server.server_port}/tsa  /ocsp  /crl/state.crl  /crt/state.crt")
        server.serve_forever()


def _load(folder: Path, password: bytes | None) -> Pki:
    from edocx.testing.pki import Pki

    return Pki.load(folder, password=password)


def _password(file: Path | None) -> bytes | None:
    if file is None:
        return None
    password = file.read_bytes().rstrip(b"\r\n")
    if not password:
        raise UsageError(
            Text("Tệp mật khẩu trống.", "The password file is empty."),
            hint=Text("Ghi mật khẩu vào dòng đầu của tệp.", "Put the password on its first line."),
            code="EDX-PKI-PASSWORD",
            where=str(file),
        )
    return password


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    from edocx.clock import VIETNAM

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            Text(f"Không đọc được thời điểm “{text}”.", f"The moment “{text}” cannot be read."),
            hint=Text("Ví dụ: 2023-06-15T09:00:00+07:00.", "An example: 2023-06-15T09:00:00+07:00."),
            code="EDX-USAGE-TIME",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)


def _certificate(file: Path, password: bytes | None) -> x509.Certificate:
    from cryptography import x509

    from edocx.testing.credential import Credential

    if file.suffix == ".p12":
        return Credential.load(file, password).certificate
    data = file.read_bytes()
    try:
        return x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data else x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise InputError(
            Text("Tệp không phải chứng thư.", "The file is no certificate."),
            hint=Text("Dùng tệp .p12, .crt hoặc .pem.", "Give a .p12, .crt or .pem file."),
            code="EDX-CERTIFICATE-UNREADABLE",
            where=str(file),
        ) from error


def _describe(kind: str, file: Path, credential: Credential) -> dict[str, Any]:
    from cryptography.x509.oid import NameOID

    certificate = credential.certificate
    return {
        "kind": kind,
        "file": str(file),
        "subject": certificate.subject.rfc4514_string({NameOID.EMAIL_ADDRESS: "E"}),
        "serial": f"{certificate.serial_number:x}",
        "sha256": credential.sha256,
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


def _result(folder: Path, **parts: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "test": True,
        "folder": str(folder),
        "trust": str(folder / "trust"),
        "registry": str(folder / "registry.csv"),
        **parts,
    }
