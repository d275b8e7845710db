"""One file to be judged, what all said of a family of them, and the judges of each kind of file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edocx.signing.trust import TrustStore

PDF = ("edocx", "pdfsig", "pyHanko")
XML = ("edocx", "xmlsec1", "signxml")
CMS = ("edocx", "openssl", "pyHanko on CMS")
ZIP = ("edocx", "zipfile and xmlsec1")
ZIP_CMS = ("edocx", "zipfile and openssl", "zipfile and pyHanko")
TOKEN = ("edocx on tokens", "openssl ts", "pyHanko on tokens")
TABLES = (PDF, XML, CMS, ZIP, ZIP_CMS, TOKEN)
"""The judges of each kind of file, edocx first; each is a table of the page."""

_ENDINGS = {PDF: "pdf", XML: "xml", CMS: "p7s", ZIP: "asice", ZIP_CMS: "asics", TOKEN: "tst"}


@dataclass(frozen=True, slots=True)
class Case:
    """One file to judge: its family (a row of a table), its name, who is asked, and whether it is genuine."""

    family: str
    name: str
    data: bytes
    judges: tuple[str, ...]
    genuine: bool
    same: bool = False
    """Whether a changed envelope still says what the genuine one does: another spelling, or a relay's mark."""
    beside: tuple[Path, ...] = ()
    """What a detached signature is to be over."""
    trust: TrustStore | None = None
    """Certificates with lists and answers, where revocation is asked about; the workshop's own otherwise."""
    policy: str = "signatures-only"
    """What edocx asks for."""
    signatures: int = 1
    """How many signatures of a document xmlsec1 is led to."""

    @property
    def ending(self) -> str:
        """The ending of the file's name."""
        return _ENDINGS[self.judges]


@dataclass(slots=True)
class Row:
    """What the judges said of a family: how many files, which say the same as the genuine one, which each accepted."""

    genuine: bool
    names: list[str] = field(default_factory=list)
    same: set[str] = field(default_factory=set)
    accepted: dict[str, set[str]] = field(default_factory=dict)

    @property
    def ours(self) -> set[str]:
        """What edocx accepted."""
        return next(iter(self.accepted.values()))

    def add(self, case: Case, said: dict[str, bool]) -> None:
        """Add what the judges said of a file."""
        self.names.append(case.name)
        self.same.update({case.name} if case.same else ())
        for name, accepts in said.items():
            self.accepted.setdefault(name, set()).update({case.name} if accepts else ())
