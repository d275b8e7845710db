"""Signing a PDF: the order of NĐ 30/2020, two phases, hostile and odd inputs, judged by other people's tools."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path

import pytest
import signing_samples as samples
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from signing_samples import SIGNED_AT

from edocx.documents import Box, DocumentNumber, PageLayout
from edocx.errors import InputError, LimitExceeded, PdfError, SigningRefused, StateError, UsageError
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.sign import Prepared, complete, prepare, sign
from edocx.testing import Pki

NUMBER = DocumentNumber(number="15", notation="QĐ-UBND")


def fill(layout: PageLayout):
    return number_and_date(layout, number=NUMBER, place="Bình Đức", issued_on=date(2023, 6, 15))


@pytest.fixture
def two_pages(tmp_path):
    return samples.plain(tmp_path / "draft.pdf", pages=2)


def prepared_for(signer, source: Path, working: Path, **options) -> Prepared:
    return prepare(
        source,
        working,
        certificate=signer.certificate,
        algorithm=signer.algorithm,
        chain=signer.chain,
        at=SIGNED_AT,
        field="Sig1",
        **options,
    )


def test_person_then_number_then_seal_is_accepted_and_seen_as_form_filling(
    signing, two_pages, tmp_path, accepted_by_all
):
    layout = PageLayout.standard()
    form = make_form(two_pages, tmp_path / "form.pdf", layout)
    approved = sign(form, tmp_path / "approved.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True)
    issued = sign(
        approved, tmp_path / "issued.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=fill(layout)
    )
    verdicts = accepted_by_all(issued, 2)
    person, seal = verdicts[person_field(1)], verdicts[SEAL_FIELD]
    assert person.modification_level is ModificationLevel.FORM_FILLING
    assert seal.modification_level is ModificationLevel.NONE
    assert issued.read_bytes().startswith(approved.read_bytes()), "a signed byte was changed"


def test_nothing_may_be_signed_or_filled_after_the_seal(signing, two_pages, tmp_path):
    layout = PageLayout.standard()
    form = make_form(two_pages, tmp_path / "form.pdf", layout)
    sealed = sign(form, tmp_path / "sealed.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD)
    with pytest.raises(SigningRefused) as refusal:
        sign(sealed, tmp_path / "more.pdf", signing.person, at=SIGNED_AT, field=person_field(1))
    assert refusal.value.code == "EDX-PDF-LOCKED"
    assert not (tmp_path / "more.pdf").exists()


def test_several_signatories_sign_one_after_another(signing, two_pages, tmp_path, accepted_by_all):
    box = Box(page=-1, x1=60, y1=150, x2=200, y2=210)
    layout = PageLayout.standard()
    layout = layout.model_copy(update={"signatures": (*layout.signatures, box)})
    path = make_form(two_pages, tmp_path / "form.pdf", layout)
    for order in (1, 2):
        path = sign(
            path, tmp_path / f"{order}.pdf", signing.person, at=SIGNED_AT, field=person_field(order), certify=order == 1
        )
    path = sign(path, tmp_path / "seal.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=fill(layout))
    accepted_by_all(path, 3)


def test_a_field_that_is_signed_is_not_signed_again(signing, two_pages, tmp_path):
    once = sign(two_pages, tmp_path / "once.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    with pytest.raises(SigningRefused) as refusal:
        sign(once, tmp_path / "twice.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    assert refusal.value.code == "EDX-PDF-LOCKED"


def test_the_file_holds_no_time_but_the_one_given(signing, two_pages, tmp_path):
    out = sign(two_pages, tmp_path / "out.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    assert b"ModDate" not in out.read_bytes()[two_pages.stat().st_size :]
    with out.open("rb") as stream:
        (signature,) = PdfFileReader(stream).embedded_signatures
        assert signature.self_reported_timestamp == SIGNED_AT
        assert "signing_time" not in {a["type"].native for a in signature.signer_info["signed_attrs"]}


def test_the_second_phase_can_be_another_process(signing, two_pages, tmp_path, accepted_by_all):
    prepared = prepared_for(signing.person, two_pages, tmp_path / "working.pdf")
    (tmp_path / "pending.json").write_text(json.dumps(prepared.to_json()))
    (tmp_path / "signature").write_bytes(signing.person.sign_digest(prepared.to_sign))
    script = """
        import json, sys
        from pathlib import Path
        from edocx.signing.pdf.sign import Prepared, complete
        folder = Path(sys.argv[1])
        prepared = Prepared.from_json(json.loads((folder / "pending.json").read_text()))
        complete(prepared, (folder / "signature").read_bytes(), folder / "out.pdf")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=True)
    accepted_by_all(tmp_path / "out.pdf", 1)
    assert not (tmp_path / "working.pdf").exists()


