"""What is known in an outage and does not follow from the supervisor's state."""

from __future__ import annotations

from dataclasses import dataclass

from .evidence import (
    AttemptClosed,
    AttemptOpened,
    NetworkChanged,
    PongReceived,
    RtpReturned,
    ServerReached,
    ServerUnreachable,
    SocketClosed,
    WentOffline,
    WentOnline,
)


@dataclass(slots=True)
class OutageFacts:
    """Facts about the sockets and the network, and about the attempt under way, which is the last one between attempts."""

    old_socket: bool  # it is open, and `connect` was not sent: it may still carry the session
    ping: int  # sent with the last membership request, even if that was in an earlier outage: its pong may come in this one
    closed: bool = False  # it began with a closed socket, and nothing was told of the network since
    ping_answered: bool = False  # that tells an eviction from a drop if the membership request is unanswered
    reachable: bool = False  # the server answered the last probe
    network_seen: bool = False  # by `online` or RTP
    hung: int = 0  # attempts that hung although the server was reachable when they began
    refused: int = 0  # attempts that were closed since one was opened
    began_at: float = 0.0  # when the attempt began
    began_reachable: bool = False  # `reachable` when the attempt began
    next_delay: float | None = None  # from the attempt's failure to the next one; None: it is the last

    @property
    def network_back(self) -> bool:
        """Return whether there is evidence that a new attempt would get through."""
        return self.reachable or self.network_seen

    @property
    def server_was_down(self) -> bool:
        """Return whether the server rather than the network has failed, and all its clients have lost it at once."""
        return self.closed and self.refused > 0

    def note(self, event: object) -> None:
        """Update the facts that `event` is about, if any, whatever the state."""
        match event:
            case SocketClosed():
                self.old_socket = False
            case AttemptClosed():
                self.refused += 1
            case AttemptOpened():
                self.refused = 0
            case PongReceived(number) if number == self.ping:
                self.ping_answered = True
            case WentOffline() | NetworkChanged():
                self.closed = False
            case ServerReached():
                self.reachable = True
            case ServerUnreachable():
                self.reachable = False
            case WentOnline() | RtpReturned():
                self.network_seen = True
