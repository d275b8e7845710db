"""What a known peer will choke on, said before sending: quirks of the bytes, lengths, and its own habits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edocx.envelope import media, rules
from edocx.envelope import names as n
from edocx.envelope.model import Envelope, Finding
from edocx.envelope.quirks import AXIS, LGSP, QUIRKS
from edocx.envelope.read import Reading
from edocx.envelope.write import ProfileName
from edocx.errors import Text

PEER_SIZE: Final = 50 * 1000 * 1000
"""Largest attachment that known peers take (spec §2.7)."""

LGSP_UNIT: Final = 13
"""Characters of the LGSP's column for a unit code (spec §2.3)."""

AXIS_LEVELS: Final = 4
"""Dot-separated levels of a unit code that the axis' checker takes."""

_NAMES: Final = {"axis": "trục liên thông", "dotnet": "bên dùng .NET", "lgsp": "trục LGSP"}


def check_for(reading: Reading, peer: ProfileName) -> list[Finding]:
    """Return all that is wrong with an envelope when it is meant for a peer.

    The findings of reading come first, then what this peer refuses or misreads, as errors.
    """
    return [*reading.findings, *_quirks(reading, peer), *_dialect(reading, peer), *_habits(reading.envelope, peer)]


def _quirks(reading: Reading, peer: ProfileName) -> Iterator[Finding]:
    for used in reading.quirks:
        if peer in QUIRKS[used.id].chokes:
            text = Text(f"{used.vi} {_choking(peer).vi}", f"{used.en} {_choking(peer).en}")
            yield _finding(f"EDX-PEER-{used.id.upper()}", text, used.where)


def _dialect(reading: Reading, peer: ProfileName) -> Iterator[Finding]:
    if peer != AXIS and reading.dialect == "A-default":
        text = Text(
            f"Phong bì không có tiền tố edXML:. {_choking(peer).vi}",
            f"The envelope has no prefix edXML:. {_choking(peer).en}",
        )
        yield _finding("EDX-PEER-PREFIX", text, n.ENVELOPE)


def _habits(envelope: Envelope, peer: ProfileName) -> Iterator[Finding]:
    yield from rules.lengths(envelope)
    for path, code in _units(envelope):
        if peer == LGSP and len(code) > LGSP_UNIT:
            text = Text(
                f"Mã định danh dài {len(code)} ký tự; cột của LGSP chỉ có {LGSP_UNIT}.",
                f"The unit code has {len(code)} characters; the LGSP's column has {LGSP_UNIT}.",
            )
            yield _finding("EDX-PEER-UNIT-LENGTH", text, path)
        if peer == AXIS and code.count(".") >= AXIS_LEVELS:
            text = Text(
                f"Mã định danh có hơn {AXIS_LEVELS} cấp; bộ kiểm tra của trục từ chối.",
                f"The unit code has more than {AXIS_LEVELS} levels; the axis' checker refuses it.",
            )
            yield _finding("EDX-PEER-UNIT-LEVELS", text, path)
    for place, item in enumerate(envelope.attachments, 1):
        where = f"{n.ATTACHMENTS}/{n.ATTACHMENT}[{place}]"
        if item.content is not None and item.content.size > PEER_SIZE:
            text = Text(
                "Tệp lớn hơn 50 MB, bên nhận sẽ cắt hoặc từ chối.", "The file is over 50 MB; peers cut or refuse it."
            )
            yield _finding("EDX-PEER-SIZE", text, where)
        if item.name and not media.extension(item.name):
            text = Text("Tên tệp không có phần mở rộng.", "The file name has no extension.")
            yield _finding("EDX-PEER-EXTENSION", text, where)


def _units(envelope: Envelope) -> Iterator[tuple[str, str]]:
    if envelope.sender and envelope.sender.unit:
        yield f"{n.FROM}/{n.ORGAN_ID}", envelope.sender.unit
    for place, receiver in enumerate(envelope.to, 1):
        if receiver.unit:
            yield f"{n.TO}[{place}]/{n.ORGAN_ID}", receiver.unit


def _choking(peer: str) -> Text:
    return Text(f"({_NAMES[peer]} sẽ từ chối hoặc đọc sai)", f"({peer} refuses or misreads it)")


def _finding(code: str, text: Text, where: str | None) -> Finding:
    return Finding(code=code, severity="error", vi=text.vi, en=text.en, where=where)
