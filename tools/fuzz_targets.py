"""What `make fuzz` throws bytes at: the doors through which files of strangers come in, each with what must hold.

A target takes any bytes. The first byte says what they are: a file as it stands, or edits to one of the target's
seeds (files made here, with keys of a PKI of their own), which is how a fuzzer gets past the first check. Nothing but
an `EdocxError` may come out of a target; what must hold beyond that, each says. Nothing here needs atheris.
"""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from edocx import verify
from edocx.content import Blob
from edocx.envelope import Attachment, Envelope, Organization, compose, open_envelope, spans
from edocx.envelope.model import Code, Promulgation, ResponseFor, Trace
from edocx.envelope.record import header_record
from edocx.errors import EdocxError
from edocx.sealing import report_seal, seal, with_statement
from edocx.signing.container.sign import sign_files
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign as sign_pdf
from edocx.signing.report import Indication
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.testing.scene import write_letter
from edocx.units import UnitId

AT = datetime(2023, 6, 15, 2, 0, tzinfo=UTC)
MAX_EDITS = 16
_UNSEALED = frozenset(("trace", "trace_id", "trace_version", "trace_paper"))


class Broken(AssertionError):
    """Something held that must not, or did not that must."""


def edited(seeds: list[bytes], data: bytes) -> bytes:
    """Return the bytes that a fuzzer's data stand for.

    The first byte chooses a seed, or with 0 the rest as it stands. Each edit is a place (three bytes), how many bytes
    to drop there, how many to put in their place, and these.
    """
    if not data or not seeds or data[0] == 0:
        return data[1:]
    text, at = seeds[(data[0] - 1) % len(seeds)], 1
    for _ in range(MAX_EDITS):
        if at + 5 > len(data):
            break
        place = int.from_bytes(data[at : at + 3], "big") % (len(text) + 1)
        drop, more = data[at + 3], data[at + 4]
        text = text[:place] + data[at + 5 : at + 5 + more] + text[place + drop :]
        at += 5 + more
    return text


def envelope(data: bytes) -> None:
    """Check that both ways of reading an envelope tell the same."""
    text = edited(_envelopes(), data)
    fast = _outcome(text)
    with mock.patch.object(spans, "scan", return_value=None):
        plain = _outcome(text)
    if fast != plain:
        raise Broken("the two ways of reading disagree")


def unit(data: bytes) -> None:
    """Check that a code read is read again as itself, and that what it converts to converts back or says why not."""
    text = data.decode(errors="replace")
    with suppress(EdocxError):
        code = UnitId.parse(text)
        if UnitId.parse(str(code), code.scheme) != code or UnitId.parse(code.reference) != code:
            raise Broken("a code is not what it was")
        for convert in (UnitId.to_qd20, UnitId.to_qcvn102):
            with suppress(EdocxError):
                there = convert(code)
                if convert(there) != there:
                    raise Broken("a conversion does not stand still")


def sealed(data: bytes) -> None:
    """Check that a seal that holds is over what was sealed."""
    text = edited(_sealed(), data)
    with suppress(EdocxError), open_envelope(text) as reading:
        report = report_seal(reading, _criteria(), name="fuzz")
        # Somebody else's key may seal what it likes.
        held = any(one.indication is Indication.TOTAL_PASSED for one in report.signatures)
        if held and _said(text) not in [_said(seed) for seed in _sealed()]:
            raise Broken("a seal holds over something else")


def pdf(data: bytes) -> None:
    """Check that a PDF which passes begins with one that was signed, whatever is appended (the verdict says what)."""
    text = edited(_pdfs(), data)
    # Signature values are in hexadecimal, which may be written in small letters or capitals.
    if _passes(text, "fuzz.pdf") and not any(text.lower().startswith(seed.lower()) for seed in _pdfs()):
        raise Broken("a signature holds over something else")


def asice(data: bytes) -> None:
    """Check that a container which passes holds the files that were signed."""
    text = edited(_containers(), data)
    if _passes(text, "fuzz.asice") and _files(text) != _files(_containers()[0]):
        raise Broken("a signature holds over something else")


def _passes(text: bytes, name: str) -> bool:
    with tempfile.TemporaryDirectory() as folder, suppress(EdocxError):
        path = Path(folder) / name
        path.write_bytes(text)
        return verify(path, trust=_criteria().trust, at=AT).indication is Indication.TOTAL_PASSED
    return False


