"""Taking a document back from the command line: before it was accepted, afterwards, refused, and by a stranger."""

from __future__ import annotations

import json
import shutil

import pytest

from edocx.cli import main
from edocx.clock import SystemClock
from edocx.envelope.model import Envelope, Organization, ResponseFor
from edocx.office import Office
from edocx.office.sending import sealed
from edocx.routing.parcel import Business, Parcel, ParcelKind
from edocx.testing import scene

HERE, THERE, STRANGER = "H20", "G22", "H58"


def quiet(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "vi", *map(str, arguments)])
    assert not ended.value.code


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three offices, and a document that the first has sent to the second."""
    folder = tmp_path_factory.mktemp("recall")
    for unit in (HERE, THERE, STRANGER):
        quiet("office", "init", folder / unit, "--unit", unit, "--test-pki", "--json")
    letter, _ = scene.write_letter(folder)
    office = folder / HERE / "office.toml"
    quiet(
        "office", "approve", letter, "--office", office, "--id", "d1", "--subject", "V/v thử nghiệm",
        "--notation", "UBND-VP", "--place", "Cao Lãnh", "--signatory", "Nguyễn Văn A", "--position", "CHỦ TỊCH",
        "--capacity", "TM.",
    )  # fmt: skip
    quiet("office", "issue", "d1", "--office", office)
    quiet("office", "send", "d1", "--to", THERE, "--office", office)
    return folder


@pytest.fixture
def run(made, tmp_path, capfd):
    """Run a command at one of the offices; give back its answer, or its exit code and message."""
    shutil.copytree(made, tmp_path / "offices")
    capfd.readouterr()

    def call(unit, *arguments):
        place = tmp_path / "offices" / unit / "office.toml"
        with pytest.raises(SystemExit) as ended:
            main(["--lang", "vi", "office", *map(str, arguments), "--office", str(place), "--json"])
        said = capfd.readouterr()
        return (ended.value.code, said.err) if ended.value.code else json.loads(said.out)

    call.folder = tmp_path / "offices"
    return call


def recall(run, *, as_document):
    extra = ("--as-document",) if as_document else ()
    asked = run(HERE, "recall", "d1", "--reason", "Nhầm phụ lục", "--by", "van-thu", *extra)
    assert (asked["code"], asked["recipients"]) == ("withdraw" if as_document else "13", [THERE])


def change(run):
    run(HERE, "work")
    ((delivery,),) = (one["deliveries"] for one in run(HERE, "status")["documents"])
    return delivery["change"]


@pytest.mark.parametrize("as_document", [False, True])
@pytest.mark.parametrize("seen", [False, True])
def test_before_it_is_accepted_a_document_is_cancelled_at_once(run, seen, as_document):
    document = run(HERE, "status")["documents"][0]["document_id"]
    if seen:
        assert len(run(THERE, "inbox")["incoming"]) == 1
    recall(run, as_document=as_document)
    run(THERE, "work")
    assert run(THERE, "inbox")["incoming"] == []
    assert run(THERE, "requests")["requests"] == []
    assert change(run) == "agreed"
    code, said = run(THERE, "accept", document, "--by", "van-thu")
    assert (code, "EDX-INBOX-UNKNOWN" in said) == (1, True)
    assert run(HERE, "send", "d1", "--to", STRANGER)[0] == 1, "what was taken back goes nowhere else"


@pytest.mark.parametrize("as_document", [False, True])
def test_afterwards_it_is_the_clerks_task_who_agrees(run, as_document):
    document = run(THERE, "inbox")["incoming"][0]["document_id"]
    run(THERE, "accept", document, "--by", "van-thu")
    recall(run, as_document=as_document)
    (request,) = run(THERE, "requests")["requests"]
    assert (request["document_id"], request["asked_by"], request["reason"]) == (document, HERE, "Nhầm phụ lục")
    assert change(run) == "asked"
    assert run(THERE, "agree", document, "--by", "lanh-dao")["status"] == "15"
    assert change(run) == "agreed"
    assert run(THERE, "register", "in")["lines"][0]["document_id"] == document, "its line stays"


def test_afterwards_it_may_be_refused_with_a_reason_that_the_issuer_reads(run):
    document = run(THERE, "inbox")["incoming"][0]["document_id"]
    run(THERE, "accept", document, "--by", "van-thu")
    recall(run, as_document=False)
    run(THERE, "work")
    code, said = run(THERE, "refuse", document, "--reason", " ", "--by", "lanh-dao")
    assert (code, "EDX-REJECT-REASON" in said) == (2, True)
    assert run(THERE, "refuse", document, "--reason", "Đã giải quyết xong", "--by", "lanh-dao")["status"] == "16"
    assert change(run) == "refused"
    events = run(HERE, "trace", "d1")["events"]
    assert [(one["remark"], one["person"]) for one in events if one["what"] == "16"] == [
        ("Đã giải quyết xong", "lanh-dao")
    ]


@pytest.mark.parametrize("as_document", [False, True])
def test_a_third_units_withdrawal_changes_nothing_and_is_shown_as_foreign(run, as_document):
    document = run(THERE, "inbox")["incoming"][0]["document_id"]
    code, said = run(STRANGER, "recall", document, "--reason", "Nhầm", "--by", "ai-do")
    assert (code, "EDX-DOCUMENT-UNKNOWN" in said) == (1, True)
    with Office.open(run.folder / STRANGER / "office.toml") as stranger:
        forge(stranger._desk, document, as_document=as_document)
    run(THERE, "work")
    assert len(run(THERE, "inbox")["incoming"]) == 1
    assert run(THERE, "requests")["requests"] == []
    (delivery,) = run(THERE, "trace", document)["deliveries"]
    assert (delivery["change"], delivery["foreign"]) == ("none", 1)
    assert run(THERE, "accept", document, "--by", "van-thu")["arrival_number"] == 1
    assert change(run) == "none"


def forge(desk, document, *, as_document):
    """Ask, under the stranger's own genuine seal, for a document that is not the stranger's."""
    now, own = SystemClock().now().replace(microsecond=0), Organization(unit=STRANGER)
    envelope = (
        Envelope(
            sender=own, to=(Organization(unit=THERE),), document_id=document, business="withdraw",
            business_reason="Nhầm", business_target=document,
        )
        if as_document
        else Envelope(
            kind="status", sender=own, response_for=(ResponseFor(unit=THERE, document_id=document),),
            status_code="13", description="Nhầm", timestamp=now,
        )
    )  # fmt: skip
    payload = sealed(desk, envelope, desk.config.place.parent / "forged.edxml")
    parcel = Parcel.of(
        payload,
        sender=STRANGER,
        recipients=(THERE,),
        document_id=document,
        created_at=now,
        kind=ParcelKind.DOCUMENT if as_document else ParcelKind.STATUS,
        business=Business.WITHDRAW if as_document else Business.NEW,
    )
    desk.transport.submit(parcel, payload)
