"""The fast way of signing: accepted by everybody, the same as the usual way, and only where the file is plain."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from signing_samples import SIGNED_AT, broken_xref, by_qpdf, heavy, hybrid, plain, with_attachments, with_form, with_xfa

from edocx.documents import Box
from edocx.errors import EdocxError, PdfError, SigningRefused, StateError
from edocx.signing.judgement import Criteria
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.fast import prepare as fast_prepare
from edocx.signing.pdf.form import make_form
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.prepared import Prepared
from edocx.signing.pdf.revision import Revision
from edocx.signing.pdf.sign import complete, prepare_fast, sign
from edocx.signing.pdf.verify import verify_pdf
from edocx.testing import scene

BOX = Box(page=0, x1=100.4, y1=100, x2=260, y2=180)


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("image") / "seal.png"
    Image.new("RGBA", (60, 40), (200, 0, 0, 128)).save(path)
    return path


@pytest.fixture
def never_pyhanko(monkeypatch):
    """Fail when a request is handed to pyHanko."""

    def refuse(*_, **__):
        raise AssertionError("handed to pyHanko")

    monkeypatch.setattr(fast_prepare, "prepare", refuse)


def structured(qpdf, tmp_path) -> dict[str, Path]:
    """One file of each structure that is plain."""
    compressed = ("--object-streams=generate", "--compress-streams=y")
    return {
        "table": plain(tmp_path / "table.pdf"),
        "pages": plain(tmp_path / "pages.pdf", 40),
        "attachments": with_attachments(tmp_path / "attachments.pdf"),
        "form": with_form(tmp_path / "form.pdf"),
        "rewritten": by_qpdf(qpdf, tmp_path / "rewritten.pdf", "--object-streams=disable", pages=12),
        "streams": by_qpdf(qpdf, tmp_path / "streams.pdf", *compressed, pages=25),
        "modern": by_qpdf(qpdf, tmp_path / "modern.pdf", *compressed, "--force-version=2.0"),
    }


STRUCTURES = ("table", "pages", "attachments", "form", "rewritten", "streams", "modern")


def report_of(path: Path, trust) -> dict:
    """What our verifier says, without what differs between any two files."""
    return verify_pdf(path, Criteria(trust, SIGNED_AT + timedelta(days=1)), name="x").model_dump()


@pytest.fixture(params=STRUCTURES)
def source(request, tool, tmp_path) -> Path:
    return structured(tool("qpdf"), tmp_path)[request.param]


@pytest.mark.usefixtures("never_pyhanko")
@pytest.mark.parametrize("visible", [False, True])
def test_fast_signatures_are_accepted_by_all(signing, accepted_by_all, tmp_path, image, source, visible):  # noqa: PLR0917
    look = {"appearance": Appearance(image=image), "box": BOX} if visible else {}
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    sign(source, one, signing.person, at=SIGNED_AT, field="First", fast=True, reason="Đã duyệt (1)", **look)
    sign(one, two, signing.organisation, at=SIGNED_AT, field="Second", fast=True)
    accepted_by_all(one, 1)
    accepted_by_all(two, 2)
    assert two.read_bytes().startswith(source.read_bytes())


@pytest.mark.parametrize("visible", [False, True])
def test_fast_signatures_are_judged_like_pyhankos(signing, tmp_path, image, source, visible):
    look = {"appearance": Appearance(image=image), "box": BOX} if visible else {}
    judged = []
    for fast in (True, False):
        one, two = tmp_path / f"one-{fast}.pdf", tmp_path / f"two-{fast}.pdf"
        sign(source, one, signing.person, at=SIGNED_AT, field="First", reason="Đã duyệt (1)", fast=fast, **look)
        sign(one, two, signing.organisation, at=SIGNED_AT, field="Second", fast=fast)
        judged.append([report_of(one, signing.trust), report_of(two, signing.trust)])
    assert judged[0] == judged[1]


def test_the_flow_of_the_decree_runs_fast(signing, accepted_by_all, never_pyhanko, tmp_path, image):
    letter, layout = scene.write_letter(tmp_path)
    form = make_form(letter, tmp_path / "form.pdf", layout)
    person, sealed = tmp_path / "person.pdf", tmp_path / "sealed.pdf"
    picture = Appearance(image=image)
    sign(form, person, signing.person, at=SIGNED_AT, field="EdocxPerson1", certify=True, appearance=picture, fast=True)
    sign(person, sealed, signing.organisation, at=SIGNED_AT, field="EdocxSeal", appearance=picture, fast=True)
    verdicts = accepted_by_all(sealed, 2)
    assert verdicts["EdocxPerson1"].docmdp_ok
    with sealed.open("rb") as stream:
        seal = PdfFileReader(stream).embedded_regular_signatures[1]
        assert seal.fieldmdp.is_locked("EdocxNumber")
    with pytest.raises(AssertionError, match="handed to pyHanko"):
        sign(sealed, tmp_path / "more.pdf", signing.person, at=SIGNED_AT, field="More", fast=True)


@pytest.mark.usefixtures("never_pyhanko")
@pytest.mark.parametrize("visible", [True, False])
def test_a_bare_file_is_signed_and_sealed_fast_and_locked(signing, accepted_by_all, tmp_path, image, source, visible):  # noqa: PLR0917
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    look = {"appearance": Appearance(image=image)} if visible else {}
    sign_as(source, one, signing.person, "person", at=SIGNED_AT, fast=True, **look)
    sign_as(one, two, signing.organisation, "organisation", at=SIGNED_AT, fast=True, **look)
    verdicts = accepted_by_all(two, 2)
    assert list(verdicts) == ["EdocxSignature1", "EdocxSeal" if visible else "EdocxSignature2"]
    assert verdicts["EdocxSignature1"].docmdp_ok
    with two.open("rb") as stream:
        seal = PdfFileReader(stream).embedded_regular_signatures[1]
        assert seal.fieldmdp.is_locked("Anything")
        assert seal.sig_field["/Lock"]["/P"] == 1


def test_a_bare_file_is_sealed_fast_as_pyhanko_does(signing, tmp_path, image, source):
    judged = []
    for fast in (True, False):
        one, two = tmp_path / f"one-{fast}.pdf", tmp_path / f"two-{fast}.pdf"
        look = {"appearance": Appearance(image=image), "fast": fast, "at": SIGNED_AT}
        sign_as(source, one, signing.person, "person", **look)
        sign_as(one, two, signing.organisation, "organisation", **look)
        judged.append([report_of(one, signing.trust), report_of(two, signing.trust)])
    assert judged[0] == judged[1]


def test_the_picture_stands_where_pyhanko_puts_it(signing, tool, tmp_path, image):
    source = plain(tmp_path / "source.pdf")
    look = {"appearance": Appearance(image=image), "box": BOX}
    shown = []
    for name, fast in (("fast", True), ("slow", False)):
        out = tmp_path / f"{name}.pdf"
        sign(source, out, signing.person, at=SIGNED_AT, field="Sig", fast=fast, **look)
        subprocess.run([tool("pdftoppm"), "-r", "50", "-png", str(out), str(out.with_suffix(""))], check=True)
        with Image.open(next(tmp_path.glob(f"{name}-*.png"))) as page:
            shown.append(page.convert("RGB").tobytes())
    different = sum(a != b for a, b in zip(*shown, strict=True))
    assert different < len(shown[0]) // 1000


def handed_over(tmp_path, qpdf, image) -> dict[str, tuple[Path, dict]]:
    return {
        "xfa": (with_xfa(tmp_path / "xfa.pdf"), {}),
        "hybrid": (hybrid(tmp_path / "hybrid.pdf"), {}),
        "broken": (broken_xref(tmp_path / "broken.pdf"), {}),
        "linearised": (by_qpdf(qpdf, tmp_path / "linear.pdf", "--linearize"), {}),
        "encrypted": (by_qpdf(qpdf, tmp_path / "locked.pdf", "--encrypt", "u", "o", "256", "--"), {}),
        "text": (plain(tmp_path / "text.pdf"), {"appearance": Appearance(lines=("Nguyễn Văn A",)), "box": BOX}),
        "no-page": (plain(tmp_path / "page.pdf"), {"appearance": Appearance(image=image), "box": Box(page=7, x1=0, y1=0, x2=9, y2=9)}),
        "turned": (by_qpdf(qpdf, tmp_path / "turned.pdf", "--rotate=90"), {"appearance": Appearance(image=image), "box": BOX}),
        "nested": (plain(tmp_path / "nested.pdf"), {"field": "A.B"}),
    }  # fmt: skip


@pytest.mark.parametrize(
    "case", ["xfa", "hybrid", "broken", "linearised", "encrypted", "text", "no-page", "turned", "nested"]
)
def test_what_is_not_plain_ends_as_without_the_switch(signing, tool, tmp_path, image, case):
    source, look = handed_over(tmp_path, tool("qpdf"), image)[case]
    ends = []
    for fast in (True, False):
        out = tmp_path / f"out-{fast}.pdf"
        arguments = {"at": SIGNED_AT, "field": "Sig", **look}
        try:
            sign(source, out, signing.person, fast=fast, **arguments)
        except EdocxError as error:
            ends.append(error.code)
            assert not out.exists()
        else:
            ends.append(report_of(out, signing.trust))
    assert ends[0] == ends[1]


def test_a_signed_field_and_a_locked_file_are_refused(signing, tmp_path):
    source, signed = plain(tmp_path / "source.pdf"), tmp_path / "signed.pdf"
    sign(source, signed, signing.person, at=SIGNED_AT, field="Sig", fast=True)
    with pytest.raises(SigningRefused):
        sign(signed, tmp_path / "again.pdf", signing.person, at=SIGNED_AT, field="Sig", fast=True)
    with pytest.raises(SigningRefused):
        sign(signed, tmp_path / "again.pdf", signing.person, at=SIGNED_AT, field="New", certify=True, fast=True)


def test_what_is_no_pdf_is_called_so(signing, tmp_path):
    (tmp_path / "image.pdf").write_bytes(b"\x89PNG")
    with pytest.raises(PdfError):
        sign(tmp_path / "image.pdf", tmp_path / "no.pdf", signing.person, at=SIGNED_AT, field="S", fast=True)


def test_two_phases_may_be_days_and_processes_apart(signing, accepted_by_all, never_pyhanko, tmp_path):
    source, working, out = plain(tmp_path / "a.pdf"), tmp_path / "work.pdf", tmp_path / "out.pdf"
    key = signing.person
    prepared = prepare_fast(
        source, working, certificate=key.certificate, algorithm=key.algorithm, chain=key.chain, at=SIGNED_AT, field="S"
    )
    again = Prepared.from_json(prepared.to_json())
    complete(again, key.sign_digest(again.to_sign), out)
    accepted_by_all(out, 1)


def test_a_changed_working_file_is_noticed(signing, tmp_path):
    working, key = tmp_path / "work.pdf", signing.person
    prepared = prepare_fast(
        plain(tmp_path / "a.pdf"),
        working,
        certificate=key.certificate,
        algorithm=key.algorithm,
        at=SIGNED_AT,
        field="S",
    )
    data = bytearray(working.read_bytes())
    data[40] ^= 1
    working.write_bytes(data)
    with pytest.raises(StateError):
        complete(prepared, key.sign_digest(prepared.to_sign), tmp_path / "out.pdf")


def test_timestamps_fit_into_the_room(signing, accepted_by_all, tmp_path):
    out = tmp_path / "out.pdf"
    stamps = signing.timestamps()
    sign(
        plain(tmp_path / "a.pdf"),
        out,
        signing.person,
        at=SIGNED_AT,
        field="S",
        level="B-T",
        timestamps=stamps,
        fast=True,
    )
    verdict = accepted_by_all(out, 1)["S"]
    assert verdict.timestamp_validity.intact


def test_long_term_levels_stand_on_fast_signatures(signing, accepted_by_all, tmp_path):
    out = tmp_path / "out.pdf"
    sign(
        plain(tmp_path / "a.pdf"), out, signing.person, at=SIGNED_AT, field="S", level="B-LTA",
        timestamps=signing.timestamps(), evidence=signing.evidence, fast=True,
    )  # fmt: skip
    report = verify_pdf(out, Criteria(signing.trust, SIGNED_AT + timedelta(days=1)))
    assert [(one.level, one.indication.value) for one in report.signatures] == [("B-LTA", "TOTAL-PASSED")]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=7)), timezone(-timedelta(hours=3, minutes=30))])
def test_the_signing_time_is_that_of_the_argument(signing, tmp_path, zone):
    at = datetime(2023, 6, 15, 8, 30, 5, tzinfo=zone)
    out = sign(plain(tmp_path / "a.pdf"), tmp_path / "o.pdf", signing.person, at=at, field="S", fast=True)
    with out.open("rb") as stream:
        assert PdfFileReader(stream).embedded_regular_signatures[0].self_reported_timestamp == at


@pytest.mark.parametrize("field", ["Chữ ký", "Sig (1)", "a\\b"])
def test_names_are_read_back_as_they_were_given(signing, accepted_by_all, never_pyhanko, tmp_path, field):
    out = sign(plain(tmp_path / "a.pdf"), tmp_path / "o.pdf", signing.person, at=SIGNED_AT, field=field, fast=True)
    assert list(accepted_by_all(out, 1)) == [field]


def test_a_document_cannot_draw_the_byte_range_to_itself(signing, accepted_by_all, never_pyhanko, tmp_path):
    source = plain(tmp_path / "a.pdf")
    blank = b"/ByteRange[0 %s %s %s]/Contents<" % ((b" " * 10,) * 3)
    data = source.read_bytes()
    start = int(data[data.rindex(b"startxref") + 9 :].split()[0])
    page = data.index(b"/Type /Page\n")
    number = int(data[: data.rindex(b" 0 obj", 0, page)].split()[-1])
    begin = data.rindex(b"<<", 0, page)
    changed = b"\n%d 0 obj\n" % number + data[begin : data.index(b"endobj", page)].replace(
        b"/Type /Page\n", b"/Type /Page\n/Note (" + blank + b")\n"
    )
    size = int(data[data.rindex(b"/Size") + 5 :].split()[0])
    root = data[data.rindex(b"/Root") :].split(b"R", 2)[1].split()
    update = changed + b"endobj\n"
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %s 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        number, len(data) + 1, size, root[-2] if len(root) > 2 else root[-1], start, len(data) + len(update),
    )  # fmt: skip
    source.write_bytes(data + update + table)
    out = sign(source, tmp_path / "o.pdf", signing.person, at=SIGNED_AT, field="S", reason=blank.decode(), fast=True)
    accepted_by_all(out, 1)


def test_a_file_that_is_not_there_is_said_as_without_the_switch(signing, tmp_path):
    codes = []
    for fast in (True, False):
        with pytest.raises(EdocxError) as caught:
            sign(tmp_path / "none.pdf", tmp_path / "o.pdf", signing.person, at=SIGNED_AT, field="S", fast=fast)
        codes.append(caught.value.code)
    assert codes[0] == codes[1]


MEMORY = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign
from edocx.signing.trust import TrustStore
from edocx.verification import verify
key, trust, source = sys.argv[1:]
out, again = Path(source + ".1.pdf"), Path(source + ".2.pdf")
signer, at = open_signer(key), datetime(2023, 6, 15, tzinfo=UTC)
sign(Path(source), out, signer, at=at, field="S", fast=True)
sign(out, again, signer, at=at, field="T", fast=True)
assert verify(again, trust=TrustStore.from_path(trust), at=at).indication == "TOTAL-PASSED"
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_kib(signing, source: Path) -> int:
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    command = [sys.executable, "-c", MEMORY, str(signing.folder / "person.p12"), str(signing.folder / "trust"), source]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_memory_is_flat_in_the_size_of_the_file(signing, tmp_path):
    small = peak_kib(signing, heavy(tmp_path / "small.pdf", 2 * 1024 * 1024))
    large = peak_kib(signing, heavy(tmp_path / "large.pdf", 64 * 1024 * 1024))
    assert large - small < 8 * 1024


def messages(path: Path, trust) -> set[str]:
    return {message.code for one in verify_pdf(path, Criteria(trust, SIGNED_AT + timedelta(days=1)), name="x").signatures
            for message in one.messages}  # fmt: skip


@pytest.mark.parametrize("ways", [(True, False), (False, True), (True, True), (False, False)])
def test_no_later_signature_changes_the_version(signing, accepted_by_all, tmp_path, ways):
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    sign(plain(tmp_path / "p.pdf"), one, signing.person, at=SIGNED_AT, field="First", fast=ways[0])
    sign(one, two, signing.organisation, at=SIGNED_AT, field="Second", fast=ways[1])
    assert b"%PDF-1.3" in two.read_bytes()[:10], "older than what signatures ask for"
    assert "EDX-PDF-LATER-VERSION" not in messages(two, signing.trust)
    accepted_by_all(two, 2)


@pytest.mark.parametrize("fast", [False, True])
def test_under_a_foreign_signature_the_version_stays(signing, accepted_by_all, tmp_path, monkeypatch, fast):
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    with monkeypatch.context() as foreign:  # somebody's tool that leaves the version as it is
        foreign.setattr(Revision, "ensure_output_version", lambda *_, **__: None)
        sign(plain(tmp_path / "p.pdf"), one, signing.person, at=SIGNED_AT, field="First")
    sign(one, two, signing.organisation, at=SIGNED_AT, field="Second", fast=fast)
    with two.open("rb") as stream:
        assert "/Version" not in PdfFileReader(stream).root
    assert "EDX-PDF-LATER-VERSION" not in messages(two, signing.trust)
    accepted_by_all(two, 2)
