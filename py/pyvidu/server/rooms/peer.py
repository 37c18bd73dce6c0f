"""The clients of participants, as rooms see them: something that can be notified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pyvidu.protocol.jsonrpc import Notification
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import to_wire


@dataclass(frozen=True, slots=True)
class SignalingGap:
    """The time before the last resume of a session, in seconds of the event loop's clock; 0 and 0 before the first.

    `began` is when anything last arrived on the old socket. `moved`: the new one comes from another address.
    """

    began: float = 0.0
    ended: float = 0.0
    moved: bool = False


class Peer(Protocol):
    """The client of a participant, on whatever socket it has at the moment."""

    def notify(self, call: Call, text: str) -> None:
        """Push the notification `call`, as JSON `text`. Never raises: the profile handles an unreachable client."""

    @property
    def last_heard(self) -> float:
        """Return when anything last arrived on its socket, in seconds of the event loop's clock."""

    @property
    def gap(self) -> SignalingGap:
        """Return the time before its session was last resumed."""

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
