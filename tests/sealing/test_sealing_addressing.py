"""Genuine, and yet not for us; from a unit that always seals, and yet without a seal."""

from __future__ import annotations

from datetime import date

import pytest
from sealing_scenario import AT, Workshop

from edocx.envelope.model import Organization, ResponseFor
from edocx.envelope.read import read
from edocx.envelope.write import compose
from edocx.errors import Text
from edocx.sealing import check_addressing, verify_envelope, with_findings
from edocx.signing.report import Indication, Message, Report, SubIndication
from edocx.units import UnitId
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.succession import Succession, SuccessionKind
from edocx.units.unit import Capabilities

MERGED = date(2023, 3, 1)


def unit(code: str, **known):
    return UnitHistory.of(f"u:{code}", name=f"Cơ quan {code}", code=UnitId.parse(code), source="test", **known)


@pytest.fixture(scope="module")
def directory():
    return MemoryDirectory(
        [
            unit("H58.12.01", capabilities=Capabilities(seals=True)),
            unit("H58.12", code102=UnitId.parse("000.00.12.H58")),
            unit("G22", capabilities=Capabilities(seals=False)),
            unit("H58.12.09", served_by="u:H58.12"),
            unit("H58.77", closed=MERGED),
            unit("H58.78", opened=MERGED),
        ],
        [Succession(SuccessionKind.MERGE, "u:H58.77", "u:H58.78", MERGED)],
    )


def findings(workshop, directory, path, own):
    report = verify_envelope(path, workshop.criteria)
    found = check_addressing(read(path), report, own=UnitId.parse(own), directory=directory, at=AT)
    return {message.code for message in found}, with_findings(report, found)


def sent_to(workshop, letter, *codes):
    envelope = letter.model_copy(update={"to": tuple(Organization(unit=code) for code in codes)})
    return workshop.write(envelope, "addressed.edxml")


@pytest.mark.parametrize("own", ["H58.12", "G22"])
def test_a_recipient_finds_itself(workshop, directory, sealed, own):
    codes, report = findings(workshop, directory, sealed, own)
    assert codes == set()
    assert report.indication is Indication.TOTAL_PASSED


def test_a_genuine_envelope_for_somebody_else_never_passes(workshop, directory, sealed):
    codes, report = findings(workshop, directory, sealed, "H58.05")
    assert codes == {"EDX-NOT-ADDRESSED"}
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


@pytest.mark.parametrize(
    "code, own",
    [("000.00.12.H58", "H58.12"), ("H58.12.09", "H58.12"), ("H58.77", "H58.78")],
    ids=["the other spelling", "a unit we serve", "a unit that passed into us"],
)
def test_another_code_that_means_us_is_ours(workshop, directory, letter, code, own):
    assert findings(workshop, directory, sent_to(workshop, letter, code), own)[0] == set()


@pytest.mark.parametrize("code", ["H58.77", "không phải mã", "H58.12.09"])
def test_another_code_that_does_not_mean_us_is_not_ours(workshop, directory, letter, code):
    assert findings(workshop, directory, sent_to(workshop, letter, code), "G22")[0] == {"EDX-NOT-ADDRESSED"}


def test_an_envelope_to_nobody_is_not_ours(workshop, directory, letter):
    assert findings(workshop, directory, sent_to(workshop, letter), "G22")[0] == {"EDX-NOT-ADDRESSED"}


def test_a_status_is_for_the_unit_whose_document_it_speaks_of(workshop, directory, status):
    path = workshop.write(status, "status.edxml")
    assert findings(workshop, directory, path, "H58.12.01")[0] == set()
    assert findings(workshop, directory, path, "G22")[0] == {"EDX-NOT-ADDRESSED"}
    recall = status.model_copy(update={"status_code": "13", "response_for": (ResponseFor(unit="G22"),)})
    assert findings(workshop, directory, workshop.write(recall, "13.edxml"), "H58.12")[0] == {"EDX-NOT-ADDRESSED"}


@pytest.mark.parametrize(
    "sender, expected",
    [("H58.12.01", {"EDX-SEAL-MISSING"}), ("G22", set()), ("H58.12", set()), ("?", set()), (None, set())],
    ids=["always seals", "never seals", "not known", "no code", "no sender"],
)
def test_stripping_the_seal_of_a_unit_that_seals_is_not_free(workshop, directory, letter, sender, expected):
    bare = letter.model_copy(update={"sender": Organization(unit=sender)})
    compose(bare).save(workshop.folder / "bare.edxml")
    codes, report = findings(workshop, directory, workshop.folder / "bare.edxml", "G22")
    assert codes == expected
    assert report.indication is (Indication.INDETERMINATE if expected else Indication.NO_SIGNATURE)


def test_a_seal_of_a_key_that_anybody_made_is_no_seal(workshop, directory, letter, tmp_path):
    stranger = Workshop(tmp_path, "p256")
    codes, report = findings(workshop, directory, stranger.write(letter, "own-key.edxml"), "G22")
    assert codes == {"EDX-SEAL-MISSING"}
    assert report.indication is Indication.INDETERMINATE


def test_a_seal_that_was_broken_counts_as_none_and_stays_failed(workshop, directory, sealed, tmp_path):
    path = tmp_path / "broken.edxml"
    path.write_bytes(sealed.read_bytes().replace("Về việc".encode(), "Về viêc".encode()))
    codes, report = findings(workshop, directory, path, "G22")
    assert codes == {"EDX-SEAL-MISSING"}
    assert report.indication is Indication.TOTAL_FAILED


def test_nothing_found_changes_nothing():
    report = Report.of(file="x", format="edxml", policy="signatures-only", signatures=())
    assert with_findings(report, ()) is report


def test_a_seal_that_a_claimed_time_alone_gives_a_unit_is_not_the_senders(workshop, directory, sealed):
    report = verify_envelope(sealed, workshop.criteria)
    claimed = Message.of("EDX-UNIT-CLAIMED", "warning", Text("?", "?"), "H58.12.01")
    for messages, expected in (((), set()), ((claimed,), {"EDX-SEAL-FOREIGN"})):
        seals = [one.model_copy(update={"unit": None, "messages": messages}) for one in report.signatures]
        doubtful = report.model_copy(update={"signatures": tuple(seals)})
        found = check_addressing(read(sealed), doubtful, own=UnitId.parse("H58.12"), directory=directory, at=AT)
        assert {message.code for message in found} == expected
