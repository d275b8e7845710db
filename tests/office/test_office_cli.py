"""``edocx office`` from an empty folder: two offices with test keys, one document there and back."""

from __future__ import annotations

import json
import shutil

import pytest

from edocx.cli import main
from edocx.testing import scene


@pytest.fixture
def run(capfd):
    def call(*arguments, lang="vi"):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", lang, *map(str, arguments)])
        said = capfd.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two offices, and a document that the first has issued."""
    folder = tmp_path_factory.mktemp("offices")
    for name, unit in (("a", "H20"), ("b", "G22")):
        quiet("office", "init", folder / name, "--unit", unit, "--test-pki", "--json")
    letter, _ = scene.write_letter(folder)
    quiet("office", "approve", letter, "--office", folder / "a" / "office.toml", "--id", "d1", *described())
    quiet("office", "issue", "d1", "--office", folder / "a" / "office.toml")
    return folder


@pytest.fixture
def offices(made, tmp_path):
    shutil.copytree(made, tmp_path / "offices")
    return tmp_path / "offices" / "a" / "office.toml", tmp_path / "offices" / "b" / "office.toml"


def quiet(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "vi", *map(str, arguments)])
    assert not ended.value.code


def described():
    return (
        *("--subject", "V/v thử nghiệm", "--notation", "UBND-VP", "--place", "Cao Lãnh"),
        *("--signatory", "Nguyễn Văn A", "--position", "CHỦ TỊCH", "--capacity", "TM."),
    )


def asked(run, *arguments):
    code, out, err = run(*arguments, "--json")
    assert code == 0, err
    value = json.loads(out)
    assert value["schema"] == 1
    return value


def document_of(run, office):
    return asked(run, "office", "status", "--office", office)["documents"][0]["document_id"]


def test_a_document_goes_there_and_its_statuses_come_back(run, offices):
    here, there = offices
    sent = asked(run, "office", "send", "d1", "--to", "G22", "--office", here)
    assert (sent["recipients"], sent["faults"]) == (["G22"], [])
    (incoming,) = asked(run, "office", "inbox", "--office", there)["incoming"]
    assert (incoming["document_id"], incoming["indication"]) == (sent["document_id"], "TOTAL-PASSED")
    accepted = asked(run, "office", "accept", sent["document_id"], "--by", "van-thu", "--office", there)
    assert accepted["arrival_number"] == 1
    (document,) = asked(run, "office", "status", "--office", here)["documents"]
    assert document["deliveries"][0]["handling"] == "accepted"
    told = asked(run, "office", "trace", "d1", "--office", here)
    assert [event["what"] for event in told["events"]] == ["queued", "sent", "01", "03"]


def test_a_recall_is_asked_agreed_and_seen(run, offices):
    here, there = offices
    document = asked(run, "office", "send", "d1", "--to", "G22", "--office", here)["document_id"]
    asked(run, "office", "work", "--office", there)
    asked(run, "office", "accept", document, "--by", "van-thu", "--office", there)
    asked(run, "office", "recall", "d1", "--reason", "Nhầm phụ lục", "--by", "van-thu", "--office", here)
    (request,) = asked(run, "office", "requests", "--office", there)["requests"]
    assert (request["code"], request["reason"]) == ("13", "Nhầm phụ lục")
    asked(run, "office", "agree", document, "--by", "van-thu", "--office", there)
    (seen,) = asked(run, "office", "status", "d1", "--office", here)["documents"]
    assert seen["deliveries"][0]["change"] == "agreed"


def test_a_rejection_carries_its_reason(run, offices):
    here, there = offices
    document = asked(run, "office", "send", "d1", "--to", "G22", "--office", here)["document_id"]
    asked(run, "office", "work", "--office", there)
    asked(run, "office", "reject", document, "--reason", "Sai nơi nhận", "--by", "van-thu", "--office", there)
    asked(run, "office", "work", "--office", here)
    _, out, _ = run("office", "trace", "d1", "--office", here)
    assert "Sai nơi nhận" in out


@pytest.mark.parametrize("command", [("inbox",), ("status",), ("requests",), ("doctor",), ("trace", "d1"), ("work",)])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_no_line_is_longer_than_eighty_columns(run, offices, command, lang):
    here, _ = offices
    run("office", "send", "d1", "--to", "G22", "--office", here)
    code, out, err = run("office", *command, "--office", here, lang=lang)
    assert code == 0, err
    assert max(map(len, out.splitlines()), default=0) <= 80


def test_a_restored_office_reads_until_it_is_reconciled(run, offices, tmp_path):
    here, _ = offices
    asked(run, "office", "backup", tmp_path / "backup", "--office", here)
    code, _, err = run("office", "restore", tmp_path / "backup", "--office", here)
    assert code == 2
    assert "EDX-RESTORE-OCCUPIED" in err
    for file in here.parent.glob("office.db*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    assert asked(run, "office", "restore", tmp_path / "backup", "--office", here)["read_only"]
    letter, _ = scene.write_letter(tmp_path)
    arguments = ("office", "approve", letter, *described(), "--id", "d2", "--office", here)
    code, _, err = run(*arguments)
    assert (code, "EDX-OFFICE-RESTORED" in err) == (1, True)
    assert run("office", "doctor", "--office", here)[0] == 1
    assert run("office", "reconcile", "--next-number", 1, "--office", here)[0] == 1, "books never run backwards"
    asked(run, "office", "reconcile", "--next-number", 9, "--office", here)
    asked(run, *arguments)
    assert asked(run, "office", "issue", "d2", "--office", here)["number"] == "09/UBND-VP"


def test_a_damaged_backup_is_refused(run, offices, tmp_path):
    here, there = offices
    asked(run, "office", "backup", tmp_path / "backup", "--office", here)
    with (tmp_path / "backup" / "office.db").open("ab") as stream:
        stream.write(b"x")
    for file in there.parent.glob("office.db*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    assert "EDX-RESTORE-UNIT" in run("office", "restore", tmp_path / "backup", "--office", there)[2]
    for file in here.parent.glob("office.db*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    code, _, err = run("office", "restore", tmp_path / "backup", "--office", here)
    assert (code, "EDX-RESTORE-BACKUP" in err) == (4, True)


def test_doctor_holds_the_journal_against_heads_that_the_agency_signed(run, offices):
    import sqlite3

    here, _ = offices
    head = asked(run, "office", "doctor", "--sign-head", "--office", here)["head"]
    assert head
    assert (
        run("verify", f"{head}.p7s", "--detached", head, "--trust", here.parent.parent / "test-pki" / "trust")[0] == 0
    )
    with sqlite3.connect(here.parent / "office.db") as connection:
        connection.execute("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
    connection.close()
    code, out, _ = run("office", "doctor", "--json", "--office", here)
    assert code == 1
    assert "EDX-JOURNAL-CUT" in [one["code"] for one in json.loads(out)["findings"]]


@pytest.mark.parametrize(
    "extra,code",
    [
        (("--subject", "TỐI MẬT: kế hoạch"), "EDX-SECRET"),
        (("--kind", "Thơ"), "EDX-KIND-UNKNOWN"),
        (("--due", "mai"), "EDX-DRAFT-FIELD"),
    ],
)
def test_a_draft_that_may_not_or_cannot_be_signed_is_named(run, offices, tmp_path, extra, code):
    here, _ = offices
    letter, _ = scene.write_letter(tmp_path)
    ended, _, err = run("office", "approve", letter, *described(), *extra, "--office", here)
    assert ended in {1, 2}
    assert code in err


def test_without_an_office_the_error_says_how_to_make_one(run, tmp_path):
    code, _, err = run("office", "inbox", "--office", tmp_path / "office.toml")
    assert code == 4
    assert "edocx office init" in err


def test_init_never_writes_over_an_office(run, offices):
    here, _ = offices
    before = here.read_bytes()
    code, _, err = run("office", "init", here.parent, "--unit", "H20", "--test-pki")
    assert (code, "EDX-OFFICE-EXISTS" in err) == (2, True)
    assert here.read_bytes() == before


def test_the_evidence_is_checked_without_any_office(run, offices, tmp_path):
    here, _ = offices
    pki = here.parent.parent / "test-pki"
    asked(run, "office", "send", "d1", "--to", "G22", "--office", here)
    out = tmp_path / "evidence.asice"
    assert asked(run, "office", "trace", "d1", "--bundle", out, "--office", here)["bundle"] == str(out)
    assert asked(run, "office", "check-bundle", out, "--trust", pki / "trust")["passed"]
    (tmp_path / "none").mkdir()
    assert run("office", "check-bundle", out, "--trust", tmp_path / "none")[0] in {3, 4}


def test_the_register_is_shown_and_exported(run, offices, tmp_path):
    here, _ = offices
    (line,) = asked(run, "office", "register", "out", "--office", here)["lines"]
    assert (line["ordinal"], line["state"]) == (1, "issued")
    _, out, _ = run(
        "office", "register", "out", "--csv", tmp_path / "so.csv", "--search", "thu nghiem", "--office", here
    )
    assert "V/v thử nghiệm" in out
    assert "V/v thử nghiệm" in (tmp_path / "so.csv").read_text("utf-8-sig")
    assert asked(run, "office", "overdue", "--office", here)["overdue"] == []


def test_a_document_sent_again_is_one_for_the_clerk(run, offices):
    here, there = offices
    for attempt in (1, 2):
        sent = asked(run, "office", "send", "d1", "--to", "G22", "--attempt", attempt, "--office", here)
        (incoming,) = asked(run, "office", "inbox", "--office", there)["incoming"]
    assert incoming["message_id"] != sent["message_id"]
    assert (
        asked(run, "office", "accept", incoming["message_id"], "--by", "vt", "--office", there)["arrival_number"] == 1
    )
    assert asked(run, "office", "inbox", "--office", there)["incoming"] == []
    (document,) = asked(run, "office", "status", "--office", here)["documents"]
    assert [one["handling"] for one in document["deliveries"]] == ["accepted", "accepted"]
