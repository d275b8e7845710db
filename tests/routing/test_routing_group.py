"""Group commit: threads that write at once share a sync, and each is told the truth about its own step."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edocx.errors import StoreUnavailable, UsageError
from edocx.routing.store import group

PATIENCE = 60
BOOK = ("H58", "di", 2023)

_THIRTY_TWO = """
import sys, threading
from pathlib import Path
from edocx.routing.database import Store
from edocx.routing.store import group

group.LONGEST = 60.0
store = Store.open(Path(sys.argv[1]))
ready = threading.Barrier(33)

def send(who):
    ready.wait()
    with store.begin("send") as tx:
        tx.register.reserve("H58", "di", 2023, f"d{who}")

threads = [threading.Thread(target=send, args=(who,)) for who in range(32)]
for thread in threads:
    thread.start()
with store.begin("first") as tx:
    ready.wait()
    while store._writers._gate._waiting < 32:
        pass
    Path(sys.argv[1] + ".marked").touch()
for thread in threads:
    thread.join()
Path(sys.argv[1] + ".done").touch()
"""


def together(store, *steps):
    """Run steps so that all of them wait while the first one writes; return what each raised."""
    raised = [None] * len(steps)
    entered = threading.Event()

    def run(number):
        try:
            with store.begin(f"s{number}") as tx:
                if number == 0:
                    entered.set()
                    wait_until(lambda: store._writers._gate._waiting >= len(steps) - 1)
                steps[number](tx)
        except BaseException as error:  # noqa: BLE001 - returned to the test
            raised[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(steps))]
    threads[0].start()
    assert entered.wait(PATIENCE)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    return raised


def wait_until(fact):
    for _ in range(PATIENCE * 1000):
        if fact():
            return
        threading.Event().wait(0.001)
    pytest.fail("what was waited for did not happen")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    # On a busy machine fifty milliseconds pass between two threads; what is tested is the sharing.
    monkeypatch.setattr(group, "LONGEST", 60.0)


@pytest.fixture
def commits(store, monkeypatch):
    counted = []
    end = store._writers._end

    def counting(of):
        counted.append(of.steps)
        end(of)

    monkeypatch.setattr(store._writers, "_end", counting)
    return counted


def reserve(document):
    return lambda tx: tx.register.reserve(*BOOK, document)


def numbers_of(store):
    with store.read() as tx:
        tx.verify_journal().require()
        return {entry.document: entry.number for entry in tx.register.entries(*BOOK)}


def test_those_who_wait_share_one_commit(store, commits):
    assert together(store, *[reserve(f"d{n}") for n in range(12)]) == [None] * 12
    assert commits == [12]
    assert sorted(numbers_of(store).values()) == list(range(1, 13))


def test_one_alone_commits_at_once(store, commits):
    for number in range(3):
        with store.begin() as tx:
            reserve(f"d{number}")(tx)
    assert commits == [1, 1, 1]


def test_nobody_returns_before_its_own_commit(store, monkeypatch):
    """Each thread looks with a reader's eyes, which see only what is committed, the moment its step returns."""
    seen = {}

    def send(who):
        with store.begin() as tx:
            tx.register.reserve(*BOOK, f"d{who}")
        with store.read() as tx:
            seen[who] = tx.register.held_by(*BOOK, f"d{who}") is not None

    threads = [threading.Thread(target=send, args=(who,)) for who in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert seen == dict.fromkeys(range(16), True)


@pytest.mark.parametrize("bad", [0, 3, 7])
def test_the_failure_of_one_undoes_only_its_own(store, bad):
    def fail(tx):
        tx.register.reserve(*BOOK, "lost")
        tx.journal("document.lost", document="lost")
        raise ZeroDivisionError

    steps = [fail if n == bad else reserve(f"d{n}") for n in range(8)]
    raised = together(store, *steps)
    assert isinstance(raised[bad], ZeroDivisionError)
    assert [error for n, error in enumerate(raised) if n != bad] == [None] * 7
    numbers = numbers_of(store)
    assert sorted(numbers) == sorted(f"d{n}" for n in range(8) if n != bad)
    assert sorted(numbers.values()) == list(range(1, 8))


def test_a_transaction_the_database_undid_is_lost_to_all_who_shared_it_and_they_hear_of_it(store):
    def undone(tx):
        tx.connection.connection.driver_connection.execute("ROLLBACK")

    raised = together(store, reserve("d0"), undone)
    assert [type(error) for error in raised] == [StoreUnavailable] * 2
    assert numbers_of(store) == {}
    with store.begin() as tx:
        assert tx.register.reserve(*BOOK, "d0").number == 1


def test_a_step_whose_heir_went_away_commits_by_itself(store, monkeypatch):
    monkeypatch.setattr(group, "PATIENCE", 0.01)
    monkeypatch.setattr(type(store._writers._gate), "others_wait", property(lambda _: True))
    with store.begin() as tx:
        reserve("d0")(tx)
    assert numbers_of(store) == {"d0": 1}


def test_a_stream_of_writers_does_not_keep_the_first_waiting(store, commits, monkeypatch):
    monkeypatch.setattr(group, "MOST", 4)
    together(store, *[reserve(f"d{n}") for n in range(10)])
    assert max(commits) == 4
    assert sum(commits) == 10


def test_nesting_is_refused_while_others_share(store):
    def nested(_):
        with store.begin():
            pytest.fail("unreachable")

    raised = together(store, reserve("d0"), nested, reserve("d2"))
    assert isinstance(raised[1], UsageError)
    assert sorted(numbers_of(store)) == ["d0", "d2"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace counts the syncs; it is not installed")
def test_thirty_two_threads_share_a_handful_of_syncs(tmp_path):
    place, log = tmp_path / "office.db", tmp_path / "log"
    command = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,openat,open", "-o", str(log)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, sys.executable, "-c", _THIRTY_TWO, str(place)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if "ptrace" in done.stderr:
        pytest.skip("this machine does not allow strace")
    assert done.returncode == 0, done.stderr
    lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
    begun = next(n for n, line in enumerate(lines) if ".marked" in line)
    ended = next(n for n, line in enumerate(lines) if ".done" in line)
    syncs = [line for line in lines[begun:ended] if re.search(r"\bf(data)?sync\(", line)]
    # Thirty-three steps by themselves would be thirty-three.
    assert 1 <= len(syncs) <= 3, len(syncs)
