"""PostgreSQL under a hub: what the contract on both databases does not say of it."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from hub_scene import PATIENCE, SECRETS, A, B, C, OfficialClient, document, enrol, open_hub, serving

from edocx.errors import KeyFileError, StoreUnavailable, UsageError
from edocx.hub import HubConfig, NewAgency, app
from edocx.hub.payload_pieces import PIECE


@pytest.fixture
def server(postgres):
    with postgres.fresh() as url:
        yield url


@pytest.fixture
def nodes(server, tmp_path, clock):
    """Two nodes of one hub: each has its own folder, and the one key file that is copied."""
    with ExitStack() as stack:
        first = open_hub(tmp_path / "one", clock=clock, server=server)
        key = first.service.config.key_path
        second = app(HubConfig(database=tmp_path / "two" / "hub.db", key=key, server=server), clock=clock)
        for hub in (first, second):
            stack.callback(hub.service.close)
        yield [stack.enter_context(serving(hub)) for hub in (first, second)]


def test_what_one_node_takes_another_gives_out(nodes):
    first, second = (OfficialClient(node, code, SECRETS[code]) for node, code in zip(nodes, (A, B), strict=True))
    edxml = document(content=bytes(range(256)) * 20_000)
    assert len(edxml) > 5 * PIECE
    doc_id = first.send(edxml).json()["DocId"]
    assert second.call("downloadEdoc", None, method="GET", docId=doc_id).body == edxml
    second.call("updateStatus", b"{}", docId=doc_id, status="done")
    (row,) = first.call("getSentEdocList", servicetype="eDoc", messagetype="edoc").json()["data"]
    assert row["receiveStatus"] == "done"


def test_one_message_sent_to_all_nodes_at_once_is_one_message(nodes):
    def send(number: int) -> str:
        client = OfficialClient(nodes[number % 2], A, SECRETS[A])
        return client.send(document(number=str(number // 4))).json()["DocId"]

    with ThreadPoolExecutor(8) as pool:
        doc_ids = list(pool.map(send, range(40)))
    assert len(set(doc_ids)) == 10
    assert "" not in doc_ids
    assert len(OfficialClient(nodes[1], B, SECRETS[B]).waiting()) == 10


def test_a_limit_of_calls_holds_for_all_nodes_together(nodes, server, tmp_path, clock):

    hub = app(
        HubConfig(database=tmp_path / "three" / "hub.db", key=tmp_path / "one" / "hub.db.key", server=server),
        clock=clock,
    )
    enrol(hub, NewAgency(C, "Sở", per_minute=45))
    hub.service.close()

    def codes(calls):
        clients = [OfficialClient(node, C, SECRETS[C]) for node in nodes]
        replies = [clients[number % 2].call("countReceiveEdoc").json() for number in range(calls)]
        return [reply.get("EdxCode", "ok") for reply in replies]

    found = codes(60)
    # A node may hold what is left of its part, of two calls here, while the other one is refused.
    assert 43 <= found.count("ok") <= 45
    assert found.count("EDX-HUB-RATE") == 60 - found.count("ok")
    clock.advance(minutes=1)
    assert set(codes(10)) == {"ok"}


def test_calls_beyond_a_limit_cost_no_commits(tmp_path, clock, monkeypatch):
    hub = open_hub(tmp_path, clock=clock)
    enrol(hub, NewAgency(C, "Sở", per_minute=3))
    commits, write = [], hub.service.store.write
    monkeypatch.setattr(type(hub.service.store), "write", lambda _, *told: (commits.append(told[0]), write(*told))[1])
    with serving(hub) as address:
        client = OfficialClient(address, C, SECRETS[C])
        codes = [client.call("countReceiveEdoc").json().get("EdxCode", "ok") for _ in range(20)]
    assert codes == ["ok"] * 3 + ["EDX-HUB-RATE"] * 17
    assert commits == ["rate"] * 3
    hub.service.close()


def test_a_node_with_another_key_does_not_make_one(nodes, server, tmp_path, clock):
    with pytest.raises(KeyFileError, match="EDX-HUB-KEY"):
        app(HubConfig(database=tmp_path / "three" / "hub.db", server=server), clock=clock)
    assert not (tmp_path / "three" / "hub.db.key").exists()


def test_all_nodes_sign_relay_statements_with_one_key(server, tmp_path, clock):
    made = open_hub(tmp_path / "one", clock=clock, server=server, unit="H58")
    key = made.service.config.key_path
    other = app(HubConfig(database=tmp_path / "two" / "hub.db", key=key, server=server, unit="H58"), clock=clock)
    keys = {hub.service.relay_book.public_key.public_bytes_raw() for hub in (made, other)}
    for hub in (made, other):
        hub.service.close()
    assert len(keys) == 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sends", [80, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_server_killed_under_load_loses_nothing_and_doubles_nothing(postgres, nodes, sends):
    answered = sent_while_killed(postgres, nodes, sends)
    assert len(set(answered.values())) == sends
    listed = [row["docId"] for row in OfficialClient(nodes[0], B, SECRETS[B]).waiting()]
    assert sorted(listed) == sorted(answered.values())


def sent_while_killed(postgres, nodes, sends) -> dict[int, str]:
    """Send from four clients while the server dies three times; return the docId that each message got."""
    answered: dict[int, str] = {}
    done = threading.Semaphore(0)
    numbers = iter(range(sends))
    lock = threading.Lock()

    def work(node) -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            while number not in answered:
                reply = OfficialClient(node, A, SECRETS[A]).send(document(number=str(number))).json()
                # Whatever happened behind it, the client gets its triple, and tries again.
                if reply["status"] == "OK":
                    answered[number] = reply["DocId"]
            done.release()

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work, nodes[number % 2]) for number in range(4)]
        for _ in range(3):
            for _ in range(sends // 6):
                assert done.acquire(timeout=PATIENCE)
            postgres.restart()
        for one in working:
            one.result()
    return answered


def test_letters_that_the_server_does_not_take_harm_nobody(nodes):
    client = OfficialClient(nodes[0], A, SECRETS[A])
    wish = {"code": "H58.12.01.02", "name": "Thôn \u0000 \ud800" + "x" * 900, "pcode": A, "mobile": "0" * 300}
    assert client.call("registerAgency", json.dumps(wish).encode()).json()["status"] == "OK"
    for doc_id in ("x" * 5000, "a b", "%00"):
        assert client.call("getEdoc", b"{}", docId=doc_id).json()["EdxCode"] == "EDX-HUB-UNKNOWN"
    assert client.call("getSentEdocList", messagetype="edoc", docId="x" * 500).json()["data"] == []


def test_a_database_of_somebody_else_is_refused(postgres, server, tmp_path, clock):
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE TABLE khach (id integer)")
    with pytest.raises(StoreUnavailable, match="EDX-HUB-VERSION"):
        app(HubConfig(database=tmp_path / "hub.db", server=server), clock=clock)


def test_a_server_that_is_away_is_named_without_its_password(tmp_path, clock):
    url = f"postgresql://nobody:bimat@/hub?host={tmp_path}"
    settings = HubConfig.model_validate({"database": url})
    assert "bimat" not in repr(settings)
    with pytest.raises(StoreUnavailable, match="EDX-STORE-AWAY") as found:
        app(settings.relative_to(tmp_path), clock=clock)
    assert found.value.retryable
    assert "bimat" not in f"{found.value}{found.value.where}"


def test_an_address_that_cannot_be_read_is_a_mistake_of_use(tmp_path, clock):
    with pytest.raises(UsageError, match="EDX-STORE-URL"):
        app(HubConfig(database=tmp_path / "hub.db", server="postgresql://x:y:z"), clock=clock)


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path, clock):
    import sqlite3

    from edocx.hub import schema

    hub = open_hub(tmp_path, clock=clock)
    with serving(hub) as address:
        OfficialClient(address, A, SECRETS[A]).send(document(to=(B, C)))
    hub.service.close()
    added = {
        "verdicts",
        "relay_keys",
        "neighbours",
        "own_secrets",
        "payload_pieces",
        "hub_schema",
        "heads",
        "call_rates",
        "promises",
    }
    with sqlite3.connect(tmp_path / "hub.db") as old:
        for name in added:
            old.execute(f"DROP TABLE {name}")
        for name in ("takes_bytes", "takes_types", "seal"):
            old.execute(f"ALTER TABLE agencies DROP COLUMN {name}")
        old.execute("PRAGMA user_version = 1")
    old.close()
    again = app(HubConfig(database=tmp_path / "hub.db"), clock=clock)
    with serving(again) as address:
        assert len(OfficialClient(address, C, SECRETS[C]).waiting()) == 1
        assert OfficialClient(address, A, SECRETS[A]).send(document(number="8")).json()["status"] == "OK"
    with again.service.store.read() as connection:
        assert connection.execute(schema.hub_schema.select()).one() == (schema.VERSION, schema.OLDEST)
    again.service.close()


def test_a_newer_database_that_still_takes_this_code_is_used_and_one_that_does_not_is_refused(tmp_path, clock):
    from edocx.hub import schema

    hub = open_hub(tmp_path, clock=clock)
    for oldest, taken in ((schema.VERSION, True), (schema.VERSION + 1, False)):
        with hub.service.store.begin("newer") as connection:
            connection.execute(schema.hub_schema.update().values(version=schema.VERSION + 1, oldest=oldest))
        if taken:
            app(hub.service.config, clock=clock).service.close()
        else:
            with pytest.raises(StoreUnavailable, match="EDX-HUB-VERSION"):
                app(hub.service.config, clock=clock)
    hub.service.close()
