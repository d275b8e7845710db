"""sendEdoc: what a repeat means, whole or not at all, and nothing lost (axis-http.md §1.9)."""

from __future__ import annotations

import base64
import json
import socket
from datetime import timedelta

import pytest
from hub_scene import NOW, A, B, C, document, open_hub, status
from hypothesis import given
from hypothesis import strategies as st

from edocx.content import Blob
from edocx.hub import agencies
from edocx.hub.admission import Offered
from edocx.hub.axis_operations import recipients_of
from edocx.hub.letter_facts import read_facts
from edocx.hub.replies import content_reply
from edocx.hub.wire import ascii_of
from edocx.testing.faults import Crash, Faults


def states(client, code=A):
    rows = client(code).call("getSentEdocList", servicetype="eDoc", messagetype="edoc").json()["data"]
    return {row["toCode"]: row["receiveStatus"] for row in rows}


def test_a_repeat_creates_nothing_and_gets_its_first_doc_id(client):
    first = client(A).send(document()).json()["DocId"]
    assert [client(A).send(document()).json()["DocId"] for _ in range(3)] == [first] * 3
    assert len(client(B).waiting()) == 1


def test_a_repeat_with_a_new_trace_is_the_same_message(client):
    first = client(A).send(document()).json()["DocId"]
    later = document(at=NOW, passed=("H58",))
    assert later != document()
    assert client(A).send(later).json()["DocId"] == first


def test_a_repeat_does_not_wake_an_acknowledged_copy(client):
    doc_id = client(A).send(document()).json()["DocId"]
    client(B).call("updateStatus", b"{}", docId=doc_id, status="done")
    client(A).send(document())
    assert client(B).waiting() == []


def test_new_recipients_are_added_under_the_same_doc_id(client):
    first = client(A).send(document(), to=json.dumps([B])).json()["DocId"]
    client(B).call("updateStatus", b"{}", docId=first, status="done")
    assert client(A).send(document(), to=json.dumps([B, C])).json()["DocId"] == first
    assert client(B).waiting() == []
    assert [row["docId"] for row in client(C).waiting()] == [first]


def test_the_same_document_with_other_content_is_a_conflict_never_absorbed(client):
    client(A).send(document())
    told = client(A).send(document(subject="V/v khác")).json()
    assert (told["EdxCode"], told["DocId"]) == ("EDX-PARCEL-CONFLICT", "")
    assert client(A).send(document(content=b"%PDF khac")).json()["EdxCode"] == "EDX-PARCEL-CONFLICT"
    assert len(client(B).waiting()) == 1


def test_the_four_business_actions_about_one_document_are_four_messages(client):
    ids = {client(A).send(document(business=business)).json()["DocId"] for business in ("new", "withdraw", "update")}
    assert len(ids) == 3
    assert "" not in ids


def test_every_status_about_a_document_is_delivered(client):
    client(A).send(document())
    for code in ("01", "03", "06"):
        client(B).send(status(code), kind="status")
    assert len(client(A).waiting("status")) == 3


def test_a_failed_copy_gets_a_new_attempt(client):
    doc_id = client(A).send(document()).json()["DocId"]
    client(B).call("updateStatus", b"{}", docId=doc_id, status="fail", description="khong doc duoc")
    assert client(B).waiting() == []
    assert client(A).send(document()).json()["DocId"] == doc_id
    assert [row["status"] for row in client(B).waiting()] == ["initial"]


def test_a_copy_answered_with_02_gets_a_new_attempt_once(client):
    doc_id = client(A).send(document(to=(B, C))).json()["DocId"]
    for code in (B, C):
        client(code).call("updateStatus", b"{}", docId=doc_id, status="done")
    client(B).send(status("02", reason="Không thuộc thẩm quyền"), kind="status")
    assert client(A).send(document(to=(B, C))).json()["DocId"] == doc_id
    assert [len(client(code).waiting()) for code in (B, C)] == [1, 0]
    client(B).call("updateStatus", b"{}", docId=doc_id, status="done")
    client(B).send(status("02", reason="Không thuộc thẩm quyền"), kind="status")  # the same message once more
    client(A).send(document(to=(B, C)))
    assert client(B).waiting() == []


