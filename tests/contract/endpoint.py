"""The WebSocket server of a `World`: what it does with a message, whatever carries it."""

from __future__ import annotations

from typing import Protocol

from tests.contract.world import Seen


class Connected(Protocol):
    """The server's end of one socket."""

    def send(self, text: str) -> None:
        """Send a message."""

    def close(self, code: int, reason: str) -> None:
        """Close the socket after what was sent."""

    def abort(self) -> None:
        """End the TCP connection without a close frame."""


def respond(text: str, socket: Connected, seen: Seen) -> None:
    """Note a message and return it, or do what it says (see `World.server`)."""
    seen.messages.append(text)
    match text.split(" ", 2):
        case ["close", code, reason]:
            socket.close(int(code), reason)
        case ["abort"]:
            socket.abort()
        case ["send", number]:
            for which in range(int(number)):
                socket.send(str(which + 1))
        case _:
            socket.send(text)
