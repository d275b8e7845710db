"""Acts that share a commit: each by itself, none left behind, none run by somebody else after it was refused."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from edocx.errors import Text, UsageError
from edocx.hub.database import HubStore


@pytest.fixture
def store(tmp_path, clock):
    with HubStore.open(tmp_path / "hub.db", clock=clock) as opened:
        with opened.begin("make") as connection:
            connection.execute(text("CREATE TABLE said (word TEXT)"))
        yield opened


def say(word):
    return lambda connection: connection.execute(text("INSERT INTO said VALUES (:word)"), {"word": word})


def words(store):
    with store.read() as connection:
        return sorted(connection.execute(text("SELECT word FROM said")).scalars())


def test_every_act_of_many_threads_is_on_disk_once_when_it_returns(store):
    missing = []

    def work(name):
        for number in range(20):
            store.write("say", say(f"{name}-{number}"))
            if f"{name}-{number}" not in words(store):
                missing.append((name, number))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not missing
    assert words(store) == sorted(f"{name}-{number}" for name in range(8) for number in range(20))


def test_a_refused_act_undoes_itself_alone(store):
    def refuse(connection):
        say("half")(connection)
        raise UsageError(Text("x", "x"), hint=Text("y", "y"), code="EDX-TEST")

    begun, go = threading.Event(), threading.Event()

    def slow(connection):
        begun.set()
        assert go.wait(60)
        say("slow")(connection)

    failures = []

    def refused():
        with pytest.raises(UsageError):
            store.write("refuse", refuse)
        failures.append(True)

    acts = [threading.Thread(target=store.write, args=("slow", slow)), threading.Thread(target=refused)]
    acts += [threading.Thread(target=store.write, args=("say", say(str(n)))) for n in range(5)]
    acts[0].start()
    assert begun.wait(60)
    for act in acts[1:]:
        act.start()
    go.set()
    for act in acts:
        act.join(60)
    assert failures == [True]
    assert words(store) == ["0", "1", "2", "3", "4", "slow"]


def test_an_act_inside_a_transaction_is_refused_and_never_done_later(store):
    with store.begin("outer"), pytest.raises(UsageError, match="EDX-STORE-NESTED"):
        store.write("inner", say("inner"))
    store.write("after", say("after"))
    assert words(store) == ["after"]
