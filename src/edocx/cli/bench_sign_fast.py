"""Appending to plain PDFs (``--fast``) beside pyHanko and the physical limit, in memory: the code is measured.

Nothing is durable on a disk in memory, so that fsync costs nobody anything; `bench_sign` measures with a disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from edocx.cli.bench_measure import fast_folder, figure, in_turns, peak
from edocx.documents import Box
from edocx.signing.keys.file import FileSigner
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.sign import sign

AT = datetime(2023, 6, 15, 1, tzinfo=UTC)
LARGE = 500_000_000
"""Bytes of the file whose memory is measured."""

_TUNED, _ONE, _FLOOR = "pyHanko, key cached and size fixed", "pyHanko, one call with defaults", "limit"
_SIZES = (
    (50_000, "50 KB", 31, {_TUNED: ">= 12"}),
    (1_000_000, "1 MB", 21, {_TUNED: ">= 6", _FLOOR: ">= 0.4 (2.5 times the limit)"}),
    (20_000_000, "20 MB", 9, {_TUNED: ">= 1.8", _FLOOR: ">= 0.77 (1.3 times the limit)"}),
)


class Peers(Protocol):
    """What `bench_sign` has of the others."""

    def one_shot(self, source: Path, out: Path) -> None:
        """Sign as the documentation has it."""

    def tuned(self, source: Path, out: Path) -> None:
        """Sign as fast as it gets."""

    def floor(self, source: Path, out: Path, *, durable: bool) -> None:
        """Copy, digest, and one operation with the key."""


def measure_fast(
    signer: FileSigner, peers: Peers, write: Callable[[Path, int], Path], key: Path, *, quick: bool
) -> Iterator[dict[str, Any]]:
    """Yield the figures: three sizes, a visible picture, two signatures, and memory at 500 MB."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        work = Path(folder)
        for size, label, turns, goals in _SIZES[:2] if quick else _SIZES:
            source = write(work / f"{size}.pdf", size)
            yield _size(work, source, signer, peers, turns // 3 if quick else turns) | {
                "name": f"append to a plain PDF of {label}, RSA-2048 (--fast)",
                "goal": "; ".join(f"{goal} x {peer}" for peer, goal in goals.items()),
            }
        yield _looks(work, signer, 7 if quick else 31)
    if not quick:
        yield _memory(write, key)


def _size(work: Path, source: Path, signer: FileSigner, peers: Peers, turns: int) -> dict[str, Any]:
    out = [work / f"out{number}.pdf" for number in range(5)]
    acts: dict[str, Callable[[], object]] = {
        "edocx": lambda: sign(source, out[0], signer, at=AT, field="Sig1", fast=True),
        "edocx without --fast": lambda: sign(source, out[1], signer, at=AT, field="Sig1"),
        _ONE: lambda: peers.one_shot(source, out[2]),
        _TUNED: lambda: peers.tuned(source, out[3]),
        _FLOOR: lambda: peers.floor(source, out[4], durable=False),
    }
    return figure("", in_turns(turns, acts), {})


def _looks(work: Path, signer: FileSigner, turns: int) -> dict[str, Any]:
    """Measure an invisible signature beside a visible one, and beside two."""
    source, picture = work / "50000.pdf", work / "seal.png"
    Image.effect_noise((300, 300), 60).convert("RGBA").save(picture)
    look = {"appearance": Appearance(image=picture), "box": Box(page=0, x1=100, y1=100, x2=200, y2=200)}
    one, two, seen = work / "one.pdf", work / "two.pdf", work / "seen.pdf"

    def twice() -> None:
        sign(source, one, signer, at=AT, field="Sig1", fast=True)
        sign(one, two, signer, at=AT, field="Sig2", fast=True)

    acts: dict[str, Callable[[], object]] = {
        "edocx": lambda: sign(source, one, signer, at=AT, field="Sig1", fast=True),
        "the same, visible": lambda: sign(source, seen, signer, at=AT, field="Sig1", fast=True, **look),  # type: ignore[arg-type]
        "two signatures": twice,
    }
    goals = {"the same, visible": "<= 2", "two signatures": "<= 2.3"}
    return figure("append to a plain PDF of 50 KB: invisible beside visible and two", in_turns(turns, acts), goals)


def _memory(write: Callable[[Path, int], Path], key: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        source = write(Path(folder) / "large.pdf", LARGE)
        taken = peak(_SIGN, source, key)
    return {
        "name": "append to a plain PDF of 500 MB (--fast): peak of the whole process",
        "value": round(taken, 1),
        "unit": "MiB",
        "goal": "<= 96",
        "peers": {},
    }


_SIGN = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign
source = Path(sys.argv[1])
signer, at = open_signer(sys.argv[2]), datetime(2023, 6, 15, tzinfo=UTC)
sign(source, source.with_suffix(".out"), signer, at=at, field="S", fast=True)
"""
