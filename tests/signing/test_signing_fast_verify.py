"""The fast way of verifying: the verdict of the long way, on everything; and it answers where nothing can fail."""

from __future__ import annotations

import contextlib
import random
from datetime import timedelta
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from signing_samples import SIGNED_AT, by_qpdf, plain, with_attachments, with_form

from edocx.documents import DocumentNumber
from edocx.errors import EdocxError
from edocx.signing.judgement import Criteria
from edocx.signing.messages import ADDED, UNCOVERED
from edocx.signing.pdf import verify as verifier
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.extend import extend_file
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import make_form
from edocx.signing.pdf.revision import open_revision
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.testing import scene
from edocx.testing.attacks.mutation import mutations
from edocx.testing.attacks.pdf import forgeries, shadow_prepared, shadow_revealed

JUDGED_AT = SIGNED_AT + timedelta(days=1)
SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"


@pytest.fixture(scope="session")
def both(signing):
    """Judge a file both ways, assert that they agree, and return what they say and whether the fast way answered."""

    def judge(path: Path):
        criteria = Criteria(signing.trust, JUDGED_AT)
        fast = verifier._judge_plain(path, criteria, "x", "p", verifier.Budget.for_size(path.stat().st_size))
        usual, verifier_plain = None, verifier._judge_plain
        verifier._judge_plain = lambda *_: None
        try:
            usual = verifier.verify_pdf(path, criteria, name="x", policy="p")
        except EdocxError as error:
            usual = error
        finally:
            verifier._judge_plain = verifier_plain
        if fast is not None:
            assert not isinstance(usual, EdocxError), (path, usual)
            assert fast.model_dump() == usual.model_dump(), path
        return usual, fast is not None

    return judge


@pytest.fixture(scope="session")
def flow(signing, tmp_path_factory) -> dict[str, Path]:
    """The document of the decree at each of its stages, and after them."""
    folder = tmp_path_factory.mktemp("flow")
    letter, layout = scene.write_letter(folder)
    form = make_form(letter, folder / "form.pdf", layout)
    stages = {name: folder / f"{name}.pdf" for name in ("person", "sealed", "lasting", "twice", "open", "quick")}
    filled = number_and_date(
        layout, number=DocumentNumber(number="12", notation="UBND-VP"), place="Bình Đức", issued_on=SIGNED_AT.date()
    )
    sign(form, stages["person"], signing.person, at=SIGNED_AT, field="EdocxPerson1", certify=True)
    sign(stages["person"], stages["sealed"], signing.organisation, at=SIGNED_AT, field="EdocxSeal", fill=filled)
    sign(form, stages["open"], signing.person, at=SIGNED_AT, field="EdocxPerson1")
    sign(form, folder / "one.pdf", signing.person, at=SIGNED_AT, field="Quick1", fast=True)
    sign(folder / "one.pdf", stages["quick"], signing.organisation, at=SIGNED_AT, field="Quick2", fast=True)
    means = {"timestamps": signing.timestamps(), "evidence": signing.evidence}
    extend_file(stages["sealed"], stages["lasting"], "B-LTA", at=SIGNED_AT + timedelta(hours=1), **means)
    later = signing.timestamps(SIGNED_AT + timedelta(hours=2))
    extend_file(
        stages["lasting"], stages["twice"], "B-LTA", at=SIGNED_AT + timedelta(hours=2),
        timestamps=later, evidence=signing.evidence,
    )  # fmt: skip
    return stages


def test_the_fast_way_answers_for_every_stage_of_the_decree(both, flow):
    for name, path in flow.items():
        report, fast = both(path)
        assert fast, name
        assert all(one.indication is Indication.TOTAL_PASSED for one in report.signatures), name


@pytest.mark.parametrize("structure", ["table", "form", "attachments", "rewritten", "streams"])
@pytest.mark.parametrize("fast_signing", [False, True])
def test_the_fast_way_answers_for_several_signatures(both, signing, tool, tmp_path, structure, fast_signing):  # noqa: PLR0917
    source = {
        "table": lambda: plain(tmp_path / "source.pdf", 5),
        "form": lambda: with_form(tmp_path / "source.pdf"),
        "attachments": lambda: with_attachments(tmp_path / "source.pdf"),
        "rewritten": lambda: by_qpdf(tool("qpdf"), tmp_path / "source.pdf", "--object-streams=disable"),
        "streams": lambda: by_qpdf(tool("qpdf"), tmp_path / "source.pdf", "--object-streams=generate", pages=30),
    }[structure]()
    for order in range(3):
        signed = tmp_path / f"{order}.pdf"
        key = signing.organisation if order % 2 else signing.person
        sign(source, signed, key, at=SIGNED_AT, field=f"Sig{order}", fast=fast_signing)
        report, fast = both(signed)
        assert fast, order
        assert len(report.signatures) == order + 1
        assert all(one.indication is Indication.TOTAL_PASSED for one in report.signatures)
        source = signed


