"""One WebSocket, with the browser's semantics: it opens in the background, and closing is final."""

from __future__ import annotations

from typing import Protocol


class SocketListener(Protocol):
    """Listener for the events of one socket. After `close()` was called, no event is reported."""

    def socket_opened(self, socket: Socket) -> None:
        """Handle the end of the handshake; `send` works from now on."""

    def socket_received(self, socket: Socket, text: str) -> None:
        """Handle a text message."""

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        """Handle that the socket was closed, or could not be opened (code 1006)."""


class Socket(Protocol):
    """A WebSocket in any state."""

    @property
    def is_open(self) -> bool:
        """Return whether `send` reaches the network (the message may still be lost there)."""

    def send(self, text: str) -> None:
        """Send a text message; it is dropped when the socket is not open."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the socket in any state, without a further event for the listener."""


class Sockets(Protocol):
    """Opens sockets."""

    def open(self, url: str, listener: SocketListener) -> Socket:
        """Begin to open a socket to `url` (`ws:` or `wss:`).

        Raises:
            OSError: the host refuses even to try (a malformed or forbidden address).
        """
