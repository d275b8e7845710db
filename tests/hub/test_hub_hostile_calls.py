"""Whatever stands in a call's parameters, headers or body: the triple, and never the hub's own fault."""

from __future__ import annotations

import asyncio
import json
from unittest.mock import patch
from urllib.parse import quote

import pytest
from hub_scene import NOW, SECRETS, A, B, document, enrol, open_hub, unpadded_hash
from hypothesis import given
from hypothesis import strategies as st

from edocx.hub import NewAgency, agencies, logins
from edocx.hub.archive_operations import FOR_OFFICES
from edocx.hub.axis_operations import AMONG_HUBS, OPERATIONS
from edocx.hub.signed_headers import sign
from edocx.hub.wire import SYSTEM
from edocx.testing.clock import FixedClock

ALL = OPERATIONS | AMONG_HUBS | FOR_OFFICES
PARAMETERS = (
    *("from", "to", "servicetype", "messagetype", "hash-file", "docId", "filePath", "status", "description", "level"),
    *("AgencyCode", "fromDate", "toDate", "edx-message-id", "edx-relays", "edx-statement", "edx-document-id"),
    *(
        "edx-business",
        "edx-urgency",
        "edx-since",
        "edx-after",
        "edx-follows",
        "edx-operation",
        "edx-body",
        "edx-once",
        "timestamp",
    ),
)
NASTY = (
    *("", "0", "-1", "1" * 5_000, "9" * 30, "\x00", "a\x00b", "x" * 5_000, "../../etc/passwd", "%00", "%ff%fe"),
    *("01/01/0001 00:00:00", "31/12/9999 23:59:59", "31/02/2024 10:00:00", "0001-01-01T00:00:00+07:00"),
    *("9999-12-31T23:59:59-12:00", "2024-01-01T00:00:00", "0001/01/01", "9999/12/31", "٣٣٣", "²", "H58.12.01\u200b"),
    *('["G22", 1]', '["\\ud800"]', '"\\u0000"', "[" * 3_000, "{}", "[]", "[1e999]", "[" + "1" * 5_000 + "]", "null"),
    *(
        "done",
        "fail",
        "edoc",
        "status",
        A,
        B,
        "H58..1",
        "a, b",
        "Số 12/QĐ-UBND",
        "\ud800",
        "\U0010ffff",
        "a\tb",
        "'; --",
    ),
)
BODIES = (
    *(b"", b"{}", b"[]", b"null", b"\xff\xfe", b"{", b"[" * 20_000, b'{"code": "\\ud800", "name": "\\u0000"}'),
    *(b'{"code": "H58.12.01.05", "name": "\\ud800", "pcode": "\\udfff"}', b'{"code": ["H58.12.01.05"], "name": {}}'),
    *(b'{"code": ' + b"9" * 5_000 + b"}", b'{"code": "H58.12.01.06", "mail": ' + b"[" * 900 + b"]" * 900 + b"}"),
    *(b'{"seq": 1e400, "said": "", "signature": ""}', b'{"seq": 1, "said": "\xc3\xa9", "signature": []}'),
    *(b'{"username": "\\ud800", "password": "\\ud800"}', b'{"username": "H58.12.01", "password": "\\ud800"}'),
    *(b'{"docId": "\\ud800", "status": "\\u0000", "description": "\\ud800\\u0000"}', b'{"docId": 1, "status": []}'),
    *(document(), document().replace(b"7816/UBND", b"\xed\xa0\x80"), document()[:-40], b"<a/>", b"PK\x03\x04"),
)
values = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
bodies = st.one_of(st.sampled_from(BODIES), st.binary(max_size=200))


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    made = open_hub(tmp_path_factory.mktemp("hub"), clock=FixedClock(NOW), max_bytes=1024 * 1024)
    enrol(made, NewAgency("hub.G22", "hub.G22", kind="hub"), secrets={"hub.G22": SECRETS[A]})
    yield made
    made.service.close()


