"""Ask edocx and its peers about every file that edocx.testing can make, and write docs/reference/agreement.md.

    python tools/make_agreement.py [--check]

Genuine files of each kind, and every forgery of `edocx.testing.attacks` made of them, are judged by edocx, pdfsig
(poppler), pyHanko, xmlsec1, signxml and openssl, all with one trusted root. A disagreement without an argument in
``ARGUED`` ends the run with 1: it is either a fault or has to be understood. Takes some minutes; a test does a part.
"""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lxml import etree

from edocx.content import Blob, write_durably
from edocx.envelope import names as n
from edocx.envelope.model import Attachment, Code, Envelope, Organization, Trace
from edocx.envelope.read import open_envelope
from edocx.envelope.record import header_record
from edocx.envelope.write import compose
from edocx.errors import EdocxError
from edocx.sealing import seal
from edocx.signing.cms.sign import sign_file
from edocx.signing.container.sign import sign_files
from edocx.signing.evidence import Evidence
from edocx.signing.keys import Signer, open_signer
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing import Credential, Pki, Tsa
from edocx.testing.attacks import container, pdf, pdf_additions, pdf_appended, pdf_fields, pdf_prepared, seal_text, xml
from edocx.testing.attacks import seal as seal_attacks
from edocx.verification import verify

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "agreement.md"
SIGNED_AT = datetime(2023, 6, 15, 1, tzinfo=UTC)
AT = SIGNED_AT + timedelta(days=1)
DS = "http://www.w3.org/2000/09/xmldsig#"
DOCUMENT = '<doc xmlns="urn:x" Id="doc"><to>Nguyễn Văn A</to><amount>100</amount></doc>'.encode()
PDF, XML = ("edocx", "pdfsig", "pyHanko"), ("edocx", "xmlsec1", "signxml")
CMS, ZIP = ("edocx", "openssl"), ("edocx", "zipfile and xmlsec1")

ACCEPTS, REFUSES = "accepts what edocx refuses", "refuses what edocx accepts"

_RANGES = (
    "It looks at the signed byte range alone (and says beside its verdict that not the whole document is signed); what "
    "was written after it, which viewers show, is the reader's to judge. edocx explains every later change or fails."
)
_NO_STAMPS = (
    "It does not know document timestamps (SubFilter ETSI.RFC3161) and calls that one not yet verified; the person's "
    "signature in the same file it calls valid."
)
_TAIL = (
    "Objects or bytes after the last end mark are in no cross-reference table, so it does not see them; viewers that "
    "rebuild the table do. edocx calls the file partly covered."
)
_REBUILT = (
    "It takes the first of two values of a key, and follows tables that viewers reject and make anew from whatever "
    "objects they find; nobody asks it for every byte. edocx reads what is appended in one way only or fails."
)
_WRAPPED = (
    "The signature over its own part holds, and that part is what it returns: whoever reads the document around it "
    "instead reads what nobody signed. edocx reports the part outside; `verify --extract` gives only what was signed."
)
_DOCTYPE = " It also reads document types, with their entities, before verifying; edocx refuses them unread."
_FRAME = (
    "It finds the sealed parts by their Ids and asks no more: a part moved elsewhere, or a forged twin in the place "
    "where receivers look, is not its business. edocx asks for each part at its absolute place (docs/adr/0003)."
)
_COMMENTS = (
    "Canonicalisation drops comments, so the digest still fits; but some readers take a text only up to the first "
    "comment, and see another one. edocx allows no comment or instruction in what is sealed. The others are copies of "
    "sealed parts outside the seal, or base64 that readers decode differently."
)
_STRICT = (
    "Comments inside the signature itself, or a seal at another place than the profile's: canonicalisation hides the "
    "first, and a verifier that knows no profile cannot mind the second. edocx refuses both."
)

_FILLING = (
    "Fields may be added and filled after a signature, and pyHanko does not ask what their looks then cover, nor "
    "whether a field was hidden when somebody signed. In edocx empty fields draw nothing, looks are measured by their "
    "page, and what was hidden stays so."
)
_KEYLESS = (
    "It allows the looks of fields, and the form's own fonts, to be exchanged as filling, through objects that it does "
    "not compare; and it measures a timestamp's field by flags and a rectangle that viewers read otherwise. edocx "
    "compares what both revisions mean, along every path, and what anybody can add draws nothing in any state."
)
_BEHIND = (
    "It reads the signature and no further: what stands behind its end, or another block of text beside it, is not its "
    "business. edocx calls the file partly covered, and says that foreign bytes are in it."
)
_FRAMED = (
    "It goes by the directory at the end of the zip, and finds the genuine files; readers that begin at the start, go "
    "by local headers or mend the zip find others. edocx reads no zip that can be taken for two."
)

