"""One hierarchy for the whole room, its keys opened once, and other people's validators as judges."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signing_samples import SIGNED_AT

from edocx.signing.evidence import Evidence
from edocx.signing.keys import Signer, open_signer
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing import Pki, Tsa


@dataclass(frozen=True)
class Signing:
    """A PKI on disk with a person and an agency, whose keys are open."""

    pki: Pki
    folder: Path
    person: Signer
    organisation: Signer
    trust: TrustStore

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.trust)

    def timestamps(self, at: datetime = SIGNED_AT + timedelta(minutes=1)) -> Rfc3161:
        service = Tsa(self.pki)
        return Rfc3161("test", lambda request: service.answer(request, at), trust=self.trust)

    def judge(self, path: Path, at: datetime = SIGNED_AT + timedelta(days=1)) -> dict:
        """Ask pyHanko's own validator about every signature of a file."""
        verdicts = {}
        with path.open("rb") as stream:
            reader = PdfFileReader(stream, strict=False)
            for signature in reader.embedded_regular_signatures:
                context = ValidationContext(
                    trust_roots=list(self.trust.anchors),
                    other_certs=list(self.trust.intermediates),
                    crls=list(self.trust.revocation_lists),
                    moment=at,
                    allow_fetching=False,
                )
                verdicts[signature.field_name] = validate_pdf_signature(signature, context, context)
        return verdicts


@pytest.fixture(scope="session")
def signing(tmp_path_factory) -> Signing:
    folder = tmp_path_factory.mktemp("pki")
    pki = Pki.create()
    pki.save(folder)
    return Signing(
        pki,
        folder,
        open_signer(f"file:{folder}/person.p12"),
        open_signer(f"file:{folder}/organisation.p12"),
        TrustStore.from_path(folder / "trust"),
    )


@pytest.fixture(scope="session")
def accepted_by_all(signing, tool):
    """Assert that pdfsig, qpdf and pyHanko accept a file with so many signatures; return pyHanko's verdicts."""
    pdfsig, qpdf = tool("pdfsig"), tool("qpdf")

    def check(path: Path, signatures: int) -> dict:
        said = subprocess.run([pdfsig, "-nocert", str(path)], capture_output=True, text=True, check=False).stdout
        assert said.count("Signature is Valid") == signatures, said
        structure = subprocess.run([qpdf, "--check", str(path)], capture_output=True, text=True, check=False)
        assert structure.returncode == 0, structure.stdout + structure.stderr
        verdicts = signing.judge(path)
        assert len(verdicts) == signatures
        for name, verdict in verdicts.items():
            assert verdict.bottom_line, (name, verdict.summary())
        return verdicts

    return check
