"""The seam between the rooms and a socket: everything above it runs with a fake one and a virtual clock."""

from __future__ import annotations

from typing import Protocol

from pyvidu.server.faults.delay_line import Delay


class Transport(Protocol):
    """One WebSocket, seen from above. No method blocks and none raises: what cannot be sent any more is dropped."""

    def send(self, text: str) -> None:
        """Queues one text message."""

    def ping(self) -> None:
        """Sends an RFC 6455 ping, which every browser answers by itself."""

    def close(self, code: int, reason: str) -> None:
        """Begins to close, after what is queued. Bounded: a peer that does not answer is cut off."""

    def abort(self) -> None:
        """Cuts the connection, without a word to the peer."""

    def hold(self) -> None:
        """Stops reading and writing, as a dead network would; what is queued waits. Holds are counted."""

    def release(self) -> None:
        """Undoes one `hold`."""

    def slow(self, delay: Delay | None) -> None:
        """Everything takes so much longer, each way; None: no longer."""
