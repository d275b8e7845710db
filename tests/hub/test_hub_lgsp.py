"""The LGSP dialect at /v1, beside the axis and on the same data (axis-http.md §2)."""

from __future__ import annotations

import base64
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta

import httpx
import pytest
from hub_scene import A, B, C, document, status
from hypothesis import given
from hypothesis import strategies as st

from edocx.errors import Refused
from edocx.hub import agencies, logins
from edocx.hub.bodies import Body
from edocx.hub.lgsp_operations import TOKEN_LIFE
from edocx.hub.multipart import fields


@pytest.fixture
def credentials(hub):
    def make(code):
        with hub.service.store.begin("lgsp") as connection:
            agency = agencies.find(connection, code)
            return agencies.new_lgsp_credentials(
                connection, agency, hub.service.vault, now=hub.service.store.now(), by="test"
            )

    return make


@pytest.fixture
def lgsp(address, credentials):
    """Log an agency in, as an LGSP client does."""
    opened = []

    def make(code):
        key, password = credentials(code)
        http = httpx.Client(base_url=f"http://{address[0]}:{address[1]}/v1", trust_env=False)
        opened.append(http)
        told = {"username": code, "password": password, "applicationCode": "x", "otp": None, "typeObjs": [0, 1]}
        reply = http.post("/auth/login?allow_anonymous=true", json=told).json()
        token = reply["data"]["token"]
        http.headers.update({"Authorization": f"Bearer {token}", "X-SystemId": code, "X-SecretKey": key})
        return http

    yield make
    for http in opened:
        http.close()


def send(http, edxml, kind="edoc"):
    return http.post("/sendEdoc", files={"edocFile": ("a.edxml", edxml, "application/xml")}, data={"messageType": kind})


def test_a_document_goes_from_an_lgsp_client_to_an_axis_client_and_the_status_back(lgsp, client):
    http = lgsp(A)
    edxml = document()
    reply = send(http, edxml).json()
    assert reply == {"success": True, "message": "OK", "docId": reply["docId"]}
    (row,) = client(B).waiting()
    assert row["docId"] == reply["docId"]
    assert client(B).call("downloadEdoc", None, method="GET", docId=row["docId"]).body == edxml
    client(B).send(status("03"), kind="status")
    listed = http.get("/syncReceivedEdocList", params={"messageType": "status"}).json()
    assert (listed["count"], listed["data"][0]["from"]) == (1, B)
    ended = http.post("/updateStatus", json={"docId": listed["data"][0]["docId"], "status": "done"}).json()
    assert ended["success"] is True
    assert http.get("/syncReceivedEdocList", params={"messageType": "status"}).json()["count"] == 0


def test_an_lgsp_client_reads_envelope_and_files(lgsp, client):
    doc_id = client(A).send(document()).json()["DocId"]
    data = lgsp(B).get("/getEdoc", params={"docId": doc_id}).json()["data"]
    assert (data["from"], data["fromName"], data["edocCode"]) == (A, "Ủy ban nhân dân xã Bình Đức", "7816/UBND-VP")
    assert data["edxml"].encode() == document()
    (file,) = data["attachments"]
    assert base64.b64decode(file["fileContent"]) == b"%PDF-1.7 noi dung"
    assert lgsp(C).get("/getEdoc", params={"docId": doc_id}).status_code == 404


def test_a_repeat_by_the_other_dialect_is_the_same_message(lgsp, client):
    assert send(lgsp(A), document()).json()["docId"] == client(A).send(document()).json()["DocId"]


def test_the_list_is_filtered_by_whole_days(lgsp, client):
    client(A).send(document())
    http = lgsp(B)
    asked = {"messageType": "edoc", "fromDate": "2023/06/15", "toDate": "2023/06/15"}
    assert http.get("/syncReceivedEdocList", params=asked).json()["count"] == 1
    assert http.get("/syncReceivedEdocList", params=asked | {"fromDate": "2023/06/16"}).json()["count"] == 0
    assert http.get("/syncReceivedEdocList", params=asked | {"toDate": "15-06-2023"}).json()["success"] is False


@pytest.mark.parametrize("missing", ["Authorization", "X-SystemId", "X-SecretKey"])
def test_each_credential_is_needed(lgsp, missing):
    http = lgsp(A)
    del http.headers[missing]
    reply = http.get("/getAgenciesList")
    assert (reply.status_code, reply.text) == (401, "Unauthorized")


def test_a_token_of_another_agency_opens_nothing(lgsp):
    first, second = lgsp(A), lgsp(B)
    second.headers["Authorization"] = first.headers["Authorization"]
    assert second.get("/getAgenciesList").status_code == 401


def test_a_token_ends_after_half_an_hour(lgsp, clock):
    http = lgsp(A)
    assert http.get("/getAgenciesList").json()["success"] is True
    clock.advance(TOKEN_LIFE)
    assert http.get("/getAgenciesList").status_code == 401


