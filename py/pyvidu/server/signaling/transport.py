"""The interface of a WebSocket. Tests run everything above it with a fake one and a virtual clock."""

from __future__ import annotations

from typing import Protocol

from pyvidu.server.traffic import Path


class Transport(Protocol):
    """One WebSocket. No method blocks and none raises: what cannot be sent any more is dropped."""

    @property
    def path(self) -> Path:
        """Return the path of its messages."""

    @property
    def full(self) -> bool:
        """Return whether so much waits for the client to read it that no more signals may be sent, until all is read."""

    def send(self, text: str) -> None:
        """Queue one text message."""

    def ping(self) -> None:
        """Send an RFC 6455 ping, which every browser answers by itself."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close, after what is queued. The connection is aborted if the peer does not answer in time."""

    def abort(self) -> None:
        """Abort the connection without a close frame."""
