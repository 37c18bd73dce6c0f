"""A connection token: the URL that an application's backend gets from OpenVidu and passes to `Session.connect`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class InvalidToken(ValueError):
    """A text that is no connection token; the message gives the cause."""


@dataclass(frozen=True, slots=True)
class ConnectionToken:
    """`wss://HOST:PORT?sessionId=SESSION&token=tok_XXXX`, parsed.

    `url` is the whole text, which `joinRoom` sends back. `secret`, `recorder` and `stt` are used by OpenVidu's own
    recording and speech-to-text participants.
    """

    url: str
    origin: str
    session_id: str
    secret: str = ""
    recorder: bool = False
    stt: bool = False
    edition: str = ""

    @classmethod
    def parse(cls, text: str) -> ConnectionToken:
        """Return the token in `text`.

        Raises:
            InvalidToken: `text` is no URL with a host and a `sessionId`.
        """
        try:
            parts = urlsplit(text.strip())
            host, _ = parts.hostname, parts.port
            query = parse_qs(parts.query, keep_blank_values=True)
        except (ValueError, AttributeError) as error:
            raise InvalidToken(f"The token is not a URL: {error}") from None
        if parts.scheme not in _SCHEMES or not host:
            raise InvalidToken("The token is not a URL of the form wss://HOST:PORT?sessionId=SESSION&token=TOKEN")
        session_id = query.get("sessionId", [""])[0]
        if not session_id:
            raise InvalidToken("The token names no session: 'sessionId' is missing in its query")
        flags = {name: query.get(name, [""])[0] for name in ("secret", "recorder", "stt", "edition")}
        return cls(
            url=text.strip(),
            origin=f"{_SCHEMES[parts.scheme]}://{parts.netloc.rpartition('@')[2]}",
            session_id=session_id,
            secret=flags["secret"],
            recorder=flags["recorder"] == "true",
            stt=flags["stt"] == "true",
            edition=flags["edition"],
        )

    @property
    def socket_url(self) -> str:
        """Return the URL of the WebSocket of the signaling plane."""
        return f"{self.origin}/openvidu?{urlencode({'sessionId': self.session_id})}"

    @property
    def probe_url(self) -> str:
        """Return a URL on the same host that answers any HTTP request at once, whatever the answer."""
        return f"http{self.origin.removeprefix('ws')}/openvidu"
