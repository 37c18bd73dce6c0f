"""The observations that decisions are based on. Each is a fact about one moment; what it means is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SocketClosed:
    """The socket that carries the session was closed by the server or the network."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PongReceived:
    """A ping was answered on the socket that carries the session. `number` is that of the ping."""

    number: int


@dataclass(frozen=True, slots=True)
class WentOffline:
    """The host fired `offline`. A witness, not a verdict: it is wrong on localhost and behind VPNs."""


@dataclass(frozen=True, slots=True)
class WentOnline:
    """The host fired `online`."""


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """The host fired `change` of its Network Information: the IP address may have changed."""


@dataclass(frozen=True, slots=True)
class WokeUp:
    """The page runs again after it was frozen or its machine slept: connections may have been lost meanwhile."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """The server reports that nothing arrives of this participant, neither media nor signaling."""


@dataclass(frozen=True, slots=True)
class ServerReached:
    """The server answered a reachability probe. `unheard`: that nothing else arrives of this participant any more."""

    unheard: bool = False


@dataclass(frozen=True, slots=True)
class ServerUnreachable:
    """A reachability probe failed at once (`at_once`), or was not answered in time."""

    at_once: bool


@dataclass(frozen=True, slots=True)
class RtpSteady:
    """RTP flows on at least one received stream that can be a witness; without one, reports about what is sent arrive."""


@dataclass(frozen=True, slots=True)
class RtpOverdue:
    """All that can be a witness pauses for longer than it did lately, or the last that flowed is gone. No witness yet."""


@dataclass(frozen=True, slots=True)
class RtpLate:
    """The sound of all received streams is late (`late`), since it waits in a queue on the way; or not any more."""

    late: bool


@dataclass(frozen=True, slots=True)
class RtpSilent:
    """RTP has stopped on every stream that can be a witness. The cause may also be a drop on the publishers' side."""

    witness: ClassVar[str] = "rtp silent"


@dataclass(frozen=True, slots=True)
class ReportsSilent(RtpSilent):
    """No stream can be a witness, and the receiver's reports about what is sent have stopped."""

    witness: ClassVar[str] = "no reports"


@dataclass(frozen=True, slots=True)
class RtpReturned:
    """RTP, or a report, arrives again: RTP is the fastest evidence of the network's return, 20-50 ms after it."""


@dataclass(frozen=True, slots=True)
class AttemptOpened:
    """The new socket is open."""


@dataclass(frozen=True, slots=True)
class AttemptClosed:
    """The new socket was refused or closed, before or after it opened."""

    code: int = 1006


@dataclass(frozen=True, slots=True)
class ResumeAccepted:
    """The resume succeeded: the session exists. Whether the participant still is in the room remains open."""


@dataclass(frozen=True, slots=True)
class ResumeRefused:
    """The resume was answered with an error, whose `code` is for the record.

    `session_gone`: the server does not have the session any more. `node_crashed`: a cluster reported besides that the
    session's node is not the same any more.
    """

    code: int
    session_gone: bool = False
    node_crashed: bool = False


@dataclass(frozen=True, slots=True)
class MembershipConfirmed:
    """A request that needs membership was answered, or refused for another reason: the server found the participant."""


@dataclass(frozen=True, slots=True)
class MembershipDenied:
    """A request that needs membership was refused because there is none. The protocol's `code` is for the record."""

    code: int


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """A request was refused because the server considers the session to be on another socket."""


RtpEvidence = RtpSteady | RtpOverdue | RtpLate | RtpSilent | RtpReturned

SignalingEvidence = (
    SocketClosed
    | PongReceived
    | WentOffline
    | WentOnline
    | NetworkChanged
    | WokeUp
    | Unheard
    | ServerReached
    | ServerUnreachable
    | RtpSteady
    | RtpOverdue
    | RtpLate
    | RtpSilent
    | RtpReturned
    | AttemptOpened
    | AttemptClosed
    | ResumeAccepted
    | ResumeRefused
    | MembershipConfirmed
    | MembershipDenied
    | SessionMoved
)


