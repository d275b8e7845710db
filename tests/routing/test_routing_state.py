"""The delivery's state: a function of the set of events, and nobody speaks for another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx.errors import LimitExceeded, StateError
from edocx.routing import state as state_module
from edocx.routing.state import (
    Basis,
    Delivery,
    EffectKind,
    Moved,
    Speaker,
    Statement,
    advance,
    require_consistent,
)
from edocx.routing.transitions import CHANGE, HANDLING, ISSUER_CODES, PASSAGE, Change, Handling, Passage

START = datetime(2023, 6, 15, 1, 0, tzinfo=UTC)
ISSUER, RECIPIENT, STRANGER = "H58.12.01", "G22", "H41"
BLANK = Delivery("D1", ISSUER, RECIPIENT)


def said(code, *, by=None, minutes=0, basis=Basis.SEAL, voice_of=None, description=None):
    speaker = by or (ISSUER if code in ISSUER_CODES else RECIPIENT)
    at = START + timedelta(minutes=minutes)
    return Statement(code, Speaker(speaker, voice_of or speaker, basis), at, description, at)


def after(*events):
    delivery = BLANK
    for event in events:
        delivery, _ = advance(delivery, event)
    return delivery.shown


codes = st.sampled_from(
    ["01", "02", "03", "04", "05", "06", "13", "15", "16", "withdraw", "update", "replace", "07", "99"]
)
statements = st.builds(
    lambda code, unit, basis, minutes, text: Statement(
        code, Speaker(unit, unit, basis), START + timedelta(minutes=minutes), text, START
    ),
    codes,
    st.sampled_from([ISSUER, RECIPIENT, STRANGER]),
    st.sampled_from(Basis),
    st.integers(0, 5),
    st.sampled_from([None, "", "lý do"]),
)
moves = st.builds(
    lambda passage, minutes, attempt, reason: Moved(passage, START + timedelta(minutes=minutes), attempt, reason),
    st.sampled_from(Passage),
    st.integers(0, 3),
    st.integers(1, 2),
    st.sampled_from([None, "EDX-TRANSPORT"]),
)
event_lists = st.lists(st.one_of(statements, moves), max_size=14)


@given(event_lists, st.randoms(use_true_random=False))
def test_shown_state_is_a_function_of_the_set_of_events(events, random: Random):
    shuffled = [*events, *events[: len(events) // 2]]
    random.shuffle(shuffled)
    assert after(*events) == after(*shuffled)


@given(event_lists)
def test_a_repeat_changes_nothing_and_says_so(events):
    delivery = BLANK
    for event in events:
        delivery, _ = advance(delivery, event)
    for event in events:
        again, effects = advance(delivery, event)
        assert again is delivery
        assert [effect.kind for effect in effects] == [EffectKind.REPEATED]


@given(event_lists)
def test_no_event_is_dropped(events):
    delivery = BLANK
    for event in events:
        delivery, _ = advance(delivery, event)
    assert delivery.events == frozenset(events)


@given(event_lists, statements)
def test_a_claim_that_is_foreign_changes_no_region(events, claim):
    foreign = Statement(claim.code, Speaker(STRANGER, STRANGER, Basis.SEAL), claim.claimed_at, "x", START)
    before, now = after(*events), after(*events, foreign)
    assert foreign in now.foreign
    assert (now.passage, now.handling, now.change, now.contradictions) == (
        before.passage,
        before.handling,
        before.change,
        before.contradictions,
    )


def test_a_repeat_that_arrives_later_is_still_a_repeat():
    first = said("03")
    repeat = Statement(first.code, first.speaker, first.claimed_at, first.description, START + timedelta(days=1))
    delivery, _ = advance(BLANK, first)
    _, effects = advance(delivery, repeat)
    assert effects[0].kind is EffectKind.REPEATED


@pytest.mark.parametrize("code", ["01", "02", "03", "04", "05", "06", "15", "16"])
def test_a_status_counts_only_from_the_recipient(code):
    for speaker in (STRANGER, ISSUER):
        shown = after(said("13", minutes=-1), said(code, by=speaker))
        assert shown.handling is Handling.NONE
        assert shown.change is Change.ASKED
        assert [claim.code for claim in shown.foreign] == [code]


@pytest.mark.parametrize("code", ISSUER_CODES)
def test_a_change_counts_only_from_the_issuer(code):
    for speaker in (STRANGER, RECIPIENT):
        shown = after(said(code, by=speaker))
        assert shown.change is Change.NONE
        assert [claim.code for claim in shown.foreign] == [code]


def test_a_statement_nobody_vouches_for_has_no_effect():
    assert after(said("03", basis=Basis.NOTHING)).handling is Handling.NONE


def test_a_successor_speaks_for_its_predecessor():
    assert after(said("03", by="G22.NEW", voice_of=RECIPIENT)).handling is Handling.ACCEPTED


def test_an_unknown_code_is_kept_and_moves_nothing():
    shown = after(said("07"))
    assert [statement.code for statement in shown.unknown] == ["07"]
    assert (shown.handling, shown.change) == (Handling.NONE, Change.NONE)


def test_a_refusal_after_acceptance_is_a_return():
    assert after(said("01"), said("02", minutes=1)).handling is Handling.REJECTED
    for code in ("03", "04", "05"):
        shown = after(said(code), said("02", minutes=1))
        assert shown.handling is Handling.RETURNED
        assert shown.contradictions == ()


def test_acceptance_after_refusal_is_shown_as_a_contradiction():
    shown = after(said("02"), said("03", minutes=1))
    assert [found.code for found in shown.contradictions] == ["EDX-STATE-TAKEN-AFTER-REFUSAL"]
    assert shown.handling is Handling.ACCEPTED


def test_a_machine_s_late_arrival_notice_does_not_contradict_a_refusal():
    shown = after(said("02"), said("01", minutes=1))
    assert (shown.handling, shown.contradictions) == (Handling.REJECTED, ())


def test_steps_may_be_left_out_and_never_run_backwards():
    assert after(said("06")).handling is Handling.COMPLETED
    assert after(said("06"), said("04", minutes=1)).handling is Handling.COMPLETED


def test_any_word_of_the_recipient_proves_arrival():
    assert after(Moved(Passage.SENT, START), said("03")).passage is Passage.ARRIVED
    assert after(Moved(Passage.SENT, START), said("03", by=STRANGER)).passage is Passage.SENT


def test_arrival_after_giving_up_is_shown():
    shown = after(Moved(Passage.DEAD, START, reason="EDX-TRANSPORT"), said("01"))
    assert shown.passage is Passage.ARRIVED
    assert [found.code for found in shown.contradictions] == ["EDX-STATE-ARRIVED-AFTER-GIVING-UP"]


def test_a_dead_letter_queued_anew_is_queued():
    shown = after(Moved(Passage.DEAD, START, 1, "EDX-TRANSPORT"), Moved(Passage.QUEUED, START, 2))
    assert (shown.passage, shown.reason) == (Passage.QUEUED, None)


@pytest.mark.parametrize("answer, change", [("15", Change.AGREED), ("16", Change.REFUSED)])
def test_a_change_is_answered_beside_the_handling(answer, change):
    shown = after(said("03"), said("update", minutes=1), said(answer, minutes=2))
    assert (shown.handling, shown.change, shown.asked) == (Handling.ACCEPTED, change, "update")


def test_an_answer_stamped_before_its_request_still_answers_it():
    shown = after(said("13", minutes=5), said("15", minutes=4))
    assert shown.change is Change.AGREED
    assert "EDX-STATE-CLOCKS-DIFFER" in shown.notes


def test_an_answer_without_a_request_is_shown():
    assert [found.code for found in after(said("15")).contradictions] == ["EDX-STATE-ANSWER-WITHOUT-REQUEST"]


@pytest.mark.parametrize("code, change", [("03", Change.AGREED), ("02", Change.REFUSED)])
def test_with_a_recall_pending_02_and_03_are_read_in_its_context(code, change):
    shown = after(said("03"), said("13", minutes=1), said(code, minutes=2))
    assert (shown.handling, shown.change) == (Handling.ACCEPTED, change)
    assert "EDX-STATE-READ-IN-CONTEXT" in shown.notes


def test_a_recall_before_acceptance_leaves_02_and_03_their_own_meaning():
    shown = after(said("01"), said("13", minutes=1), said("02", minutes=2))
    assert (shown.handling, shown.change) == (Handling.REJECTED, Change.ASKED)


def test_our_own_office_does_not_contradict_itself():
    accepted, _ = advance(BLANK, said("03"))
    require_consistent(accepted, said("06", minutes=1))
    with pytest.raises(StateError, match="EDX-STATE-STEP"):
        require_consistent(accepted, said("03", minutes=1))
    rejected, _ = advance(BLANK, said("02"))
    with pytest.raises(StateError):
        require_consistent(rejected, said("03", minutes=1))


def test_a_flood_of_statuses_is_bounded(monkeypatch):
    monkeypatch.setattr(state_module, "MAX_EVENTS", 3)
    full = BLANK
    for minute in range(3):
        full, _ = advance(full, said("05", minutes=minute))
    with pytest.raises(LimitExceeded):
        advance(full, said("05", minutes=4))


def test_the_tables_are_total():
    assert set(HANDLING) == {(state, code) for state in Handling for code in ("01", "02", "03", "04", "05", "06")}
    assert set(CHANGE) == {(state, code) for state in Change for code in (*ISSUER_CODES, "15", "16")}
    assert set(PASSAGE) == {(state, heard) for state in Passage for heard in Passage}
