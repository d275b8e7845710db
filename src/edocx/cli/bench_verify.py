"""Verifying beside pyHanko, pdfsig, signxml and python-xmlsec: single files, a batch that shares issuers, memory.

Trust and revocation lists are read once, as in any run; pyHanko gets them as objects too, once with a context for
each file as its documentation has it, and once with one context for all. pdfsig is a program of its own, and looks at
neither trust nor revocation; its time has the start of a process in it.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fpdf
from asn1crypto import crl
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from edocx.cli.bench_measure import MB, fast_folder, figure, fill, in_turns, peak
from edocx.cli.bench_seal import seals
from edocx.cli.bench_sign import plain_pdf
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Signer, open_signer
from edocx.signing.pdf.sign import sign
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication
from edocx.signing.trust import TrustStore
from edocx.testing.authority import Authority
from edocx.testing.certificates import Request, distinguished_name, generate_key
from edocx.testing.pki import Pki

SIGNED = datetime(2023, 6, 15, 1, tzinfo=UTC)
JUDGED = SIGNED + timedelta(days=1)
FILES, ISSUERS = 1_000, 20
"""Of the batch; ``--files`` takes another number, and 10,000 is what the goal is about."""

_TURN = 25

LARGE = 500_000_000
_EACH, _SHARED = "pyHanko, a context for each file", "pyHanko, one context for all"


def run(quick: bool = False, files: int | None = None) -> list[dict[str, Any]]:
    """Measure everything and return the figures; ``quick`` takes fewer runs and leaves the largest file out."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        work = Path(folder)
        pki = Pki.create()
        pki.save(work)
        keys = [open_signer(str(work / name)) for name in ("person.p12", "organisation.p12")]
        trust = TrustStore.from_path(work / "trust")
        figures = list(_singles(work, keys, trust, 5 if quick else 15))
        figures.append(_batch(work / "batch", files or (100 if quick else FILES)))
        envelopes = work / "envelopes"
        envelopes.mkdir()
        found = seals(envelopes, MB, 1 if quick else 5)
        figures += [one for one in found if one["name"].startswith("read and verify")]
    if not quick:
        figures.append(_memory())
    return figures


def _singles(work: Path, keys: list[Signer], trust: TrustStore, turns: int) -> Iterator[dict[str, Any]]:
    small, large, pages = work / "50.pdf", work / "1000.pdf", work / "pages.pdf"
    for source, size in ((small, 50_000), (large, MB)):
        _document(source, 1, size)
    _document(pages, 200, 0)
    for label, source, signers in (
        ("one signature, 50 KB", small, keys[:1]),
        ("one signature, 1 MB", large, keys[:1]),
        ("two signatures, 200 pages", pages, keys),
    ):
        signed = source
        for order, key in enumerate(signers, start=1):
            out = source.with_suffix(f".{order}.pdf")
            signed = sign(signed, out, key, at=SIGNED, field=f"Sig{order}")
        yield _single(label, signed, trust, turns) | {"goal": f">= 4 x {_EACH}"}


def _single(label: str, path: Path, trust: TrustStore, turns: int) -> dict[str, Any]:
    criteria, context = Criteria(trust, JUDGED), _context(trust)

    def judge(held: Criteria) -> None:
        assert verify_pdf(path, held).indication is Indication.TOTAL_PASSED

    acts: dict[str, Callable[[], object]] = {
        "edocx": lambda: judge(criteria),
        "edocx, the first file of a run": lambda: judge(Criteria(replace(trust), JUDGED)),
        _EACH: lambda: _by_pyhanko(path, _context(trust)),
        _SHARED: lambda: _by_pyhanko(path, context),
    }
    if tool := shutil.which("pdfsig"):
        acts["pdfsig -nocert"] = lambda: subprocess.run([tool, "-nocert", str(path)], check=True, capture_output=True)  # noqa: S603
    for act in acts.values():
        act()
    found = figure(f"verify a PDF: {label}", in_turns(turns, acts), {})
    return found if tool else found | {"peers": found["peers"] | {"pdfsig -nocert": "missing: not installed"}}


def _context(trust: TrustStore) -> ValidationContext:
    return ValidationContext(
        trust_roots=list(trust.anchors),
        other_certs=list(trust.intermediates),
        crls=list(trust.revocation_lists),
        moment=JUDGED,
        allow_fetching=False,
    )


def _by_pyhanko(path: Path, context: ValidationContext) -> None:
    with path.open("rb") as stream:
        for signature in PdfFileReader(stream).embedded_regular_signatures:
            assert validate_pdf_signature(signature, context, context).bottom_line