@dataclass(frozen=True, slots=True)
class MediaSample:
    """The counters of one peer connection at one moment; names follow webrtc-stats. They only ever grow.

    `received_packets` counts RTP and RTCP of the whole transport, `stun_responses` answered connectivity checks: growth of
    either proves that the path carries packets. `inbound_*` belong to received streams, `remote_reports` to sent ones.
    `stun_requests` counts connectivity checks sent. `ip_families` is no counter: in how many of IPv4 and IPv6 a candidate
    pair has ever answered.
    """

    ice_state: str
    received_packets: int = 0
    stun_responses: int = 0
    inbound_audio_packets: int = 0
    inbound_video_packets: int = 0
    frames_decoded: int = 0
    remote_reports: int = 0
    stun_requests: int = 0
    ip_families: int = 0


@dataclass(frozen=True, slots=True)
class UplinkSample:
    """What the other end reports of what a peer connection sends. Counters only ever grow, but for `audio_lost`.

    `reports` counts its reports about the sound, the latest of which came at `reported_at` (seconds, any clock); `audio_sent`
    and `audio_lost` count packets, `video_bytes` the video that was sent. `round_trip` (seconds) is that of the latest report
    about the video, which takes the same way and is reported on more often; None before the first. `estimate` is how many
    bits a second the host thinks that the path carries, None if it does not tell.
    """

    reports: int = 0
    reported_at: float = 0.0
    round_trip: float | None = None
    audio_sent: int = 0
    audio_lost: int = 0
    video_bytes: int = 0
    estimate: float | None = None


@dataclass(frozen=True, slots=True)
class SoundPlayed:
    """The audio played last: `at` is when (seconds, any clock), `ticks` its RTP timestamp, `rate` its clock rate in Hz."""

    at: float
    ticks: int
    rate: int


@dataclass(frozen=True, slots=True)
class SignalingLost:
    """An outage of the signaling plane has begun: nothing can be negotiated."""


@dataclass(frozen=True, slots=True)
class SignalingResumed:
    """The outage is over. `force`: renegotiate whatever the stream's health; `negotiated`: there is a peer connection."""

    force: bool
    negotiated: bool = True


@dataclass(frozen=True, slots=True)
class IceStateChanged:
    """The `iceConnectionState` of the current peer connection has changed."""

    state: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """The counters that `TakeSample` asked for, of the current peer connection."""

    sample: MediaSample


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """RTP of this stream has stopped, whatever the others do."""


@dataclass(frozen=True, slots=True)
class MediaPathsDead:
    """Nothing arrives on any path of the session any more, although the server answers.

    `other_family`: this stream had a candidate pair of the other IP family too, which ICE takes a second later.
    """

    because: str = "nothing arrives on any path, and the server answers"
    other_family: bool = False


@dataclass(frozen=True, slots=True)
class NotReceived:
    """The server reports that it receives nothing of what is sent from here, although signaling was resumed."""


@dataclass(frozen=True, slots=True)
class StreamReturned:
    """RTP of this stream arrives after `StreamStopped`."""


@dataclass(frozen=True, slots=True)
class PeerReplaced:
    """A new peer connection was negotiated, by us or on the server's request; `state` is its `iceConnectionState`."""

    state: str


@dataclass(frozen=True, slots=True)
class RenegotiationRefused:
    """The server answered our renegotiation with an error."""

    message: str


@dataclass(frozen=True, slots=True)
class RenegotiationAborted:
    """The renegotiation came to no end: the stream ended, or another negotiation or an outage came between."""

    message: str


@dataclass(frozen=True, slots=True)
class AudioReference:
    """The sound played now, which is in time: asked for by `TakeAudioReference`."""

    played: SoundPlayed | None


@dataclass(frozen=True, slots=True)
class SoundRead:
    """The sound played now, asked for by `ReadSound`."""

    played: SoundPlayed | None


@dataclass(frozen=True, slots=True)
class ReceiversRestarted:
    """`RestartReceivers` was carried out."""


@dataclass(frozen=True, slots=True)
class PageStoodStill:
    """The page stood still for `seconds`: what arrived meanwhile was queued."""

    seconds: float


MediaEvidence = (
    SignalingLost
    | SignalingResumed
    | RtpReturned
    | IceStateChanged
    | Sampled
    | StreamStopped
    | MediaPathsDead
    | NotReceived
    | StreamReturned
    | PeerReplaced
    | RenegotiationRefused
    | RenegotiationAborted
    | AudioReference
    | SoundRead
    | ReceiversRestarted
    | PageStoodStill
)
