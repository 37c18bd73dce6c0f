"""The TURN server that is announced to clients. It is not part of this server, which never connects to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pyvidu.protocol.messages import IceServerInfo
from pyvidu.server.errors import ConfigurationError

# RFC 7065.
_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>\d{1,5}))?(\?transport=(udp|tcp))?"
)
_PORTS = {"turn": 3478, "turns": 5349}


@dataclass(frozen=True, slots=True)
class TurnServer:
    """One TURN server by one or more of its URLs, with long-term credentials."""

    urls: tuple[str, ...]
    username: str
    credential: str = field(repr=False)

    def __post_init__(self) -> None:
        """Reject what a browser would reject.

        Raises:
            ConfigurationError: a URL is malformed, or URL, username or credential is missing.
        """
        for url in self.urls:
            found = _URL.fullmatch(url)
            if found is None or not 0 < int(found["port"] or 1) < 65536:
                raise ConfigurationError(f"--turn-url is turn:HOST:PORT or turns:HOST:PORT?transport=tcp, not {url!r}")
        if not (self.urls and self.username and self.credential):
            raise ConfigurationError("A TURN server needs --turn-url, --turn-username and --turn-credential, all three")

    @property
    def host(self) -> str:
        """Return the host of its first URL; IPv6 addresses in brackets."""
        return self._first["host"]

    @property
    def port(self) -> int:
        """Return the port of its first URL."""
        return int(self._first["port"] or _PORTS[self._first["scheme"]])

    def ice_servers(self) -> list[IceServerInfo]:
        """Return the ICE servers for `joinRoom`: one for each URL."""
        return [IceServerInfo(url=url, username=self.username, credential=self.credential) for url in self.urls]

    @property
    def _first(self) -> re.Match[str]:
        found = _URL.fullmatch(self.urls[0])
        assert found is not None
        return found
