"""The server around the operations: broken HTTP, silence, limits, health, mounting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hub_scene import PATIENCE, SECRETS, A, B, OfficialClient, document, exchange, open_hub, serving
from starlette.applications import Starlette
from starlette.routing import Mount

from edocx.errors import UsageError
from edocx.hub.configuration import HubConfig, Peer
from edocx.hub.server import server


@pytest.mark.parametrize(
    "data", [b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_what_is_no_http_is_answered_with_the_triple(address, data):
    reply = exchange(address, data + b"\r\n\r\n")
    assert (reply.status, reply.json()["status"]) == (400, "FAIL")


def test_a_head_beyond_the_limit_is_answered_with_the_triple(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock, max_header_bytes=16 * 1024)
    with serving(hub) as address:
        reply = exchange(address, b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000)
        assert reply.json()["status"] == "FAIL"
    hub.service.close()


def test_connections_that_say_nothing_are_closed_and_keep_nobody_out(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock, connections=20, head_seconds=1)
    with serving(hub) as address:
        silent = [socket.create_connection(address) for _ in range(60)]
        half = socket.create_connection(address)
        half.sendall(b"POST /sendEdoc HTTP/1.1\r\nX-Half:")
        client = OfficialClient(address, A, SECRETS[A])
        assert client.send(document()).json()["status"] == "OK"
        for line in (*silent, half):
            with line:
                line.settimeout(PATIENCE)
                assert closed_by_peer(line)
    hub.service.close()


def closed_by_peer(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_body_that_stops_coming_is_given_up(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock, body_seconds=0.2)
    with serving(hub) as address:
        client = OfficialClient(address, A, SECRETS[A])
        caught = []
        client.raw = lambda request, lines, body: caught.append((request, lines))
        client.send(document())
        ((request, lines),) = caught
        head = [request.encode(), b"Host: x", *(name.encode() + b": " + value for name, value in lines)]
        with socket.create_connection(address, timeout=PATIENCE) as line:
            line.sendall(b"\r\n".join([*head, b"Content-Length: 9999"]) + b"\r\n\r\nhalf")
            answer = b""
            while piece := line.recv(1 << 16):
                answer += piece
        said, _, told = answer.partition(b"\r\n\r\n")
        assert json.loads(told)["EdxCode"] == "EDX-HUB-SLOW"
        assert said.lower().count(b"connection: close") == 1
    hub.service.close()


def test_many_send_at_once_and_nothing_is_lost_or_twice(client):
    with ThreadPoolExecutor(16) as pool:
        numbers = [str(number) for number in range(40) for _ in range(2)]
        replies = list(pool.map(lambda number: client(A).send(document(number=number)).json(), numbers))
    assert all(reply["status"] == "OK" for reply in replies)
    assert len({reply["DocId"] for reply in replies}) == 40
    assert len(client(B).waiting()) == 40


def test_health_readiness_and_metrics_answer(client, address):
    client(A).send(document())
    client(A, secret="sai").call("getReceivedEdocList", messagetype="edoc")
    for path in ("healthz", "readyz"):
        reply = exchange(address, f"GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert (reply.status, reply.json()["status"]) == (200, "OK")
    page = exchange(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").body.decode()
    assert f'edocx_hub_requests_total{{operation="sendEdoc",outcome="ok",agency="{A}"}} 1' in page
    assert 'outcome="EDX-HUB-SIGNATURE",agency=""' in page
    assert "edocx_hub_copies_initial 1" in page
    assert 'edocx_hub_request_seconds_count{operation="sendEdoc"} 1' in page
    assert "nạo vét" not in page


def asgi(app, path="/healthz", *, client=("127.0.0.1", 5), scheme="http", root=""):
    """Call an application without a socket; return the status and the body."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": root + path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [], "scheme": scheme,
        "client": client, "server": ("x", 80),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("path", ["/getAgenciesList", "/downloadEdoc", "/metrics", "/nothing"])
