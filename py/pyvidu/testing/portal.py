"""The captive portal of a router: whatever the guest asks by HTTP, it answers with a page of its own."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pyvidu.testing.inside import call_inside

_PAGE = b"<!doctype html><title>Welcome</title><p>Accept the terms of use to go on.\n"
_IDLE = 5.0  # seconds without a request after which a connection is closed


class _PortalServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    visits = 0

    def handle_error(self, *_: Any) -> None:
        """Ignore it: a guest that hangs up is none."""


class _PortalPage(BaseHTTPRequestHandler):
    timeout = _IDLE

    def _answer(self) -> None:
        assert isinstance(self.server, _PortalServer)
        self.server.visits += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    do_GET = do_POST = _answer  # noqa: N815  names of the base class

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class Portal:
    """A web server in a network namespace, in threads of this process. It speaks no TLS: to such a client it is an error."""

    def __init__(self, namespace: str) -> None:
        self._server = call_inside(namespace, lambda: _PortalServer(("", 0), _PortalPage))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Return the port on which it listens."""
        return self._server.server_port

    @property
    def visits(self) -> int:
        """Return how many requests it has answered."""
        return self._server.visits

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
