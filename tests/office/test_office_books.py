"""Deadlines after the law's clauses, and registers that can be read, searched, exported; numbers are voided, not lost."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta

import pytest

from edocx.clock import VIETNAM
from edocx.documents import Urgency
from edocx.errors import InputError, SigningRefused, StateError, UsageError
from edocx.office import issuing, levels
from edocx.office.deadlines import Duty, WorkingCalendar, accept_by, send_by
from edocx.office.delivery_events import EVENTS, evidence_name
from edocx.office.registers import RegisterLine, to_csv
from edocx.testing import scene


def at(*parts):
    return datetime(*parts, tzinfo=VIETNAM)


CALENDAR = WorkingCalendar(off=frozenset({date(2023, 6, 19)}), on=frozenset({date(2023, 6, 24)}))


@pytest.mark.parametrize(
    "signed,due",
    [
        (at(2023, 6, 15, 8), at(2023, 6, 16, 12)),  # Thursday: Friday noon
        (at(2023, 6, 16, 17), at(2023, 6, 20, 12)),  # Friday before a Monday off: Tuesday noon
        (at(2023, 6, 23, 9), at(2023, 6, 24, 12)),  # a Saturday worked in exchange
        (at(2023, 6, 15, 23, 59), at(2023, 6, 16, 12)),
    ],
)
def test_a_document_leaves_by_the_next_working_morning(signed, due):
    assert send_by(signed, Urgency.NORMAL, CALENDAR) == due
    assert send_by(signed.astimezone(), Urgency.NORMAL, CALENDAR) == due, "whatever zone the moment is given in"


def test_an_urgent_one_leaves_and_is_handled_at_once():
    signed = at(2023, 6, 17, 22)
    assert send_by(signed, Urgency.URGENT, CALENDAR) < signed + timedelta(hours=1)
    assert accept_by(signed, Urgency.IMMEDIATE, CALENDAR) < signed + timedelta(hours=1)


@pytest.mark.parametrize(
    "arrived,due", [(at(2023, 6, 15, 9), at(2023, 6, 16)), (at(2023, 6, 17, 9), at(2023, 6, 21)), (at(2023, 6, 24, 9), at(2023, 6, 25))]
)  # fmt: skip
def test_a_document_is_accepted_the_same_day_if_that_is_worked(arrived, due):
    assert accept_by(arrived, Urgency.NORMAL, CALENDAR) == due


def test_the_shipped_calendar_knows_the_public_holidays():
    calendar = WorkingCalendar.shipped()
    assert not calendar.is_worked(date(2026, 9, 2))
    assert not calendar.is_worked(date(2024, 2, 9))
    assert calendar.is_worked(date(2023, 6, 15))


@pytest.mark.parametrize("row", ["2023-02-30,off,a,b", "2023-02-03,never,a,b", "2023-02-03"])
def test_a_faulty_calendar_names_its_line(row):
    with pytest.raises(InputError) as caught:
        WorkingCalendar.from_csv(f"date,kind,name,source\n2023-01-01,off,a,b\n{row}\n", where="days.csv")
    assert caught.value.where == "days.csv:3"


def duties(office):
    return [(one.duty, one.unit) for one in office.overdue()]


def test_each_duty_becomes_overdue_in_its_turn_and_is_done_with(net):
    commune, centre = net.office(scene.COMMUNE), net.office("G22")
    assert duties(commune) == []
    net.clock.advance(days=1, hours=5)  # Friday, 13:00
    assert duties(commune) == [(Duty.SEND, None)]
    commune.send(net.sample(), to=["G22"])
    assert duties(commune) == [(Duty.SEND, "G22")], "queued is not sent"
    commune.work()
    assert duties(commune) == []
    net.clock.advance(days=1)
    assert duties(commune) == [(Duty.ARRIVE, "G22")]
    net.run_until_quiet()
    assert duties(centre) == []
    net.clock.advance(days=3)
    assert duties(centre) == [(Duty.ACCEPT, scene.COMMUNE)]
    assert duties(commune) == [(Duty.ACCEPT, "G22")]
    next(centre.inbox()).accept(by="van-thu")
    net.run_until_quiet()
    assert duties(centre) == duties(commune) == []


def test_an_accepted_document_is_overdue_after_its_due_date_until_it_is_finished(net):
    commune, centre = net.office(scene.COMMUNE), net.office("G22")
    path, layout = scene.write_letter(net.folder)
    draft = scene.draft(path, layout).model_copy(update={"due_date": date(2023, 6, 20)})
    commune.send(commune.issue(commune.approve(draft, by="director"), seal="agency"), to=["G22"])
    net.run_until_quiet()
    incoming = next(centre.inbox())
    incoming.accept(by="van-thu")
    net.clock.set(at(2023, 6, 20, 23))
    assert duties(centre) == []
    net.clock.set(at(2023, 6, 21, 1))
    assert duties(centre) == [(Duty.FINISH, scene.COMMUNE)]
    incoming.complete(by="chuyen-vien")
    assert duties(centre) == []


def journal_of(office, event):
    with office.store.read() as transaction:
        lines = [json.loads(line.partition(" ")[2]) for line in transaction.journal_lines()]
    return [line["ids"] for line in lines if line["event"] == event]


def test_a_missed_deadline_leaves_its_line_once_and_for_ever(net):
    commune, centre, document = net.office(scene.COMMUNE), net.office("G22"), net.sample()
    commune.send(document, to=["G22"])
    commune.work()
    assert journal_of(commune, "deadline.missed") == []
    net.clock.advance(days=1)
    for _ in range(3):
        commune.work()
        net.clock.advance(hours=1)
    late = {"document_id": str(document.id), "unit": "G22", "code": "arrive"}
    assert [{name: ids[name] for name in late} for ids in journal_of(commune, "deadline.missed")] == [late]
    net.run_until_quiet()
    net.clock.advance(days=3)
    net.run_until_quiet()
    next(centre.inbox()).accept(by="van-thu")
    net.run_until_quiet()
    assert duties(commune) == []
    assert {one.duty for one in commune.trace(str(document.id)).missed} == {Duty.ARRIVE, Duty.ACCEPT}
    assert [ids["code"] for ids in journal_of(centre, "deadline.missed")] == ["accept"]


def test_every_event_of_the_norm_is_stated_by_somebody_or_refused_with_a_reason():
    assert len(EVENTS) == len({event.name for event in EVENTS}) == 19
    for event in EVENTS:
        assert event.stated_by.vi
        assert event.what or event.stated_by.en.startswith("Refused: ")
    told = {what: evidence_name(what) for what in ("sent", "dead", "01", "02", "03", "accept", "arrive", "06")}
    assert told == {
        "sent": "SubmissionAcceptance",
        "dead": "SubmissionRejection",
        "01": "ContentConsignment",
        "02": "ConsignmentRejection",
        "03": "ConsignmentAcceptance",
        "accept": "AcceptanceRejectionExpiry",
        "arrive": "ContentConsignmentFailure",
        "06": None,
    }


def test_both_books_are_read_and_searched_without_diacritics(net):
    document = net.sample()
    net.office(scene.COMMUNE).send(document, to=["G22"])
    net.run_until_quiet()
    next(net.office("G22").inbox()).accept(by="van-thu")
    (out,) = net.office(scene.COMMUNE).register("out", 2023)
    (into,) = net.office("G22").register("in", 2023, search="kenh muong H58.12.01")
    assert (out.ordinal, out.number, out.state) == (1, "01/UBND-VP", "issued")
    assert (into.ordinal, into.number, into.issuer) == (1, "01/UBND-VP", scene.COMMUNE)
    assert out.subject == into.subject == document.draft.subject
    assert net.office("G22").register("in", 2023, search="khong co gi") == ()
    assert net.office("G22").register("in", 2022) == ()


def test_a_voided_number_stays_with_its_reason_and_serves_nobody(net, monkeypatch):
    commune = net.office(scene.COMMUNE)
    path, layout = scene.write_letter(net.folder)
    approved = commune.approve(scene.draft(path, layout), by="director", draft_id="d2")

    def away(*_args, **_kwargs):
        raise SigningRefused(issuing.Text("a", "b"), hint=issuing.Text("c", "d"))

    with monkeypatch.context() as patch:
        patch.setattr(levels, "sign_to_level", away)
        with pytest.raises(SigningRefused):
            commune.issue(approved, seal="agency")
    with pytest.raises(UsageError):
        commune.void("d2", " ", by="van-thu-xa")
    assert commune.void("d2", "Lãnh đạo không ban hành", by="van-thu-xa") == 2
    line = commune.register("out", 2023)[-1]
    assert (line.ordinal, line.state, line.reason) == (2, "voided", "Lãnh đạo không ban hành")
    third = commune.issue(commune.approve(scene.draft(path, layout), by="director"), seal="agency")
    assert third.number.number == "03"
    with pytest.raises(StateError):
        commune.void("d2", "Lần nữa", by="van-thu-xa")
    with pytest.raises(StateError):
        commune.void(scene.DRAFT_ID, "Đã ban hành", by="van-thu-xa")
    with pytest.raises(StateError):
        commune.issue(approved, seal="agency")


def test_a_second_document_of_one_number_is_warned_of(net):
    commune, centre, document = net.office(scene.COMMUNE), net.office("G22"), net.sample()
    for attempt in (1, 2):
        commune.send(document, to=["G22"], attempt=attempt)
        net.run_until_quiet()
        net.clock.advance(minutes=1)
    with centre.store.read() as transaction:
        filed = transaction.documents.in_state("received")
    assert [one.metadata["duplicate_of"] is not None for one in filed] == [False, True]


def test_an_export_runs_nothing_on_the_clerks_machine():
    line = RegisterLine(
        book="in",
        year=2023,
        ordinal=1,
        state="issued",
        entered_at=at(2023, 6, 15, 8),
        document_id="@x",
        number="1/A",
        issued_on=None,
        kind=None,
        issuer="H58",
        subject='=HYPERLINK("http://evil.example")',
        signatory="+1",
    )
    (row,) = csv.DictReader(io.StringIO(to_csv([line]), newline=""))
    assert row["subject"] == '\'=HYPERLINK("http://evil.example")'
    assert (row["document_id"], row["signatory"], row["entered_at"]) == ("'@x", "'+1", "2023-06-15T08:00:00+07:00")
    assert "HYPERLINK" not in repr(line)