def test_a_signature_of_something_else_is_refused_before_writing(signing, two_pages, tmp_path):
    prepared = prepared_for(signing.person, two_pages, tmp_path / "working.pdf")
    before = (tmp_path / "working.pdf").read_bytes()
    for wrong in (signing.person.sign_digest(bytes(32)), signing.organisation.sign_digest(prepared.to_sign), b"", b"x"):
        with pytest.raises(SigningRefused) as refusal:
            complete(prepared, wrong, tmp_path / "out.pdf")
        assert refusal.value.code == "EDX-SIGN-MISMATCH"
    assert (tmp_path / "working.pdf").read_bytes() == before
    assert not (tmp_path / "out.pdf").exists()
    complete(prepared, signing.person.sign_digest(prepared.to_sign), tmp_path / "out.pdf")


def test_a_working_file_that_changed_or_vanished_is_not_completed(signing, two_pages, tmp_path):
    working = tmp_path / "working.pdf"
    prepared = prepared_for(signing.person, two_pages, working)
    signature = signing.person.sign_digest(prepared.to_sign)
    whole = working.read_bytes()
    for changed in (whole[:40] + b"?" + whole[41:], whole + b" ", whole[:-1], b""):
        working.write_bytes(changed)
        with pytest.raises(StateError) as refusal:
            complete(prepared, signature, tmp_path / "out.pdf")
        assert refusal.value.code == "EDX-SIGN-CHANGED"
    working.unlink()
    with pytest.raises(StateError) as refusal:
        complete(prepared, signature, tmp_path / "out.pdf")
    assert refusal.value.code == "EDX-SIGN-NO-FILE"


@pytest.mark.parametrize("damage", ["chain", "gap", "certificate", "signed_attributes"])
def test_damaged_pending_data_is_refused(signing, two_pages, tmp_path, damage):
    data = prepared_for(signing.person, two_pages, tmp_path / "working.pdf").to_json()
    data[damage] = ["?"] if damage == "chain" else "?"
    with pytest.raises(InputError) as refusal:
        Prepared.from_json(data)
    assert refusal.value.code == "EDX-SIGN-PREPARED"


