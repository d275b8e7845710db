"""The official clients, unchanged, against a real socket (axis-http.md §1)."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hub_scene import A, B, C, document, exchange, status, unpadded_hash

from edocx.hub.axis_operations import OPERATIONS
from edocx.hub.signed_headers import sign

KNOWN_MESSAGE = (
    b'{"XroadVnpt-systemid":"vxp.test","XroadVnpt-timestamp":"22112026T043332+0122",'
    b'"XroadVnpt-Content-Type":"application/json"}'
)


def test_the_known_answer_of_the_header_signature():
    expected = b"c4fdb4da227b61ec89de1a6c747c80240388de9187414215e2a5129a587783e6"
    assert sign("test-secret", KNOWN_MESSAGE) == expected


@pytest.mark.parametrize("upper", [False, True], ids=["as listed", "upper case"])
def test_a_document_goes_from_one_official_client_to_another_and_back(client, upper):
    sender, receiver = client(A, upper=upper), client(B, upper=upper)
    edxml = document()
    sent = sender.send(edxml, to=json.dumps([B])).json()
    assert (sent["status"], sent["ErrorCode"], sent["ErrorDesc"]) == ("OK", "0", "Thanh cong")
    (row,) = receiver.waiting()
    assert (row["docId"], row["from"], row["to"], row["status"]) == (sent["DocId"], A, B, "initial")
    got = receiver.call("getEdoc", b"{}", docId=row["docId"], filePath="C:\\van ban", expect=True).json()
    assert base64.b64decode(got["data"]) == edxml
    assert receiver.call("downloadEdoc", None, method="GET", docId=row["docId"], filePath="/x").body == edxml
    assert receiver.call("countReceiveEdoc", b"{}", servicetype="eDoc", messagetype="edoc").json()["count"] == 1
    done = receiver.call("updateStatus", b"{}", docId=row["docId"], status="done").json()
    assert done["status"] == "OK"
    assert receiver.waiting() == []
    receiver.send(status("03"), kind="status")
    (answer,) = sender.waiting("status")
    assert (answer["from"], answer["to"], answer["messageType"]) == (B, A, "status")
    (line,) = sender.call("getSentEdocList", servicetype="eDoc", messagetype="edoc", docId=row["docId"]).json()["data"]
    assert (line["toCode"], line["receiveStatus"], line["notation"]) == (B, "done", "7816/UBND-VP")


def test_a_header_map_that_is_never_cleared_does_no_harm(client):
    sender, receiver = client(A), client(B)
    first = sender.send(document()).json()["DocId"]
    second = sender.send(document(number="7817")).json()["DocId"]
    # One object does it all: each call carries docId, status, hash-file and filePath of the calls before.
    for doc_id in (first, second):
        receiver.call("getEdoc", b"{}", docId=doc_id, filePath="/home/van-thu")
        assert receiver.call("updateStatus", b"{}", docId=doc_id, status="done").json()["status"] == "OK"
    assert receiver.waiting() == []
    reply = receiver.send(document(sender=B, to=(A,), number="9"))
    assert reply.json()["status"] == "OK", reply.body


def test_two_spellings_of_one_header_are_told_apart_by_the_operation(client):
    sender, receiver = client(A), client(B)
    doc_id = sender.send(document()).json()["DocId"]
    receiver.headers["docid"] = "stale"
    assert receiver.call("getEdoc", b"{}", docId=doc_id).json()["status"] == "OK"


def test_a_timestamp_frozen_for_years_is_accepted(client):
    assert client(A, timestamp="01012016T000000+0999").send(document()).json()["status"] == "OK"


def test_an_agency_may_have_a_limit_of_age(client, hub):
    from hub_scene import enrol

    from edocx.hub import NewAgency

    enrol(hub, NewAgency(C, "Sở", max_age_seconds=3600))
    refused = client(C).call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")
    assert refused.json()["EdxCode"] == "EDX-HUB-STALE"
    fresh = client(C, timestamp="15062023T073000+0000").call("getReceivedEdocList", messagetype="edoc")
    assert fresh.json()["status"] == "OK"


@pytest.mark.parametrize("form", ["padded", "unpadded", "upper"])
def test_the_file_hash_is_taken_in_every_form(client, form):
    edxml = document(number="15" if form == "padded" else "16")
    told = {"padded": hashlib.sha256(edxml).hexdigest(), "unpadded": unpadded_hash(edxml)}
    told["upper"] = told["padded"].upper()
    assert client(A).send(edxml, hash_file=told[form]).json()["status"] == "OK"


def test_a_file_that_itself_ends_in_crlf_keeps_it(client):
    edxml = document() + b"\r\n"
    doc_id = client(A).send(edxml).json()["DocId"]
    assert client(B).call("downloadEdoc", None, method="GET", docId=doc_id).body == edxml


def test_a_body_without_the_client_s_crlf_is_taken_too(client):
    edxml = document()
    told = {"from": A, "messagetype": "edoc", "hash-file": hashlib.sha256(edxml).hexdigest()}
    assert client(A).call("sendEdoc", edxml, **told).json()["status"] == "OK"


def test_without_a_to_header_the_envelope_says_who(client):
    client(A).send(document(to=(B, C)))
    assert [len(client(code).waiting()) for code in (B, C)] == [1, 1]


@pytest.mark.parametrize("to", [json.dumps([C]), json.dumps(C), C], ids=["array", "quoted", "bare"])
def test_the_to_header_goes_before_the_envelope(client, to):
    client(A).send(document(), to=to)
    assert [len(client(code).waiting()) for code in (B, C)] == [0, 1]


def test_both_spellings_of_a_code_are_one_agency(client):
    client(A).send(document(to=("000.00.00.G22",)), to=json.dumps(["g22", "000.00.00.G22"]))
    (row,) = client(B).waiting()
    assert row["to"] == B
    from hub_scene import SECRETS

    assert len(client("000.00.00.G22", secret=SECRETS[B]).waiting()) == 1


def test_net_clients_filter_by_date(client, clock):
    client(A).send(document())
    asked = {"servicetype": "eDoc", "messagetype": "edoc"}
    inside = client(B).call(
        "getReceivedEdocList", fromDate="15/06/2023 00:00:00", toDate="15/06/2023 23:59:59", **asked
    )
    outside = client(B).call(
        "getReceivedEdocList", fromDate="01/06/2023 00:00:00", toDate="14/06/2023 23:59:59", **asked
    )
    assert [len(reply.json()["data"]) for reply in (inside, outside)] == [1, 0]
    bad = client(B).call("getReceivedEdocList", fromDate="2023-06-15", **asked)
    assert bad.json()["ErrorCode"] != "0"


def test_the_agency_lists_have_their_members(client):
    for operation, other in (("getAgenciesList", "oldCode"), ("getAgenciesListQD20", "code102")):
        rows = {row["code"]: row for row in client(A).call(operation).json()["data"]}
        assert rows[B][other] == "000.00.00.G22"
        assert other not in rows[C]
        assert rows[C]["name"] == "Sở Nông nghiệp và PTNT Tiền Giang"
    (row, *_) = client(A).call("getSynchronizeUnit").json()["data"]
    assert isinstance(row["version"], int)
    assert row["deleted"] is False
    assert row["isAgency"] is True


def test_every_operation_of_the_specification_is_there():
    assert set(OPERATIONS) == {
        "getAgenciesList", "getAgenciesListQD20", "getSynchronizeUnit", "registerAgency", "deleteAgency",
        "getReceivedEdocList", "getSentEdocList", "sendEdoc", "getEdoc", "downloadEdoc", "countReceiveEdoc",
        "countReceiveStatus", "updateStatus",
    }  # fmt: skip


# What the official client does with deviations (axis-http.md §1.6), row by row: we never send it.


def every_failure(client, address):
    """Calls that fail in every way there is, each with its operation."""
    stranger = client("H99", secret="x")
    known = client(A)
    for operation in OPERATIONS:
        method = "GET" if operation == "downloadEdoc" else "POST"
        yield operation, stranger.call(operation, b"{}", method=method)
        head = f"{method} /{operation} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        yield operation, exchange(address, head.encode())
        yield operation, known.call(operation, b"{}", method="DELETE")
    yield "sendEdoc", known.send(b"<khong/>")
    yield "sendEdoc", known.send(document(), hash_file="00")
    yield "sendEdoc", known.send(document(to=("H99.99",)))
    yield "sendEdoc", known.send(document(sender=C))
    yield "sendEdoc", known.send(b"\0" * (5 * 1024 * 1024))
    yield "getEdoc", known.call("getEdoc", b"{}", docId="khong-co")
    yield "downloadEdoc", known.call("downloadEdoc", None, method="GET", docId="../../x")
    yield "updateStatus", known.call("updateStatus", b"{}", docId="khong-co", status="xong")
    yield "", known.call("khongCo")
    yield "", known.call("getEdoc/")
    yield "", exchange(address, b"khong phai http\r\n\r\n")


def test_the_triple_is_on_every_reply_in_ascii_and_never_null(client, address):
    for operation, reply in every_failure(client, address):
        told = reply.json()
        assert (told["status"], told["ErrorCode"] != "0", bool(told["ErrorDesc"])) == ("FAIL", True, True), reply
        assert told["ErrorDesc"].isascii()
        assert "json" in reply.headers["content-type"]
        assert reply.status >= 400
        assert None not in told.values()
        if operation == "sendEdoc":
            assert told["DocId"] == ""
        if operation == "getEdoc":
            assert told["data"] == ""


def test_the_vietnamese_sentence_stands_beside_the_ascii_one(client):
    told = client(A).send(document(to=("H99.99",))).json()
    assert told["ErrorDesc"] == "Don vi nhan khong ton tai: H99.99."
    assert told["ErrorDescVi"] == "Đơn vị nhận không tồn tại: H99.99."


def test_no_row_of_any_list_has_a_null_member(client):
    sender = client(A)
    sender.send(document(to=(B, C)))
    sender.send(status("01", sender=A, to=B), kind="status")
    calls = [("getReceivedEdocList", B, "edoc"), ("getReceivedEdocList", B, "status"), ("getSentEdocList", A, "edoc")]
    calls += [(name, A, "edoc") for name in ("getAgenciesList", "getAgenciesListQD20", "getSynchronizeUnit")]
    for operation, code, kind in calls:
        rows = client(code).call(operation, servicetype="eDoc", messagetype=kind).json()["data"]
        assert rows, operation
        for row in rows:
            assert None not in row.values(), operation


def test_data_is_an_array_even_when_nothing_is_there(client):
    for operation in ("getReceivedEdocList", "getSentEdocList"):
        assert client(A).call(operation, servicetype="eDoc", messagetype="edoc").json()["data"] == []


def test_what_nobody_foresaw_is_answered_with_the_triple(client, hub, monkeypatch):
    from edocx.hub import mailroom

    def broken(*_, **__):
        raise RuntimeError("trích yếu bí mật")

    monkeypatch.setattr(mailroom, "received", broken)
    reply = client(A).call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")
    assert (reply.status, reply.json()["status"], reply.json()["ErrorCode"]) == (500, "FAIL", "20")
    assert b"bi mat" not in reply.body
    assert b"RuntimeError" not in reply.body


def test_doc_ids_have_only_letters_digits_and_hyphens(client):
    doc_id = client(A).send(document()).json()["DocId"]
    assert all(sign.isascii() and (sign.isalnum() or sign == "-") for sign in doc_id)
