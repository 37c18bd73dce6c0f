"""The media connection of one stream: its current peer connection, and its replacement by a new one.

A publisher offers, and `publishVideo` or `reconnectStream` returns the answer. A subscriber does the same with kurento; with
mediasoup the server offers (`prepareReceiveVideoFrom`), and `receiveVideoFrom` or `reconnectStream` carries the answer.
The new peer connection is negotiated before the old one is closed: a healthy stream (force option) has the shortest gap.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from pyvidu.errors import StreamEndedError
from pyvidu.platform import Candidate, Host, NetworkDownError, PeerConnection, PeerSettings
from pyvidu.protocol.messages import (
    OnIceCandidate,
    PrepareReceiveVideoFrom,
    PrepareReceiveVideoFromResult,
    PublishVideo,
    PublishVideoResult,
    ReceiveVideoFrom,
    ReconnectStream,
    SdpAnswerResult,
)
from pyvidu.protocol.wire import from_wire
from pyvidu.reconnection.evidence import MediaSample
from pyvidu.signaling import SignalingPlane
from pyvidu.tasks import Tasks

Send = Callable[[str], Awaitable[object]]
"""Sends a request with our SDP offer or answer before it returns; what it returns is awaited for the result."""
AnswerIn = Callable[[object], str]
"""Returns the server's SDP answer, from the result of the request with our offer."""
Fetch = Callable[[], Awaitable[str]]
"""Returns the server's SDP offer."""


class MediaClosedError(StreamEndedError):
    """The stream ended while its media connection was being negotiated."""


class MediaListener(Protocol):
    """Listener for the changes of a media connection."""

    def media_stream_changed(self, media: MediaConnection) -> None:
        """Show the (new) MediaStream."""

    def media_ice_state(self, media: MediaConnection, state: str) -> None:
        """Handle a change of the current peer connection's `iceConnectionState`."""


class MediaConnection:
    """Base of both directions. `owner` is the connection id of the stream's owner, `stream_id` the id of the stream."""

    def __init__(
        self, host: Host, signaling: SignalingPlane, owner: str, settings: PeerSettings, listener: MediaListener
    ) -> None:
        self.owner = owner
        self.stream_id = ""
        self._host = host
        self._signaling = signaling
        self._settings = settings
        self._listener = listener
        self._peer: _Peer | None = None
        self._next: _Peer | None = None
        self._closed = False

    @property
    def ice_state(self) -> str:
        """Return the `iceConnectionState` of the current peer connection, `new` before there is one."""
        return self._peer.connection.ice_connection_state if self._peer is not None else "new"

    @property
    def peer(self) -> PeerConnection | None:
        """Return the current peer connection, None before there is one."""
        return self._peer.connection if self._peer is not None else None

    @property
    def is_negotiated(self) -> bool:
        """Return whether there is a peer connection, and the stream is known to the server."""
        return bool(self.stream_id) and self._peer is not None

    @property
    def remote_stream(self) -> Any:
        """Return the received MediaStream, None before the first negotiation and if nothing is to be received."""
        return self._peer.connection.remote_stream if self._peer is not None else None

    @property
    def is_closed(self) -> bool:
        """Return whether the stream has ended."""
        return self._closed

    async def renegotiate(self, *, fresh_network: bool = False) -> None:
        """Replace the peer connection by a new one and keep the stream (`reconnectStream`).

        Raises:
            MediaClosedError: the stream has ended, or ends meanwhile.
            OpenViduError: the request failed.
        """
        raise NotImplementedError

    async def replace_track(self, track: Any) -> None:
        """Send another track of the same kind, also on a connection being negotiated. Raises OSError if the host cannot."""
        for peer in (self._peer, self._next):
            try:
                if peer is not None:
                    await peer.connection.replace_track(track)
            except OSError:
                # Of one that was closed meanwhile another sends, or nothing is sent any more.
                if peer in (self._peer, self._next):
                    raise

    async def sample(self) -> MediaSample:
        """Return the current counters."""
        if self._peer is None:
            return MediaSample("new")
        return await self._peer.connection.sample()

    def add_remote_candidate(self, candidate: Candidate) -> None:
        """Add a candidate of the server; it may arrive before the answer."""
        peer = self._next or self._peer
        if peer is not None:
            peer.add_remote_candidate(candidate)

    def abandon_negotiation(self) -> None:
        """Close the peer connection that is being negotiated, if any, because the network dropped for example."""
        if self._next is not None:
            self._next.close()
            self._next = None

    def close(self) -> None:
        """Close the peer connections."""
        self._closed = True
        self.abandon_negotiation()
        if self._peer is not None:
            self._peer.close()
            self._peer = None

    async def _offer(self, send: Send, answer_in: AnswerIn, *, fresh_network: bool = False) -> None:
        await self._negotiate(lambda peer: peer.offer(send, answer_in), fresh_network=fresh_network)

    async def _negotiate(
        self, negotiate: Callable[[_Peer], Awaitable[None]], *, fresh_network: bool = False, answers: bool = False
    ) -> None:
        if self._closed:
            raise MediaClosedError("The stream has ended")
        self.abandon_negotiation()
        peer = await self._create(replace(self._settings, fresh_network=fresh_network, answers=answers))
        self.abandon_negotiation()  # one that began while the host made no peer connection
        self._next = peer
        try:
            await negotiate(peer)
        except BaseException as error:
            was_closed = self._next is not peer  # meanwhile; the steps of a closed peer connection fail
            peer.close()
            if not was_closed:
                self._next = None
            elif isinstance(error, OSError):
                raise MediaClosedError("The stream ended while it was being negotiated") from error
            raise
        if self._next is not peer:
            peer.close()
            raise MediaClosedError("The stream ended while it was being negotiated")
        old, self._peer, self._next = self._peer, peer, None
        self._listener.media_stream_changed(self)
        if old is not None:
            old.close()

    async def _create(self, settings: PeerSettings) -> _Peer:
        """Create a peer connection, as soon as the host makes one."""
        while True:
            try:
                return _Peer(self, self._host, settings)
            except NetworkDownError:
                await self._host.peers.network_up()
            if self._closed:
                raise MediaClosedError("The stream has ended")

    def _candidate_found(self, candidate: Candidate) -> None:
        call = OnIceCandidate(
            endpoint_name=self.owner,
            candidate=candidate.candidate,
            sdp_mid=candidate.sdp_mid,
            sdp_m_line_index=candidate.sdp_m_line_index,
        )
        self._signaling.send(call)

    def _ice_state_changed(self, peer: _Peer, state: str) -> None:
        if peer is self._peer:
            self._listener.media_ice_state(self, state)


