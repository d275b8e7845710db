"""The registers: a number serves one document, in order, whoever takes it and whatever crashes."""

from __future__ import annotations

import threading

import pytest

from edocx.errors import StateError
from edocx.routing.database import Store
from edocx.routing.register import NumberState

BOOK = ("H58.12.01", "di/QĐ-UBND", 2023)


def test_numbers_run_from_one_without_gaps(store):
    with store.begin() as tx:
        assert [tx.register.reserve(*BOOK, f"d{n}").number for n in range(5)] == [1, 2, 3, 4, 5]


def test_each_unit_series_and_year_counts_for_itself(store):
    with store.begin() as tx:
        books = [BOOK, ("H58", *BOOK[1:]), (BOOK[0], "den", 2023), (*BOOK[:2], 2024)]
        assert [tx.register.reserve(*book, "d1").number for book in books] == [1, 1, 1, 1]


def test_a_document_keeps_its_reservation(store):
    with store.begin() as tx:
        first = tx.register.reserve(*BOOK, "d1")
    with store.begin() as tx:
        assert tx.register.reserve(*BOOK, "d1") == first
        tx.register.issue(first)
        assert tx.register.reserve(*BOOK, "d1").number == 1


def test_a_voided_number_stays_with_its_reason_and_serves_nobody(store, clock):
    with store.begin() as tx:
        entry = tx.register.reserve(*BOOK, "d1")
        clock.advance(minutes=1)
    with store.begin() as tx:
        tx.register.void(entry, "Ký nhầm")
        assert tx.register.reserve(*BOOK, "d1").number == 2
        assert tx.register.reserve(*BOOK, "d2").number == 3
        first = tx.register.entries(*BOOK)[0]
    assert (first.number, first.state, first.reason) == (1, NumberState.VOIDED, "Ký nhầm")


def test_voiding_needs_a_reason(store):
    with store.begin() as tx, pytest.raises(StateError):
        tx.register.void(tx.register.reserve(*BOOK, "d1"), " ")


def test_an_issued_number_cannot_be_voided(store):
    with store.begin() as tx:
        entry = tx.register.issue(tx.register.reserve(*BOOK, "d1"))
        assert tx.register.issue(entry).state is NumberState.ISSUED
        with pytest.raises(StateError, match="EDX-REGISTER-STATE"):
            tx.register.void(entry, "Ký nhầm")


def test_a_voided_number_cannot_be_issued(store):
    with store.begin() as tx:
        entry = tx.register.void(tx.register.reserve(*BOOK, "d1"), "Ký nhầm")
        with pytest.raises(StateError):
            tx.register.issue(entry)


def test_a_rolled_back_reservation_is_given_out_again(store):
    def fail():
        with store.begin() as tx:
            tx.register.reserve(*BOOK, "d1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.begin() as tx:
        assert tx.register.reserve(*BOOK, "d2").number == 1


def test_a_book_goes_on_from_paper_and_never_backwards(store):
    with store.begin() as tx:
        tx.register.start_at(*BOOK, 120)
        assert tx.register.reserve(*BOOK, "d1").number == 120
        with pytest.raises(StateError, match="EDX-REGISTER-BACKWARDS"):
            tx.register.start_at(*BOOK, 120)
        tx.register.start_at(*BOOK, 200)
        assert tx.register.reserve(*BOOK, "d2").number == 200


def test_concurrent_openers_never_take_one_number_twice(tmp_path, clock):
    """Each thread opens the store by itself, as a process would: nothing in memory keeps them apart."""
    place = tmp_path / "office.db"
    Store.open(place, clock=clock).close()
    taken: list[int] = []
    failures: list[BaseException] = []

    def take(who: int) -> None:
        try:
            with Store.open(place, clock=clock) as store:
                for count in range(15):
                    with store.begin() as tx:
                        number = tx.register.reserve(*BOOK, f"d{who}-{count}").number
                    taken.append(number)
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=take, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(taken) == list(range(1, 61))
