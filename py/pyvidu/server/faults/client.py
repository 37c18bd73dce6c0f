"""A client of a running server's `/faults`. Blocking; for the command line and the test kit."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlsplit

DEFAULT_URL = "http://localhost:4443"
KEY_HEADER = "X-Pyvidu-Key"
"""The header with the key of the server; `server.http.doors` has the same name."""
_TIMEOUT = 10.0  # seconds


class FaultRefused(Exception):
    """The fault was not begun, listed or ended; the message states why, and what to do."""


class FaultClient:
    """The faults of a server. Every method raises `FaultRefused`."""

    def __init__(self, url: str = DEFAULT_URL, key: str = "") -> None:
        """Order faults at `url` with the key of the server, which is in the address that it has printed."""
        self.url = url.rstrip("/")
        self._key = key
        # The server accepts orders from its own machine only: no proxy applies, and its certificate is for other host names.
        unverified = ssl.create_default_context()
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
        )

    def start(self, kind: str, **options: Any) -> dict[str, Any]:
        """Begin a fault and return its description; `options` are those of its kind (`orders.py`)."""
        from pyvidu.server.faults.orders import WrongOrder, order_of

        try:
            order = order_of({"kind": kind, **options})
        except WrongOrder as error:
            raise FaultRefused(str(error)) from None
        fault: dict[str, Any] = self._ask("POST", "/faults", order.model_dump(exclude_unset=True))
        return fault

    def active(self) -> list[dict[str, Any]]:
        """Return the descriptions of the active faults."""
        faults: list[dict[str, Any]] = self._ask("GET", "/faults")["faults"]
        return faults

    def end(self, fault_id: str) -> None:
        """End a fault before its time."""
        self._ask("DELETE", f"/faults/{quote(fault_id, safe='')}")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        from pyvidu.server.http.hosts import is_loopback

        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not is_loopback(parts.hostname or ""):
            raise FaultRefused(
                f"Faults can be started only on the server's own machine: '{self.url}' is not a URL like {DEFAULT_URL}"
            )
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310 - checked above
        request.add_header("Content-Type", "application/json")
        if self._key:
            request.add_header(KEY_HEADER, self._key)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise FaultRefused(_why(error, self.url)) from None
        except (OSError, ValueError) as error:
            raise FaultRefused(
                f"No server answers at {self.url} ({getattr(error, 'reason', error)}): "
                "start one with `pyvidu serve --fault-control`, or name another with --url"
            ) from None
        return json.loads(text) if text else None


def _why(error: urllib.error.HTTPError, url: str) -> str:
    try:
        return str(json.loads(error.read())["message"])
    except (ValueError, KeyError, TypeError):
        pass
    if error.code in (404, 405):
        return f"The server at {url} has no fault control: start it with `pyvidu serve --fault-control`"
    return f"The server at {url} answered {error.code} {error.reason}"