def test_plain_http_from_another_machine_is_refused_unless_switched_on(tmp_path, clock, path):
    hub = open_hub(tmp_path, clock=clock)
    status, body = asgi(hub, path, client=("10.1.2.3", 5))
    assert (status, json.loads(body)["EdxCode"]) == (403, "EDX-HUB-PLAIN-HTTP")
    assert json.loads(asgi(hub, path, client=("10.1.2.3", 5), scheme="https")[1])["EdxCode"] != "EDX-HUB-PLAIN-HTTP"
    hub.service.close()
    allowed = open_hub(tmp_path, clock=clock, plain_http=True)
    assert json.loads(asgi(allowed, path, client=("10.1.2.3", 5))[1])["EdxCode"] != "EDX-HUB-PLAIN-HTTP"
    allowed.service.close()


def test_it_can_be_mounted_in_another_application(hub):
    host = Starlette(routes=[Mount("/truc", app=hub)])
    status, body = asgi(host, "/getAgenciesList", root="/truc")
    assert (status, json.loads(body)["EdxCode"]) == (401, "EDX-HUB-UNSIGNED")
    status, body = asgi(host, "/khong-co", root="/truc")
    assert (status, json.loads(body)["EdxCode"]) == (404, "EDX-HUB-PATH")


def test_serving_plain_http_to_the_network_must_be_switched_on(hub, tmp_path, clock):
    with pytest.raises(UsageError, match="EDX-HUB-PLAIN-HTTP"):
        server(hub, host="0.0.0.0")
    open_to_all = open_hub(tmp_path / "b", clock=clock, plain_http=True)
    server(open_to_all, host="0.0.0.0")
    open_to_all.service.close()


def test_settings_that_cannot_be_right_are_named(tmp_path):
    place = tmp_path / "hub.toml"
    place.write_text('database = "x.db"\nmax_bytez = 1\n')
    with pytest.raises(UsageError, match="max_bytez"):
        HubConfig.from_path(place)
    place.write_text('[[peers]]\ncode = "G22"\nendpoint = "https://x"\n')
    with pytest.raises(UsageError, match="unit code"):
        HubConfig.from_path(place)
    place.write_text('database = "d/hub.db"\nunit = "H58"\n')
    settings = HubConfig.from_path(place)
    assert settings.database == tmp_path / "d/hub.db"
    assert settings.key_path == tmp_path / "d/hub.db.key"
    assert settings.above is None
    with pytest.raises(ValueError, match="two peers"):
        HubConfig(unit="H58", peers=(Peer(code="G22", endpoint="https://x"),) * 2)


HEAD = 'database = "hub.db"\nunit = "H58"\n'


