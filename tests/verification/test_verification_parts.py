"""What each signature covers: signatures over different content never count together, nor hide what others left out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree
from verification_scene import AT, SIGNED_AT, UNIT

from edocx import cli
from edocx._xml import EXCLUSIVE_C14N, canonicalise
from edocx.errors import Text
from edocx.signing.cms.sign import sign_file
from edocx.signing.container.sign import sign_files
from edocx.signing.keys import open_signer
from edocx.signing.parts import cover
from edocx.signing.pdf.sign import sign
from edocx.signing.policy import PersonBeforeSeal, Policy, SealedBy, Timestamped, UnitExisted
from edocx.signing.report import Indication, Integrity, Message, Report, SignatureReport, SubIndication
from edocx.signing.requirement import Ground, apply_policy
from edocx.signing.xml.sign import Reference, complete, prepare
from edocx.testing.attacks.joining import joined_cms, joined_containers, joined_xml
from edocx.units import UnitId
from edocx.units.registry import HolderKind, MemoryRegistry
from edocx.verification import verify

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
LETTER, NOTICE = '<Letter Id="L"><Text>Thư</Text></Letter>', '<Notice Id="N"><Text>Thông báo</Text></Notice>'


@pytest.fixture
def stranger(bench, tmp_path):
    """Somebody of the same hierarchy whom the registry does not know."""
    bench.pki.issue_person("Người Lạ", "NƠI KHÁC").save(tmp_path / "stranger.p12")
    return open_signer(f"file:{tmp_path / 'stranger.p12'}")


@pytest.fixture
def texts(tmp_path):
    for name in ("letter", "notice"):
        (tmp_path / f"{name}.txt").write_text(name, "utf-8")
    return tmp_path / "letter.txt", tmp_path / "notice.txt"


def official(bench, path, **options):
    return verify(path, trust=bench.trust, registry=bench.registry, at=AT, policy="official-document", **options)


def codes(report):
    return [message.code for message in report.messages]


def wheres(report, code):
    return [message.where for message in report.messages if message.code == code]


def with_signature(document: str, key, name: str, *targets: str) -> str:
    """Sign elements by identifier, or with "" the document as it is, and put the signature last."""
    root = etree.fromstring(document)
    references = []
    for target in targets:
        signed = root if not target else root.find(f"*[@Id='{target}']")
        digest = hashlib.sha256(canonicalise(signed)).digest()
        way = (EXCLUSIVE_C14N,) if target else (ENVELOPED, EXCLUSIVE_C14N)
        references.append(Reference(f"#{target}" if target else "", way, digest))
    prepared = prepare(
        references,
        certificate=key.certificate,
        algorithm=key.algorithm,
        at=SIGNED_AT,
        chain=key.chain,
        signature_id=name,
    )
    root.append(complete(prepared, key.sign_digest(prepared.to_sign)))
    return etree.tostring(root, encoding="unicode")


def stored(folder, text):
    place = folder / "judged.xml"
    place.write_text(text, "utf-8")
    return place


# -- CMS


@pytest.fixture
def detached(bench, texts, tmp_path):
    def make(key, text):
        return sign_file(text, tmp_path / "one.p7s", key, at=SIGNED_AT).read_bytes()

    return make


def test_two_signatures_over_one_file_count_together(bench, texts, detached, tmp_path):
    place = tmp_path / "both.p7s"
    place.write_bytes(joined_cms(detached(bench.person, texts[0]), detached(bench.agency, texts[0])))
    report = official(bench, place, detached=[texts[0]])
    assert report.indication is Indication.TOTAL_PASSED
    assert [one.parts for one in report.signatures] == [("letter.txt",)] * 2
    assert not any(message.code == "EDX-PARTS-DIFFER" for one in report.signatures for message in one.messages)


def test_merged_signatures_over_two_files_meet_no_policy_together(bench, texts, detached, tmp_path):
    place = tmp_path / "both.p7s"
    place.write_bytes(joined_cms(detached(bench.person, texts[0]), detached(bench.agency, texts[1])))
    report = official(bench, place, detached=texts)
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    assert wheres(report, "EDX-POLICY-OBJECT") == ["letter.txt", "notice.txt"]
    assert [one.parts for one in report.signatures] == [("letter.txt",), ("notice.txt",)]
    said = [message.code for one in report.signatures for message in one.messages]
    assert said.count("EDX-PARTS-DIFFER") == 2


# -- containers


@pytest.fixture
def container(texts, tmp_path):
    def make(key, *files):
        return sign_files(files, tmp_path / "one.asice", key, at=SIGNED_AT).read_bytes()

    return make


def test_two_signatures_over_one_container_count_together(bench, texts, container, tmp_path):
    place = tmp_path / "both.asice"
    place.write_bytes(joined_containers(container(bench.person, *texts), container(bench.agency, *texts)))
    assert official(bench, place).indication is Indication.TOTAL_PASSED


def test_an_annex_needs_no_more_than_the_seal_of_the_unit_that_issued_the_letter(bench, texts, container, tmp_path):
    place = tmp_path / "both.asice"
    place.write_bytes(joined_containers(container(bench.person, texts[0]), container(bench.agency, *texts)))
    assert official(bench, place).indication is Indication.TOTAL_PASSED
    place.write_bytes(joined_containers(container(bench.person, texts[0]), container(bench.agency, texts[0])))
    place.write_bytes(joined_containers(place.read_bytes(), container(bench.other, texts[1])))
    assert wheres(official(bench, place), "EDX-POLICY-OBJECT") == ["notice.txt"]


def test_joined_containers_meet_no_policy_together(bench, texts, container, tmp_path):
    place = tmp_path / "both.asice"
    place.write_bytes(joined_containers(container(bench.person, texts[0]), container(bench.agency, texts[1])))
    report = official(bench, place)
    assert report.indication is Indication.INDETERMINATE
    assert wheres(report, "EDX-POLICY-OBJECT") == ["letter.txt", "notice.txt"]
    assert [one.parts for one in report.signatures] == [("letter.txt",), ("notice.txt",)]


def test_a_signed_pdf_in_a_container_answers_for_nothing_beside_it(bench, stranger, plain, container, tmp_path):
    signed = sign(plain, tmp_path / "s.pdf", bench.person, at=SIGNED_AT, field="S0")
    signed = sign(signed, tmp_path / "annex.pdf", bench.agency, at=SIGNED_AT, field="S1")
    decision = tmp_path / "decision.pdf"
    decision.write_bytes(plain.read_bytes())
    place = tmp_path / "c.asice"
    for key, met in ((stranger, False), (bench.agency, True), (bench.other, False)):
        place.write_bytes(container(key, decision, signed))
        report = official(bench, place)
        assert (report.indication is Indication.TOTAL_PASSED) is met
        assert wheres(report, "EDX-POLICY-OBJECT") == ([] if met else ["decision.pdf"])


def test_an_unsigned_container_meets_no_rule_by_having_nothing_to_ask(bench):
    inside = Report.of(file="c#a.txt", format="unknown", policy="p", signatures=())
    outer = Report.of(file="c", format="asice", policy="p", signatures=(), attachments=[inside])
    for rule in (Timestamped(), PersonBeforeSeal()):
        report = apply_policy(Policy(name="p", require=rule), outer, Ground(AT))
        assert codes(report) == ["EDX-POLICY-OBJECT"]


# -- XML


def both_over_letter(bench, around=LETTER):
    return with_signature(with_signature(f"<Doc>{around}</Doc>", bench.person, "S1", "L"), bench.agency, "S2", "L")


def test_two_signatures_over_one_element_count_together(bench, tmp_path):
    report = official(bench, stored(tmp_path, both_over_letter(bench)))
    assert report.indication is Indication.TOTAL_PASSED
    assert [one.parts for one in report.signatures] == [("/Doc/Letter",)] * 2
    assert "EDX-XML-ENCLOSED" in codes(report)


def test_joined_documents_meet_no_policy_together(bench, tmp_path):
    one = with_signature(f"<Doc>{LETTER}</Doc>", bench.person, "S1", "L")
    other = with_signature(f"<Doc>{NOTICE}</Doc>", bench.agency, "S2", "N")
    report = official(bench, stored(tmp_path, joined_xml(one.encode(), other.encode()).decode()))
    assert report.indication is Indication.INDETERMINATE
    assert {"EDX-POLICY-OBJECT", "EDX-POLICY-OUTSIDE"} <= set(codes(report))


def test_an_outsider_who_signs_more_hides_nothing_that_others_left_out(bench, stranger, tmp_path):
    added = both_over_letter(bench).replace("</Letter>", "</Letter><Decision>Khác</Decision>", 1)
    place = stored(tmp_path, with_signature(added, stranger, "S3", ""))
    report = official(bench, place)
    assert report.indication is Indication.INDETERMINATE
    assert wheres(report, "EDX-POLICY-OUTSIDE") == ["/Doc/Decision"]
    plainly = verify(place, trust=bench.trust, at=AT)
    assert plainly.indication is Indication.TOTAL_PASSED  # everything is signed, by somebody
    assert wheres(plainly, "EDX-PARTIAL-COVERAGE") == ["/Doc/Decision"]
    assert [one.parts for one in plainly.signatures] == [("/Doc/Letter",), ("/Doc/Letter",), ("whole-document",)]
    for one in plainly.signatures:
        assert [message.where for message in one.messages if message.code == "EDX-PARTS-DIFFER"] == [one.id]


def test_an_outsider_who_signs_what_is_there_takes_nothing_away(bench, stranger, tmp_path):
    report = official(bench, stored(tmp_path, with_signature(both_over_letter(bench), stranger, "S3", "")))
    assert report.indication is Indication.TOTAL_PASSED
    assert "EDX-XML-ENCLOSED" in codes(report)


def test_a_seal_over_more_than_the_person_signed_is_no_seal_on_his_signature(bench, tmp_path):
    person = with_signature(f"<Doc>{LETTER}{NOTICE}</Doc>", bench.person, "S1", "L")
    report = official(bench, stored(tmp_path, with_signature(person, bench.agency, "S2", "L", "N")))
    assert report.indication is Indication.INDETERMINATE
    both = with_signature(f"<Doc>{LETTER}{NOTICE}</Doc>", bench.person, "S1", "N", "L")
    assert (
        official(bench, stored(tmp_path, with_signature(both, bench.agency, "S2", "L", "N"))).indication
        is Indication.TOTAL_PASSED
    )


@pytest.mark.parametrize(
    "parts,wanted,held",
    [
        (["whole-document"], ["/Doc/Letter", "whole-document"], True),
        (["whole-document"], ["letter.txt"], False),
        (["whole-document"], ["/Doc/ds:Signature//ds:Object"], False),
        (["/Doc"], ["/Doc/Letter/Text"], True),
        (["/Doc"], ["/Doc/ds:Signature//ds:Object"], False),
        (["/Doc/ds:Signature"], ["/Doc/ds:Signature//ds:Object"], True),
        (["/Doc"], ["whole-document"], False),
        (["/Doc/Letter"], ["/Doc/Letter2"], False),
        (["/Doc/Letter/text()"], ["/Doc/Letter"], False),
        (["a"], ["a/b"], False),
        (["a", "b"], ["b", "a"], True),
    ],
)
def test_a_part_is_held_whole_or_not_at_all(parts, wanted, held):
    assert cover(parts, wanted) is held


# -- whose signature it is


def moved(bench, key_name, until, then="H58.14"):
    """The registry as it knows a certificate that belonged to the unit until a moment, and to another from then on."""
    entries = []
    for entry in bench.registry:
        own = entry.kind is (HolderKind.PERSON if key_name == "person" else HolderKind.ORGANISATION)
        if own and str(entry.unit) == UNIT:
            entries.append(replace(entry, valid_to=until))
            entries.append(replace(entry, unit=UnitId.parse(then), valid_from=until)) if then else None
        else:
            entries.append(entry)
    return MemoryRegistry(entries)


@pytest.mark.parametrize("change", [("person", "H58.14"), ("person", None), ("agency", "H58.14"), ("agency", None)])
def test_a_claimed_time_brings_nobody_back_to_a_unit(bench, texts, detached, tmp_path, change):
    key_name, then = change
    place = tmp_path / "both.p7s"
    place.write_bytes(joined_cms(detached(bench.person, texts[0]), detached(bench.agency, texts[0])))
    registry = moved(bench, key_name, SIGNED_AT + timedelta(hours=1), then)
    report = verify(place, trust=bench.trust, registry=registry, at=AT, policy="official-document", detached=[texts[0]])
    assert report.indication is Indication.INDETERMINATE
    (doubtful,) = (one for one in report.signatures if any(m.code == "EDX-UNIT-CLAIMED" for m in one.messages))
    assert (doubtful.unit, doubtful.indication) == (None, Indication.TOTAL_PASSED)
    assert wheres(report, "EDX-POLICY-UNIT-CLAIMED") == [doubtful.id]


def test_the_same_unit_in_its_other_code_is_no_other(bench, texts, detached, tmp_path):
    place = tmp_path / "one.p7s"
    place.write_bytes(detached(bench.person, texts[0]))
    registry = moved(bench, "person", SIGNED_AT + timedelta(hours=1), "000.01.12.H58")
    report = verify(place, trust=bench.trust, registry=registry, at=AT, detached=[texts[0]])
    assert report.signatures[0].unit == UNIT


def test_a_claimed_time_before_the_registry_knew_anybody_names_nobody(bench, texts, detached, tmp_path):
    place = tmp_path / "one.p7s"
    place.write_bytes(detached(bench.person, texts[0]))
    later = [replace(entry, valid_from=SIGNED_AT + timedelta(hours=1)) for entry in bench.registry]
    report = verify(place, trust=bench.trust, registry=MemoryRegistry(later), at=AT, detached=[texts[0]])
    (signature,) = report.signatures
    said = {message.code for message in signature.messages}
    assert (signature.kind, signature.unit) == ("unknown", None)
    assert {"EDX-CERT-UNREGISTERED", "EDX-UNIT-CLAIMED"} <= said


# -- envelopes under a policy of one's own


def spoken(kind, unit, *messages):
    return SignatureReport(
        id=f"{kind}-{unit}",
        kind=kind,
        unit=unit,
        indication=Indication.TOTAL_PASSED,
        integrity=Integrity.VALID,
        format="PAdES",
        algorithm="?",
        covers="whole-document",
        messages=messages,
    )


@pytest.mark.parametrize("sealing,left", [(UNIT, []), ("H58.13", ["forged.pdf", "list.csv"])])
def test_beside_a_document_that_meets_a_policy_others_need_the_seal_of_who_signed_it(sealing, left):
    main = Report.of(file="a.pdf", format="pdf", policy="p", signatures=[spoken("organisation", UNIT)])
    others = [
        Report.of(file="forged.pdf", format="pdf", policy="p", signatures=[]),
        Report.of(file="list.csv", format="unknown", policy="p", signatures=[]),
    ]
    outer = Report.of(
        file="e.edxml",
        format="edxml",
        policy="p",
        signatures=[spoken("organisation", sealing)],
        attachments=[main, *others],
    )
    report = apply_policy(Policy(name="p", require=SealedBy(unit=UNIT)), outer, Ground(AT))
    assert wheres(report, "EDX-POLICY-OBJECT") == left


def test_a_unit_that_a_claimed_time_alone_speaks_for_existed_for_nobody():
    doubtful = Message.of("EDX-UNIT-CLAIMED", "warning", Text("?", "?"), UNIT)
    report = Report.of(file="a.pdf", format="pdf", policy="p", signatures=[spoken("organisation", None, doubtful)])
    found = apply_policy(Policy(name="p", require=UnitExisted()), report, Ground(AT))
    assert (found.indication, codes(found)) == (Indication.INDETERMINATE, ["EDX-POLICY-UNIT-CLAIMED"])


# -- what people and programs read


def test_text_json_and_page_say_what_each_signature_covers(bench, stranger, tmp_path, capfd):
    place = stored(tmp_path, with_signature(both_over_letter(bench), stranger, "S3", ""))
    arguments = ["--lang", "en", "verify", str(place), "--trust", str(bench.folder / "trust"), "--at", AT.isoformat()]
    for more in ([], ["--json"], ["--html", str(tmp_path / "page.html")]):
        with pytest.raises(SystemExit) as caught:
            cli.main([*arguments, *more])
        assert caught.value.code == 0
        said = capfd.readouterr().out
        if not more:
            assert "covers: /Doc/Letter" in said
            assert "covers: the whole document" in said
        elif more == ["--json"]:
            assert [one["parts"] for one in json.loads(said)["signatures"]][2] == ["whole-document"]
        else:
            assert "/Doc/Letter" in (tmp_path / "page.html").read_text("utf-8")
