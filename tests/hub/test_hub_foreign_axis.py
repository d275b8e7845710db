"""Towards an axis that is not ours: once cannot be proven, so a doubt is never resolved by sending again."""

from __future__ import annotations

import json
import socketserver
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from edocx.content import Blob
from edocx.errors import InputError, Refused, TransportUnavailable, Unavailable, UsageError
from edocx.routing.parcel import Parcel
from edocx.routing.transport.attempts import Attempts
from edocx.routing.transport.axis import APART, AxisTransport
from edocx.routing.transport.axis_rows import moment_of

SENDER, TO = "H58.12.01", "G22"


class Foreign(socketserver.ThreadingTCPServer):
    """A plain server without an idempotency key; `act` says what becomes of the next sendEdoc."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rows: list[dict] = []
        self.bodies: list[bytes] = []
        self.act = "take"
        self.page: bytes | None = None

    def take(self, headers, body):
        self.bodies.append(body)
        for code in json.loads(headers["XroadVnpt-to"]):
            self.rows.append(
                {
                    "senderDocId": str(len(self.bodies)),
                    "toCode": code,
                    "notation": "7816/UBND-VP",
                    "title": "trích yếu",
                    "sentTime": "15/06/2023 08:00:30",
                }
            )
        return {"DocId": str(len(self.bodies))}


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        return

    def do_POST(self):
        server, operation = self.server, self.path.strip("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if server.page is not None:
            return self._answer(server.page, 200, "text/html")
        told: dict = {"status": "OK", "ErrorCode": 0, "ErrorDesc": "Thanh cong"}
        if operation == "sendEdoc":
            if server.act in {"take", "take and hang up"}:
                told |= server.take(self.headers, body)
            if server.act.endswith("hang up"):
                self.close_connection = True
                return None
            if server.act == "refuse":
                told = {"status": "FAIL", "ErrorCode": "99", "ErrorDesc": "Khong hop le"}
        elif operation == "getSentEdocList":
            told["data"] = server.rows
        else:
            told["data"] = []
        return self._answer(json.dumps(told).encode(), 200, "application/json")

    def _answer(self, body, status, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def foreign():
    server = Foreign()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def line(foreign, tmp_path, clock):
    made = []

    def make():
        endpoint = f"http://127.0.0.1:{foreign.server_address[1]}"
        made.append(AxisTransport(endpoint, system=SENDER, secret="s", clock=clock, attempts=tmp_path / "attempts"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def parcel(clock):
    payload = Blob.from_bytes(b"<edXML/>")
    made = Parcel.of(
        payload,
        sender=SENDER,
        recipients=(TO,),
        document_id=f"{SENDER},2023/06/15,7816/UBND-VP",
        created_at=clock.now(),
        message_id="m1",
    )
    return made, payload


def test_a_repeat_after_success_is_answered_from_memory_even_by_another_process(foreign, line, parcel):
    first = line().submit(*parcel)
    assert line().submit(*parcel) == first
    assert len(foreign.bodies) == 1
    assert foreign.bodies[0] == b"<edXML/>\r\n"


def test_what_arrived_although_the_answer_was_lost_is_found_and_not_sent_again(foreign, line, parcel):
    foreign.act = "take and hang up"
    with pytest.raises(TransportUnavailable):
        line().submit(*parcel)
    foreign.act = "take"
    assert line().submit(*parcel).key == "1"
    assert len(foreign.bodies) == 1


def test_what_did_not_arrive_is_sent_again_only_after_two_looks_some_minutes_apart(foreign, line, parcel, clock):
    foreign.act = "hang up"
    with pytest.raises(TransportUnavailable):
        line().submit(*parcel)
    foreign.act = "take"
    for _ in range(2):
        with pytest.raises(Unavailable, match="EDX-AXIS-OUTCOME-OPEN") as put_off:
            line().submit(*parcel)
        assert put_off.value.retryable
        assert not isinstance(put_off.value, TransportUnavailable)
        assert foreign.bodies == []
        clock.advance(seconds=30)
    clock.advance(APART)
    assert line().submit(*parcel).key == "1"
    assert len(foreign.bodies) == 1


def test_several_candidates_go_to_the_clerk(foreign, line, parcel):
    foreign.act = "take and hang up"
    with pytest.raises(TransportUnavailable):
        line().submit(*parcel)
    foreign.rows.append(foreign.rows[0] | {"senderDocId": "2"})
    with pytest.raises(Refused, match="EDX-AXIS-OUTCOME-UNKNOWN") as refused:
        line().submit(*parcel)
    assert not refused.value.retryable
    assert len(foreign.bodies) == 1


@pytest.mark.parametrize("change", [{"toCode": "H99"}, {"notation": "1/QĐ"}, {"sentTime": "01/06/2023 08:00:00"}])
def test_another_document_in_the_list_is_not_taken_for_this_one(foreign, line, parcel, change):
    foreign.act = "take and hang up"
    with pytest.raises(TransportUnavailable):
        line().submit(*parcel)
    foreign.rows[0] |= change
    with pytest.raises(Unavailable, match="EDX-AXIS-OUTCOME-OPEN"):
        line().submit(*parcel)


def test_a_refusal_is_a_refusal_and_may_be_tried_again(foreign, line, parcel):
    foreign.act = "refuse"
    with pytest.raises(Refused, match="EDX-AXIS-REFUSED") as refused:
        line().submit(*parcel)
    assert "Khong hop le" in refused.value.text.vi
    foreign.act = "take"
    assert line().submit(*parcel).key == "1"


@pytest.mark.parametrize(
    "page", [b"<html>502 Bad Gateway</html>", b"", b"[]", b'{"status":"OK","ErrorCode":null,"ErrorDesc":"x"}']
)
def test_an_answer_without_the_triple_is_no_answer(foreign, line, parcel, page):
    foreign.page = page
    with pytest.raises(TransportUnavailable, match="EDX-AXIS-AWAY"):
        line().pending(SENDER)


def test_an_axis_that_cannot_be_reached_leaves_nothing_in_doubt(tmp_path, clock, parcel):
    closed = AxisTransport("http://127.0.0.1:1", system=SENDER, secret="s", clock=clock, attempts=tmp_path)
    with closed, pytest.raises(TransportUnavailable, match="EDX-AXIS-UNREACHED"):
        closed.submit(*parcel)
    assert Attempts(tmp_path).find("m1") is None


def test_without_a_record_of_the_attempt_nothing_is_sent(foreign, tmp_path, clock, parcel):
    (tmp_path / "attempts").write_text("a file where a folder should be")
    endpoint = f"http://127.0.0.1:{foreign.server_address[1]}"
    with (
        AxisTransport(endpoint, system=SENDER, secret="s", clock=clock, attempts=tmp_path / "attempts") as made,
        pytest.raises(TransportUnavailable, match="EDX-AXIS-ATTEMPTS"),
    ):
        made.submit(*parcel)
    assert foreign.bodies == []


@pytest.mark.parametrize("endpoint", ["http://axis.example", "ftp://x", "axis.example", ""])
def test_plain_http_to_other_machines_is_refused(tmp_path, clock, endpoint):
    with pytest.raises(UsageError, match="EDX-AXIS-ENDPOINT"):
        AxisTransport(endpoint, system=SENDER, secret="s", clock=clock, attempts=tmp_path)


def test_a_line_break_in_a_document_s_id_begins_no_header(line):
    with pytest.raises(InputError, match="EDX-AXIS-PARAMETER"):
        line()._line.call("getSentEdocList", {"docId": "x\r\nXroadVnpt-from: H99"})


def test_the_secret_is_in_no_repr(line):
    assert "secret" not in repr(line()) + repr(line()._line)


def test_attempts_are_forgotten_a_month_after_their_end(tmp_path, clock):
    attempts = Attempts(tmp_path)
    attempts.done(attempts.begin("ended", clock.now()), "1", clock.now())
    attempts.begin("open", clock.now())
    clock.advance(timedelta(days=31))
    assert attempts.forget_old(clock.now()) == 1
    assert attempts.find("ended") is None
    assert attempts.find("open") is not None


@pytest.mark.parametrize(
    "text, hour", [("15/06/2023 08:00:30", 8), ("2023-06-15 08:00:30", 8), ("2023-06-15T01:00:30+00:00", 1)]
)
def test_times_are_read_in_every_form_seen(text, hour):
    assert (moment_of(text).day, moment_of(text).hour) == (15, hour)
    assert moment_of("hôm qua") is None


def test_a_foreign_axis_is_asked_for_nothing_it_does_not_know_and_remembers_nothing(foreign, line, clock):
    from edocx.routing.transport import SignedHead

    asked, answer = [], _Handler.do_POST

    def heard(self):
        asked.append(self.path)
        return answer(self)

    foreign.RequestHandlerClass = type("Heard", (_Handler,), {"do_POST": heard})
    opened = line()
    assert not opened.remembers()
    assert not opened.remembers()
    assert opened.trace(SENDER, "m1") == ()
    assert asked == ["/getReceivedEdocList"]
    assert isinstance(SignedHead(1, b"", b""), tuple)
