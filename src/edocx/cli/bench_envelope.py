"""``edocx bench envelope``: parse, build, extract, seal and verify beside peers, and memory of whole processes.

Figures of one run are measured in turns (A B C A B C …), so that a machine that slows down slows all of
them; only ratios are held against goals. Memory is the peak of a child process.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import Any

from lxml import etree

from edocx.cli.bench_measure import MB, fast_folder, figure, fill, in_turns, peak
from edocx.cli.bench_seal import save_keys, seals
from edocx.clock import VIETNAM
from edocx.content import PIECE, Blob, write_durably
from edocx.envelope import Attachment, Envelope, Organization, compose, names, open_envelope, write
from edocx.envelope.model import Code, DocumentType, Other, Promulgation, Signatory, Trace

_CHILD = """
import sys
from pathlib import Path
from edocx.content import Blob
from edocx.envelope import Attachment, Envelope, extract, open_envelope, write
verb, content, sealed, out = sys.argv[1], *map(Path, sys.argv[2:])
if verb == "write":
    write(Envelope(attachments=(Attachment(name="a.bin", content=Blob.from_path(content)),)), sealed)
elif verb == "read":
    open_envelope(sealed).close()
elif verb == "extract":
    with open_envelope(sealed) as reading:
        extract(reading.envelope, out)
elif verb == "seal":
    from edocx.clock import SystemClock
    from edocx.envelope import compose
    from edocx.sealing import seal
    from edocx.signing.keys import open_signer
    skeleton = compose(Envelope(attachments=(Attachment(name="a.bin", content=Blob.from_path(content)),)))
    seal(skeleton, open_signer(f"file:{sealed.parent / 'agency.p12'}"), at=SystemClock().now())
    skeleton.save(sealed)
elif verb == "verify":
    from edocx.clock import SystemClock
    from edocx.sealing import judge_seal
    from edocx.signing.judgement import Criteria
    from edocx.signing.trust import TrustStore
    trust = TrustStore.from_path(sealed.parent / "trust")
    with open_envelope(sealed) as reading:
        assert judge_seal(reading, Criteria(trust, SystemClock().now())).signatures[0].indication == "TOTAL-PASSED"
"""


def run(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure everything on one core; ``quick`` takes 20 MB instead of 200 and leaves out the gigabytes."""
    turns = 3 if quick else 7
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        figures = list(_throughput(Path(folder), 20 * MB if quick else 200 * MB, turns))
        figures += seals(Path(folder), 20 * MB if quick else 200 * MB, turns)
    figures += _headers(turns, 200 if quick else 1000)
    with tempfile.TemporaryDirectory() as folder:
        figures += _memory(Path(folder), (10, 100) if quick else (10, 200, 1000, 4000))
    return figures


def _throughput(folder: Path, size: int, turns: int) -> Iterator[dict[str, Any]]:
    content, packed, copy = folder / "content", folder / "packed.edxml", folder / "copy"
    fill(content, size)
    envelope = _header().model_copy(
        update={"attachments": (Attachment(name="a.bin", content=Blob.from_path(content)),)}
    )
    write(envelope, packed)
    shown = f"{size // MB} MB"
    reading = in_turns(
        turns,
        {
            "edocx": lambda: open_envelope(packed).close(),
            "lxml DOM": lambda: _dom_read(packed),
            "read + SHA-256": lambda: _digest(packed),
        },
    )
    yield figure(f"parse, strict decode, SHA-256, {shown}", reading, {"lxml DOM": ">= 5", "read + SHA-256": ">= 0.45"})
    building = in_turns(
        turns,
        {
            "edocx": lambda: _build(envelope, copy),
            "lxml DOM": lambda: _dom_write(content, copy),
            "copy + SHA-256": lambda: _copy(packed, copy),
        },
    )
    yield figure(f"build, SHA-256, {shown}", building, {"lxml DOM": ">= 5"})
    durable = in_turns(
        turns, {"edocx": lambda: write(envelope, copy), "copy, durable": lambda: _durable_copy(packed, copy)}
    )
    yield figure(f"build, SHA-256, on disk for sure, {shown}", durable, {})
    extracting = in_turns(
        turns, {"edocx": lambda: _extract(packed, copy), "copy, durable": lambda: _durable_copy(content, copy)}
    )
    yield figure(f"parse and extract, on disk for sure, {shown}", extracting, {})
    for path in (content, packed, copy):
        path.unlink()


