"""Who may say what: signatures over headers, own documents only, wishes instead of acts."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from hub_scene import SECRETS, A, B, C, document, enrol, exchange, status
from sqlalchemy import func, select

from edocx.errors import Refused, UsageError
from edocx.hub import NewAgency, agencies, heard, wishes
from edocx.hub.gate import is_loopback
from edocx.hub.schema import audit, requests
from edocx.hub.schema import heard as heard_table
from edocx.hub.signed_headers import SignedHeaders, sign


def listing(client, **options):
    return client.call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc", **options).json()


def test_a_wrong_secret_and_an_unknown_system_get_one_answer(client):
    wrong, unknown = client(A, secret="sai"), client("H99", secret="sai")
    assert listing(wrong) == listing(unknown)
    assert listing(wrong)["ErrorCode"] == "15"


def test_a_mac_over_rewritten_json_is_refused(client):
    spaced = b'{"XroadVnpt-systemid": "H58.12.01"}'
    reply = client(A).call("getAgenciesList", message=spaced, mac="0" * 64)
    assert (reply.status, reply.json()["ErrorCode"]) == (401, "15")


@pytest.mark.parametrize("header", ["XroadVnpt-docId", "xroadvnpt-status", "XroadVnpt-from"])
def test_a_header_outside_the_signature_is_refused(client, header):
    assert listing(client(A), extra=((header, "x"),))["EdxCode"] == "EDX-HUB-HEADERS"


def test_a_header_altered_on_the_way_is_refused():
    message = b'{"XroadVnpt-systemid":"A","XroadVnpt-docId":"1"}'
    raw = [
        (b"xroadvnpt-systemid", b"A"),
        (b"xroadvnpt-docid", b"2"),
        (b"xroadvnpt-sign-header", message),
        (b"xroadvnpt-hash-header", sign("s", message)),
    ]
    with pytest.raises(Refused, match="EDX-HUB-HEADERS"):
        SignedHeaders.from_raw(raw).verify(("s",))
    raw[1] = (b"xroadvnpt-docid", b"1")
    assert SignedHeaders.from_raw(raw).verify(("s",)).get("docId") == "1"
    del raw[1]
    with pytest.raises(Refused, match="EDX-HUB-HEADERS"):
        SignedHeaders.from_raw(raw).verify(("s",))


def test_a_signed_name_that_stands_twice_is_refused():
    message = b'{"XroadVnpt-systemid":"A","XroadVnpt-systemid":"B"}'
    raw = [(b"xroadvnpt-sign-header", message), (b"xroadvnpt-hash-header", b"0" * 64)]
    with pytest.raises(Refused, match="EDX-HUB-HEADERS"):
        SignedHeaders.from_raw(raw)


def test_unsigned_calls_get_no_data(client, address):
    doc_id = client(A).send(document()).json()["DocId"]
    head = f"GET /downloadEdoc HTTP/1.1\r\nHost: x\r\nXroadVnpt-docId: {doc_id}\r\nConnection: close\r\n\r\n"
    reply = exchange(address, head.encode())
    assert (reply.status, reply.json()["EdxCode"]) == (401, "EDX-HUB-UNSIGNED")


def test_letters_that_the_client_mangled_are_explained_in_ascii(client):
    mangled = b'{"XroadVnpt-systemid":"H58.12.01","XroadVnpt-description":"kh\xf4ng \xc7"}'
    told = client(A).call("updateStatus", b"{}", message=mangled, mac="0" * 64).json()
    assert told["EdxCode"] == "EDX-HUB-NON-ASCII"
    assert told["ErrorDesc"].isascii()


def test_letters_beyond_ascii_are_fine_where_the_client_sends_utf8(client):
    sender = client(A)
    sender.headers["title"] = "Văn bản số 7816"
    assert sender.send(document()).json()["status"] == "OK"


def test_a_third_agency_can_neither_read_list_nor_acknowledge(client):
    doc_id = client(A).send(document()).json()["DocId"]
    third = client(C)
    unknown = third.call("getEdoc", b"{}", docId="khong-co").json()
    for operation, method in (("getEdoc", "POST"), ("downloadEdoc", "GET"), ("updateStatus", "POST")):
        reply = third.call(operation, b"{}", method=method, docId=doc_id, status="done").json()
        assert (reply["ErrorCode"], reply["ErrorDesc"]) == (unknown["ErrorCode"], unknown["ErrorDesc"])
    assert third.waiting() == []
    asked = {"servicetype": "eDoc", "messagetype": "edoc"}
    assert third.call("getSentEdocList", docId=doc_id, **asked).json()["data"] == []
    assert len(client(B).waiting()) == 1


def test_the_sender_cannot_acknowledge_for_the_recipient(client):
    doc_id = client(A).send(document()).json()["DocId"]
    assert client(A).call("updateStatus", b"{}", docId=doc_id, status="done").json()["status"] == "FAIL"
    assert len(client(B).waiting()) == 1


def test_headers_replayed_on_another_path_or_with_another_body_change_nothing(client, hub):
    sender, receiver = client(A), client(B)
    doc_id = sender.send(document()).json()["DocId"]
    told = {"from": A, "messagetype": "edoc", "hash-file": hashlib.sha256(document()).hexdigest()}
    assert client(A).call("sendEdoc", document(number="1") + b"\r\n", **told).json()["EdxCode"] == "EDX-HUB-HASH"
    assert client(A).call("sendEdoc", document() + b"\r\n", **told).json()["DocId"] == doc_id
    for operation in ("updateStatus", "registerAgency", "deleteAgency"):
        assert client(A).call(operation, b"{}", **told).json()["status"] == "FAIL"
    assert receiver.call("updateStatus", b"{}", docId=doc_id).json()["status"] == "FAIL"
    assert [row["docId"] for row in receiver.waiting()] == [doc_id]
    with hub.service.store.read() as connection:
        assert wishes.open_requests(connection) == []


def test_mail_in_another_s_name_is_refused_in_the_axis_own_words(client):
    told = client(A).send(document(sender=C)).json()
    assert told["ErrorDesc"] == f"Don vi gui {C} khong dung voi ma da dang ky: {A}"
    reply = client(A).call("sendEdoc", document(), **{"from": C, "messagetype": "edoc", "hash-file": "00"})
    assert reply.json()["status"] == "FAIL"
    assert client(B).waiting() == []


def test_register_and_delete_only_file_a_request_that_an_administrator_grants(client, hub, clock):
    district = {"code": "H58.12.01.02", "name": "Thôn Một", "mail": "a@example.vn", "pcode": A, "id": "7"}
    for _ in range(2):
        assert client(A).call("registerAgency", json.dumps(district).encode()).json()["status"] == "OK"
    assert "H58.12.01.02" not in [row["code"] for row in client(A).call("getAgenciesList").json()["data"]]
    store = hub.service.store
    with store.begin("grant") as connection:
        (row,) = wishes.open_requests(connection)
        wishes.settle_request(connection, row.id, grant=True, now=clock.now(), by="quan-tri")
    rows = {row["code"]: row for row in client(A).call("getAgenciesList").json()["data"]}
    assert rows["H58.12.01.02"]["name"] == "Thôn Một"
    assert client(A).call("deleteAgency", b"{}", AgencyCode="H58.12.01.02").json()["status"] == "OK"
    assert client(A).send(document(to=("H58.12.01.02",))).json()["status"] == "OK"


@pytest.mark.parametrize("code", [A, B, "H58", "H58.12", "", "x\u0007"])
def test_nobody_can_wish_for_what_does_not_stand_below_it(client, hub, code):
    reply = client(A).call("registerAgency", json.dumps({"code": code, "name": "x"}).encode()).json()
    assert reply["status"] == "FAIL"
    with hub.service.store.read() as connection:
        assert wishes.open_requests(connection) == []


@pytest.mark.parametrize(
    "code, above, status",
    [
        ("H58.12.01.02", A, "OK"),
        ("H58.12.01.02", "001.01.12.H58", "OK"),
        ("H58.12.01.02.03", "H58.12.01.02", "OK"),
        ("H58.12.01.02", B, "FAIL"),
        ("H58.12.01.02", "H58", "FAIL"),
        ("H58.07", A, "FAIL"),
        ("G22.99", A, "FAIL"),
        (C, A, "FAIL"),
        ("0301234567", A, "OK"),
        ("0301234567", B, "FAIL"),
        ("0301234567", "", "FAIL"),
        ("H58.12.01..2", A, "FAIL"),
        ("H58.12.01.02", "H58.12.01..2", "FAIL"),
    ],
)
def test_a_parent_named_in_a_wish_stands_below_the_caller_and_opens_no_other_subtree(client, hub, code, above, status):
    wish = {"code": code, "name": "x", "pcode": above}
    reply = client(A).call("registerAgency", json.dumps(wish).encode())
    assert reply.json()["status"] == status, reply.body
    assert reply.status in {200, 403, 422}
    with hub.service.store.read() as connection:
        assert len(wishes.open_requests(connection)) == (status == "OK")


def test_what_the_register_says_stands_below_an_agency_is_below_it(client, hub):
    enrol(hub, NewAgency("0301234567", "Công ty", parent=A), NewAgency("0301234568", "Công ty", parent=B))
    for code, expected in (("0301234567", "OK"), ("0301234568", "FAIL")):
        assert client(A).call("deleteAgency", b"{}", AgencyCode=code).json()["status"] == expected


def test_granting_a_wish_about_a_known_agency_keeps_its_limits(hub, clock):
    enrol(hub, NewAgency("H58.12.01.02", "Thôn", old_code="002.01.12.H58", max_bytes=2000))
    with hub.service.store.begin("x") as connection:
        caller = agencies.find(connection, A)
        wish = {"code": "H58.12.01.02", "name": "Thôn Hai", "pcode": A}
        number = wishes.file_request(connection, caller, "register", wish, now=clock.now())
        wishes.settle_request(connection, number, grant=True, now=clock.now(), by="quan-tri")
        after = agencies.find(connection, "H58.12.01.02")
    assert (after.name, after.old_code, after.max_bytes, after.parent) == ("Thôn Hai", "002.01.12.H58", 2000, None)


def test_an_old_secret_works_on_for_the_overlap_and_then_no_more(client, hub, clock):
    with hub.service.store.begin("rotate") as connection:
        agency = agencies.find(connection, A)
        fresh = agencies.new_hmac_secret(connection, agency, hub.service.vault, now=clock.now(), by="quan-tri")
    assert listing(client(A))["status"] == listing(client(A, secret=fresh))["status"] == "OK"
    clock.advance(agencies.OVERLAP + timedelta(seconds=1))
    assert listing(client(A))["status"] == "FAIL"
    assert listing(client(A, secret=fresh))["status"] == "OK"


def test_secrets_are_not_in_the_database_in_clear(hub):
    hub.service.close()
    held = b"".join(file.read_bytes() for file in hub.service.store.path.parent.glob("hub.db*") if file.is_file())
    key = hub.service.config.key_path.read_bytes()
    held = held.replace(key, b"")
    for secret in SECRETS.values():
        assert secret.encode() not in held
    assert hub.service.config.key_path.stat().st_mode & 0o077 == 0


def test_calls_beyond_the_rate_are_refused_until_the_next_minute(client, hub, clock):
    enrol(hub, NewAgency(C, "Sở", per_minute=3))
    answers = [listing(client(C))["status"] for _ in range(4)]
    assert answers == ["OK", "OK", "OK", "FAIL"]
    assert listing(client(A))["status"] == "OK"
    clock.advance(minutes=1)
    assert listing(client(C))["status"] == "OK"


def test_status_words_outside_the_protocol_are_refused(client):
    doc_id = client(A).send(document()).json()["DocId"]
    assert client(B).call("updateStatus", b"{}", docId=doc_id, status="xong").json()["EdxCode"] == "EDX-HUB-PARAMETER"


def test_done_is_never_taken_back(client):
    doc_id = client(A).send(document()).json()["DocId"]
    receiver = client(B)
    for word, expected in (("processing", "OK"), ("done", "OK"), ("done", "OK"), ("fail", "FAIL")):
        assert receiver.call("updateStatus", b"{}", docId=doc_id, status=word).json()["status"] == expected
    (line,) = client(A).call("getSentEdocList", servicetype="eDoc", messagetype="edoc", docId=doc_id).json()["data"]
    assert line["receiveStatus"] == "done"


def test_a_status_speaks_only_for_its_sender(client):
    assert client(C).send(status("03", sender=B), kind="status").json()["EdxCode"] == "EDX-HUB-SENDER"


@pytest.mark.parametrize(
    "host, near", [("127.0.0.1", True), ("::1", True), (None, True), ("10.0.0.1", False), ("128.0.0.1", False)]
)
def test_loopback_is_told_from_the_network(host, near):
    assert is_loopback(host) is near


@pytest.mark.parametrize("name", ["XroadVnpt-docId", "XroadVnpt-status", "XroadVnpt-systemid", "XroadVnpt-timestamp"])
def test_a_header_altered_on_the_wire_is_refused_with_the_triple_and_changes_nothing(client, name):
    doc_id = client(A).send(document()).json()["DocId"]
    receiver = client(B)
    send = receiver.raw

    def altered(request, lines, body):
        return send(request, [(one, value + b"1" if one == name else value) for one, value in lines], body)

    receiver.raw = altered
    reply = receiver.call("updateStatus", b"{}", docId=doc_id, status="done")
    assert (reply.status, reply.json()["status"], reply.json()["ErrorCode"]) == (401, "FAIL", "15")
    assert [row["docId"] for row in client(B).waiting()] == [doc_id]


def test_a_wish_said_again_by_somebody_else_is_one_wish_also_just_after_it_was_settled(client, hub, clock):
    """An administrator who refused a wish would else find it again as often as somebody repeats its headers."""
    wish = json.dumps({"code": f"{A}.07", "name": "Đơn vị mới"}).encode()
    for _ in range(2):
        assert client(A).call("registerAgency", wish).json()["status"] == "OK"
    store = hub.service.store
    with store.begin("settle") as connection:
        (row,) = wishes.open_requests(connection)
        wishes.settle_request(connection, row.id, grant=False, now=clock.now(), by="admin")
    assert client(A).call("registerAgency", wish).json()["status"] == "OK"
    with store.read() as connection:
        assert wishes.open_requests(connection) == []
    clock.advance(hours=2)
    client(A).call("registerAgency", wish)
    with store.read() as connection:
        assert len(wishes.open_requests(connection)) == 1


def test_headers_of_one_call_fill_no_agency_s_place_with_wishes(client, hub, clock):
    """The axis signs no body: whoever saw the headers of one call files other wishes by them, and few of them."""
    caller, caught = client(A), []
    sent, caller.raw = caller.raw, lambda request, lines, body: caught.append(lines)
    caller.call("getAgenciesList")

    def stolen(number, name="registerAgency"):
        wish = json.dumps({"code": f"{A}.{number:03}", "name": "x"}).encode()
        return sent(f"POST /{name} HTTP/1.1", caught[0], wish)

    statuses = [stolen(number).status for number in range(60)]
    assert statuses == [200] * wishes.MOST_OF_ONE_STAMP + [429] * (60 - wishes.MOST_OF_ONE_STAMP)
    # Another capture of long ago counts with it; the agency's own client, started anew, is heard.
    old = client(A, timestamp="01012021T000000+0000")
    assert old.call("registerAgency", b'{"code": "%s.ZZ"}' % A.encode()).status == 429
    fresh = client(A, timestamp="15062023T080000+0000")
    for number in range(5):
        wish = json.dumps({"code": f"{A}.{500 + number}", "name": "x"}).encode()
        assert fresh.call("registerAgency", wish).status == 200
    assert fresh.call("deleteAgency", b"{}", AgencyCode=f"{A}.07").status == 200


def test_a_call_that_names_its_operation_serves_no_other(client, hub):
    doc_id = client(A).send(document()).json()["DocId"]
    told = {"docId": doc_id, "status": "done", "edx_operation": "getEdoc"}
    assert client(B).call("updateStatus", b"{}", **told).json()["EdxCode"] == "EDX-HUB-HEADERS"
    assert [row["docId"] for row in client(B).waiting()] == [doc_id]
    assert client(B).call("getEdoc", b"{}", **told).json()["status"] == "OK"


def test_a_call_made_for_one_time_alone_is_not_done_again(client, hub, clock):
    """A copy that failed is offered anew; the headers of the first acknowledgement, said again, must not settle it."""
    doc_id = client(A).send(document()).json()["DocId"]
    receiver, caught = client(B), []
    sent = receiver.raw
    receiver.raw = lambda *told: (caught.append(told), sent(*told))[1]
    receiver.call("updateStatus", b"{}", docId=doc_id, status="fail", edx_operation="updateStatus", edx_once="1a")
    assert client(A).send(document()).json()["DocId"] == doc_id
    assert [row["docId"] for row in client(B).waiting()] == [doc_id]
    assert sent(*caught[0]).json()["status"] == "OK"
    assert [row["docId"] for row in client(B).waiting()] == [doc_id]
    told = {"docId": doc_id, "status": "done"}
    assert client(B).call("updateStatus", b"{}", **told, edx_once="1b").json()["status"] == "OK"
    assert client(B).waiting() == []
    for word in ("x" * 65, "a b", "é"):
        assert client(B).call("updateStatus", b"{}", **told, edx_once=word).status == 400
    wish = json.dumps({"code": f"{A}.01", "name": "x"}).encode()
    for _ in range(2):
        assert client(A).call("registerAgency", wish, edx_once="2").json()["status"] == "OK"
        clock.advance(hours=3)
        with hub.service.store.begin("settle") as connection:
            for row in wishes.open_requests(connection):
                wishes.settle_request(connection, row.id, grant=False, now=clock.now(), by="admin")
    with hub.service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(requests)).scalar_one() == 1


def test_an_official_client_acknowledges_two_attempts_by_the_very_same_headers(client):
    """Its timestamp is frozen and its map never cleared: refused as a repeat, the copy would come back for ever."""
    receiver, caught = client(B), []
    doc_id = client(A).send(document()).json()["DocId"]
    sent = receiver.raw
    receiver.raw = lambda *told: (caught.append(told[1]), sent(*told))[1]
    for _ in range(2):
        assert [row["docId"] for row in client(B).waiting()] == [doc_id]
        assert receiver.call("updateStatus", b"{}", docId=doc_id, status="fail").json()["status"] == "OK"
        assert client(B).waiting() == []
        client(A).send(document())
    assert caught[0] == caught[1]


def test_what_is_remembered_of_calls_fills_no_database(client, hub, monkeypatch):
    monkeypatch.setattr(heard, "MOST_HEARD", 5)
    monkeypatch.setattr(heard, "_PRUNE_EVERY", 10)
    doc_id = client(A).send(document()).json()["DocId"]
    for number in range(25):
        client(B).call("updateStatus", b"{}", docId=doc_id, status="processing", edx_once=f"w{number}")
    with hub.service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(heard_table)).scalar_one() <= 15


def test_wishes_beyond_what_may_wait_are_refused_with_that_reason(client, monkeypatch):
    monkeypatch.setattr(wishes, "MAX_OPEN_WISHES", 1)
    replies = [client(A).call("deleteAgency", b"{}", AgencyCode=f"{A}.0{n}") for n in (1, 2)]
    assert [reply.status for reply in replies] == [200, 429]
    assert "administrator" in replies[1].json()["ErrorDescEn"]


def test_headers_of_a_send_change_nothing_elsewhere(client, hub):
    """The map of an official client is never cleared, but each call signs its own kind of body."""
    caller, caught = client(A), []
    caller.headers |= {"docId": "x", "status": "done", "AgencyCode": f"{A}.07"}
    sent, caller.raw = caller.raw, lambda request, lines, body: caught.append(lines)
    caller.send(document())
    for operation in ("updateStatus", "registerAgency", "deleteAgency"):
        reply = sent(f"POST /{operation} HTTP/1.1", caught[0], b'{"code":"%s.08"}' % A.encode())
        assert reply.json()["EdxCode"] == "EDX-HUB-HEADERS"
    with hub.service.store.read() as connection:
        assert wishes.open_requests(connection) == []


def test_an_empty_outgoing_secret_is_refused_and_the_one_before_stays(hub, clock):
    enrol(hub, NewAgency("hub.G22", "hub.G22", kind="hub"), secrets={})
    store, vault, told = hub.service.store, hub.service.vault, {"now": clock.now(), "by": "test"}
    with store.begin("outgoing") as connection:
        above = agencies.find(connection, "hub.G22")
        agencies.put_outgoing_secret(connection, above, vault, "bi-mat", **told)
        for empty in ("", " \n"):
            with pytest.raises(UsageError, match="EDX-HUB-PARAMETER"):
                agencies.put_outgoing_secret(connection, above, vault, empty, **told)
        assert agencies.outgoing_secret(connection, above, vault, now=clock.now()) == "bi-mat"


def test_a_wish_opens_no_closed_agency_and_says_that_it_is_closed(client, hub, clock):
    """Filed by headers that somebody saw, granted in passing: it would open the agency and rewrite its mail."""
    enrol(hub, NewAgency("H58.12.01.02", "Thôn Một", mail="a@example.vn"))
    store = hub.service.store
    with store.begin("close") as connection:
        agencies.close(connection, "H58.12.01.02", now=clock.now(), by="quan-tri")
    wish = {"code": "H58.12.01.02", "name": "Thôn Hai", "mail": "b@example.vn"}
    assert "dang bi khoa" in client(A).call("registerAgency", json.dumps(wish).encode()).json()["ErrorDesc"]
    with store.read() as connection:
        (row,) = wishes.open_requests(connection)
        assert wishes.is_shut(connection, row.code)
    with pytest.raises(Refused, match="EDX-HUB-SHUT") as refused, store.begin("grant") as connection:
        wishes.settle_request(connection, row.id, grant=True, now=clock.now(), by="quan-tri")
    assert "reopen" in refused.value.hint.en
    with store.begin("grant") as connection:
        after = agencies.require(connection, "H58.12.01.02")
        assert (after.name, after.state) == ("Thôn Một", "closed")
        agencies.reopen(connection, after.code, now=clock.now(), by="quan-tri")
        wishes.settle_request(connection, row.id, grant=True, now=clock.now(), by="quan-tri")
        assert agencies.require(connection, after.code).name == "Thôn Hai"
        acts = connection.execute(select(audit.c.act, audit.c.subject).order_by(audit.c.id)).all()
    assert ("change", "H58.12.01.02: name, mail") in [tuple(one) for one in acts]


def test_what_a_wish_would_change_is_shown_fact_by_fact_in_letters_that_do_nothing(client, hub):
    enrol(hub, NewAgency("H58.12.01.02", "Thôn Một", mail="a@example.vn"))
    known = {"code": "H58.12.01.02", "name": "Thôn\x1b[2J Một", "mail": "a@example.vn", "fax": "1"}
    fresh = {"code": "H58.12.01.03", "name": "Thôn Ba", "pcode": "H58.12.01.02"}
    for wish in (known, fresh):
        assert client(A).call("registerAgency", json.dumps(wish).encode()).json()["status"] == "OK"
    client(A).call("deleteAgency", b"{}", AgencyCode="H58.12.01.02")
    with hub.service.store.read() as connection:
        told = [
            [(one.name, one.old, one.new) for one in wishes.changes_of(connection, row)]
            for row in wishes.open_requests(connection)
        ]
    assert told == [
        [("name", "Thôn Một", "Thôn [2J Một"), ("fax", None, "1")],
        [("name", None, "Thôn Ba"), ("parent", None, "H58.12.01.02")],
        [("state", "open", "closed")],
    ]


def test_a_closed_agency_that_sends_is_told_so_and_not_of_its_recipient(client, hub, clock):
    with hub.service.store.begin("close") as connection:
        agencies.close(connection, A, now=clock.now(), by="quan-tri")
    told = client(A).send(document()).json()
    assert (told["EdxCode"], told["ErrorDesc"]) == ("EDX-UNIT-CLOSED", f"Don vi gui {A} da bi khoa tren truc nay.")
