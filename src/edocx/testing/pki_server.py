"""The services of a test PKI over HTTP: time stamps, OCSP, lists and certificates.

For tests on one machine: plain HTTP, no access control, bounded requests.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from edocx.clock import Clock
from edocx.testing.der import MAX_REQUEST
from edocx.testing.ocsp import Ocsp
from edocx.testing.pki import Pki
from edocx.testing.tsa import Tsa

SLOWEST_CLIENT = 10.0
"""Seconds a client may be silent: against one that holds a thread by saying nothing."""


def open_server(pki: Pki, clock: Clock, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """Open the server; the caller runs ``serve_forever`` and closes it. Port 0 takes a free one.

    POST ``/tsa`` and ``/ocsp``; GET ``/crl/root.crl``, ``/crl/state.crl``, ``/crt/root.crt``, ``/crt/state.crt`` (DER).
    Raises ``OSError`` when the address is taken.
    """

    class Handler(_Handler):
        services = (pki, Tsa(pki), Ocsp(pki), clock)

    return ThreadingHTTPServer((host, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    services: tuple[Pki, Tsa, Ocsp, Clock]
    timeout = SLOWEST_CLIENT
    server_version = "edocx-test-pki"
    sys_version = ""

    def do_POST(self) -> None:
        _, tsa, ocsp, clock = self.services
        responders: dict[str, tuple[Tsa | Ocsp, str]] = {
            "/tsa": (tsa, "timestamp-reply"),
            "/ocsp": (ocsp, "ocsp-response"),
        }
        if self.path not in responders:
            self.send_error(404)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_REQUEST:
            self.send_error(413)
            return
        responder, media = responders[self.path]
        self._answer(responder.answer(self.rfile.read(int(length)), clock.now()), media)

    def do_GET(self) -> None:
        pki, *_ = self.services
        for authority in (pki.root, pki.state):
            if self.path == f"/crl/{authority.slug}.crl":
                self._answer(authority.crl().public_bytes(Encoding.DER), "pkix-crl")
                return
            if self.path == f"/crt/{authority.slug}.crt":
                self._answer(authority.certificate.public_bytes(Encoding.DER), "pkix-cert")
                return
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Keep silent: requests name certificates."""

    def _answer(self, body: bytes, media: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"application/{media}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
