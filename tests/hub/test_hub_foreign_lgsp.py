"""The LGSP transport towards a platform that is no hub of ours: what it may repeat, and what goes to the clerk."""

from __future__ import annotations

import http.server
import json
import threading
from datetime import timedelta

import pytest

from edocx.content import Blob
from edocx.errors import Refused, StateError, TransportUnavailable, UsageError
from edocx.routing.parcel import Parcel
from edocx.routing.transport.lgsp import LgspTransport

UNIT = "H58.12.01"


class Platform(http.server.BaseHTTPRequestHandler):
    """Logs in, takes forms, lists and gives texts; ``answers`` says what to do with the next calls instead."""

    protocol_version = "HTTP/1.1"
    sent: list[bytes]
    headers_seen: list[dict]
    answers: list
    tokens: int

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "login" in self.path:
            type(self).tokens += 1
            self.reply({"code": 0, "message": "OK", "data": {"token": f"t{self.tokens}"}})
            return
        self.headers_seen.append(dict(self.headers))
        if self.path.endswith("sendEdoc"):
            self.sent.append(body)
        self.answer({"success": True, "message": "OK", "docId": f"d{len(self.sent)}"})

    def do_GET(self):
        row = {"docId": "d1", "createdTime": "2023-06-15 08:00:00", "from": "G22", "to": UNIT, "messageType": "edoc"}
        if "syncReceivedEdocList" in self.path:
            rows = [row] if "messageType=edoc" in self.path else []
            self.answer({"success": True, "count": len(rows), "data": rows})
        else:
            self.answer({"success": True, "data": {"docId": "d1", "edxml": "<edXML>văn bản</edXML>"}})

    def answer(self, usual):
        planned = self.answers.pop(0) if self.answers else None
        if planned == "cut":
            self.close_connection = True
            self.connection.close()
        elif planned is None:
            self.reply(usual)
        else:
            self.reply(*planned)

    def reply(self, told, status=200):
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def platform():
    handler = type("P", (Platform,), {"sent": [], "headers_seen": [], "answers": [], "tokens": 0})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    handler.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def make(platform, clock, tmp_path):
    lines = []

    def one():
        told = {"key": "khoa", "username": "vt", "password": "mk", "clock": clock, "attempts": tmp_path / "attempts"}
        lines.append(LgspTransport(platform.endpoint, system=UNIT, **told))
        return lines[-1]

    yield one
    for line in lines:
        line.close()


@pytest.fixture
def parcel(clock):
    payload = Blob.from_bytes(b"<edXML/>\r\n--not-a-boundary")
    told = {"sender": UNIT, "recipients": ("G22",), "document_id": "D1", "created_at": clock.now()}
    return Parcel.of(payload, **told), payload


def test_the_form_is_the_dialect_s_own_with_its_length_and_nothing_more(platform, make, parcel):
    receipt = make().submit(*parcel)
    (body,), (headers,) = platform.sent, platform.headers_seen
    assert receipt.key == "d1"
    assert b'name="messageType"\r\n\r\nedoc\r\n' in body
    assert b"<edXML/>\r\n--not-a-boundary\r\n--" in body
    assert b"edx" not in body.replace(b"edxml", b"").lower().replace(b"<edxml/>", b"")
    assert int(headers["Content-Length"]) == len(body)
    assert "Transfer-Encoding" not in headers
    assert (headers["Authorization"], headers["X-SystemId"], headers["X-SecretKey"]) == ("Bearer t1", UNIT, "khoa")


def test_a_repeat_after_success_is_answered_from_memory_even_by_another_process(platform, make, parcel):
    first = make().submit(*parcel)
    assert make().submit(*parcel) == first
    assert len(platform.sent) == 1


@pytest.mark.parametrize("answer", ["cut", (b"<html>502</html>", 502), ({"success": False}, 500)])
def test_an_unknown_outcome_is_never_repeated_but_goes_to_the_clerk(platform, make, parcel, answer):
    platform.answers.append(answer)
    with pytest.raises(TransportUnavailable):
        make().submit(*parcel)
    with pytest.raises(Refused, match="EDX-AXIS-OUTCOME-UNKNOWN"):
        make().submit(*parcel)
    assert len(platform.sent) == 1


@pytest.mark.parametrize(
    "number, code", [("18", "EDX-UNIT-UNKNOWN"), ("23", "EDX-UNIT-CLOSED"), ("22", "EDX-AXIS-REFUSED")]
)
def test_a_refusal_is_a_refusal_and_may_be_tried_again(platform, make, parcel, number, code):
    told = {"success": False, "message": "x", "data": {"errorCode": number, "errorDesc": "Đơn vị nhận không tồn tại"}}
    platform.answers.append((told, 200))
    with pytest.raises(Refused, match=code) as found:
        make().submit(*parcel)
    assert "Đơn vị nhận" in found.value.text.vi
    assert make().submit(*parcel).key == "d2"


def test_a_token_that_ended_is_renewed_and_a_wrong_account_is_named(platform, make, clock):
    line = make()
    assert len(line.pending(UNIT)) == 1
    platform.answers.append((b"Unauthorized", 401))
    assert len(line.pending(UNIT)) == 1
    assert platform.tokens == 2
    platform.answers += [(b"Unauthorized", 401)] * 2
    with pytest.raises(Refused, match="EDX-AXIS-CREDENTIALS"):
        line.pending(UNIT)


def test_a_send_that_meets_an_old_token_sends_the_same_bytes_again(platform, make, parcel):
    line = make()
    platform.answers.append((b"Unauthorized", 401))
    assert line.submit(*parcel).key == "d2"
    first, second = platform.sent
    assert first == second


def test_waiting_messages_are_read_fetched_and_acknowledged(platform, make, clock):
    line = make()
    (entry,) = line.pending(UNIT)
    assert (entry.key, entry.message_id, entry.sender, entry.document_id) == ("d1", "d1", "G22", None)
    assert entry.arrived_at == clock.now() + timedelta(0)
    assert line.fetch(entry).read().decode() == "<edXML>văn bản</edXML>"
    line.acknowledge(entry)
    platform.answers.append(({"success": True, "data": {}}, 200))
    with pytest.raises(StateError, match="EDX-AXIS-ENTRY"):
        line.fetch(entry)


@pytest.mark.parametrize("endpoint", ["http://lgsp.example", "ftp://x", "khong"])
def test_plain_http_to_other_machines_is_refused(tmp_path, clock, endpoint):
    with pytest.raises(UsageError, match="EDX-AXIS-ENDPOINT"):
        LgspTransport(endpoint, system=UNIT, key="k", username="u", password="p", clock=clock, attempts=tmp_path / "a")
