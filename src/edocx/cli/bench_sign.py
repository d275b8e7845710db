"""Signing beside pyHanko and the physical limit, and the chain that users wait for: token and time-stamping service.

Interleaved in one process, medians. Ours makes the file durable (fsync of file and folder) and the peers do not; the
floor is copy, SHA-256 and one RSA operation, without fsync, and with it.
"""

from __future__ import annotations

import gc
import hashlib
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from edocx.cli.bench_measure import MB
from edocx.cli.bench_sign_fast import measure_fast
from edocx.cli.bench_sign_token import measure_token
from edocx.cli.sign_folder import SignedFolder
from edocx.content import PIECE
from edocx.signing.keys import open_signer
from edocx.signing.keys.callback import CallbackSigner
from edocx.signing.keys.file import FileSigner
from edocx.signing.pdf.sign import sign
from edocx.testing.pki import Pki

AT = datetime(2023, 6, 15, 1, tzinfo=UTC)
SIZES = ((50_000, "50 KB"), (1_000_000, "1 MB"), (20_000_000, "20 MB"))
CMS_RESERVED = 12_000
SCALE = 10
"""Token and service are simulated this much faster than measured: 300 ms, and 2 to 131 s (spec/law.md #104)."""

SERVICES = 128
"""Asked at once, as `edocx sign --services`: a token that signs three a second has so many on their way."""

TOKEN, FASTEST, SLOWEST = 0.3, 2.0, 131.0
"""Seconds."""


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Measure everything and return the figures; ``quick`` takes fewer runs and leaves the largest file out."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        Pki.create().save(work)
        signer = open_signer(str(work / "person.p12"))
        assert isinstance(signer, FileSigner)
        figures = [*_chain(work, signer, 60 if quick else 1_000), *measure_token()]
        for size, label in SIZES[:2] if quick else SIZES:
            figures.append(_single(work, signer, size, label, 5 if quick else 11))
        key = work / "person.p12"
        return [*figures, *measure_fast(signer, _Peers(signer, key), plain_pdf, key, quick=quick)]