class OutboundMedia(MediaConnection):
    """A stream that this participant publishes.

    `pausable` returns whether its video may be paused for its sound: it has both, and neither is muted.
    """

    pausable: Callable[[], bool] = staticmethod(lambda: False)

    async def publish(self, description: PublishVideo) -> PublishVideoResult:
        """Publish the stream; `description` lacks nothing but the offer.

        Raises:
            MediaClosedError: the stream has ended, or ends meanwhile.
            OpenViduError: the request failed.
        """
        results: list[PublishVideoResult] = []

        def send(offer: str) -> Awaitable[object]:
            return self._signaling.request(replace(description, sdp_offer=offer), repeatable=False)

        def answer_in(result: object) -> str:
            results.append(from_wire(PublishVideoResult, result))
            self.stream_id = results[0].id
            return results[0].sdp_answer

        await self._offer(send, answer_in)
        return results[0]

    async def renegotiate(self, *, fresh_network: bool = False) -> None:
        """Send the same tracks on a new peer connection; id, options and subscribers stay."""

        def send(offer: str) -> Awaitable[object]:
            return self._signaling.request(ReconnectStream(stream=self.stream_id, sdp_string=offer), repeatable=False)

        await self._offer(send, _answer_in, fresh_network=fresh_network)


class InboundMedia(MediaConnection):
    """A stream of another participant that this one receives. `server_offers`: the media server is mediasoup.

    `forwards_video` returns whether the server sends its video too; while it does not, padding may come in its place.
    """

    server_offers = False
    forwards_video: Callable[[], bool] = staticmethod(lambda: True)
    _video_packets = 0

    async def sample(self) -> MediaSample:
        """Return the current counters; without padding, of which no frame is decoded."""
        sample = await super().sample()
        if self.forwards_video():
            self._video_packets = sample.inbound_video_packets
            return sample
        return replace(sample, inbound_video_packets=min(self._video_packets, sample.inbound_video_packets))

    async def subscribe(self) -> None:
        """Subscribe to `stream_id`.

        Raises:
            MediaClosedError: the stream has ended, or ends meanwhile.
            OpenViduError: the request failed.
        """

        def send(sdp: str) -> Awaitable[object]:
            offer, answer = (None, sdp) if self.server_offers else (sdp, None)
            call = ReceiveVideoFrom(sender=self.stream_id, sdp_offer=offer, sdp_answer=answer)
            return self._signaling.request(call, repeatable=False)

        if self.server_offers:
            await self._answer(lambda: self._prepare(reconnect=False), send)
        else:
            await self._offer(send, _answer_in)

    async def renegotiate(self, *, fresh_network: bool = False) -> None:
        """Receive the same stream on a new peer connection, which brings a new MediaStream."""
        if self.server_offers:
            await self._answer(
                lambda: self._prepare(reconnect=True), self._send_reconnected_answer, fresh_network=fresh_network
            )
            return

        def send(offer: str) -> Awaitable[object]:
            call = ReconnectStream(stream=self.stream_id, sdp_offer=offer, forcibly_reconnect=False)
            return self._signaling.request(call, repeatable=False)

        await self._offer(send, _answer_in, fresh_network=fresh_network)

    async def answer_forced(self, offer: str) -> None:
        """Replace the peer connection on the server's request (`forciblyReconnectSubscriber`), which carries the offer."""

        async def known() -> str:
            return offer

        await self._answer(known, lambda answer: self._send_reconnected_answer(answer, forced=True))

    async def _answer(self, fetch: Fetch, send: Send, *, fresh_network: bool = False) -> None:
        await self._negotiate(lambda peer: peer.answer(fetch, send), fresh_network=fresh_network, answers=True)

    async def _prepare(self, *, reconnect: bool) -> str:
        call = PrepareReceiveVideoFrom(sender=self.stream_id, reconnect=reconnect)
        return from_wire(PrepareReceiveVideoFromResult, await self._signaling.request(call, repeatable=False)).sdp_offer

    def _send_reconnected_answer(self, answer: str, *, forced: bool = False) -> Awaitable[object]:
        call = ReconnectStream(stream=self.stream_id, sdp_string=answer, forcibly_reconnect=forced)
        return self._signaling.request(call, repeatable=False)


