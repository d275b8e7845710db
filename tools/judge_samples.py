"""Run labelled sample signatures through `edocx.verify` and print every disagreement.

    python tools/judge_samples.py ../shared/samples/signatures [folder…]

A sample folder holds ``cases.jsonl``, one case a line: id, file, scope (crypto, policy, full, parse), expect (valid,
invalid, indeterminate, unknown), and optionally key, hmac_key, trust, at, detached. Labels come from other projects'
tests and may err: a disagreement needs an argument, not obedience; ``ARGUED`` below holds the arguments.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edocx.clock import VIETNAM
from edocx.errors import EdocxError
from edocx.signing.trust import TrustStore
from edocx.verification import verify

ARGUED: dict[str, str] = {
    "iaik/base64DecodeSignature.xml": "the signed content is an external file that is not among the samples",
    "iaik/c14nSignature.xml": "the signed content is an external file that is not among the samples",
    "iaik/manifestSignature.xml": "the file holds a DOCTYPE, which edocx never accepts",
    "signxml/xades/nonconformant-X_BE_CONN_10.xml": (
        "both certificates named in SigningCertificate are in KeyInfo with these digests, the signer's first as "
        "EN 319 132-1 5.2.2 wants; signxml compares each of them with the signer's"
    ),
    "signxml/xades/xades-with-manifest-with-object-reference.xml": (
        "the signature is intact, but covers only an object inside itself: the document around it is signed by nobody"
    ),
}
"""Case id to the reason why our verdict differs from its label and stays so."""

SLOW = 10.0
"""Seconds for one file; more is a hang, whatever the verdict."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case."""

    case: dict[str, Any]
    found: str
    codes: tuple[str, ...]
    seconds: float

    @property
    def id(self) -> str:
        """The case's name."""
        return str(self.case["id"])

    @property
    def agrees(self) -> bool:
        """Whether the verdict fits the label."""
        expect = self.case["expect"]
        if self.seconds > SLOW:
            return False
        if self.case["scope"] == "parse":
            return self.found != "valid"
        match expect:
            case "valid":
                return self.found == "valid"
            case "invalid" | "indeterminate":
                return self.found != "valid"
            case _:
                return True

    @property
    def forgery_accepted(self) -> bool:
        """Whether something that must not pass did."""
        return not self.agrees and self.found == "valid"


def judge_folder(folder: Path) -> Iterator[Outcome]:
    """Judge every case of one sample folder (the one that holds ``cases.jsonl``)."""
    for line in (folder / "cases.jsonl").read_text("utf-8").splitlines():
        if line.strip():
            yield judge_case(json.loads(line), folder.parent)


def judge_case(case: dict[str, Any], base: Path) -> Outcome:
    """Judge one case; an error of ours counts as "unreadable", anything else is a bug and passes through."""
    trust = TrustStore()
    for name in case.get("trust", ()):
        trust |= TrustStore.from_path(base / name)
    at = datetime.fromisoformat(case["at"]) if case.get("at") else None
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=VIETNAM)
    options: dict[str, Any] = {}
    detached = case.get("detached", ())
    if detached:
        options["detached"] = [base / name for name in ([detached] if isinstance(detached, str) else detached)]
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if "hmac_key" in case:
            secret = Path(folder) / "secret"
            secret.write_bytes(case["hmac_key"].encode())
            options["keys"] = [secret]
        elif "key" in case:
            options["keys"] = [base / case["key"]]
        try:
            report = verify(base / case["file"], trust=trust, at=at, **options)
        except EdocxError as error:
            return Outcome(case, "unreadable", (error.code,), time.perf_counter() - begin)
    codes = [m.code for s in report.signatures for m in s.messages if m.severity == "error"]
    codes += [m.code for m in report.messages if m.severity == "error"]
    if case["scope"] == "full":
        found = {"TOTAL-PASSED": "valid", "TOTAL-FAILED": "invalid"}.get(report.indication, "indeterminate")
    else:
        found = str(report.integrity) if report.integrity else "unsigned"
    return Outcome(case, found, tuple(codes), time.perf_counter() - begin)


def main(arguments: list[str]) -> int:
    """Print agreement and each disagreement; return 1 when a disagreement has no argument."""
    base = Path(arguments[0])
    names = arguments[1:] or sorted(p.parent.name for p in base.glob("*/cases.jsonl"))
    unargued = 0
    for name in names:
        outcomes = list(judge_folder(base / name))
        agreed = sum(o.agrees for o in outcomes)
        slowest = max(outcomes, key=lambda o: o.seconds)
        print(f"{name}: {agreed} of {len(outcomes)} agree; slowest {slowest.seconds:.2f} s ({slowest.id})")
        for outcome in outcomes:
            if outcome.agrees:
                continue
            argument = ARGUED.get(outcome.id)
            unargued += argument is None
            mark = "FORGERY ACCEPTED" if outcome.forgery_accepted else "differs"
            print(f"  {mark}: {outcome.id}: expected {outcome.case['expect']}, found {outcome.found} {outcome.codes}")
            print(f"    label: {outcome.case['why']}")
            print(f"    argument: {argument or 'none'}")
    return 1 if unargued else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
