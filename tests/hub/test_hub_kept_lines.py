"""A line that goes on after a refusal: the next call on it is read from its first byte, or the line is closed."""

from __future__ import annotations

import contextlib
import socket

import pytest
from hub_scene import PATIENCE, SECRETS, A, OfficialClient, open_hub, serving


def head(path: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: x", *lines, b"", b""])


def good_call(address, operation="countReceiveEdoc", secret=SECRETS[A], **told) -> list[bytes]:
    """The lines of a rightly signed head, without its length."""
    caught = []
    client = OfficialClient(address, A, secret)
    client.raw = lambda request, lines, body: caught.extend(lines)
    client.call(operation, **told)
    return [name.encode() + b": " + value for name, value in caught]


def read_to_end(line: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(1 << 16):
            found += piece
    return found


@pytest.fixture
def axis(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock)
    with serving(hub) as address:
        yield address
    hub.service.close()


WAITS = b"Expect: 100-continue"


@pytest.mark.parametrize(
    "path, lines, status",
    [
        (b"/getEdoc", (), b"401"),
        (b"/khong-co", (), b"404"),
        (b"/healthz", (), b"405"),
        (b"/v1/updateStatus", (), b"401"),
        (b"/getEdoc", ("wrong",), b"401"),
        (b"/sendEdoc", ("right",), b"400"),
    ],
)
def test_a_refusal_before_the_body_was_asked_for_ends_the_line(axis, path, lines, status):
    """Behind a proxy the next bytes are another caller's: they would be eaten as the body that never came."""
    signed = {"wrong": "sai", "right": SECRETS[A]}
    told = [one for way in lines for one in good_call(axis, path[1:].decode(), signed[way])]
    victim = head(b"/countReceiveEdoc", *good_call(axis), b"Content-Length: 0")
    with socket.create_connection(axis, timeout=PATIENCE) as line:
        line.sendall(head(path, *told, WAITS, b"Content-Length: %d" % (len(victim) // 2)))
        answer = b""
        while b"}" not in answer and b"Unauthorized\n" not in answer and (piece := line.recv(1 << 16)):
            answer += piece
        with contextlib.suppress(ConnectionError):
            line.sendall(victim)
        answer += read_to_end(line)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:80]
    assert answer.count(b"HTTP/1.1 ") == 1  # never asked for, and nothing after it read as a call
    assert answer.lower().count(b"connection: close") == 1


def test_plain_http_from_afar_is_refused_and_its_line_ended(tmp_path, clock, monkeypatch):
    from edocx.hub import application

    hub = open_hub(tmp_path, clock=clock)
    with serving(hub) as address:
        monkeypatch.setattr(application, "is_loopback", lambda host: False)
        with socket.create_connection(address, timeout=PATIENCE) as line:
            line.sendall(head(b"/getEdoc", WAITS, b"Content-Length: 2"))
            answer = read_to_end(line)
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"connection: close" in answer.lower()
    hub.service.close()


def test_a_body_with_two_lengths_is_refused_and_nothing_behind_it_is_read(axis):
    """RFC 9112 §6.1: a proxy may go by the other length, and take the rest for its next caller's call."""
    signed = good_call(axis)
    hidden = head(b"/countReceiveEdoc", *signed, b"Content-Length: 0")
    with socket.create_connection(axis, timeout=PATIENCE) as line:
        line.sendall(head(b"/countReceiveEdoc", *signed, b"Content-Length: 5", b"Transfer-Encoding: chunked"))
        line.sendall(b"0\r\n\r\n" + hidden)
        answer = read_to_end(line)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"EdxCode":"EDX-HUB-PARAMETER"' in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_line_goes_on_after_a_refusal_whose_body_was_taken(axis):
    signed = good_call(axis)
    with socket.create_connection(axis, timeout=PATIENCE) as line:
        line.sendall(head(b"/getEdoc", b"Content-Length: 2") + b"{}")
        line.sendall(head(b"/countReceiveEdoc", *signed, b"Content-Length: 0", b"Connection: close"))
        answer = read_to_end(line)
    assert answer.startswith(b"HTTP/1.1 401")
    assert b'"count":0' in answer
    assert answer.count(b"HTTP/1.1 ") == 2