def _headers(turns: int, count: int) -> Iterator[dict[str, Any]]:
    data = b"".join(compose(_header()).pieces())

    def read_all() -> None:
        for _ in range(count):
            open_envelope(data).close()

    rates = in_turns(turns, {"edocx": read_all}, process_time)
    yield {
        "name": f"header of 54 fields ({len(data)} bytes) to model, by the time of one core",
        "value": round(count / rates["edocx"]),
        "unit": "1/s",
        "goal": ">= 5000",
        "peers": {},
    }


def _memory(folder: Path, sizes: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    if not Path("/proc/self/status").exists():
        return
    save_keys(folder)
    idle = _child("none", folder)
    peaks: dict[str, list[float]] = {"write": [], "read": [], "extract": [], "seal": [], "verify": []}
    for size in sizes:
        fill(folder / "content", size * MB)
        for verb, found in peaks.items():
            found.append(_child(verb, folder))
        for path in sorted((folder / "out").iterdir()):
            path.unlink()
    for verb, found in peaks.items():
        yield {
            "name": f"peak memory, {verb}, {'/'.join(str(size) for size in sizes)} MB",
            "value": round(max(found), 1),
            "unit": "MiB",
            "goal": "<= 64",
            "peers": {"growth": round(max(found) - found[0], 1), "imports only": round(idle, 1)},
        }


def _child(verb: str, folder: Path) -> float:
    return peak(_CHILD, verb, *(folder / name for name in ("content", "packed.edxml", "out")))


def _header() -> Envelope:
    """Return a header of 54 fields, as a document to six units has."""
    unit = Organization(unit="000.00.00.G22", name="Văn phòng Thử", in_charge="Cơ quan", address="Số 1 phố Thử")
    moment = datetime(2024, 3, 5, 8, 9, 10, tzinfo=VIETNAM)
    return Envelope(
        sender=unit.model_copy(update={"email": "vt@example.vn", "telephone": "024 0000"}),
        to=tuple(unit.model_copy(update={"unit": f"H{number:02}"}) for number in range(1, 7)),
        document_id="000.00.00.G22,2024/03/05,1/A",
        code=Code(number="1", notation="A"),
        promulgation=Promulgation(place="Hà Nội", date=moment.date()),
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject="V/v thử tốc độ",
        content="Nội dung",
        signatory=Signatory(capacity="TL.", position="Cục trưởng", full_name="Nguyễn Văn A"),
        due_date=moment.date(),
        other=Other(urgency=1, copies=2, pages=3),
        steering=1,
        to_places=("Như trên", "Lưu: VT"),
        business="new",
        business_reason="Lý do",
        trace=(Trace(unit="G22", timestamp=moment),),
    )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def _dom_read(path: Path) -> list[str]:
    # The peer as its users run it; the guard is off only here, on a file made above: else it cannot read this size.
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False)
    root = etree.parse(path, parser).getroot()
    texts = (element.text or "" for element in root.iter(names.tag(names.ENCODED)))
    return [hashlib.sha256(base64.b64decode(text)).hexdigest() for text in texts]


def _dom_write(content: Path, out: Path) -> str:
    root = etree.Element(names.tag(names.ROOT))
    etree.SubElement(root, names.tag(names.ENCODED)).text = base64.b64encode(content.read_bytes()).decode()
    data = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    out.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _build(envelope: Envelope, out: Path) -> str:
    return _write_plainly(compose(envelope).pieces(), out)


def _copy(source: Path, out: Path) -> str:
    return _write_plainly(_pieces(source), out)


def _write_plainly(pieces: Iterable[bytes], out: Path) -> str:
    digest = hashlib.sha256()
    with out.open("wb", buffering=0) as stream:
        for piece in pieces:
            digest.update(piece)
            stream.write(piece)
    return digest.hexdigest()


def _durable_copy(source: Path, out: Path) -> None:
    write_durably(out, _pieces(source))


def _pieces(source: Path) -> Iterator[bytes]:
    with source.open("rb", buffering=0) as stream:
        while piece := stream.read(PIECE):
            yield piece


def _extract(path: Path, out: Path) -> None:
    with open_envelope(path) as reading:
        for item in reading.envelope.attachments:
            assert item.content is not None
            item.content.save(out)