def _single(work: Path, signer: FileSigner, size: int, label: str, runs: int) -> dict[str, Any]:
    source, out = plain_pdf(work / f"{size}.pdf", size), work / "out.pdf"
    peers = _Peers(signer, work / "person.p12")
    contenders: dict[str, Callable[[], object]] = {
        "edocx": lambda: sign(source, out, signer, at=AT, field="Sig1"),
        "pyHanko, one call with defaults": lambda: peers.one_shot(source, out),
        "pyHanko, key cached and size fixed": lambda: peers.tuned(source, out),
        "limit: copy + SHA-256 + RSA": lambda: peers.floor(source, out, durable=False),
        "limit with fsync": lambda: peers.floor(source, out, durable=True),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, work_once in contenders.items():
            gc.collect()
            begun = time.perf_counter()
            work_once()
            taken[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(values) * 1000 for name, values in taken.items()}
    own = medians.pop("edocx")
    return {
        "name": f"sign a PDF of {label}, RSA-2048",
        "value": round(own, 2),
        "unit": "ms",
        "goal": "not slower than tuned pyHanko",
        "peers": {name: {"ms": round(value, 2), "ratio": round(value / own, 2)} for name, value in medians.items()},
    }


def _chain(work: Path, signer: FileSigner, documents: int) -> list[dict[str, Any]]:
    """Sign many documents with a slow token while a slower service stamps: how busy is the token, who waits?"""
    source, out = work / "many", work / "many-signed"
    source.mkdir()
    out.mkdir()
    for number in range(documents):
        plain_pdf(source / f"{number:04}.pdf", 20_000)
    token = _SlowToken(signer)
    slow = CallbackSigner(signer.certificate, signer.algorithm, token.sign, signer.chain)
    delays = random.Random(5)  # noqa: S311 - delays, the same each time
    service = [FASTEST + delays.random() ** 4 * (SLOWEST - FASTEST) for _ in range(documents)]
    slowest = max(service)

    def lift(staged: Path, target: Path) -> None:
        time.sleep(service.pop() / SCALE)
        shutil.copy(staged, target)

    folder = SignedFolder(
        lambda one, target: sign(one, target, slow, at=AT, field="Sig1"), lift, level="B-T", jobs=4, services=SERVICES
    )
    begun = time.perf_counter()
    outcomes = folder.run(sorted(source.iterdir()), out, lambda _: None)
    whole = time.perf_counter() - begun
    assert all(one.level == "B-T" for one in outcomes)
    span = token.last - token.first
    rule = f"token of 300 ms, service of 2-131 s, {documents} documents, simulated {SCALE} times faster"
    return [
        {
            "name": f"{rule}: time the token is busy",
            "value": round(100 * token.busy / span, 1),
            "unit": "%",
            "goal": ">= 95",
            "peers": {},
        },
        {
            "name": "the same: longest the token waited for a document",
            "value": round(token.idle * 1000 * SCALE, 0),
            "unit": "ms",
            "goal": "less than one signature (300 ms): none waits for the service",
            "peers": {"slowest answer of the service": {"ms": round(slowest * 1000)}},
        },
        {
            "name": "the same: from the last signature to the last timestamp",
            "value": round((whole - (token.last - begun)) * SCALE, 1),
            "unit": "s",
            "goal": "about one slow answer (131 s)",
            "peers": {"all signatures": {"s": round(span * SCALE, 1)}},
        },
    ]


@dataclass(slots=True)
class _SlowToken:
    """A token that signs one thing at a time and takes its time."""

    signer: FileSigner
    busy: float = 0.0
    idle: float = 0.0
    first: float = 0.0
    last: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sign(self, digest: bytes, _algorithm: object) -> bytes:
        with self.lock:
            begun = time.perf_counter()
            self.first = self.first or begun
            self.idle = max(self.idle, begun - (self.last or begun))
            value = self.signer.sign_digest(digest)
            time.sleep(max(0.0, TOKEN / SCALE - (time.perf_counter() - begun)))
            self.last = time.perf_counter()
            self.busy += self.last - begun
            return value


class _Peers:
    """pyHanko as its documentation has it, pyHanko as fast as it gets, and what no program can beat."""

    def __init__(self, signer: FileSigner, key_file: Path) -> None:
        from pyhanko.sign.signers import ExternalSigner, SimpleSigner
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        key = signer._key  # noqa: SLF001 - the same key object for every contender
        store = SimpleCertificateStore()
        for one in signer.chain:
            store.register(one)

        class Cached(ExternalSigner):
            async def async_sign_raw(self, data: bytes, _digest_algorithm: str, _dry_run: bool = False) -> bytes:
                return bytes(key.sign(data, padding.PKCS1v15(), hashes.SHA256()))

        self._key = key
        self._cached = Cached(signer.certificate, store, 256)
        self._loaded = SimpleSigner.load_pkcs12(str(key_file))

    def one_shot(self, source: Path, out: Path) -> None:
        self._sign(source, out, self._loaded, None)

    def tuned(self, source: Path, out: Path) -> None:
        self._sign(source, out, self._cached, CMS_RESERVED)

    def floor(self, source: Path, out: Path, *, durable: bool) -> None:
        digest = hashlib.sha256()
        with source.open("rb") as stream, out.open("wb") as target:
            while piece := stream.read(PIECE):
                digest.update(piece)
                target.write(piece)
            target.flush()
            if durable:
                os.fsync(target.fileno())
        self._key.sign(digest.digest(), padding.PKCS1v15(), hashes.SHA256())

    def _sign(self, source: Path, out: Path, signer: Any, reserved: int | None) -> None:
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign.fields import SigSeedSubFilter
        from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

        meta = PdfSignatureMetadata(field_name="Sig1", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
        with source.open("rb") as stream, out.open("w+b") as target:
            PdfSigner(meta, signer).sign_pdf(IncrementalPdfFileWriter(stream), output=target, bytes_reserved=reserved)


def plain_pdf(path: Path, size: int) -> Path:
    """Write a PDF of one page and a stream of about ``size`` bytes, in pieces."""
    content = random.Random(7).randbytes(min(size, MB))  # noqa: S311 - the same each time
    objects = [
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
        b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Extra 4 0 R>>\nendobj\n",
        b"4 0 obj\n<</Length %d>>\nstream\n" % size,
    ]
    with path.open("wb") as stream:
        stream.write(b"%PDF-1.7\n")
        offsets = []
        for one in objects:
            offsets.append(stream.tell())
            stream.write(one)
        for begin in range(0, size, MB):
            stream.write(content[: min(MB, size - begin)])
        stream.write(b"\nendstream\nendobj\n")
        table = stream.tell()
        rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        stream.write(b"xref\n0 5\n0000000000 65535 f \n" + rows)
        stream.write(b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table)
    return path