def _document(path: Path, pages: int, size: int) -> None:
    logging.getLogger("fpdf").setLevel(logging.ERROR)
    document = fpdf.FPDF()
    document.set_creation_date(SIGNED)
    for number in range(pages):
        document.add_page()
        document.set_font("helvetica", size=12)
        document.cell(text=f"{number + 1}")
    if size:
        filling = path.with_suffix(".bin")
        fill(filling, MB)
        document.embed_file(basename="filling.bin", bytes=filling.read_bytes()[:size], compress=False)
    document.output(str(path))


def _batch(folder: Path, files: int) -> dict[str, Any]:
    """Verify many files of twenty issuers in one run, beside one file again and again."""
    folder.mkdir()
    source = folder / "source.pdf"
    _document(source, 1, 20_000)
    pki = Pki.create(key="p256")
    signed: list[Path] = []
    for number in range(ISSUERS):
        key = _issuer(pki, number, folder / str(number))
        places = range(number, files, ISSUERS)
        signed += [sign(source, folder / f"{place}.pdf", key, at=SIGNED, field="Sig1", fast=True) for place in places]
    signed.sort()  # as in a folder: issuers mixed
    lists = _Counted()
    with lists:
        trust = TrustStore.from_path(folder / "trust")
        criteria = Criteria(trust, JUDGED)
        batch = single = 0.0
        alone = Criteria(trust, JUDGED)
        _judge_all(signed[:1], alone)
        for begin in range(0, len(signed), _TURN):  # in turns, so that a machine that slows down slows both
            some = signed[begin : begin + _TURN]
            batch += _judge_all(some, criteria)
            single += _judge_all(signed[:1] * len(some), alone)
    return {
        "name": f"{files} PDFs of {ISSUERS} issuers in one run: rate, of that of one file again and again",
        "value": round(single / batch, 2),
        "unit": "x",
        "goal": ">= 0.8",
        "peers": {
            "files a second": round(len(signed) / batch, 1),
            f"revocation lists parsed (there are {len(trust.revocation_lists)})": lists.parsed,
        },
    }


def _judge_all(files: list[Path], criteria: Criteria) -> float:
    """Return the seconds that it takes to verify files one after the other."""
    begun = time.perf_counter()
    assert all(verify_pdf(path, criteria).indication is Indication.TOTAL_PASSED for path in files)
    return time.perf_counter() - begun


def _issuer(pki: Pki, number: int, folder: Path) -> Signer:
    """Make a CA under the root with a list of its own, and a person's key; leave what a verifier needs in a folder."""
    name = distinguished_name(f"CA THỬ NGHIỆM {number}", organisation=f"CƠ QUAN THỬ NGHIỆM {number}")
    request = Request("authority", name, pki.not_before, pki.not_after, path_length=0)
    below = pki.root.issue(request, generate_key(pki.key))
    own = Pki(pki.root, Authority(f"ca{number}", below, (below.certificate,)), pki.key)
    folder.mkdir()
    own.save_trust(folder.parent / "trust")
    own.issue_person("Nguyễn Văn A", f"CƠ QUAN THỬ NGHIỆM {number}").save(folder / "person.p12")
    return open_signer(str(folder / "person.p12"))


class _Counted:
    """Counts the revocation lists that are parsed inside."""

    def __init__(self) -> None:
        self.parsed = 0

    def __enter__(self) -> None:
        load = crl.CertificateList.load

        def counted(*arguments: Any, **options: Any) -> Any:
            self.parsed += 1
            return load(*arguments, **options)

        crl.CertificateList.load = counted

    def __exit__(self, *_: object) -> None:
        del crl.CertificateList.load


def _memory() -> dict[str, Any]:
    """Sign a large file and verify it in a process of its own; the same with a small one."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        Pki.create().save(work)
        key = open_signer(str(work / "person.p12"))
        taken = {}
        for label, size in (("1 MB", MB), ("500 MB", LARGE)):
            source, signed = work / "source.pdf", work / "signed.pdf"
            plain_pdf(source, size)
            sign(source, signed, key, at=SIGNED, field="Sig1", fast=True)
            source.unlink()
            taken[label] = round(peak(_VERIFY, signed, work / "trust"), 1)
    return {
        "name": "verify a PDF of 500 MB: peak of the whole process",
        "value": taken["500 MB"],
        "unit": "MiB",
        "goal": "as for 1 MB",
        "peers": {"MiB for 1 MB": taken["1 MB"]},
    }


_VERIFY = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from edocx.signing.trust import TrustStore
from edocx.verification import verify
report = verify(Path(sys.argv[1]), trust=TrustStore.from_path(sys.argv[2]), at=datetime(2023, 6, 16, tzinfo=UTC))
assert report.indication == "TOTAL-PASSED"
"""