@pytest.fixture(scope="module")
def lgsp(hub):
    """The headers of the LGSP dialect, with a token that is good."""
    with hub.service.store.begin("lgsp") as connection:
        agency = agencies.require(connection, A)
        told = {"now": NOW, "by": "test"}
        key, password = agencies.new_lgsp_credentials(connection, agency, hub.service.vault, **told)
    body = json.dumps({"username": A, "password": password}).encode()
    status, answer = asked(hub, "POST", "/v1/auth/login", [], body)
    assert status == 200
    token = json.loads(answer)["data"]["token"]
    return [
        (b"authorization", b"Bearer " + token.encode()),
        (b"x-systemid", A.encode()),
        (b"x-secretkey", key.encode()),
    ]


def asked(
    hub, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes, *, query: str = ""
) -> tuple[int, bytes]:
    """Put one call to the ASGI application itself: bytes that no HTTP parser would let through arrive too."""
    told: dict[str, object] = {"body": b""}
    incoming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            told["status"] = message["status"]
        else:
            told["body"] += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [*headers, (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(hub(scope, receive, send))
    return told["status"], told["body"]


def signed(system: str, parameters: dict[str, str]) -> list[tuple[bytes, bytes]]:
    members = {"XroadVnpt-systemid": system}
    members |= {f"XroadVnpt-{name}": value for name, value in parameters.items()}
    message = json.dumps(members, separators=(",", ":")).encode()
    lines = [(name.lower().encode(), value.encode("utf-8", "surrogatepass")) for name, value in members.items()]
    lines += [(b"xroadvnpt-sign-header", message), (b"xroadvnpt-hash-header", sign(SECRETS[A], message))]
    return lines


def require_triple(status: int, body: bytes, *, operation: str) -> None:
    if operation == "downloadEdoc" and status == 200:
        return
    told = json.loads(body.decode("ascii"))
    assert told["status"] in {"OK", "FAIL"}
    assert None not in {told["ErrorCode"], told["ErrorDesc"]}
    assert (told["status"] == "OK") == (status == 200) == (told["ErrorCode"] == "0"), told
    assert status < SYSTEM.status, told
    assert told["ErrorCode"] != SYSTEM.number, told
    assert "EDX-INTERNAL" not in body.decode("ascii")


@pytest.mark.parametrize("operation", sorted(ALL))
@given(st.data())
def test_no_parameter_and_no_body_is_answered_as_the_hub_s_own_fault(hub, operation, data):
    chosen = data.draw(st.lists(st.sampled_from(PARAMETERS), unique=True, max_size=6))
    parameters = {name: data.draw(values) for name in chosen}
    body, system = data.draw(bodies), data.draw(st.sampled_from([A, "hub.G22"]))
    if data.draw(st.booleans()):
        # What most calls need, so that the rest is looked at too.
        parameters = {"messagetype": "edoc", "hash-file": unpadded_hash(body), "from": A} | parameters
    headers = signed(system, parameters)
    for method in ALL[operation][0]:
        require_triple(*asked(hub, method, f"/{operation}", headers, body), operation=operation)


@given(
    st.lists(
        st.tuples(st.sampled_from(["sign-header", "hash-header", "systemid", "docid", "x"]), st.binary(max_size=60))
    )
)
def test_no_header_of_an_unknown_caller_is_answered_as_the_hub_s_own_fault(hub, told):
    headers = [(b"xroadvnpt-" + name.encode(), value) for name, value in told]
    require_triple(*asked(hub, "POST", "/getEdoc", headers, b""), operation="getEdoc")


@pytest.mark.parametrize(
    "operation, told, code",
    [
        ("getReceivedEdocList", {"messagetype": "edoc", "fromDate": "32/01/2024 00:00:00"}, "EDX-HUB-PARAMETER"),
        ("edxSentSince", {"edx-since": "0001-01-01T00:00:00+07:00"}, "EDX-HUB-PARAMETER"),
        ("edxSentSince", {"edx-since": "2023-01-01T00:00:00+07:00", "edx-after": "1" * 5_000}, "EDX-HUB-PARAMETER"),
        ("getEdoc", {"docId": "\ud800"}, "EDX-HUB-HEADERS"),
        ("deleteAgency", {"AgencyCode": "\x00"}, "EDX-UNIT-CHARACTER"),
        ("deleteAgency", {"AgencyCode": ""}, "EDX-HUB-PARAMETER"),
    ],
)
def test_a_caller_s_fault_is_named_as_such(hub, operation, told, code):
    status, body = asked(hub, "POST", f"/{operation}", signed(A, told), b"{}")
    assert (status // 100, json.loads(body)["EdxCode"]) == (4, code), body


@pytest.mark.parametrize("name", ["fromDate", "toDate"])
def test_the_smallest_moment_of_dotnet_is_no_bound(hub, name):
    told = {"messagetype": "edoc", "servicetype": "eDoc"}
    plain = asked(hub, "POST", "/getReceivedEdocList", signed(A, told), b"{}")
    assert asked(hub, "POST", "/getReceivedEdocList", signed(A, told | {name: "01/01/0001 00:00:00"}), b"{}") == plain


@pytest.mark.parametrize("to, number", [('["\\u0007"]', "104"), ('["' + "x" * 300 + '"]', "104"), ("[1]", "104")])
def test_an_id_that_cannot_be_one_is_the_caller_s_fault(hub, to, number):
    told = {"messagetype": "edoc", "hash-file": unpadded_hash(document()), "from": A, "to": to}
    status, body = asked(hub, "POST", "/sendEdoc", signed(A, told), document())
    assert (status, json.loads(body)["ErrorCode"]) == (400, number)


LGSP = [
    ("POST", "auth/login"),
    ("POST", "sendEdoc"),
    ("GET", "syncReceivedEdocList"),
    ("GET", "getEdoc"),
    ("GET", "downloadEdoc"),
    ("POST", "updateStatus"),
    ("GET", "getAgenciesList"),
]


def form(file: bytes, fields: dict[str, str]) -> bytes:
    parts = [b'--b\r\nContent-Disposition: form-data; name="edocFile"\r\n\r\n' + file + b"\r\n"]
    for name, value in fields.items():
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        parts.append(head + value.encode("utf-8", "surrogatepass") + b"\r\n")
    return b"".join(parts) + b"--b--\r\n"


@pytest.mark.parametrize("method, name", LGSP)
@given(st.data())
def test_no_call_of_the_lgsp_dialect_is_answered_as_the_hub_s_own_fault(hub, lgsp, method, name, data):
    asked_for = data.draw(st.dictionaries(st.sampled_from(["docId", "messageType", "fromDate", "toDate"]), values))
    query = "&".join(f"{one}={quote(value.encode('utf-8', 'surrogatepass'))}" for one, value in asked_for.items())
    body = data.draw(bodies)
    headers = [*lgsp, (b"content-type", b"multipart/form-data; boundary=b")]
    if data.draw(st.booleans()):
        names = st.sampled_from(["messageType", "edxTo", "edxMessageId", "edxDocumentId", "edxBusiness", "edxUrgency"])
        body = form(body, {"messageType": "edoc"} | data.draw(st.dictionaries(names, values)))
    if data.draw(st.booleans()):
        query = f"messageType=edoc&{query}"
    with patch.multiple(logins, OF_ADDRESS=10**6, OF_ACCOUNT=10**6):  # every example is read, not refused unread
        status, answer = asked(hub, method, f"/v1/{name}", headers, body, query=query)
    assert status < SYSTEM.status, answer[:400]
    if status not in {200, 401}:
        told = json.loads(answer)
        assert (told["success"], told["data"]["errorCode"] == "20") == (False, False), told