@pytest.mark.parametrize(
    "text, line, setting, vi",
    [
        ('unit = "H58"\ndatabase = \n', 2, "", "dòng 2"),
        ('unit = "H58"\n[door\nseal = "off"\n', 2, "", "dòng 2"),
        (HEAD + "max_bytez = 1\n", 3, "max_bytez", "không có mục nào tên như vậy"),
        (HEAD + "max_bytes = 5\n", 3, "max_bytes", "phải từ 1024 trở lên"),
        (HEAD + 'max_bytes = "many"\n', 3, "max_bytes", "phải là số nguyên"),
        (HEAD + "plain_http = 7\n", 3, "plain_http", "phải là true hoặc false"),
        (HEAD + 'body_seconds = "x"\n', 3, "body_seconds", "phải là số"),
        (HEAD + 'peers = "x"\n', 3, "peers", "phải là danh sách"),
        (HEAD + 'door = "x"\n', 3, "door", "phải là một bảng"),
        (HEAD + '[door]\n# chú thích\nseal = "perhaps"\n', 5, "door.seal", "'record' hoặc 'require'"),
        (HEAD + '[door]\nfiles = "off"\nseal = "require"\n', 3, "door", "không có trust"),
        (
            HEAD
            + '[[peers]]\ncode = "hub.G22"\nendpoint = "https://a"\n[[peers]]\ncode = "hub.H37"\nendpoint = "ftp://b"\n',
            8,
            "peers.1.endpoint",
            "không đúng dạng",
        ),
        (HEAD + '[[peers]]\ncode = "hub.G22"\n', 3, "peers.0.endpoint", "bắt buộc phải có"),
        (HEAD + '[broker]\nservers = ["nats://afar:4222"]\n', 3, "broker", "."),
        ('database = "hub.db"\nrelay_seconds = inf\n', 2, "relay_seconds", "phải từ 86400.0 trở xuống"),
        ('database = "hub.db"\nbody_seconds = nan\n', 2, "body_seconds", "phải"),
        (HEAD + f"per_minute = {'9' * 23}\n", 3, "per_minute", "phải"),
        ('database = "hub.db"\nunit = "không phải mã"\n', 2, "unit", "mã"),
        (HEAD + '[[peers]]\ncode = "hub.G22"\nendpoint = "nats"\n', 5, "peers.0.endpoint", "không có [broker]"),
        (HEAD + 'proxies = ["10.0.0.1", "proxy.example"]\n', 3, "proxies", "không phải địa chỉ"),
        (HEAD + 'proxies = ["0.0.0.0/0"]\n', 3, "proxies", "mọi máy"),
        ('envelope = "off"\n[door]\nscanner = "clamd://x:1"\n', 1, "envelope", "cửa kiểm tra"),
        ('# một trục\n\n[[peers]]\ncode = "hub.G22"\nendpoint = "https://x"\n', 1, "unit", "phải có unit"),
    ],
)
def test_a_fault_in_the_settings_names_its_line_its_reason_and_what_to_write(tmp_path, text, line, setting, vi):
    place = tmp_path / "hub.toml"
    place.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        HubConfig.from_path(place)
    error = caught.value
    assert error.where == f"{place}:{line}"
    assert setting in error.text.vi
    assert vi in error.text.vi
    assert not any(word in error.text.vi for word in ("should", "must", "without", "Input", "nats needs"))
    assert error.hint.vi != error.hint.en


def test_only_a_named_proxy_is_believed_whom_it_speaks_for(tmp_path, clock):
    def metrics(address, *lines):
        return exchange(
            address, b"\r\n".join([b"GET /metrics HTTP/1.1", b"Host: x", *lines, b"Connection: close", b"", b""])
        )

    far, near, secured = b"X-Forwarded-For: 10.9.8.7", b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-Proto: https"
    with serving(open_hub(tmp_path / "alone", clock=clock)) as address:
        assert metrics(address).status == 200
        assert [metrics(address, one).status for one in (far, near, b"Via: 1.1 x")] == [404, 404, 404]
    with serving(open_hub(tmp_path / "behind", clock=clock, proxies=("127.0.0.0/8",))) as address:
        assert metrics(address, near).status == 200
        assert metrics(address, far, secured).status == 404
        told = json.loads(metrics(address, far).body)
        assert told["EdxCode"] == "EDX-HUB-PLAIN-HTTP", "the caller came to the proxy without TLS"


def test_a_list_of_ten_thousand_is_quick(hub, client):
    """150 ms is the aim on two cores; the bound here only catches what grows with the square."""
    from sqlalchemy import insert

    from edocx.hub import agencies, mailroom
    from edocx.hub.schema import copies, messages

    now = hub.service.store.now()
    with hub.service.store.begin("fill") as connection:
        rows = [
            {
                "number": n, "doc_id": f"d{n}", "sender": A, "origin": A, "message_type": "edoc", "document_id": str(n),
                "business": "new", "digest": "0", "sha256": "0", "size": 1, "urgency": n % 4, "passed": "", "previous": "", "received_at": now,
            }
            for n in range(1, 10_001)
        ]  # fmt: skip
        connection.execute(insert(messages), rows)
        held = {
            "recipient": B,
            "attempt": 1,
            "state": "initial",
            "tries": 0,
            "sha256": "0",
            "size": 1,
            "created_at": now,
            "updated_at": now,
        }
        connection.execute(insert(copies), [held | {"message": n} for n in range(1, 10_001)])
    with hub.service.store.read() as connection:
        receiver = agencies.find(connection, B)
        began = time.perf_counter()
        found = mailroom.received_rows(mailroom.received(connection, receiver, "edoc"))
        assert time.perf_counter() - began < 20
    assert len(found) == 10_000