_REMARKS = (
    "Comments, the media type and what stands beside the signature in its file are not its business. edocx reads the "
    "container as partly covered, and names them."
)

ARGUED: dict[tuple[str, str, str], str] = {
    ("pyHanko", "PDF, forged, below a seal", ACCEPTS): _FILLING,
    ("pyHanko", "PDF, forged and prepared, below a seal", ACCEPTS): _FILLING,
    ("pyHanko", "PDF, forged without a key", ACCEPTS): _KEYLESS,
    ("openssl", "CMS, forged", ACCEPTS): _BEHIND,
    ("zipfile and xmlsec1", "container, forged, remarks", ACCEPTS): _REMARKS,
    ("zipfile and xmlsec1", "container, forged", ACCEPTS): _FRAMED,
    ("pdfsig", "PDF, forged", ACCEPTS): _RANGES,
    ("pyHanko", "PDF, forged, appended", ACCEPTS): _REBUILT,
    ("pdfsig", "PDF, signed by edocx", REFUSES): _NO_STAMPS,
    ("pyHanko", "PDF, forged", ACCEPTS): _TAIL,
    ("xmlsec1", "XML, forged", ACCEPTS): _WRAPPED + _DOCTYPE,
    ("signxml", "XML, forged", ACCEPTS): _WRAPPED,
    ("xmlsec1", "envelope, parts moved and doubled", ACCEPTS): _FRAME,
    ("signxml", "envelope, parts moved and doubled", ACCEPTS): _FRAME,
    ("xmlsec1", "envelope, texts rewritten", ACCEPTS): _COMMENTS,
    ("signxml", "envelope, texts rewritten", ACCEPTS): _COMMENTS,
    ("xmlsec1", "envelope, the signature tampered with", ACCEPTS): _STRICT,
    ("signxml", "envelope, the signature tampered with", ACCEPTS): _STRICT,
}
"""(peer, beginning of the files' name, direction) to why it answers otherwise than edocx and that stays so."""


@dataclass(frozen=True, slots=True)
class Case:
    """One file to judge: its family (a row of the table), its name, whether it is genuine."""

    family: str
    name: str
    data: bytes
    genuine: bool
    same: bool = False
    """Whether a changed envelope still says what the genuine one does: another spelling, or a relay's mark."""

    @property
    def is_pdf(self) -> bool:
        """Whether it is a PDF."""
        return self.family.startswith("PDF")

    @property
    def judges(self) -> tuple[str, ...]:
        """Who is asked about files of this family."""
        kinds = {"PDF": PDF, "CMS": CMS, "container": ZIP}
        return kinds.get(self.family.partition(",")[0], XML)

    @property
    def ending(self) -> str:
        """The ending of the file's name."""
        return {PDF: "pdf", CMS: "p7s", ZIP: "asice"}.get(self.judges, "xml")


@dataclass(slots=True)
class Row:
    """What the judges said of a family: how many files, which say the same as the genuine one, which each accepted."""

    genuine: bool
    names: list[str] = field(default_factory=list)
    same: set[str] = field(default_factory=set)
    accepted: dict[str, set[str]] = field(default_factory=dict)


