"""One RTCPeerConnection, reduced to what a stream needs. Names are those of webrtc-pc."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pyvidu.reconnection.evidence import MediaSample, SoundPlayed, UplinkSample


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """How to create a peer connection.

    `ice_servers` are `RTCIceServer` dictionaries, `rtc_configuration` overrides the whole `RTCConfiguration`. A sender
    sets `local_stream`, a receiver `receive_audio` and `receive_video`, one that gets back what it sends sets both; `answers`
    means that the other side makes the offer.
    `simulcast` sends a video in several encodings.
    `fresh_network` means that the network may have changed a moment ago: the host must not reuse what it had detected of it.
    """

    ice_servers: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    rtc_configuration: Mapping[str, Any] | None = None
    local_stream: Any = None
    receive_audio: bool = False
    receive_video: bool = False
    fresh_network: bool = False
    simulcast: bool = False
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate, with the fields of webrtc-pc's `RTCIceCandidateInit`; the last one has an empty `candidate`."""

    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


class PeerListener(Protocol):
    """Listener for the events of one peer connection. After `close()`, no event is reported."""

    def peer_candidate(self, candidate: Candidate) -> None:
        """Handle a local candidate."""

    def peer_ice_state(self, state: str) -> None:
        """Handle a change of `iceConnectionState`."""


class PeerConnection(Protocol):
    """The media connection of one stream.

    A description or a candidate that the host refuses raises `BrowserRefusedError`; a negotiation that is pending at `close`
    raises `OSError`.
    """

    @property
    def ice_connection_state(self) -> str:
        """Return `new`, `checking`, `connected`, `completed`, `disconnected`, `failed` or `closed`."""

    @property
    def remote_stream(self) -> Any:
        """Return the received MediaStream, None for one that only sends."""

    @property
    def native(self) -> Any:
        """Return the host's own object, for applications that use it directly."""

    async def create_offer(self) -> str:
        """Create an offer, set it as the local description and return its SDP."""

    async def create_answer(self, offer: str) -> str:
        """Set the remote offer, create an answer, set it as the local description and return its SDP."""

    async def set_answer(self, sdp: str) -> None:
        """Set the remote description."""

    async def add_candidate(self, candidate: Candidate) -> None:
        """Add a remote candidate."""

    def packet_marker(self) -> float | None:
        """Return a number that changes whenever RTP has arrived, None before any has. Cheap to call."""

    def sound_played(self) -> SoundPlayed | None:
        """Return the received sound that was played last, None if there was none lately. Cheap to call."""

    def enable_received(self, kind: str, enabled: bool) -> None:
        """Set `enabled` of the received tracks of one kind (`audio` or `video`)."""

    def ask_for_key_frame(self) -> None:
        """Request a key frame from the sender of a received video (RTCP PLI)."""

    async def restart_receivers(self) -> None:
        """Discard the buffers and the clock estimates of the received streams. Tracks stay, counters continue."""

    def send_key_frame(self) -> None:
        """Make the encoders of a sent video produce a key frame: a receiver that lost packets can decode the next picture."""

    async def replace_track(self, track: Any) -> None:
        """Send `track` in the place of the sent one of its kind, without negotiation.

        Raises:
            OSError: the host cannot: another kind of encoding, or none of that kind is sent.
        """

    async def sample(self) -> MediaSample:
        """Return the current counters."""

    async def uplink_sample(self) -> UplinkSample | None:
        """Return what the other end reports of what is sent, None if this host never knows."""

    async def reported_at(self) -> float | None:
        """Return when the other end's latest report about what is sent came, in any unit; None before the first."""

    async def send_video(self, active: bool) -> bool:
        """Cease to send video, or send it again, without negotiation; sound goes on. Return whether the host has done it."""

    def close(self) -> None:
        """Close it, without a further event for the listener."""


class NetworkDownError(OSError):
    """The host makes no peer connection before it has a network again: Firefox, while it is offline."""


class PeerConnections(Protocol):
    """Creates peer connections."""

    def create(self, settings: PeerSettings, listener: PeerListener) -> PeerConnection:
        """Create a peer connection, in state `new`.

        Raises:
            NetworkDownError: await `network_up` first.
            BrowserRefusedError: the ICE servers, another part of the `RTCConfiguration`, or the tracks to be sent.
        """

    async def network_up(self) -> None:
        """Wait until the host has a network, as far as it knows."""
