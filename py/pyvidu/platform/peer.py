"""One RTCPeerConnection, reduced to what a stream needs. Names are those of webrtc-pc."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pyvidu.reconnection.evidence import MediaSample, SoundPlayed


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """How to make a peer connection.

    `ice_servers` are `RTCIceServer` dictionaries, `rtc_configuration` overrides the whole `RTCConfiguration`. A sender hands
    its `local_stream` over; a receiver says what it wants, and with `answers` that the other side makes the offer.
    `fresh_network` says that the network is another one than a moment ago: the host must not rely on what it knew of it.
    """

    ice_servers: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    rtc_configuration: Mapping[str, Any] | None = None
    local_stream: Any = None
    receive_audio: bool = False
    receive_video: bool = False
    fresh_network: bool = False
    answers: bool = False


class PeerListener(Protocol):
    """Whoever made a peer connection is told what becomes of it. After `close()`, nothing is told any more."""

    def peer_candidate(self, candidate: Mapping[str, Any]) -> None:
        """A local candidate: `candidate`, `sdpMid`, `sdpMLineIndex`; the last one has an empty `candidate`."""

    def peer_ice_state(self, state: str) -> None:
        """`iceConnectionState` changed."""


class PeerConnection(Protocol):
    """The media connection of one stream."""

    @property
    def ice_connection_state(self) -> str:
        """`new`, `checking`, `connected`, `completed`, `disconnected`, `failed` or `closed`."""

    @property
    def remote_stream(self) -> Any:
        """The MediaStream that is received; None for a sender."""

    @property
    def native(self) -> Any:
        """The host's own object, for an application that wants it."""

    async def create_offer(self) -> str:
        """Makes an offer, sets it as the local description and returns its SDP."""

    async def create_answer(self, offer: str) -> str:
        """Sets the remote offer, makes an answer, sets it as the local description and returns its SDP."""

    async def set_answer(self, sdp: str) -> None:
        """Sets the remote description."""

    async def add_candidate(self, candidate: Mapping[str, Any]) -> None:
        """Adds a remote candidate."""

    def packet_marker(self) -> float | None:
        """A number that changes whenever RTP has arrived, cheap to ask for; None when nothing ever has."""

    def sound_played(self) -> SoundPlayed | None:
        """The received sound that was played last, cheap to ask for; None when there was none lately."""

    def enable_received(self, kind: str, enabled: bool) -> None:
        """Sets `enabled` of the received tracks of one kind (`audio` or `video`)."""

    def ask_for_key_frame(self) -> None:
        """Asks the sender of a received video for a picture that needs no earlier one (RTCP PLI)."""

    async def restart_receivers(self) -> None:
        """Forgets what is buffered of the received streams and learnt of their clocks. Tracks stay, counters go on."""

    def send_key_frame(self) -> None:
        """Makes the encoders of a sent video begin anew: a receiver that lost something sees the next picture."""

    async def replace_track(self, track: Any) -> None:
        """Sends `track` in the place of the sent one of its kind, without negotiation.

        Raises:
            OSError: the host cannot: another kind of encoding, or none of that kind is sent.
        """

    async def sample(self) -> MediaSample:
        """The counters of this moment."""

    def close(self) -> None:
        """Closes it and tells the listener nothing more."""


class PeerConnections(Protocol):
    """Makes peer connections."""

    def create(self, settings: PeerSettings, listener: PeerListener) -> PeerConnection:
        """A new one, in state `new`."""
