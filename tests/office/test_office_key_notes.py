"""What could not be checked of a key is told to who used it, and is not lost between room and command."""

from __future__ import annotations

import json

import pytest
from test_office_cli import described, run  # noqa: F401 - a fixture

from edocx.testing import scene


@pytest.mark.parametrize("listed", [True, False])
def test_approve_and_issue_say_when_nobody_knew_of_a_revocation(run, tmp_path, listed):  # noqa: F811
    office = tmp_path / "a" / "office.toml"
    assert run("office", "init", tmp_path / "a", "--unit", "H20", "--test-pki", "--json")[0] == 0
    if not listed:
        for path in (tmp_path / "test-pki" / "trust").glob("*.crl"):
            path.unlink()
    letter, _ = scene.write_letter(tmp_path)
    approve = ("office", "approve", letter, "--office", office, *described())
    issue = ("office", "issue", "--office", office)
    expected = [] if listed else ["EDX-REVOCATION-UNCHECKED"]
    for arguments in ((*approve, "--id", "d1"), (*issue, "d1")):
        code, out, err = run(*arguments, "--json")
        assert code == 0, err
        assert [one["code"] for one in json.loads(out)["messages"]] == expected
    for arguments in ((*approve, "--id", "d2"), (*issue, "d2")):
        assert ("EDX-REVOCATION-UNCHECKED" in run(*arguments)[1]) is not listed
