"""What the supervisor wants done. The shell (`signaling/plane.py`) does it and reports back as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from .detector import ProbeWebSocket, SendPing


@dataclass(frozen=True, slots=True)
class ProbeReachability:
    """Ask the server for any HTTP answer."""


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Begin to open a new socket; there is no other attempt."""


@dataclass(frozen=True, slots=True)
class DropAttempt:
    """Let go of the new socket, whatever its state."""


@dataclass(frozen=True, slots=True)
class SendResume:
    """Send `connect` on the new socket, and right behind it the request that proves membership and ping number `ping`."""

    ping: int


@dataclass(frozen=True, slots=True)
class SendMembershipCheck:
    """The old socket came back by itself: send on it the request that proves membership, and ping number `ping`."""

    ping: int


@dataclass(frozen=True, slots=True)
class SendPingWithOwnershipCheck:
    """Send ping `number`, and a request that is refused if another socket has the session by now."""

    number: int


@dataclass(frozen=True, slots=True)
class AnnounceReconnecting:
    """An outage has begun."""

    witness: str


@dataclass(frozen=True, slots=True)
class AnnounceAttempt:
    """Attempt `number` (from 1) begins. If it fails the next one follows in `next_delay` seconds; None: there is none."""

    number: int
    next_delay: float | None


@dataclass(frozen=True, slots=True)
class AnnounceReconnected:
    """The outage is over: signaling resumed, membership verified. `same_socket`: the old one came back by itself; else it
    is let go of.
    """

    same_socket: bool


@dataclass(frozen=True, slots=True)
class AnnounceLost:
    """The outage is over: the session is. `node_crashed`: because the node that held it is. `gave_up`: not the server but the
    application wants no more of it, by `stop_reconnecting()` or by a limit of its policy.
    """

    because: str
    node_crashed: bool = False
    gave_up: bool = False


Action = (
    SendPing
    | ProbeWebSocket
    | ProbeReachability
    | OpenSocket
    | DropAttempt
    | SendResume
    | SendMembershipCheck
    | SendPingWithOwnershipCheck
    | AnnounceReconnecting
    | AnnounceAttempt
    | AnnounceReconnected
    | AnnounceLost
)