def test_an_02_before_the_acknowledgement_hides_nothing(client):
    client(A).send(document())
    client(B).send(status("02", reason="Không thuộc thẩm quyền"), kind="status")
    assert len(client(B).waiting()) == 1


def test_one_unknown_recipient_refuses_the_whole_call_and_is_named(client):
    told = client(A).send(document(to=(B, "H99.01", C))).json()
    assert (told["ErrorCode"], told["EdxWhere"]) == ("18", "H99.01")
    assert client(B).waiting() == client(C).waiting() == []
    assert states(client) == {}


def test_a_closed_recipient_refuses_the_whole_call(client, hub, clock):
    with hub.service.store.begin("close") as connection:
        agencies.close(connection, C, now=clock.now(), by="quan-tri")
    told = client(A).send(document(to=(B, C))).json()
    assert (told["ErrorCode"], told["EdxWhere"]) == ("23", C)
    assert client(B).waiting() == []


@pytest.mark.parametrize(
    "edxml, code",
    [
        (b"", "EDX-HUB-EMPTY"),
        (b"khong phai xml", "EDX-XML-MALFORMED"),
        (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>', "EDX-XML-DTD"),
        (b"<x/>", "EDX-ENVELOPE-UNKNOWN"),
    ],
    ids=["empty", "text", "dtd", "no envelope"],
)
def test_what_is_no_envelope_is_refused(client, edxml, code):
    told = client(A).call("sendEdoc", edxml, **_told(edxml)).json()
    assert told["EdxCode"].startswith(code[:12]), told


def _told(edxml):
    import hashlib

    return {"from": A, "messagetype": "edoc", "hash-file": hashlib.sha256(edxml).hexdigest()}


def test_a_status_sent_as_a_document_is_refused(client):
    assert client(B).send(status("01"), kind="edoc").json()["EdxCode"] == "EDX-HUB-KIND"


def test_a_body_without_its_hash_is_refused(client):
    told = client(A).call("sendEdoc", document(), **{"from": A, "messagetype": "edoc"}).json()
    assert (told["EdxCode"], told["EdxWhere"]) == ("EDX-HUB-PARAMETER", "hash-file")


def test_a_large_file_passes_by_way_of_the_disk(client, hub):
    edxml = document(content=bytes(range(256)) * 8000)
    doc_id = client(A).send(edxml).json()["DocId"]
    assert base64.b64decode(client(B).call("getEdoc", b"{}", docId=doc_id).json()["data"]) == edxml
    assert client(B).call("downloadEdoc", None, method="GET", docId=doc_id).body == edxml
    assert list(hub.service.store.spool.iterdir()) == []


def test_a_full_disk_is_answered_with_the_triple_and_takes_nothing(client, hub, monkeypatch):
    import errno

    from edocx.routing.transport.spool import Spool

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Spool, "append", full)
    reply = client(A).send(document(content=b"x" * 900_000))
    assert (reply.status, reply.json()["EdxCode"], reply.json()["DocId"]) == (503, "EDX-STORE-FULL", "")
    assert client(B).waiting() == []


