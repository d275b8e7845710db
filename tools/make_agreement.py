"""Ask edocx and its peers about every file that edocx.testing can make, and write docs/reference/agreement.md.

    python tools/make_agreement.py [--check]

Genuine files of each kind, and every forgery of `edocx.testing.attacks` made of them, are judged by edocx, pdfsig
(poppler), pyHanko, xmlsec1, signxml and openssl, all with one trusted root. A disagreement without an argument in
``agreement.arguments`` ends the run with 1: it is either a fault or has to be understood. Takes some minutes; a test
does a part.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from agreement import peers
from agreement.arguments import argument
from agreement.case import Case, Row
from agreement.cms_files import signatures
from agreement.container_files import containers
from agreement.envelope_files import envelopes
from agreement.evidence_files import evidence
from agreement.joined_files import joined
from agreement.page import accepted_forgeries, disagreements, page
from agreement.pdf_files import pdfs
from agreement.workshop import Workshop
from agreement.xml_files import documents
from edocx.content import write_durably

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "agreement.md"
PARTS: dict[str, Callable[[Workshop], Iterator[Case]]] = {
    "pdf": pdfs,
    "xml": documents,
    "envelope": envelopes,
    "cms": signatures,
    "container": containers,
    "joined": joined,
    "evidence": evidence,
}
"""What makes the files of each kind."""


def judge(folder: Path, parts: set[str] | None = None, *, every: int = 1) -> dict[str, Row]:
    """Judge every file of some kinds (of all by default), or each so many-th of every family; return rows by family."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    rows: dict[str, Row] = {}
    seen: dict[str, int] = {}
    shop = Workshop(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in (case for name, make in PARTS.items() if parts is None or name in parts for case in make(shop)):
            seen[case.family] = seen.get(case.family, -1) + 1
            if case.genuine or seen[case.family] % every == 0:
                rows.setdefault(case.family, Row(case.genuine)).add(case, peers.judge(shop, case))
    return rows


def main(arguments: list[str]) -> int:
    """Write the page; with ``--check`` only say whether it is up to date. Return 1 for what has no argument."""
    with tempfile.TemporaryDirectory() as folder:
        rows = judge(Path(folder))
    text = page(rows)
    if "--check" in arguments:
        return int(not PAGE.exists() or PAGE.read_text("utf-8") != text)
    write_durably(PAGE, [text.encode()])
    unargued = [one for one in disagreements(rows) if argument(*one) is None]
    for peer, family, direction in unargued:
        print(f"no argument: {peer} {direction}: {family}")
    for family, names in accepted_forgeries(rows).items():
        print(f"edocx accepts: {family}: {sorted(names)}")
    return int(bool(unargued or accepted_forgeries(rows)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