class Workshop:
    """A PKI in a folder, keys, and whatever is made and judged with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = Pki.create()
        self.person_key = self.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
        self.agency_key = self.pki.issue_organisation("ỦY BAN THỬ NGHIỆM")
        self.other_key = self.pki.issue_person("Trần Thị B", "ỦY BAN THỬ NGHIỆM")
        self.tsa = Tsa(self.pki)
        self.pki.save_trust(folder / "trust")
        self.trust = TrustStore.from_path(folder / "trust")
        self.person, self.agency = self._signer(self.person_key), self._signer(self.agency_key)

    def _signer(self, credential: Credential, **options: Any) -> Signer:
        place = self.folder / f"{credential.sha256}.p12"
        credential.save(place)
        return open_signer(f"file:{place}", **options)

    def cases(self, parts: set[str] | None = None) -> Iterator[Case]:
        """Yield every file, or those of some kinds (``pdf``, ``xml``, ``envelope``, ``other``)."""
        makers = {"pdf": self._pdfs, "xml": self._documents, "envelope": self._envelopes, "other": self._others}
        for name, make in makers.items():
            if parts is None or name in parts:
                yield from make()

    # -- files

    def _pdfs(self) -> Iterator[Case]:
        import fpdf  # noqa: PLC0415

        document = fpdf.FPDF()
        document.set_creation_date(SIGNED_AT)
        document.add_page()
        document.set_font("helvetica", size=12)
        document.cell(text="Công văn".encode("ascii", "ignore").decode())
        plain = self.folder / "plain.pdf"
        document.output(str(plain))
        stamps = Rfc3161(
            "t", lambda request: self.tsa.answer(request, SIGNED_AT + timedelta(minutes=1)), trust=self.trust
        )
        means: dict[str, Any] = {"timestamps": stamps, "evidence": Evidence(self.trust)}
        made: dict[str, Path] = {}

        def signed(name: str, source: Path, key: Signer, **options: Any) -> Path:
            made[name] = sign(source, self.folder / f"{name}.pdf", key, at=SIGNED_AT, **options)
            return made[name]

        one = signed("a person", plain, self.person, field="S1")
        for level in ("B-T", "B-LT", "B-LTA"):
            signed(f"a person, {level}", plain, self.person, field="S1", level=level, **means)
        signed("a person, RSA-PSS", plain, self._signer(self.person_key, scheme="pss"), field="S1")
        certified = signed("a person, certified", plain, self.person, field="S1", certify=True)
        signed("person and agency", one, self.agency, field="S2")
        two = signed("person, certified, and agency", certified, self.agency, field="S2")
        for name, path in made.items():
            yield Case("PDF, signed by edocx", name, path.read_bytes(), genuine=True)
        for name, path in (("one signature", one), ("two signatures", two)):
            for attack in pdf.forgeries(path.read_bytes()):
                yield Case(f"PDF, forged, {name}", attack.name, attack.data, genuine=False)
            for attack in pdf.widened_rooms(path.read_bytes()):
                yield Case(f"PDF, forged, a page in the room of {name}", attack.name, attack.data, genuine=False)
            for attack in pdf_appended.structure_forgeries(path.read_bytes()):
                yield Case(f"PDF, forged, appended to {name}", attack.name, attack.data, genuine=False)

        yield from self._without_a_key(plain, one)
        for name, forged in self._below_a_seal(plain, one):
            yield Case(f"PDF, forged{name[0]}, below a seal", name[1], forged, genuine=False)

    def _without_a_key(self, plain: Path, one: Path) -> Iterator[Case]:
        """Yield what anybody can do to a signed file: by objects of their own, and by a timestamp that draws."""
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415
        from pyhanko.sign.signers import PdfTimeStamper, SimpleSigner  # noqa: PLC0415
        from pyhanko.sign.timestamps import DummyTimeStamper  # noqa: PLC0415

        source, out = self.folder / "prepared.pdf", self.folder / "prepared-signed.pdf"
        for shadow in pdf_fields.KEYLESS:
            source.write_bytes(shadow.prepared(plain.read_bytes()))
            signed = sign(source, out, self.person, at=SIGNED_AT, field="S1", certify=False).read_bytes()
            yield Case("PDF, forged without a key", shadow.name, shadow.revealed(signed), genuine=False)
        place = self.folder / "stranger.p12"
        stranger = Pki.create().issue_organisation("CƠ QUAN LẠ")
        stranger.save(place)
        key = SimpleSigner.load_pkcs12(str(place))

        def stamp(data: bytes, field: str) -> bytes:
            stamper = DummyTimeStamper(key.signing_cert, key.signing_key, fixed_dt=SIGNED_AT + timedelta(hours=1))
            writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
            return bytes(PdfTimeStamper(stamper, field_name=field).timestamp_pdf(writer, "sha256").getvalue())

        for attack in pdf_fields.drawing_timestamps(one.read_bytes(), stamp):
            yield Case("PDF, forged without a key, a timestamp", attack.name, attack.data, genuine=False)

    def _below_a_seal(self, plain: Path, one: Path) -> Iterator[tuple[tuple[str, str], bytes]]:
        """Yield forgeries that another trusted signer then seals: only the first signature can fail."""
        place, out = self.folder / "below.pdf", self.folder / "sealed.pdf"

        def signed(data: bytes, key: Signer, field: str) -> bytes:
            place.write_bytes(data)
            return sign(place, out, key, at=SIGNED_AT, field=field, certify=False).read_bytes()

        for attack in pdf_additions.additions(one.read_bytes()):
            yield ("", attack.name), signed(attack.data, self.agency, "Seal")
        for shadow in pdf_prepared.SHADOWS:
            first = signed(shadow.prepared(plain.read_bytes()), self.person, "Leader")
            yield (" and prepared", shadow.name), signed(shadow.revealed(first), self.agency, "Seal")

    def _others(self) -> Iterator[Case]:
        note = self.folder / "note.txt"
        note.write_text("ghi chú " * 50, "utf-8")
        data = sign_file(note, self.folder / "a.p7s", self.person, at=SIGNED_AT).read_bytes()
        yield Case("CMS, signed by edocx", "detached", data, genuine=True)
        for attack in container.trailers(data):
            yield Case("CMS, forged, bytes behind it", attack.name, attack.data, genuine=False)
        data = sign_files([note], self.folder / "a.asice", self.agency, at=SIGNED_AT).read_bytes()
        yield Case("container, signed by edocx", "one file", data, genuine=True)
        for attack in container.framings(data):
            yield Case("container, forged, another zip around it", attack.name, attack.data, genuine=False)
        for attack in container.remarks(data):
            yield Case("container, forged, remarks that nobody signed", attack.name, attack.data, genuine=False)

    def _documents(self) -> Iterator[Case]:
        import signxml  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

        shapes: dict[str, tuple[Any, dict[str, Any]]] = {
            "enveloped": (signxml.methods.enveloped, {}),
            "enveloped, by Id": (signxml.methods.enveloped, {"reference_uri": "#doc"}),
            "enveloping": (signxml.methods.enveloping, {}),
            "beside what is signed": (signxml.methods.detached, {"reference_uri": "#doc"}),
        }
        other = self.other_key.certificate.public_bytes(Encoding.DER)
        for shape, (method, options) in shapes.items():
            signer = signxml.XMLSigner(method=method, c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
            root = signer.sign(
                etree.fromstring(DOCUMENT),
                key=self.person_key.private_key,
                cert=[self.person_key.certificate, self.pki.state.certificate],
                always_add_key_value=False,
                **options,
            )
            if method is signxml.methods.detached:
                frame = etree.Element("root")
                frame.extend([etree.fromstring(DOCUMENT), root])
                root = frame
            data = etree.tostring(root)
            yield Case("XML, signed by signxml", shape, data, genuine=True)
            for attack in xml.forgeries(data, other_certificate=other):
                yield Case(f"XML, forged, {shape}", attack.name, attack.data, genuine=False)
            if method is not signxml.methods.enveloping:
                for attack in xml.surroundings(data):
                    yield Case(f"XML, forged around, {shape}", attack.name, attack.data, genuine=False)

    def _envelopes(self) -> Iterator[Case]:
        letter = Envelope(
            sender=Organization(unit="H58.12.01", name="UBND xã Bình Đức"),
            to=(Organization(unit="H58.12", name="UBND huyện Châu Thành"), Organization(unit="G22")),
            document_id="H58.12.01,2023/06/15,01/UBND-VP",
            code=Code(number="01", notation="UBND-VP"),
            subject="Về việc thử <A&B>",
            business="new",
            trace=(Trace(unit="H58.12.01", timestamp=SIGNED_AT),),
            attachments=(Attachment(name="a.txt", content=Blob.from_bytes("Kính gửi".encode() * 9)),),
        )
        skeleton = compose(letter)
        seal(skeleton, self.agency, at=SIGNED_AT)
        skeleton.save(self.folder / "sealed.edxml")
        data = (self.folder / "sealed.edxml").read_bytes()
        yield Case("envelope, sealed by edocx", "with one file", data, genuine=True)
        for kind, attacks in (
            ("parts moved and doubled", seal_attacks.wrappings),
            ("texts rewritten", seal_text.rewritings),
            ("the signature tampered with", seal_text.signature_forgeries),
        ):
            said = _said(data)
            for attack in attacks(data):
                same = _said(attack.data) == said
                yield Case(f"envelope, {kind}", attack.name, attack.data, genuine=False, same=same)

    # -- judges

    def judges(self, case: Case) -> dict[str, bool]:
        """Return who accepts a file."""
        place = self.folder / f"case.{case.ending}"
        place.write_bytes(case.data)
        known: dict[str, Callable[[Path], bool]] = {
            "edocx": self._edocx,
            "pdfsig": self._pdfsig,
            "pyHanko": self._pyhanko,
            "xmlsec1": self._xmlsec1,
            "signxml": self._signxml,
            "openssl": self._openssl,
            "zipfile and xmlsec1": self._zip_and_xmlsec1,
        }
        return {name: known[name](place) for name in case.judges}

    def _edocx(self, place: Path) -> bool:
        try:
            beside = [self.folder / "note.txt"] if place.suffix == ".p7s" else []
            return verify(place, trust=self.trust, at=AT, detached=beside).indication is Indication.TOTAL_PASSED
        except EdocxError:
            return False

    def _pdfsig(self, place: Path) -> bool:
        # -nocert: its store is that of the machine; validity of certificates is not compared here.
        done = subprocess.run(
            ["pdfsig", "-nocert", str(place)], capture_output=True, text=True, check=False, timeout=60
        )
        verdicts = re.findall(r"Signature Validation: (.*)", done.stdout)
        return bool(verdicts) and all(one == "Signature is Valid." for one in verdicts)

    def _pyhanko(self, place: Path) -> bool:
        from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415
        from pyhanko.sign.validation import validate_pdf_signature  # noqa: PLC0415
        from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

        context: dict[str, Any] = {
            "trust_roots": list(self.trust.anchors),
            "other_certs": list(self.trust.intermediates),
            "crls": list(self.trust.revocation_lists),
            "moment": AT,
            "allow_fetching": False,
        }
        try:
            with place.open("rb") as stream:
                found = PdfFileReader(stream).embedded_regular_signatures
                verdicts = [
                    validate_pdf_signature(one, ValidationContext(**context), ValidationContext(**context))
                    for one in found
                ]
                return bool(verdicts) and all(one.bottom_line for one in verdicts)
        except Exception:  # noqa: BLE001 - whatever a judge raises, it does not accept
            return False

    def _xmlsec1(self, place: Path) -> bool:
        names = [n.MESSAGE_HEADER, n.BUSINESS, n.BODY, n.ENCODED]
        ids = [word for name in names for word in ("--id-attr:Id", f"{n.QCVN}:{name}")]
        ids += ["--id-attr:Id", f"{DS}:Object", "--id-attr:Id", "urn:x:doc"]
        ids += ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"]
        trust = self.folder / "trust"
        command = ["xmlsec1", "--verify", "--trusted-pem", str(trust / "root.crt")]
        command += ["--untrusted-pem", str(trust / "state.crt"), *ids, str(place)]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0

    def _openssl(self, place: Path) -> bool:
        data = place.read_bytes()
        form = "PEM" if b"-----BEGIN" in data else "DER"
        command = ["openssl", "cms", "-verify", "-inform", form, "-in", str(place), "-binary", "-purpose", "any"]
        command += ["-content", str(self.folder / "note.txt"), "-CAfile", str(self.folder / "trust" / "root.crt")]
        command += ["-attime", str(int(AT.timestamp())), "-out", "/dev/null"]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0

    def _zip_and_xmlsec1(self, place: Path) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            try:
                with zipfile.ZipFile(place) as archive:
                    archive.extractall(folder)
            except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
                return False
            inside = Path(folder) / "META-INF" / "signatures.xml"
            trust = self.folder / "trust"
            command = ["xmlsec1", "--verify", "--trusted-pem", str(trust / "root.crt")]
            command += [
                "--untrusted-pem",
                str(trust / "state.crt"),
                "--verification-gmt-time",
                f"{AT:%Y-%m-%d %H:%M:%S}",
            ]
            command += ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", str(inside)]
            done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
            return done.returncode == 0

    def _signxml(self, place: Path) -> bool:
        from signxml import SignatureConfiguration, XMLVerifier  # noqa: PLC0415

        config = SignatureConfiguration(expect_references=True)
        root = str(self.folder / "trust" / "root.crt")
        try:
            return bool(
                XMLVerifier().verify(place.read_bytes(), ca_pem_file=root, id_attribute="Id", expect_config=config)
            )
        except Exception:  # noqa: BLE001 - whatever a judge raises, it does not accept
            return False


def _said(data: bytes) -> Any:
    """Return what an envelope says, its trace apart; None for one that cannot be read."""
    try:
        with open_envelope(data) as reading:
            record = header_record(reading.envelope)
            files = [(item.name, item.content and item.content.sha256) for item in reading.envelope.attachments]
    except EdocxError:
        return None
    return {key: value for key, value in record.items() if key != "trace"}, sorted(files, key=str)


def judge(folder: Path, parts: set[str] | None = None, *, every: int = 1) -> dict[str, Row]:
    """Judge every file, or each so many-th of every family; return the rows by family."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    rows: dict[str, Row] = {}
    seen: dict[str, int] = {}
    shop = Workshop(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in shop.cases(parts):
            seen[case.family] = seen.get(case.family, -1) + 1
            if not case.genuine and seen[case.family] % every:
                continue
            row = rows.setdefault(case.family, Row(case.genuine))
            row.names.append(case.name)
            row.same.update({case.name} if case.same else ())
            for name, accepts in shop.judges(case).items():
                row.accepted.setdefault(name, set()).update({case.name} if accepts else ())
    return rows


def disagreements(rows: dict[str, Row]) -> dict[tuple[str, str, str], list[str]]:
    """Return by peer, family and direction the files that it judges otherwise than edocx."""
    found = {}
    for family, row in rows.items():
        ours = row.accepted["edocx"]
        for peer, theirs in row.accepted.items():
            for direction, names in ((ACCEPTS, theirs - ours), (REFUSES, ours - theirs)):
                if names:
                    found[peer, family, direction] = [name for name in row.names if name in names]
    return found


def argument(peer: str, family: str, direction: str) -> str | None:
    """Return why a peer differs from edocx over a family."""
    return next(
        (
            text
            for (who, kind, way), text in ARGUED.items()
            if who == peer and way == direction and family.startswith(kind)
        ),
        None,
    )


def page(rows: dict[str, Row]) -> str:
    """Return the page."""
    lines = [
        "<!-- made by tools/make_agreement.py; do not edit -->",
        "",
        "# Agreement with other validators",
        "",
        "Every file that `edocx.testing` can make, genuine and forged, as edocx and its peers judge it with one root.",
        "A cell says how many of the files were accepted. Of forged files none should be but harmless ones: these",
        "still say what the genuine file says (another spelling of a text, a relay's mark). Disagreements stand below.",
        "`tests/verification/test_verification_agreement.py` holds a part of this table true.",
        "",
    ]
    for judges in (PDF, XML, CMS, ZIP):
        lines += [f"| files | number | harmless | {' | '.join(judges)} |", f"|---|---|---|{'---|' * len(judges)}"]
        for family, row in rows.items():
            if judges[1] in row.accepted:
                cells = " | ".join(str(len(row.accepted[name])) for name in judges)
                harmless = len(row.names) if row.genuine else len(row.same)
                lines.append(f"| {family} | {len(row.names)} | {harmless} | {cells} |")
        lines.append("")
    lines += ["## Disagreements", ""]
    for (peer, family, direction), names in disagreements(rows).items():
        shown = ", ".join(f"`{name}`" for name in names[:12]) + (
            f" and {len(names) - 12} more" if len(names) > 12 else ""
        )
        lines += [f"**{peer} {direction}: {family}** ({len(names)}: {shown}).", ""]
        lines += [argument(peer, family, direction) or "NOT EXPLAINED", ""]
    return "\n".join(lines)


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


def accepted_forgeries(rows: dict[str, Row]) -> dict[str, set[str]]:
    """Return by family the forged files that edocx accepts and that say something else than the genuine one."""
    found = {family: row.accepted["edocx"] - row.same for family, row in rows.items() if not row.genuine}
    return {family: names for family, names in found.items() if names}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
