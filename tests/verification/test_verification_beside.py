"""A file given beside a signature is what that signature signs, or is said not to be."""

from __future__ import annotations

import pytest
from verification_scene import AT, SIGNED_AT

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
