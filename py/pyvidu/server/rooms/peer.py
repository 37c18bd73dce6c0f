"""The clients of participants, as rooms see them: something that can be notified."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pyvidu.protocol.jsonrpc import Notification
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import to_wire


class Peer(Protocol):
    """The client of a participant, on whatever socket it has at the moment."""

    def notify(self, call: Call, text: str) -> None:
        """Push the notification `call`, as JSON `text`. Never raises: the profile handles an unreachable client."""

    @property
    def last_heard(self) -> float:
        """Return when anything last arrived on its socket, in seconds of the event loop's clock."""

    @property
    def outage(self) -> tuple[float, float]:
        """Return when anything last arrived before its session was last resumed, and when that was; the same clock.

        0 and 0 before the first resume.
        """

    @property
    def full(self) -> bool:
        """Return whether so much waits for the client to read it that it gets no more signals."""

    def departed(self) -> None:
        """Handle the departure of the participant from its room."""


class Recipient(Protocol):
    """A participant."""

    @property
    def peer(self) -> Peer:
        """Return its client."""


def tell(recipients: Iterable[Recipient], call: Call) -> None:
    """Notify each of `recipients`, in their order. The text is written once, and all of them share it."""
    text = Notification(call.method, to_wire(call)).encode()
    if not text.isascii():  # JSON can encode a lone surrogate, UTF-8 cannot
        text = text.encode("utf-8", "replace").decode()
    for participant in list(recipients):
        participant.peer.notify(call, text)
