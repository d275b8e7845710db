"""Policies as data: who must have signed, in what order, with what right, and whether the units existed then."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from verification_scene import AT, SIGNED_AT, UNIT

from edocx import cli
from edocx.content import Blob
from edocx.envelope.model import Attachment, Code, DocumentType, Envelope, Organization, Promulgation
from edocx.envelope.write import compose
from edocx.errors import InputError
from edocx.sealing import seal
from edocx.signing.pdf.sign import sign
from edocx.signing.policy import (
    AllOf,
    AnyOf,
    AuthorisedFor,
    PersonBeforeSeal,
    Policy,
    Rule,
    SealedBy,
    SenderIsIssuer,
    SignedByPersonOf,
    Timestamped,
    UnitExisted,
)
from edocx.signing.report import (
    CertificateInfo,
    Indication,
    Integrity,
    Report,
    SignatureReport,
    Statement,
    SubIndication,
)
from edocx.signing.requirement import Ground, apply_policy
from edocx.units import Level, UnitId, units_json
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.registry import HolderKind, Mandate, MemoryRegistry, RegistryEntry, SigningCapacity
from edocx.verification import verify

OTHER = "H58.13"
JOINT = "H58.14"


def signature(kind, unit=UNIT, *, mark="a", time_source="claimed", indication=Indication.TOTAL_PASSED, at=SIGNED_AT):
    return SignatureReport(
        id=f"{kind}-{unit}-{mark}",
        kind=kind,
        unit=unit,
        indication=indication,
        integrity=Integrity.VALID,
        format="PAdES",
        signing_time=at,
        time_source=time_source,
        algorithm="?",
        covers="whole-document",
        certificate=CertificateInfo(
            subject="", issuer="", serial="1", not_before=SIGNED_AT, not_after=AT, sha256=mark * 64
        ),
    )


def mandate(capacity="", kinds=(), valid_to=None):
    return Mandate("Chủ tịch", SigningCapacity(capacity), frozenset(kinds), None, valid_to)


def registry(*mandates, mark="a", unit=UNIT):
    entry = RegistryEntry(mark * 64, HolderKind.PERSON, UnitId.parse(unit), "Nguyễn Văn A", tuple(mandates))
    return MemoryRegistry([entry])


def directory(**closed):
    return MemoryDirectory(
        UnitHistory.of(
            f"t:{code}",
            name=code,
            kind="xã",
            level=Level.COMMUNE,
            code=UnitId.parse(code),
            opened=opened,
            **({"closed": until} if until else {}),
            source="generated test data",
        )
        for code, (opened, until) in closed.items()
    )


def asked(rule, *signatures, ground=None, **options):
    report = Report.of(file="a.pdf", format="pdf", policy="p", signatures=signatures)
    report = report.model_copy(update=options)
    return apply_policy(Policy(name="p", require=rule), report, ground or Ground(AT))


def codes(report):
    return [message.code for message in report.messages]


PERSON, SEAL = signature("person"), signature("organisation", mark="b")


@pytest.mark.parametrize("unit,met", [(None, True), (UNIT, True), ("000.01.12.H58", True), (OTHER, False)])
def test_sealed_by_names_a_unit_in_either_code(unit, met):
    assert (codes(asked(SealedBy(unit=unit), SEAL)) == []) is met


def test_only_signatures_that_passed_count():
    doubtful = signature("organisation", indication=Indication.INDETERMINATE)
    assert "EDX-POLICY-NO-SEAL" in codes(asked(SealedBy(), doubtful))


@pytest.mark.parametrize("unit,met", [(None, True), (UNIT, True), (OTHER, False)])
def test_signed_by_person_of(unit, met):
    assert (codes(asked(SignedByPersonOf(unit=unit), PERSON)) == []) is met
    assert codes(asked(SignedByPersonOf(), SEAL)) == ["EDX-POLICY-NO-PERSON"]


def test_initials_and_several_persons_and_seals_of_a_joint_document_are_right():
    rows = [signature("person", mark="i"), PERSON, signature("person", JOINT, mark="c")]
    rows += [SEAL, signature("organisation", JOINT, mark="d")]
    assert codes(asked(PersonBeforeSeal(), *rows)) == []
    assert codes(asked(PersonBeforeSeal(), *rows, signature("organisation", OTHER, mark="e"))) == ["EDX-POLICY-ORDER"]


def test_a_mark_of_the_clerk_after_the_seal_is_no_fault():
    assert codes(asked(PersonBeforeSeal(), PERSON, SEAL, signature("person", mark="k"))) == []


@pytest.mark.parametrize(
    "rule,mandates,met",
    [
        (AuthorisedFor(), [mandate()], True),
        (AuthorisedFor(), [], False),
        (AuthorisedFor(kind="QĐ"), [mandate(kinds=["CV"])], False),
        (AuthorisedFor(kind="QĐ"), [mandate(kinds=["CV", "QĐ"])], True),
        (AuthorisedFor(kind="QĐ"), [mandate()], True),
        (AuthorisedFor(capacity="KT."), [mandate("TL.")], False),
        (AuthorisedFor(capacity="KT."), [mandate("KT.")], True),
        (AuthorisedFor(capacity="TM."), [mandate("")], True),
        (AuthorisedFor(kind="QĐ", capacity="KT."), [mandate("KT.", ["CV"]), mandate("TL.", ["QĐ"])], False),
        (AuthorisedFor(at=SIGNED_AT - timedelta(days=9)), [mandate(valid_to=SIGNED_AT)], True),
        (AuthorisedFor(at=AT), [mandate(valid_to=SIGNED_AT)], False),
    ],
)
def test_authorised_for_asks_kind_capacity_and_time_of_one_mandate(rule, mandates, met):
    report = asked(rule, PERSON, SEAL, ground=Ground(AT, registry(*mandates)))
    assert codes(report) == ([] if met else ["EDX-POLICY-NOT-AUTHORISED"])


def test_nobody_is_authorised_without_a_registry():
    assert codes(asked(AuthorisedFor(), PERSON)) == ["EDX-POLICY-NOT-AUTHORISED"]


def test_a_claimed_time_does_not_bring_back_a_mandate_that_has_ended():
    ground = Ground(AT, registry(mandate(valid_to=SIGNED_AT + timedelta(hours=1))))
    assert codes(asked(AuthorisedFor(), PERSON, ground=ground)) == ["EDX-POLICY-NOT-AUTHORISED"]
    proven = signature("person", time_source="timestamp")
    assert codes(asked(AuthorisedFor(), proven, ground=ground)) == []


def test_each_agency_needs_an_authorised_person_of_its_own():
    clerk = signature("person", JOINT, mark="c")
    rows = (PERSON, clerk, SEAL, signature("organisation", JOINT, mark="d"))
    entries = [*registry(mandate()), *registry(mark="c", unit=JOINT)]
    report = asked(AuthorisedFor(), *rows, ground=Ground(AT, MemoryRegistry(entries)))
    assert [(m.code, m.where) for m in report.messages] == [("EDX-POLICY-NOT-AUTHORISED", clerk.id)]


def test_the_kind_of_document_comes_from_the_sealed_header():
    inside = Report.of(file="a.pdf", format="pdf", policy="p", signatures=[PERSON, SEAL])
    outer = Report.of(file="e", format="edxml", policy="p", signatures=[SEAL], attachments=[inside])
    policy = Policy(name="p", require=AuthorisedFor())
    ground = Ground(AT, registry(mandate(kinds=["CV"])))
    for kind, met in (("CV", True), ("QĐ", False), (None, True)):
        stated = outer.model_copy(update={"statement": Statement(sender=UNIT, kind=kind)})
        assert (apply_policy(policy, stated, ground).indication is Indication.TOTAL_PASSED) is met


@pytest.mark.parametrize(
    "known,code,severity",
    [
        ({UNIT: (date(2020, 1, 1), None)}, None, None),
        ({UNIT: (date(2020, 1, 1), date(2023, 6, 15))}, "EDX-POLICY-UNIT-CLOSED", "error"),
        ({UNIT: (date(2023, 6, 16), None)}, "EDX-POLICY-UNIT-CLOSED", "error"),
        ({OTHER: (date(2020, 1, 1), None)}, "EDX-UNIT-UNLISTED", "warning"),
    ],
)
def test_the_unit_existed_on_the_day_it_signed(known, code, severity):
    report = asked(UnitExisted(), SEAL, ground=Ground(AT, directory=directory(**known)))
    assert [(m.code, m.severity) for m in report.messages] == ([(code, severity)] if code else [])
    assert (report.indication is Indication.TOTAL_PASSED) is (severity != "error")


@pytest.mark.parametrize("time_source,met", [("claimed", False), ("timestamp", True), ("receipt", True)])
def test_a_unit_that_is_gone_since_needs_proof_of_when_it_signed(time_source, met):
    known = directory(**{UNIT: (date(2020, 1, 1), date(2023, 6, 16))})
    seal = signature("organisation", time_source=time_source)
    assert codes(asked(UnitExisted(), seal, ground=Ground(AT, directory=known))) == (
        [] if met else ["EDX-POLICY-UNIT-GONE"]
    )


def test_without_a_directory_it_is_said_that_nobody_looked():
    report = asked(UnitExisted(), SEAL)
    assert (codes(report), report.indication) == (["EDX-UNIT-UNCHECKED"], Indication.TOTAL_PASSED)


@pytest.mark.parametrize(
    "sender,sealing,issuing,code",
    [
        (UNIT, UNIT, UNIT, None),
        ("000.01.12.H58", UNIT, UNIT, None),
        (OTHER, UNIT, UNIT, "EDX-POLICY-SENDER"),
        (UNIT, OTHER, UNIT, "EDX-POLICY-SENDER"),
        (OTHER, OTHER, UNIT, "EDX-POLICY-ISSUER"),
    ],
)
def test_sender_sealing_unit_and_issuing_unit_are_one(sender, sealing, issuing, code):
    inside = Report.of(file="a.pdf", format="pdf", policy="p", signatures=[signature("organisation", issuing)])
    outer = Report.of(
        file="e", format="edxml", policy="p", signatures=[signature("organisation", sealing)], attachments=[inside]
    ).model_copy(update={"statement": Statement(sender=sender)})
    found = codes(apply_policy(Policy(name="p", require=SenderIsIssuer()), outer, Ground(AT)))
    assert (found[:1] or [None]) == [code]


@pytest.mark.parametrize(
    "rule, code",
    [
        (SealedBy(unit=OTHER), "EDX-POLICY-NO-SEAL"),
        (Timestamped(), "EDX-POLICY-NO-TIMESTAMP"),
        (AllOf(rules=(SignedByPersonOf(), Timestamped())), "EDX-POLICY-NO-TIMESTAMP"),
        (AnyOf(rules=(SignedByPersonOf(), SealedBy(unit=OTHER))), "EDX-POLICY-NO-SEAL"),
        (AllOf(rules=(SignedByPersonOf(), PersonBeforeSeal(), AuthorisedFor(), SealedBy(unit=UNIT))), None),
    ],
)
def test_of_a_status_all_is_asked_that_a_seal_can_answer_and_nothing_of_persons(rule, code):
    message = Report.of(file="e", format="edxml", policy="p", signatures=[signature("organisation")])
    message = message.model_copy(update={"statement": Statement(sender=UNIT, is_status=True)})
    found = apply_policy(Policy(name="p", require=rule), message, Ground(AT))
    errors = [one.code for one in found.messages if one.severity == "error"]
    assert errors == ([] if code is None else [code])
    assert found.indication is (Indication.TOTAL_PASSED if code is None else Indication.INDETERMINATE)


@pytest.mark.parametrize("turned", [False, True])
def test_signers_of_cms_stand_in_the_order_of_their_times(turned):
    """They are a set, which its encoding sorts by bytes (RFC 5652 5.1)."""
    person = signature("person", at=SIGNED_AT)
    seal = signature("organisation", mark="b", at=SIGNED_AT + timedelta(hours=1))
    early = signature("organisation", mark="b", at=SIGNED_AT - timedelta(hours=7))
    for other, met in ((seal, True), (early, False)):
        signatures = [one.model_copy(update={"parts": ("a",)}) for one in (person, other)]
        report = Report.of(file="a.p7m", format="cms", policy="p", signatures=signatures[:: -1 if turned else 1])
        found = codes(apply_policy(Policy(name="p", require=PersonBeforeSeal()), report, Ground(AT)))
        assert found == ([] if met else ["EDX-POLICY-ORDER"])


def test_timestamped_wants_every_signature_proven():
    proven = signature("person", time_source="timestamp")
    assert codes(asked(Timestamped(), proven)) == []
    assert codes(asked(Timestamped(), proven, SEAL)) == ["EDX-POLICY-NO-TIMESTAMP"]


def test_any_of_is_met_by_one_and_by_none_when_there_is_none():
    assert codes(asked(AnyOf(rules=(SealedBy(), SignedByPersonOf())), PERSON)) == []
    assert set(codes(asked(AnyOf(rules=(SealedBy(), Timestamped())), PERSON))) == {
        "EDX-POLICY-NO-SEAL",
        "EDX-POLICY-NO-TIMESTAMP",
    }
    assert codes(asked(AnyOf(rules=()), PERSON)) == ["EDX-POLICY-EMPTY"]


def test_a_policy_makes_no_verdict_better_and_names_what_is_missing():
    failed = signature("person", indication=Indication.TOTAL_FAILED)
    report = asked(AllOf(rules=(SealedBy(), SignedByPersonOf())), failed)
    assert report.indication is Indication.TOTAL_FAILED
    assert codes(report) == ["EDX-POLICY-NO-SEAL", "EDX-POLICY-NO-PERSON"]
    unmet = asked(SealedBy(), PERSON)
    assert (unmet.indication, unmet.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


RULES: list[Rule] = [
    SealedBy(unit=UNIT),
    SignedByPersonOf(),
    PersonBeforeSeal(),
    AuthorisedFor(kind="QĐ", capacity="KT.", at=AT),
    UnitExisted(),
    SenderIsIssuer(),
    Timestamped(),
    AllOf(rules=(SealedBy(), AnyOf(rules=(Timestamped(),)))),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule)
def test_every_rule_travels_as_json(rule):
    policy = Policy(name="mine", require=rule)
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


def test_a_policy_file_with_a_word_we_do_not_know_is_refused(plain, tmp_path):
    place = tmp_path / "p.json"
    place.write_text(json.dumps({"name": "p", "require": {"rule": "sealed-by", "units": "H58"}}))
    with pytest.raises(InputError) as caught:
        verify(plain, policy=str(place), at=AT)
    assert caught.value.code == "EDX-POLICY-FILE"


# -- the shipped policy over real files


@pytest.fixture
def enveloped(bench, plain, tmp_path):
    """Make an envelope from a sender, sealed by a key, around a PDF signed by keys in order."""

    def make(sender, sealing, *signing, annex=False):
        path = plain
        for order, key in enumerate(signing):
            path = sign(path, tmp_path / f"s{order}.pdf", key, at=SIGNED_AT, field=f"S{order}")
        files = [Attachment(name="a.pdf", content=Blob.from_path(path))]
        if annex:
            files.append(Attachment(name="b.pdf", content=Blob.from_path(plain)))
        skeleton = compose(
            Envelope(
                sender=Organization(unit=sender, name="ỦY BAN THỬ NGHIỆM"),
                to=(Organization(unit="H58.12", name="ỦY BAN"),),
                document_id=f"{sender},2023/06/15,01/UBND-VP",
                code=Code(number="01", notation="UBND-VP"),
                document_type=DocumentType(type=2, name="Công văn"),
                promulgation=Promulgation(place="Bình Đức", date=SIGNED_AT.date()),
                subject="Thử",
                business="new",
                attachments=tuple(files),
            )
        )
        seal(skeleton, sealing, at=SIGNED_AT)
        skeleton.save(tmp_path / "a.edxml")
        return tmp_path / "a.edxml"

    return make


def official(bench, path, **options):
    known = directory(**{UNIT: (date(2020, 1, 1), options.pop("closed", None))})
    return verify(
        path, trust=bench.trust, registry=bench.registry, at=AT, policy="official-document", directory=known, **options
    )


@pytest.mark.parametrize("annex", [False, True])
def test_an_official_document_in_its_own_envelope_passes(bench, enveloped, annex):
    report = official(bench, enveloped(UNIT, bench.agency, bench.person, bench.agency, annex=annex))
    assert report.indication is Indication.TOTAL_PASSED
    assert not [m for m in report.messages if m.severity == "error"]


def test_an_envelope_in_the_name_of_another_does_not(bench, enveloped):
    report = official(bench, enveloped(OTHER, bench.agency, bench.person, bench.agency))
    assert "EDX-POLICY-SENDER" in codes(report)
    assert report.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE


def test_somebody_elses_document_does_not(bench, enveloped):
    report = official(bench, enveloped(OTHER, bench.other, bench.person, bench.agency))
    assert "EDX-POLICY-ISSUER" in codes(report)


def test_a_document_nobody_signed_does_not(bench, enveloped):
    report = official(bench, enveloped(UNIT, bench.agency))
    assert {"EDX-POLICY-NO-SEAL", "EDX-POLICY-NO-PERSON"} <= set(codes(report))


def test_the_seal_of_a_unit_that_was_dissolved_does_not(bench, enveloped):
    path = enveloped(UNIT, bench.agency, bench.person, bench.agency)
    report = official(bench, path, closed=date(2023, 6, 1))
    assert "EDX-POLICY-UNIT-CLOSED" in codes(report)
    assert report.indication is Indication.INDETERMINATE


def test_an_envelope_without_a_document_does_not(bench, tmp_path):
    skeleton = compose(
        Envelope(
            sender=Organization(unit=UNIT, name="ỦY BAN THỬ NGHIỆM"),
            to=(Organization(unit="H58.12", name="ỦY BAN"),),
            document_id="x",
            subject="Thử",
            business="new",
            attachments=(Attachment(name="a.txt", content=Blob.from_bytes(b"hello")),),
        )
    )
    seal(skeleton, bench.agency, at=SIGNED_AT)
    skeleton.save(tmp_path / "a.edxml")
    assert "EDX-POLICY-NO-DOCUMENT" in codes(official(bench, tmp_path / "a.edxml"))


def test_the_command_asks_the_directory_that_it_is_given(bench, enveloped, tmp_path, capfd):
    path = enveloped(UNIT, bench.agency, bench.person, bench.agency)
    known = directory(**{UNIT: (date(2020, 1, 1), date(2023, 6, 1))})
    place = tmp_path / "units.json"
    place.write_text("".join(units_json.write_document(list(known), known.successions, known.snapshot)), "utf-8")
    arguments = ["verify", str(path), "--trust", str(bench.folder / "trust"), "--at", AT.isoformat(), "--json"]
    arguments += ["--registry", str(bench.folder / "registry.csv"), "--policy", "official-document"]
    for more, code, said in ([], 0, "EDX-UNIT-UNLISTED"), (["--directory", str(place)], 3, "EDX-POLICY-UNIT-CLOSED"):
        with pytest.raises(SystemExit) as caught:
            cli.main([*arguments, *more])
        assert caught.value.code == code
        assert said in {message["code"] for message in json.loads(capfd.readouterr().out)["messages"]}


def paired(code, old, authority):
    history = UnitHistory.of(
        "so-a", name="Sở A", code=UnitId.parse(code), code102=UnitId.parse(old), authority=authority
    )
    return Ground(AT, directory=MemoryDirectory([history]))


@pytest.mark.parametrize("authority,said", [("signed", []), ("local", ["EDX-DIRECTORY-LOCAL"])])
def test_a_recorded_pair_wins_over_the_rule_and_a_local_one_says_so(authority, said):
    seals = signature("organisation", unit="H58.12")
    renumbered = paired("H58.12", "000.00.77.H58", authority)
    assert codes(asked(SealedBy(unit="000.00.77.H58"), seals, ground=renumbered)) == said
    refused = codes(asked(SealedBy(unit="000.00.12.H58"), seals, ground=renumbered))
    assert refused == ["EDX-POLICY-NO-SEAL", *said]


def test_the_rule_alone_is_said_where_a_directory_records_no_pair():
    history = UnitHistory.of("so-a", name="Sở A", code=UnitId.parse("H58.12"))
    ground = Ground(AT, directory=MemoryDirectory([history]))
    report = asked(SealedBy(unit="000.00.12.H58"), signature("organisation", unit="H58.12"), ground=ground)
    assert (codes(report), report.indication) == (["EDX-DIRECTORY-RULE"], Indication.TOTAL_PASSED)


@pytest.mark.parametrize("authority,said", [("shipped", []), ("local", ["EDX-DIRECTORY-LOCAL"])])
def test_that_a_unit_exists_by_a_local_record_alone_is_said(authority, said):
    history = UnitHistory.of("so-a", name="Sở A", code=UnitId.parse("H58.12"), authority=authority)
    ground = Ground(AT, directory=MemoryDirectory([history]))
    assert codes(asked(UnitExisted(), signature("organisation", unit="H58.12"), ground=ground)) == said
