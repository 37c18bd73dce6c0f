"""One WebSocket, with the browser's semantics: opening takes place in the background, closing is final."""

from __future__ import annotations

from typing import Protocol


class SocketListener(Protocol):
    """Whoever opened a socket is told what becomes of it. After `close()` was called, nothing is told any more."""

    def socket_opened(self, socket: Socket) -> None:
        """The handshake is done; `send` works."""

    def socket_received(self, socket: Socket, text: str) -> None:
        """A text message arrived."""

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        """It is closed, or could not be opened (code 1006)."""


class Socket(Protocol):
    """A WebSocket in any state."""

    @property
    def is_open(self) -> bool:
        """Whether `send` reaches the network (it may still be lost there)."""

    def send(self, text: str) -> None:
        """Sends a text message; dropped when the socket is not open."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Lets go of the socket at once, whatever its state, and tells the listener nothing more."""


class Sockets(Protocol):
    """Opens sockets."""

    def open(self, url: str, listener: SocketListener) -> Socket:
        """Begins to open a socket to `url` (`ws:` or `wss:`).

        Raises:
            OSError: the host refuses even to try (a malformed or forbidden address).
        """