class _Peer:
    """One peer connection and its candidates, which are queued until they can be used, on both sides."""

    def __init__(self, owner: MediaConnection, host: Host, settings: PeerSettings) -> None:
        self._owner = owner
        self._local: list[Candidate] | None = []
        self._remote: list[Candidate] | None = []
        self._tasks = Tasks()
        self.connection = host.peers.create(settings, self)

    async def offer(self, send: Send, answer_in: AnswerIn) -> None:
        """Create an offer, send it and set the answer; candidates trickle in both directions meanwhile."""
        request = send(await self.connection.create_offer())
        self._send_candidates()
        await self.connection.set_answer(answer_in(await request))
        self._add_waiting()

    async def answer(self, fetch: Fetch, send: Send) -> None:
        """Fetch an offer, answer it and send the answer; candidates trickle in both directions meanwhile."""
        request = send(await self.connection.create_answer(await fetch()))
        self._send_candidates()
        await request
        self._add_waiting()

    def _send_candidates(self) -> None:
        """Send the candidates so far, and all others at once: the request that creates their endpoint was sent."""
        early, self._local = self._local or [], None
        for candidate in early:
            self._owner._candidate_found(candidate)

    def _add_waiting(self) -> None:
        waiting, self._remote = self._remote or [], None
        for candidate in waiting:
            self.add_remote_candidate(candidate)

    def add_remote_candidate(self, candidate: Candidate) -> None:
        """Add a candidate of the server, or queue it until the negotiation is complete."""
        if self._remote is not None:
            self._remote.append(candidate)
            return
        self._tasks.spawn(self.connection.add_candidate(candidate), "a candidate of the server")

    def peer_candidate(self, candidate: Candidate) -> None:
        """Send a local candidate, or queue it until the request is sent."""
        if self._local is not None:
            self._local.append(candidate)
        else:
            self._owner._candidate_found(candidate)

    def peer_ice_state(self, state: str) -> None:
        """Forward a change of the ICE state."""
        self._owner._ice_state_changed(self, state)

    def close(self) -> None:
        """Close the peer connection."""
        self._tasks.cancel()
        self.connection.close()


def _answer_in(result: object) -> str:
    answer = from_wire(SdpAnswerResult, result).sdp_answer
    assert answer is not None, "checked with the answer to the request"
    return answer
