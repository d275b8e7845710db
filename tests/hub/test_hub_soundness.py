"""A content whose bytes changed on the disk is never given out as if nothing were."""

from __future__ import annotations

import random

import pytest
from hub_scene import SECRETS, A, B, OfficialClient, document, exchange, open_hub, serving

from edocx.content import PIECE
from edocx.hub.doctor import examine

MIDDLE, LARGE = PIECE - 60_000, 4 * PIECE


@pytest.fixture
def hub(tmp_path, clock):
    made = open_hub(tmp_path, clock=clock)
    yield made
    made.service.close()


def flip(hub, at):
    """Change one bit of the only large content, in its middle or its last byte."""
    (place,) = [one for one in hub.service.store.path.parent.glob("hub.db.payloads/*/*") if one.is_file()]
    data = bytearray(place.read_bytes())
    data[len(data) // 2 if at == "middle" else -1] ^= 1
    place.write_bytes(data)
    return place


def sent(address, size):
    content = b"%PDF-1.7 " + random.Random(size).randbytes(size * 3 // 4)
    return OfficialClient(address, A, SECRETS[A]).send(document(content=content)).json()["DocId"]


def fetched(address, operation, doc_id):
    told = {"method": "GET", "body": None} if operation == "downloadEdoc" else {"body": b"{}"}
    body = told.pop("body")
    return OfficialClient(address, B, SECRETS[B]).call(operation, body, docId=doc_id, **told)


def graded(hub):
    return {one.name: one for one in examine(hub.service)}["contents"]


@pytest.mark.parametrize("at", ["middle", "end"])
@pytest.mark.parametrize("operation", ["getEdoc", "downloadEdoc"])
def test_a_flipped_bit_of_a_large_content_cuts_the_line_before_its_end(hub, operation, at):
    with serving(hub) as address:
        doc_id = sent(address, LARGE)
        whole = fetched(address, operation, doc_id)
        flip(hub, at)
        cut = fetched(address, operation, doc_id)
    assert len(whole.body) == int(whole.headers["content-length"])
    assert 0 < len(cut.body) < int(cut.headers["content-length"])
    assert "edocx_hub_contents_damaged_total 1" in hub.service.metrics.text({})
    assert (graded(hub).grade, doc_id in graded(hub).text.vi) == ("error", True)


@pytest.mark.parametrize("operation", ["getEdoc", "downloadEdoc"])
def test_a_flipped_bit_of_a_content_read_whole_is_answered_with_the_triple(hub, operation):
    with serving(hub) as address:
        doc_id = sent(address, MIDDLE)
        assert fetched(address, operation, doc_id).status == 200
        place = flip(hub, "middle")
        reply = fetched(address, operation, doc_id)
    told = reply.json()
    assert (reply.status, told["status"], told["EdxCode"]) == (503, "FAIL", "EDX-STORE-PAYLOAD")
    assert place.name not in reply.body.decode()


def test_the_doctor_speaks_of_no_content_that_is_whole_again(hub):
    with serving(hub) as address:
        doc_id = sent(address, LARGE)
        place = flip(hub, "end")
        fetched(address, "downloadEdoc", doc_id)
        assert graded(hub).grade == "error"
        flip(hub, "end")
        assert place.is_file()
        assert graded(hub).grade == "ok"
        assert len(fetched(address, "downloadEdoc", doc_id).body) > LARGE // 2


def test_what_is_no_http_is_answered_with_every_member_that_an_operation_needs(hub):
    with serving(hub) as address:
        for broken in (b"POST /sendEdoc HTTP/1.1\r\nbad header\r\n\r\n", b"x\r\n\r\n", b"\x16\x03\x01\x02"):
            told = exchange(address, broken + b"\r\n\r\n").json()
            assert (told["status"], told["DocId"], told["data"]) == ("FAIL", "", "")
            assert {"ErrorCode", "ErrorDesc"} <= set(told)


@pytest.mark.parametrize("piece", [1 << 20, 700], ids=["at once", "bit by bit"])
def test_a_head_of_many_lines_is_answered_before_it_is_parsed(hub, monkeypatch, piece):
    import socket

    from h11 import _readers

    parsed = []
    true = _readers._decode_header_lines
    monkeypatch.setattr(_readers, "_decode_header_lines", lambda lines: parsed.append(1) or true(lines))
    head = b"POST /getEdoc HTTP/1.1\r\n" + b"a: b\r\n" * 90_000
    with serving(hub) as address, socket.create_connection(address, timeout=60) as line:
        for at in range(0, len(head) if piece > 700 else 20_000, piece):
            line.sendall(head[at : at + piece])
        answer = b""
        while part := line.recv(1 << 16):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"DocId":""' in answer
    assert parsed == []


def test_a_head_of_many_lines_behind_another_call_is_refused_too(hub):
    head = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
    with serving(hub) as address:
        reply = exchange(address, head + b"\r\n" + head + b"a: b\r\n" * 300 + b"\r\n")
    assert reply.body.count(b"HTTP/1.1 400") == 1


def test_lines_of_a_body_and_dozens_of_headers_are_no_head_of_many_lines(hub):
    with serving(hub) as address:
        line = OfficialClient(address, A, SECRETS[A])
        extra = tuple((f"x-{number}", "1") for number in range(200))
        content = b"%PDF-1.7" + b"\n" * 40_000
        assert line.send(document(content=content)).json()["status"] == "OK"
        assert line.call("countReceiveEdoc", b"\n" * 5_000, extra=extra).json()["status"] == "OK"
