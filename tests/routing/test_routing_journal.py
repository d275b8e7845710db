"""The journal: one chain, broken nowhere, naming the line where somebody touched it."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from edocx.errors import StoreUnavailable, UsageError
from edocx.routing.journal import GENESIS, Head, canonical, digest, parse_line, verify


def chain(count):
    lines, previous = [], GENESIS
    for seq in range(1, count + 1):
        text = canonical({"at": "x", "event": "e", "ids": {"number": seq}, "previous": previous, "seq": seq})
        previous = digest(text)
        lines.append(f"{previous} {text}")
    return lines


def check(lines, *known):
    return verify((parse_line(line) for line in lines), known=known)


@given(st.integers(1, 12), st.data())
def test_any_changed_byte_names_its_line(count, data):
    lines = chain(count)
    where = data.draw(st.integers(0, count - 1))
    line = lines[where]
    at = data.draw(st.integers(0, len(line) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda c: c != line[at] and c not in "\r\n"))
    lines[where] = line[:at] + letter + line[at + 1 :]
    report = check(lines)
    assert report.fault is not None
    assert report.fault.seq == where + 1
    assert report.head.seq == where


@given(st.integers(2, 10), st.data())
def test_a_missing_or_moved_line_breaks_the_chain(count, data):
    lines = chain(count)
    where = data.draw(st.integers(0, count - 2))
    without = lines[:where] + lines[where + 1 :]
    assert check(without).fault.seq == where + 1
    lines[where], lines[where + 1] = lines[where + 1], lines[where]
    assert check(lines).fault.seq == where + 1


def test_a_cut_off_end_is_found_by_whoever_knows_a_head():
    lines = chain(5)
    head = check(lines).require()
    assert head.seq == 5
    assert check(lines[:3]).fault is None
    assert check(lines[:3], head).fault.code == "EDX-JOURNAL-CUT"


def test_a_rewritten_chain_is_found_by_whoever_knows_a_head():
    head = Head(2, hashlib.sha256(b"another").hexdigest())
    assert check(chain(5), head).fault.code == "EDX-JOURNAL-REWRITTEN"


def test_an_empty_journal_is_whole():
    assert check([]).require() == Head(0, GENESIS)


def test_a_broken_chain_is_an_error_for_whoever_requires_it():
    with pytest.raises(StoreUnavailable, match="EDX-JOURNAL-BROKEN"):
        check(chain(3)[1:]).require()


def test_exported_lines_verify_with_sha256_alone(store):
    with store.begin() as tx:
        tx.journal("document.approved", document="d1", by="van-thu")
        tx.journal("document.issued", document="d1")
    with store.read() as tx:
        lines = tx.journal_lines()
    previous = GENESIS
    for line in lines:
        found, text = line.split(" ", 1)
        assert hashlib.sha256(text.encode()).hexdigest() == found
        assert json.loads(text)["previous"] == previous
        previous = found
    assert check(lines).require() == Head(2, previous)


def test_state_and_its_journal_line_are_one_transaction(store):
    def fail():
        with store.begin() as tx:
            tx.journal("document.approved", document="d1")
            tx.documents.put("d1", state="approved", metadata={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as tx:
        assert tx.journal_lines() == ()
        assert tx.documents.find("d1") is None


def test_a_line_holds_ids_only(store):
    with store.begin() as tx:
        with pytest.raises(UsageError, match="subject"):
            tx.journal("document.issued", subject="Về việc bổ nhiệm")
        with pytest.raises(UsageError):
            tx.journal("document.issued", document="d" * 500)


def test_a_line_changed_in_the_file_is_named(sqlite_store, tmp_path):
    with sqlite_store.begin() as tx:
        for number in range(5):
            tx.journal("number.issued", number=number)
    engine = create_engine(f"sqlite:///{tmp_path / 'office.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE journal SET line = replace(line, '\"number\":2', '\"number\":9')")
    engine.dispose()
    with sqlite_store.read() as tx:
        report = tx.verify_journal()
    assert report.fault is not None
    assert (report.fault.seq, report.fault.code) == (3, "EDX-JOURNAL-CHANGED")