def _files(text: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(text)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if "/" not in name}


def _outcome(data: bytes) -> Any:
    try:
        with open_envelope(data) as reading:
            contents = [item.content.read() for item in reading.envelope.attachments if item.content]
            return reading.envelope, reading.dialect, reading.quirks, reading.findings, contents
    except EdocxError as error:
        return error.code, error.where


def _said(data: bytes) -> Any:
    with open_envelope(data) as reading:
        header = {key: value for key, value in header_record(reading.envelope).items() if key not in _UNSEALED}
        files = [item.model_dump(exclude={"zipped", "content"}) for item in reading.envelope.attachments]
        return header, files, [item.content and item.content.sha256 for item in reading.envelope.attachments]


@cache
def _workshop() -> tuple[Any, Path]:
    folder = Path(tempfile.mkdtemp(prefix="edocx-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pki = Pki.create(key="p256")
    pki.issue_organisation("CƠ QUAN THỬ NGHIỆM").save(folder / "agency.p12")
    pki.save_trust(folder / "trust")
    return open_signer(f"file:{folder / 'agency.p12'}"), folder


@cache
def _criteria() -> Criteria:
    return Criteria(TrustStore.from_path(_workshop()[1] / "trust"), AT)


@cache
def _letters() -> tuple[Envelope, Envelope]:
    unit = Organization(unit="H58.12.01", name="UBND xã Thử")
    letter = Envelope(
        sender=unit,
        to=(Organization(unit="G22", name="Văn phòng Thử"),),
        document_id="H58.12.01,2023/06/15,01/UBND-VP",
        code=Code(number="01", notation="UBND-VP"),
        promulgation=Promulgation(place="Thử", date=AT.date()),
        subject="Về việc thử <A&B>",
        business="new",
        trace=(Trace(unit="H58.12.01", timestamp=AT),),
        attachments=(
            Attachment(name="công văn.txt", content=Blob.from_bytes("Kính gửi".encode() * 99)),
            Attachment(name="số liệu.bin", content=Blob.from_bytes(b"hello")),
        ),
    )
    about = ResponseFor(unit="H58.12.01", code="01/UBND-VP", document_id="x", date=AT.date())
    return letter, Envelope(kind="status", sender=unit, response_for=(about,), status_code="03", timestamp=AT)


@cache
def _envelopes() -> list[bytes]:
    return [b"".join(compose(one, profile).pieces()) for one in _letters() for profile in ("axis", "dotnet")]


@cache
def _sealed() -> list[bytes]:
    signer = _workshop()[0]
    letter, status = _letters()
    found = []
    for one in (letter, status, with_statement(letter, signer, at=AT)):
        skeleton = compose(one)
        seal(skeleton, signer, at=AT)
        found.append(b"".join(skeleton.pieces()))
    return found


@cache
def _pdfs() -> list[bytes]:
    signer, folder = _workshop()
    source, _ = write_letter(folder)
    sign_pdf(source, folder / "once.pdf", signer, at=AT, field="Seal")
    sign_pdf(folder / "once.pdf", folder / "twice.pdf", signer, at=AT, field="Seal2")
    return [(folder / name).read_bytes() for name in ("once.pdf", "twice.pdf")]


@cache
def _containers() -> list[bytes]:
    signer, folder = _workshop()
    (folder / "một.txt").write_text("Kính gửi", encoding="utf-8")
    (folder / "hai.txt").write_text("hello", encoding="utf-8")
    out = sign_files([folder / "một.txt", folder / "hai.txt"], folder / "x.asice", signer, at=AT)
    return [out.read_bytes()]


def _starts(seeds: list[bytes]) -> list[bytes]:
    """Return where a fuzzer begins: each file as it stands, and each untouched."""
    return [b"\0" + seed for seed in seeds] + [bytes((place + 1,)) for place in range(len(seeds))]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "envelope": (envelope, lambda: _starts(_envelopes())),
    "unit": (unit, lambda: [b"H58.12.01", b"000.01.12.H58", b"G22", b"0101234567-001", b"qd20:H58.12"]),
    "seal": (sealed, lambda: _starts(_sealed())),
    "pdf": (pdf, lambda: _starts(_pdfs())),
    "asice": (asice, lambda: _starts(_containers())),
}
"""Every target with what it begins with."""
