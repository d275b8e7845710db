"""A file given beside a signature is what that signature signs, or is said not to be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from verification_scene import AT, SIGNED_AT

from edocx.cli.verify_run import Options, judge_all
from edocx.errors import UsageError
from edocx.signing.cms.sign import sign_file
from edocx.signing.container.sign import sign_files
from edocx.signing.report import Indication, Integrity
from edocx.verification import verify

CODE = "EDX-DETACHED-UNSIGNED"


@pytest.fixture
def letter(tmp_path):
    (tmp_path / "letter.txt").write_bytes(b"Pay 5")
    (tmp_path / "forged.txt").write_bytes(b"Pay 5000")
    return tmp_path / "letter.txt"


def told(report):
    return [message.where for message in report.messages if message.code == CODE]


@pytest.mark.parametrize("kind", ["p7s", "asice", "pdf"])
def test_no_file_is_given_beside_a_signature_that_signs_another(bench, letter, plain, tmp_path, kind):
    given = []
    match kind:
        case "p7s":
            path, given = sign_file(letter, tmp_path / "a.p7s", bench.person, at=SIGNED_AT), [letter]
        case "asice":
            path = sign_files([letter], tmp_path / "a.asice", bench.agency, at=SIGNED_AT)
        case _:
            from edocx.signing.pdf.sign import sign

            path = sign(plain, tmp_path / "a.pdf", bench.person, at=SIGNED_AT, field="S")
    genuine = verify(path, trust=bench.trust, at=AT, detached=given)
    assert (genuine.indication, told(genuine)) == (Indication.TOTAL_PASSED, [])
    report = verify(path, trust=bench.trust, at=AT, detached=[*given, tmp_path / "forged.txt"])
    assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL)
    assert told(report) == ["forged.txt"]


def test_two_files_of_one_name_are_not_given_beside_a_signature(bench, letter, tmp_path):
    path = sign_file(letter, tmp_path / "a.p7s", bench.person, at=SIGNED_AT)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_bytes(b"Pay 5000")
    with pytest.raises(UsageError) as caught:
        verify(path, trust=bench.trust, at=AT, detached=[letter, tmp_path / "other" / "letter.txt"])
    assert caught.value.code == "EDX-USAGE-DETACHED"


@pytest.mark.parametrize("jobs", [1, 2])
def test_several_signatures_each_sign_their_own_of_the_files_given_beside_them(bench, letter, tmp_path, jobs):
    other = letter.with_name("forged.txt")
    files = [sign_file(one, tmp_path / f"{one.stem}.p7s", bench.person, at=SIGNED_AT) for one in (letter, other)]
    told_of = Options(trust=(str(bench.folder / "trust"),), at=AT, detached=(letter, other))
    assert [str(report.indication) for _, report in judge_all(files, told_of, jobs)] == ["TOTAL-PASSED"] * 2

    (third := tmp_path / "third.txt").write_bytes(b"Pay 6")
    with_another = replace(told_of, detached=(letter, other, third))
    reports = [report for _, report in judge_all(files, with_another, jobs)]
    assert [(report.indication, told(report)) for report in reports] == [
        (Indication.INDETERMINATE, ["third.txt"])
    ] * 2, "a file that none signs is none's"

    other.write_bytes(b"Pay 50000")
    reports = [report for _, report in judge_all(files, told_of, jobs)]
    assert [str(report.indication) for report in reports] == ["INDETERMINATE", "TOTAL-FAILED"], (
        "both see the changed one"
    )


def test_what_several_signatures_signed_is_taken_out_apart(bench, letter, tmp_path):
    other = letter.with_name("forged.txt")
    files = [sign_file(one, tmp_path / f"{one.stem}.p7s", bench.person, at=SIGNED_AT) for one in (letter, other)]
    told_of = Options(trust=(str(bench.folder / "trust"),), at=AT, detached=(letter, other), extract=tmp_path / "out")
    assert [str(report.indication) for _, report in judge_all(files, told_of, 1)] == ["TOTAL-PASSED"] * 2
    taken = {path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file() and path.suffix != ".json"}
    assert taken == {b"Pay 5", b"Pay 5000"}