def test_levels_are_read_the_same_way(both, signing, tmp_path):
    means = {"timestamps": signing.timestamps(), "evidence": signing.evidence}
    for level in ("B-B", "B-T", "B-LT", "B-LTA"):
        out = tmp_path / f"{level}.pdf"
        sign(plain(tmp_path / "a.pdf"), out, signing.person, at=SIGNED_AT, field="S", level=level, **means)
        report, fast = both(out)
        assert fast, level
        assert report.signatures[0].level == level


def test_no_forgery_gets_another_verdict(both, flow, tmp_path):
    for stage in ("sealed", "lasting", "quick"):
        for forged in forgeries(flow[stage].read_bytes()):
            path = tmp_path / f"{stage}-{forged.name}.pdf"
            path.write_bytes(forged.data)
            report, fast = both(path)
            passed = not isinstance(report, EdocxError) and all(
                one.indication is Indication.TOTAL_PASSED for one in report.signatures
            )
            assert not fast or not passed or report.signatures == (), forged.name


@pytest.mark.parametrize("seed", range(3))
def test_no_mutation_gets_another_verdict(both, flow, tmp_path, seed):
    path = tmp_path / "mutated.pdf"
    for stage in ("sealed", "lasting"):
        for forged in mutations(flow[stage].read_bytes(), 60, seed=seed):
            path.write_bytes(forged.data)
            both(path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 120))
def test_thousands_of_mutations_get_no_other_verdict(both, flow, tmp_path, seed):
    path = tmp_path / "mutated.pdf"
    for stage in flow:
        for forged in mutations(flow[stage].read_bytes(), 100, seed=seed):
            path.write_bytes(forged.data)
            both(path)


def test_samples_get_the_same_verdict(both):
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not here")
    answered = 0
    for path in sorted(SAMPLES.rglob("*.pdf")):
        _, fast = both(path)
        answered += fast
    assert answered >= 5


def appended(source: Path, out: Path, change) -> Path:
    out.write_bytes(source.read_bytes())
    with out.open("r+b") as stream:
        writer = open_revision(stream, str(out))
        change(writer)
        writer.write_in_place()
    return out


def random_value(writer, chance: random.Random):
    reference = generic.IndirectObject(chance.randrange(1, writer._lastobj_id + 2), 0, writer)
    return chance.choice([
        reference,
        generic.ArrayObject([reference]),
        generic.NumberObject(chance.randrange(3)),
        generic.NameObject(chance.choice(["/Sig", "/Tx", "/Page", "/DocTimeStamp", "/All"])),
        pdf_string("x"),
        generic.DictionaryObject({pdf_name("/N"): reference}),
        generic.NullObject(),
    ])  # fmt: skip


def change_something(writer, chance: random.Random) -> None:
    """Change one entry of one object, as no rule foresees it."""
    reference = generic.Reference(chance.randrange(1, writer._lastobj_id + 1), 0, writer)
    held = writer.get_object(reference)
    if isinstance(held, generic.ArrayObject):
        if held and chance.random() < 0.5:
            del held[chance.randrange(len(held))]
        else:
            held.append(random_value(writer, chance))
    elif isinstance(held, generic.DictionaryObject):
        keys = [*held, "/AP", "/V", "/Annots", "/Contents", "/Kids", "/AA", "/Fields", "/OpenAction", "/Rect"]
        name = chance.choice(keys)
        if name in held and chance.random() < 0.3:
            del held[name]
        else:
            held[generic.NameObject(name)] = random_value(writer, chance)
    writer.mark_update(reference)


def add_field(writer, chance: random.Random) -> None:
    box = chance.choice([None, (10, 10, 60, 60), (0, 0, 0, 0)])
    append_signature_field(writer, SigFieldSpec(f"New{chance.randrange(10**6)}", box=box))