SHAPES = {
    "plain": lambda path, qpdf: samples.plain(path),
    "pages": lambda path, qpdf: samples.plain(path, 12),
    "form": lambda path, qpdf: samples.with_form(path),
    "attachments": lambda path, qpdf: samples.with_attachments(path),
    "hybrid": lambda path, qpdf: samples.hybrid(path),
    "linearised": lambda path, qpdf: samples.by_qpdf(qpdf, path, "--linearize"),
    "pdf20": lambda path, qpdf: samples.by_qpdf(qpdf, path, "--force-version=2.0"),
    "xref-streams": lambda path, qpdf: samples.by_qpdf(qpdf, path, "--object-streams=generate"),
    "linearised-streams": lambda path, qpdf: samples.by_qpdf(
        qpdf, path, "--linearize", "--object-streams=generate", "--force-version=2.0"
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_sound_shape_of_pdf_is_signed_and_sealed(signing, tmp_path, tool, accepted_by_all, shape):
    draft = SHAPES[shape](tmp_path / "draft.pdf", tool("qpdf"))
    layout = PageLayout.standard()
    form = make_form(draft, tmp_path / "form.pdf", layout)
    image = Image.new("RGBA", (200, 80), (0, 0, 200, 90))
    image.save(tmp_path / "signature.png")
    look = Appearance(image=tmp_path / "signature.png")
    one = sign(
        form,
        tmp_path / "one.pdf",
        signing.person,
        at=SIGNED_AT,
        field=person_field(1),
        certify=True,
        appearance=look,
    )
    two = sign(one, tmp_path / "two.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=fill(layout))
    accepted_by_all(two, 2)


def test_what_an_existing_form_holds_stays(signing, tmp_path):
    form = make_form(samples.with_form(tmp_path / "draft.pdf"), tmp_path / "form.pdf", PageLayout.standard())
    with form.open("rb") as stream:
        fields = [str(f.get_object()["/T"]) for f in PdfFileReader(stream).root["/AcroForm"]["/Fields"]]
    assert fields[0] == "Remark"
    assert len(fields) == 5


REFUSED = {
    "not-a-pdf": (lambda path, qpdf: path.write_bytes(b"PK\x03\x04 no pdf"), PdfError, "EDX-PDF-NOT"),
    "empty": (lambda path, qpdf: path.write_bytes(b""), PdfError, "EDX-PDF-NOT"),
    "truncated": (
        lambda path, qpdf: path.write_bytes(samples.plain(path).read_bytes()[:300]),
        PdfError,
        "EDX-PDF-DAMAGED",
    ),
    "broken-xref": (lambda path, qpdf: samples.broken_xref(path), PdfError, "EDX-PDF-DAMAGED"),
    "xfa": (lambda path, qpdf: samples.with_xfa(path), SigningRefused, "EDX-PDF-XFA"),
    "encrypted": (
        lambda path, qpdf: samples.by_qpdf(qpdf, path, "--encrypt", "user", "owner", "256", "--"),
        PdfError,
        "EDX-PDF-ENCRYPTED",
    ),
    "owner-password-only": (
        lambda path, qpdf: samples.by_qpdf(qpdf, path, "--encrypt", "", "owner", "256", "--"),
        PdfError,
        "EDX-PDF-ENCRYPTED",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_signed_is_refused_by_name_and_leaves_nothing(signing, tmp_path, tool, case):
    make, kind, code = REFUSED[case]
    source = tmp_path / "draft.pdf"
    make(source, tool("qpdf"))
    before = source.read_bytes()
    with pytest.raises(kind) as refusal:
        sign(source, tmp_path / "out.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    assert refusal.value.code == code
    assert source.read_bytes() == before
    assert not (tmp_path / "out.pdf").exists()
    assert not list(tmp_path.glob(".*")), "a working file stayed behind"


def certified_by_others(path):
    """Somebody else's certifying signature that permits no change at all (DocMDP P1)."""
    meta = PdfSignatureMetadata(
        field_name="Theirs", md_algorithm="sha256", certify=True, docmdp_permissions=MDPPerm.NO_CHANGES
    )
    credential = Pki.create(key="p256").issue_person("Nguyễn Văn A", "CƠ QUAN KHÁC")
    signer = SimpleSigner.load_pkcs12_data(credential.pkcs12(), other_certs=[])
    source = samples.plain(path.with_name("uncertified.pdf"))
    with source.open("rb") as stream, path.open("w+b") as target:
        PdfSigner(meta, signer).sign_pdf(IncrementalPdfFileWriter(stream), output=target)
    return path


@pytest.mark.parametrize("role", ["person", "organisation"])
def test_a_file_certified_against_changes_is_left_alone(signing, tmp_path, role):
    source = certified_by_others(tmp_path / "certified.pdf")
    signer = signing.person if role == "person" else signing.organisation
    with pytest.raises(SigningRefused) as refusal:
        sign_as(source, tmp_path / "out.pdf", signer, role, at=SIGNED_AT)
    assert refusal.value.code == "EDX-PDF-LOCKED"
    assert not (tmp_path / "out.pdf").exists()


@pytest.mark.parametrize("page", [2, 99, -3])
def test_a_page_that_does_not_exist_is_named(signing, two_pages, tmp_path, page):
    box = Box(page=page, x1=10, y1=10, x2=60, y2=40)
    with pytest.raises(UsageError) as refusal:
        sign(two_pages, tmp_path / "out.pdf", signing.person, at=SIGNED_AT, field="Sig1", box=box)
    assert refusal.value.code == "EDX-PDF-PAGE"
    layout = PageLayout.standard().model_copy(update={"seal": box})
    with pytest.raises(UsageError):
        make_form(two_pages, tmp_path / "form.pdf", layout)


def test_a_new_field_stands_where_it_was_put(signing, two_pages, tmp_path, accepted_by_all):
    box = Box(page=1, x1=100, y1=200, x2=240, y2=260)
    look = Appearance(lines=("Nguyễn Văn A", "100 % đúng"))
    out = sign(two_pages, tmp_path / "out.pdf", signing.person, at=SIGNED_AT, field="Sig1", box=box, appearance=look)
    accepted_by_all(out, 1)
    with out.open("rb") as stream:
        reader = PdfFileReader(stream)
        annotations = reader.root["/Pages"]["/Kids"][1]["/Annots"]
        assert [int(n) for n in annotations[0]["/Rect"]] == [100, 200, 240, 260]


def test_a_box_too_small_for_its_text_is_named(signing, two_pages, tmp_path):
    Image.new("RGBA", (20, 10), (0, 0, 200, 90)).save(tmp_path / "s.png")
    look = Appearance(image=tmp_path / "s.png", lines=("một", "hai", "ba"))
    box = Box(x1=10, y1=10, x2=60, y2=20)
    with pytest.raises(UsageError) as refusal:
        sign(two_pages, tmp_path / "o.pdf", signing.person, at=SIGNED_AT, field="S", box=box, appearance=look)
    assert refusal.value.code == "EDX-SIGN-BOX"


def test_an_image_bomb_is_stopped_before_it_is_unpacked(signing, two_pages, tmp_path):
    Image.new("1", (10_000, 10_000)).save(tmp_path / "bomb.png")
    with pytest.raises(LimitExceeded) as refusal:
        sign(
            two_pages,
            tmp_path / "out.pdf",
            signing.person,
            at=SIGNED_AT,
            field="Sig1",
            box=Box(x1=0, y1=0, x2=50, y2=50),
            appearance=Appearance(image=tmp_path / "bomb.png"),
        )
    assert refusal.value.code == "EDX-IMAGE-LIMIT"


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_no_image_is_refused(signing, two_pages, tmp_path, content):
    (tmp_path / "image.png").write_bytes(content)
    with pytest.raises(InputError) as refusal:
        sign(
            two_pages,
            tmp_path / "out.pdf",
            signing.person,
            at=SIGNED_AT,
            field="Sig1",
            appearance=Appearance(image=tmp_path / "image.png"),
        )
    assert refusal.value.code == "EDX-IMAGE-UNREADABLE"


def test_signing_in_place_keeps_the_name(signing, two_pages, accepted_by_all):
    before = two_pages.read_bytes()
    sign(two_pages, two_pages, signing.person, at=SIGNED_AT, field="Sig1")
    assert two_pages.read_bytes().startswith(before)
    accepted_by_all(two_pages, 1)


KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime, UTC
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign

source, out, key = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
signer = open_signer(f"file:{key}")
at = datetime(2023, 6, 15, 1, tzinfo=UTC)
CALLS = {"write", "flush", "fsync", "replace", "open", "truncate", "unlink", "close", "writelines"}

def die_at(count):
    seen = 0
    def watch(frame, event, function):
        nonlocal seen
        if event in ("c_call", "c_return") and getattr(function, "__name__", "") in CALLS:
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(watch)
    sign(source, out, signer, at=at, field="Sig1")
    os._exit(0)

count, survived = 1, False
before = out.read_bytes() if out.exists() else None
sizes = set()
while not survived:
    child = os.fork()
    if child == 0:
        die_at(count)
    _, status = os.waitpid(child, 0)
    survived = os.WIFEXITED(status)
    now = out.read_bytes() if out.exists() else None
    if now != before:
        assert now.rstrip().endswith(b"%%EOF") and b"000000000000" in now, "half a file"
        sizes.add(len(now))
        Path(f"{out}.{count}").write_bytes(now)
        if before is not None:
            out.write_bytes(before)
        else:
            out.unlink()
    # The first steps one by one, then wider: the writer calls write some thousand times.
    count += 1 if count < 60 else 37
print(count, len(sizes))
"""


def test_a_kill_at_any_point_leaves_no_half_file(signing, two_pages, tmp_path):
    out = tmp_path / "out.pdf"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(two_pages), str(out), str(signing.folder / "person.p12")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    points, _ = map(int, done.stdout.split())
    assert points > 60
    whole = sorted(tmp_path.glob("out.pdf.*"))
    assert whole, "the last child finished"
    for path in whole:
        assert signing.judge(path)["Sig1"].bottom_line
