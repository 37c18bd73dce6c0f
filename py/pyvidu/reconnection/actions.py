"""The actions that decisions ask for. `signaling/plane.py` and `media/` carry them out and report the results as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from .detector import ProbeReachability, ProbeWebSocket, SendPing, SilenceRefuted
from .outage import StreamStepName


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Begin to open a new socket; no other attempt is under way."""


@dataclass(frozen=True, slots=True)
class DropAttempt:
    """Close the new socket, whatever its state."""


@dataclass(frozen=True, slots=True)
class SendResume:
    """Send `connect` on the new socket, directly followed by the request that proves membership and ping number `ping`."""

    ping: int


@dataclass(frozen=True, slots=True)
class SendMembershipCheck:
    """Send the request that proves membership, and ping number `ping`, on the old socket, which has answered again."""

    ping: int


@dataclass(frozen=True, slots=True)
class SendPingWithOwnershipCheck:
    """Send ping `number`, and a request that is refused if another socket carries the session by now."""

    number: int


@dataclass(frozen=True, slots=True)
class SuspendRequests:
    """Hold requests and notifications back: an outage has begun, of which nobody is told yet."""

    witness: str


@dataclass(frozen=True, slots=True)
class AnnounceReconnecting:
    """Announce that an outage has begun."""


@dataclass(frozen=True, slots=True)
class AnnounceAttempt:
    """Announce attempt `number` (from 1). If it fails, the next follows after `next_delay` seconds; None: it is the last."""

    number: int
    next_delay: float | None


@dataclass(frozen=True, slots=True)
class AnnounceReconnected:
    """Announce the end of the outage: signaling resumed, membership verified.

    `same_socket`: the old socket answered again and is kept; otherwise it is closed.
    """

    same_socket: bool


@dataclass(frozen=True, slots=True)
class AnnounceLost:
    """Announce that the outage ended in the loss of the session.

    `node_crashed`: because the cluster node that held it crashed. `gave_up`: because the application ended it, by
    `stop_reconnecting()` or by a limit of its policy, not the server.
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
    | SuspendRequests
    | AnnounceReconnecting
    | AnnounceAttempt
    | AnnounceReconnected
    | AnnounceLost
    | SilenceRefuted
)


# --- of one stream ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeSample:
    """Read the counters of the current peer connection and report them as `Sampled`."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """Request a key frame of a received stream, or send one in a published stream."""


@dataclass(frozen=True, slots=True)
class Renegotiate:
    """Replace the peer connection. `fresh_network`: what the host detected of the network may be out of date."""

    fresh_network: bool


@dataclass(frozen=True, slots=True)
class CancelRenegotiation:
    """Cancel the renegotiation under way."""


@dataclass(frozen=True, slots=True)
class TakeAudioReference:
    """Read the sound played now and report it as `AudioReference`."""


@dataclass(frozen=True, slots=True)
class ReadSound:
    """Read the sound played now and report it as `SoundRead`."""


@dataclass(frozen=True, slots=True)
class RestartReceivers:
    """Discard the buffers of the receivers, and report `ReceiversRestarted`."""


@dataclass(frozen=True, slots=True)
class NoteStep:
    """Add a step of this stream to the record of the outage."""

    step: StreamStepName
    because: str = ""


@dataclass(frozen=True, slots=True)
class AnnounceFrozen:
    """Announce that the stream does not flow although it should."""

    because: str


@dataclass(frozen=True, slots=True)
class AnnounceRecovered:
    """Announce that a stream announced as frozen flows again."""


@dataclass(frozen=True, slots=True)
class ReportException:
    """Report `ICE_CONNECTION_DISCONNECTED` or `ICE_CONNECTION_FAILED`, with OpenVidu's meaning."""

    name: str
    message: str


MediaAction = (
    TakeSample
    | Nudge
    | Renegotiate
    | CancelRenegotiation
    | TakeAudioReference
    | ReadSound
    | RestartReceivers
    | NoteStep
    | AnnounceFrozen
    | AnnounceRecovered
    | ReportException
)