def head_without_body(path=b"/sendEdoc", *lines):
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: x", *lines, b"Content-Length: 9999", b"", b""])


def test_the_body_of_a_caller_that_is_not_known_is_not_waited_for(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock, body_seconds=PATIENCE)
    with serving(hub) as address:
        for path in (b"/sendEdoc", b"/khong-co"):
            began = time.perf_counter()
            reply = exchange(address, head_without_body(path))
            assert reply.json()["EdxCode"] in {"EDX-HUB-UNSIGNED", "EDX-HUB-PATH"}
            assert time.perf_counter() - began < PATIENCE / 2
    hub.service.close()


@pytest.mark.parametrize("operation, length", [("sendEdoc", 4096), ("updateStatus", 70_000), ("sendEdoc", 10**19)])
def test_a_body_over_the_limit_is_refused_before_it_is_asked_for(tmp_path, clock, operation, length):
    """Who waits with Expect: 100-continue is told no, and not to go on."""
    hub = open_hub(tmp_path, clock=clock, max_bytes=2048, body_seconds=PATIENCE)
    with serving(hub) as address:
        client, caught = OfficialClient(address, A, SECRETS[A]), []
        client.raw = lambda request, lines, body: caught.append((request, lines))
        told = {"from": A, "messagetype": "edoc", "hash_file": "00"} if operation == "sendEdoc" else {}
        kind = "application/octet-stream" if operation == "sendEdoc" else "application/json"
        client.call(operation, expect=True, content_type=kind, **told)
        ((request, lines),) = caught
        head = [request.encode(), b"Host: x", *(name.encode() + b": " + value for name, value in lines)]
        with socket.create_connection(address, timeout=PATIENCE) as line:
            line.sendall(b"\r\n".join([*head, b"Content-Length: %d" % length]) + b"\r\n\r\n")
            answer = b""
            while piece := line.recv(1 << 16):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 413"), answer[:200]
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["EdxCode"] == "EDX-HUB-SIZE"
    hub.service.close()


def test_a_known_caller_whose_body_stops_is_answered_once_the_silence_is_over(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock, body_seconds=3)
    with serving(hub) as address:
        client = OfficialClient(address, A, SECRETS[A])
        caught = []
        client.raw = lambda request, lines, body: caught.extend(lines)
        client.send(document())
        lines = [name.encode() + b": " + value for name, value in caught]
        began = time.perf_counter()
        assert exchange(address, head_without_body(b"/sendEdoc", *lines) + b"half").json()["EdxCode"] == "EDX-HUB-SLOW"
        assert 2.5 < time.perf_counter() - began < 5.5
    hub.service.close()


def test_bodies_half_sent_by_nobody_known_hang_up_no_newcomer(tmp_path, clock, monkeypatch):
    from edocx.hub import application

    monkeypatch.setattr(application, "UNKNOWN_SECONDS", float(PATIENCE))  # as if each had just come
    hub = open_hub(tmp_path, clock=clock, connections=8, body_seconds=PATIENCE)
    with serving(hub) as address:
        half = [socket.create_connection(address) for _ in range(40)]
        try:
            for line in half:
                with contextlib.suppress(ConnectionError):
                    line.sendall(head_without_body())
            for number in range(3):
                newcomer = OfficialClient(address, A, SECRETS[A])
                assert newcomer.send(document(number=str(number))).json()["status"] == "OK"
        finally:
            for line in half:
                line.close()
    hub.service.close()
