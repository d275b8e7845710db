"""The folder of a test PKI: what is written, where, and how it is read back.

::

    trust/             root.crt  state.crt  root.crl  state.crl       (PEM; all a verifier needs)
    person.p12         a fictitious chairman
    organisation.p12   his commune
    registry.csv       which certificate acts for which unit
    ca/                root.p12  state.p12  tsa.p12  ocsp.p12  book.csv  pki.json   (whoever reads this can issue)
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edocx.content import storage_error, write_durably
from edocx.errors import InputError, Text
from edocx.testing.authority import Authority, Issued
from edocx.testing.certificates import KeyKind, Kind
from edocx.testing.credential import Credential
from edocx.testing.registry import Registration, read_registrations, write_registrations

if TYPE_CHECKING:
    from edocx.testing.pki import Pki

DEMO_UNIT = "H58.12.01"
"""The commune of the demonstration; test data below H58."""
SERVICES: tuple[Kind, ...] = ("tsa", "ocsp")
BOOK = ("authority", "serial", "sha256", "kind", "revoked_at", "reason")


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a PKI is made of, as read from its folder."""

    root: Authority
    state: Authority
    key: KeyKind
    registrations: list[Registration]
    services: dict[Kind, Credential]


def save_trust(pki: Pki, folder: Path) -> None:
    """Write anchors, intermediates and a current list of every CA as PEM, which every tool reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for authority in (pki.root, pki.state):
        write_durably(folder / f"{authority.slug}.crt", [authority.certificate.public_bytes(Encoding.PEM)])
        write_durably(folder / f"{authority.slug}.crl", [authority.crl().public_bytes(Encoding.PEM)])


def save(pki: Pki, folder: Path, password: bytes | None, unit: str) -> None:
    """Write the folder; the two subscribers only when they are not there yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        material = folder / "ca"
        material.mkdir(mode=0o700, exist_ok=True)
        _issue_first_subscribers(pki, folder, password, unit)
        for authority in (pki.root, pki.state):
            authority.credential.save(material / f"{authority.slug}.p12", password)
        pki.tsa.save(material / "tsa.p12", password)
        pki.ocsp.save(material / "ocsp.p12", password)
        write_durably(material / "book.csv", [_write_book(pki).encode()])
        write_durably(material / "pki.json", [json.dumps({"schema": 1, "test": True, "key": pki.key}).encode()])
        write_durably(folder / "registry.csv", [write_registrations(pki.registrations).encode()])
        save_trust(pki, folder / "trust")
    except OSError as error:
        failure = InputError(
            Text("Không ghi được thư mục PKI.", f"The PKI folder cannot be written ({error.strerror})."),
            hint=Text("Kiểm tra quyền ghi và dung lượng đĩa.", "Check the permission to write and the free space."),
            code="EDX-FILE-UNWRITABLE",
            where=str(folder),
        )
        raise storage_error(error, otherwise=failure) from error


def read(folder: Path, password: bytes | None) -> Material:
    """Read the folder back.

    Raises `InputError` when it is not the folder of a test PKI or a file in it is missing or damaged,
    `WrongPassword` when the password does not open its keys.
    """
    material = folder / "ca"
    try:
        settings = json.loads((material / "pki.json").read_text("utf-8"))
        rows = list(csv.DictReader(io.StringIO((material / "book.csv").read_text("utf-8"), newline="")))
        books = {slug: {one.serial: one for one in _read_book(rows, slug)} for slug in ("root", "state")}
        key: KeyKind = settings["key"]
        registrations = read_registrations((folder / "registry.csv").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            Text("Thư mục không phải PKI thử nghiệm của edocx, hoặc hỏng.", "Not a test PKI of edocx, or damaged."),
            hint=Text("Tạo mới bằng: edocx pki init DIR.", "Make a new one: edocx pki init DIR."),
            code="EDX-PKI-FOLDER",
            where=str(folder),
        ) from error
    root = Authority("root", Credential.load(material / "root.p12", password), book=books["root"])
    below = Credential.load(material / "state.p12", password)
    state = Authority("state", below, (below.certificate,), books["state"])
    services = {kind: Credential.load(material / f"{kind}.p12", password) for kind in SERVICES}
    return Material(root, state, key, registrations, services)


def _issue_first_subscribers(pki: Pki, folder: Path, password: bytes | None, unit: str) -> None:
    if not (folder / "person.p12").exists():
        person = pki.issue_person(
            "Nguyễn Văn A",
            "ỦY BAN NHÂN DÂN TỈNH TIỀN GIANG",
            units=("ỦY BAN NHÂN DÂN HUYỆN CHÂU THÀNH", "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC"),
            locality="Tiền Giang",
            email="nguyenvana@tiengiang.example",
        )
        pki.register(person, unit, full_name="Nguyễn Văn A", position="Chủ tịch", capacity="TM.")
        person.save(folder / "person.p12", password)
    if not (folder / "organisation.p12").exists():
        name = "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC"
        agency = pki.issue_organisation(name, "ỦY BAN NHÂN DÂN HUYỆN CHÂU THÀNH", locality="Tiền Giang")
        pki.register(agency, unit, full_name=name)
        agency.save(folder / "organisation.p12", password)


def _write_book(pki: Pki) -> str:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(BOOK)
    for authority in (pki.root, pki.state):
        for one in authority.book.values():
            revoked = one.revoked_at.isoformat() if one.revoked_at else ""
            table.writerow([authority.slug, f"{one.serial:x}", one.sha256, one.kind, revoked, one.reason.value])
    return text.getvalue()


def _read_book(rows: list[dict[str, str]], slug: str) -> Iterator[Issued]:
    for row in rows:
        if row["authority"] == slug:
            revoked = datetime.fromisoformat(row["revoked_at"]) if row["revoked_at"] else None
            kind = cast("Kind", row["kind"])
            yield Issued(int(row["serial"], 16), row["sha256"], kind, revoked, x509.ReasonFlags(row["reason"]))