@pytest.mark.parametrize("username, password", [(A, "sai"), ("H99", "sai"), ("", "")])
def test_a_wrong_login_is_answered_as_such_servers_do(address, credentials, username, password):
    credentials(A)
    told = {"username": username, "password": password}
    reply = httpx.post(f"http://{address[0]}:{address[1]}/v1/auth/login", json=told, trust_env=False)
    assert (reply.status_code, reply.text) == (401, "Unauthorized")


def log_in(address, username, password):
    told = {"username": username, "password": password}
    return httpx.post(f"http://{address[0]}:{address[1]}/v1/auth/login", json=told, trust_env=False).status_code


def test_who_guesses_passwords_is_refused_before_the_guess_is_checked(address, credentials, clock, monkeypatch):
    _, password = credentials(A)
    _, other = credentials(B)
    checked = []
    check = logins.check_password
    monkeypatch.setattr(logins, "check_password", lambda *told: checked.append(told) or check(*told))
    assert [log_in(address, A, password) for _ in range(logins.OF_ACCOUNT + 2)] == [200] * (logins.OF_ACCOUNT + 2)
    assert {log_in(address, A, "sai") for _ in range(logins.OF_ACCOUNT)} == {401}
    checked.clear()
    assert log_in(address, A, password) == 429
    assert log_in(address, "001.01.12.H58", password) == 429  # its other spelling
    assert not checked
    assert log_in(address, B, other) == 200
    for number in range(logins.OF_ADDRESS - logins.OF_ACCOUNT):
        assert log_in(address, f"H99.{number + 10}", "sai") == 401
    assert log_in(address, B, other) == 429
    clock.advance(timedelta(minutes=1))
    assert log_in(address, A, password) == 200


def test_passwords_are_checked_few_at_a_time_and_calls_go_on(address, client, credentials, monkeypatch):
    credentials(A)
    go_on, running, most = threading.Event(), [], []

    def slowly(*_told):
        running.append(1)
        most.append(len(running))
        go_on.wait(60)
        running.pop()
        return False

    monkeypatch.setattr(logins, "check_password", slowly)
    monkeypatch.setattr(logins, "OF_ADDRESS", 1000)
    guesses = logins.AT_ONCE + logins.WAITING + 5
    with ThreadPoolExecutor(guesses) as pool:
        told = [pool.submit(log_in, address, f"H99.{number + 10}", "sai") for number in range(guesses)]
        first = [one.result() for one in itertools.islice(as_completed(told), 5)]
        assert first == [429] * 5  # the queue ends
        assert client(A).call("countReceiveEdoc").json()["status"] == "OK"
        go_on.set()
    assert sorted(one.result() for one in told)[-6:] == [401, *[429] * 5]
    assert max(most) <= logins.AT_ONCE


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("", "", True),
    ],
)
def test_addresses_of_one_subscriber_are_one(one, other, same):
    assert (logins._site(one) == logins._site(other)) is same


@pytest.mark.parametrize(
    "edxml, number",
    [(b"<x/>", "22"), (document(to=("H99",)), "18"), (document(sender=C), "19")],
    ids=["no envelope", "unknown recipient", "another's name"],
)
def test_errors_have_the_numbers_of_the_table(lgsp, edxml, number):
    reply = send(lgsp(A), edxml).json()
    assert (reply["success"], reply["data"]["status"], reply["data"]["errorCode"]) == (False, "error", number)


def test_a_chunked_upload_is_refused(lgsp):
    reply = lgsp(A).post("/sendEdoc", content=iter([b"x"]), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert reply.status_code == 411


def test_the_agencies_are_listed_in_the_dialect_s_words(lgsp):
    rows = {row["orgCode"]: row for row in lgsp(A).get("/getAgenciesList").json()["data"]}
    assert (rows[B]["orgName"], rows[C]["parentCode"]) == ("Văn phòng Chính phủ", "H58")


def body_of(data: bytes) -> Body:
    return Body(len(data), "", None, data, None)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_the_bytes_of_a_field_are_those_that_were_sent(first, second):
    request = httpx.Request("POST", "http://x", files={"a": first, "b": ("n", second)})
    data = request.read()
    found = fields(body_of(data), request.headers["content-type"])
    assert [data[field.start : field.end] for field in found.values()] == [first, second]


@pytest.mark.parametrize("data", [b"", b"--x", b"--x\r\n\r\nabc", b"--x\r\nname=a\r\n\r\nx\r\n--x--", b"--x\r\n" * 50])
def test_what_is_no_form_is_refused(data):
    with pytest.raises(Refused):
        fields(body_of(data), "multipart/form-data; boundary=x")


def test_a_field_cut_by_a_piece_s_edge_is_found():
    from edocx.content import PIECE

    for shift in range(-12, 3):
        content = b"y" * (PIECE - 60 + shift)
        data = b'--x\r\ncontent-disposition: form-data; name="f"\r\n\r\n' + content + b"\r\n--x--"
        field = fields(body_of(data), 'multipart/form-data; charset=utf-8; boundary="x"')["f"]
        assert data[field.start : field.end] == content
