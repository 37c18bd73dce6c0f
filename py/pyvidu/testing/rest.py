"""The two calls of OpenVidu's REST API that nearly every test needs. Blocking."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from pyvidu.testing.errors import RestError

Role = Literal["SUBSCRIBER", "PUBLISHER", "MODERATOR"]
"""What a participant may do: OpenVidu's `OpenViduRole`."""

_TIMEOUT = 10.0  # seconds
_NOT_FOUND = 404
_CONFLICT = 409  # the session exists already


@dataclass(frozen=True, slots=True)
class RoomConnection:
    """A participant as the REST API lists it.

    Attributes:
        role: of `Role`.

    Source: OpenVidu's REST API, `GET sessions/ID/connection`.
    """

    connection_id: str
    """What `server.fault` takes as `participant`."""
    role: str
    client_data: str
    """What its page passed to `connect`."""
    server_data: str
    """What the token was made with."""


class RestClient:
    """The REST API of the server at `url`. Every method raises RestError."""

    def __init__(self, url: str, secret: str) -> None:
        self._base = f"{url}openvidu/api"
        self._credentials = base64.b64encode(f"OPENVIDUAPP:{secret}".encode()).decode()
        unverified = ssl.create_default_context()  # a test's own certificate
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
        )

    def create_token(self, session_id: str, role: Role, data: str) -> str:
        """Create the session if it does not exist, and return a token for one participant."""
        try:
            self._ask("POST", "sessions", {"customSessionId": session_id})
        except RestError as error:
            if error.status != _CONFLICT:
                raise
        connection = self._ask(
            "POST", f"sessions/{quote(session_id, safe='')}/connection", {"role": role, "data": data}
        )
        return str(connection["token"])

    def connections(self, session_id: str) -> list[RoomConnection]:
        """Return the participants of a session that have joined, the oldest first."""
        try:
            listed = self._ask("GET", f"sessions/{quote(session_id, safe='')}/connection")["content"]
        except RestError as error:
            if error.status != _NOT_FOUND:
                raise
            known = [session["sessionId"] for session in self._ask("GET", "sessions")["content"]]
            there_are = f"there are: {', '.join(known)}" if known else "there are none yet"
            raise RestError(f"there is no session {session_id!r}; {there_are}", _NOT_FOUND) from None
        return [
            RoomConnection(item["connectionId"], item["role"] or "", item["clientData"] or "", item["serverData"] or "")
            for item in sorted(listed, key=lambda item: item["activeAt"] or 0)
            if item["status"] == "active"
        ]

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # JSON, as each call documents it
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self._base}/{path}", data, method=method)  # noqa: S310 - the server's own URL
        request.add_header("Authorization", f"Basic {self._credentials}")
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise RestError(f"{method} {path} was answered {error.code} {error.reason}: {said}", error.code) from None
        except OSError as error:
            raise RestError(f"{method} {path}: no server answers at {self._base} ({error})", 0) from None
        return json.loads(text) if text else None