def fill_text(writer, chance: random.Random) -> None:
    fields = [one.get_object() for one in writer.root["/AcroForm"]["/Fields"]]
    field = chance.choice([one for one in fields if one["/FT"] == "/Tx"])
    field[pdf_name("/V")] = pdf_string("filled")
    if chance.random() < 0.5:
        shown = generic.StreamObject(stream_data=b"q Q")
        shown[pdf_name("/Resources")] = generic.DictionaryObject({pdf_name("/A"): random_value(writer, chance)})
        field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): writer.add_object(shown)})
    writer.update_container(field)


def renumber(writer, chance: random.Random) -> None:
    writer._lastobj_id += chance.randrange(5)


def changed_at_random(source: Path, out: Path, signing, chance: random.Random) -> Path:
    """Append one or two revisions of changes, then maybe a signature, made either way."""
    data = source
    for order in range(chance.choice([1, 1, 2])):
        acts = chance.choices(
            [change_something, add_field, fill_text, renumber], [5, 2, 2, 1], k=chance.choice([1, 1, 2])
        )
        with contextlib.suppress(EdocxError, *MALFORMED):
            data = appended(
                data, out.with_suffix(f".{order}.pdf"), lambda writer, acts=acts: [a(writer, chance) for a in acts]
            )
    if chance.random() < 0.6:
        with contextlib.suppress(EdocxError):
            field = f"Late{chance.randrange(10**6)}"
            return sign(data, out, signing.organisation, at=SIGNED_AT, field=field, fast=chance.random() < 0.5)
    return data


def compare_random_changes(both, flow, signing, tmp_path, seeds) -> int:
    answered = 0
    for seed in seeds:
        chance = random.Random(seed)
        source = flow[chance.choice(["person", "open", "open", "sealed", "quick"])]
        path = changed_at_random(source, tmp_path / f"{seed}.pdf", signing, chance)
        _, fast = both(path)
        answered += fast and path != source
    return answered


def test_no_change_at_random_gets_another_verdict(both, flow, signing, tmp_path):
    assert compare_random_changes(both, flow, signing, tmp_path, range(120)) >= 5


@pytest.mark.parametrize("taken", ["/Extensions", "/AcroForm", "/DSS", "/Lang"])
def test_what_is_taken_out_of_the_catalogue_is_seen(both, flow, tmp_path, taken):
    def take(writer):
        writer.root.pop(taken, None)
        writer.update_root()

    report, fast = both(appended(flow["lasting"], tmp_path / "taken.pdf", take))
    assert not fast
    assert isinstance(report, EdocxError) or report.indication is not Indication.TOTAL_PASSED


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(10))
def test_no_change_of_thousands_gets_another_verdict(both, flow, signing, tmp_path, part):
    assert compare_random_changes(both, flow, signing, tmp_path, range(1_000 * part + 500, 1_000 * part + 800)) >= 5


def test_fields_filled_after_the_last_signature_go_the_long_way(both, flow, signing, tmp_path):
    letter, layout = scene.write_letter(tmp_path)
    form = make_form(letter, tmp_path / "form.pdf", layout)
    signed = sign(form, tmp_path / "signed.pdf", signing.person, at=SIGNED_AT, field="EdocxPerson1")

    def fill(writer):
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        field[pdf_name("/V")] = pdf_string("99")
        writer.update_container(field)

    report, fast = both(appended(signed, tmp_path / "filled.pdf", fill))
    assert not fast
    assert any(message == UNCOVERED for message in report.messages)
    assert flow


@pytest.mark.parametrize("certify", [False, True])
def test_content_named_before_it_exists_is_a_forgery(both, signing, tmp_path, certify):
    letter, layout = scene.write_letter(tmp_path)
    source = tmp_path / "source.pdf"
    source.write_bytes(shadow_prepared(make_form(letter, tmp_path / "form.pdf", layout).read_bytes()))
    signed = sign(source, tmp_path / "s.pdf", signing.person, at=SIGNED_AT, field="EdocxPerson1", certify=certify)
    report, fast = both(signed)
    assert fast
    assert report.indication is Indication.TOTAL_PASSED
    revealed = tmp_path / "revealed.pdf"
    revealed.write_bytes(shadow_revealed(signed.read_bytes()).data)
    sealed = sign(revealed, tmp_path / "sealed.pdf", signing.organisation, at=SIGNED_AT, field="EdocxSeal")
    for path in (revealed, sealed):
        report, fast = both(path)
        assert not fast
        person = report.signatures[0]
        # Where nothing forbade additions, and another trusted signer answers for them, the verdict says: added.
        answered = path == sealed and not certify and any(message.code == ADDED.code for message in person.messages)
        assert answered or person.indication is Indication.TOTAL_FAILED