def test_half_a_body_leaves_nothing_behind(client, hub, address):
    whole = []
    sender = client(A)
    sender.raw = lambda request, lines, body: whole.append((request, lines, body))
    sender.send(document(content=b"x" * 500_000))
    ((request, lines, body),) = whole
    head = [request.encode(), b"Host: x", *(name.encode() + b": " + value for name, value in lines)]
    head.append(f"Content-Length: {len(body)}".encode())
    with socket.create_connection(address) as line:
        line.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body[: len(body) // 2])
    assert client(B).waiting() == []
    assert states(client) == {}


def test_urgent_comes_first_then_oldest(client):
    for number, urgency in (("1", 0), ("2", 3), ("3", 1), ("4", 3)):
        client(A).send(document(number=number, urgency=urgency))
    assert [row["edxDocumentId"].split(",")[2].split("/")[0] for row in client(B).waiting()] == ["2", "4", "3", "1"]


@pytest.mark.parametrize("number", range(1, 3))
def test_a_crash_at_any_commit_loses_nothing_promised_and_repeats_nothing(tmp_path, number):
    """The answer is given after the commit; whoever did not get it asks again and finds one copy."""
    faults = Faults()
    hub = open_hub(tmp_path, faults=faults)
    faults.crash_after(number)
    with pytest.raises(Crash):
        _admit(hub, tmp_path)
    faults.disarm()
    _admit(hub, tmp_path)
    with hub.service.store.read() as connection:
        from edocx.hub import mailroom

        receiver = agencies.find(connection, B)
        (row,) = mailroom.received(connection, receiver, "edoc")
        assert hub.service.store.load(connection, mailroom.received_rows([row])[0]["edxSha256"]).read() == document()
    hub.service.close()


def _admit(hub, folder):
    blob = Blob.from_bytes(document())
    facts = read_facts(blob, max_bytes=10**6, workdir=folder)
    with hub.service.store.read() as connection:
        caller = agencies.find(connection, A)
    return hub.service.door.admit(Offered(caller, facts, (), blob))


@given(st.text())
def test_any_sentence_becomes_ascii(text):
    assert ascii_of(text).isascii()


@given(st.binary(max_size=1000).map(lambda seed: seed * 400))
def test_a_content_reply_has_the_length_it_promised(data):
    length, pieces = content_reply(Blob.from_bytes(data))
    reply = b"".join(pieces)
    assert len(reply) == length
    assert base64.b64decode(json.loads(reply)["data"]) == data


@given(st.lists(st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{2}){0,2}", fullmatch=True), min_size=1, max_size=5))
def test_the_to_header_is_read_in_every_form(codes):
    unique = tuple(dict.fromkeys(codes))
    assert recipients_of(json.dumps(codes)) == unique
    assert recipients_of(json.dumps(codes[0])) == recipients_of(codes[0]) == (codes[0],)


def test_a_sender_is_told_what_became_of_each_copy(client, clock):
    doc_id = client(A).send(document(to=(B, C))).json()["DocId"]
    clock.advance(timedelta(minutes=5))
    client(B).call("updateStatus", b"{}", docId=doc_id, status="done")
    client(C).call("updateStatus", b"{}", docId=doc_id, status="fail", description="tep hong")
    assert states(client) == {B: "done", C: "fail"}


def test_a_list_is_ascii_json_whatever_stands_in_it():
    from edocx.hub import mailroom, replies

    stored = "2023-06-14T17:59:59.900000Z"
    row = (
        "d1",
        "edoc",
        'H"58\\',
        "Số\n7/UBND\u2028",
        "new",
        3,
        stored,
        "G22",
        "initial",
        stored,
        stored,
        "\ud800",
        "ab",
        7,
    )
    later = (*row[:9], "2023-06-14T16:59:01.000000Z", *row[10:11], None, *row[12:])
    data = replies.to_bytes(replies.ok(data=mailroom.received_json([row, later]), edxNext=2))
    assert data.isascii()
    told = json.loads(data)
    assert (told["status"], told["edxNext"]) == ("OK", 2)
    first, second = told["data"]
    assert (first["from"], first["edxDocumentId"], first["edxMessageId"]) == ('H"58\\', "Số\n7/UBND\u2028", "\ud800")
    assert (first["created_time"], first["updated_time"]) == ("2023-06-15 00:59:59", "2023-06-15 00:59:59")
    assert second["updated_time"] == "2023-06-14 23:59:01"
    assert "edxMessageId" not in second
    assert first["status_desc"] == "Chưa xử lý"
    assert json.loads(replies.to_bytes({"data": mailroom.received_json([])})) == {"data": []}
