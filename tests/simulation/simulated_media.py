"""The media plane of a simulation: numbered peer connections, a server that maps them to streams, RTP flows.

Evidence comes by events: a change of a flow is reported at once; counters are computed when they are read.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from server_world import FakeMedia
from simulated_network import LATENCY, Link, now

from pyvidu.platform import Candidate, Clock, PeerListener, PeerSettings
from pyvidu.reconnection.evidence import MediaSample, SoundPlayed

ICE_DISCONNECTS_AFTER = 5.0  # seconds without packets; measured in Chromium 156
ICE_FAILS_AFTER = 20.0
CONNECTS_WITHIN = 15.0  # seconds, or ICE fails
PACKETS = 50  # a second, of each kind
FRAMES = 20
CHECKS = 20  # STUN responses a second while ICE checks a path rapidly


class Router(FakeMedia):
    """The media server: which peer connection publishes a stream, and which one receives it for which subscriber.

    A restarted server has a new one; the peer connections of all clients are in `peers`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peers: dict[int, SimulatedPeer] = {}
        self.publishers: dict[str, int] = {}
        self.subscribers: dict[tuple[str, str], int] = {}
        self._owners: dict[str, str] = {}
        self.latency = 0.0

    def flows(self, subscriber: str, stream_id: str) -> bool:
        """Return whether the stream's RTP arrives at `subscriber`."""
        peer = self.peers.get(self.subscribers.get((subscriber, stream_id), -1))
        return peer is not None and peer.receives_rtp

    def reassess(self) -> None:
        """Determine anew, after a change, which peer connections receive RTP."""
        current = {number: (None, stream) for stream, number in self.publishers.items()}
        for (_, stream), number in self.subscribers.items():
            current[number] = (self.peers.get(self.publishers.get(stream, -1)), stream)  # type: ignore[assignment]
        sending = {number: peer.sends(number in current) for number, peer in self.peers.items()}
        for number, peer in list(self.peers.items()):
            source = current[number][0] if number in current else None
            peer.reassess(number in current, source is not None and sending.get(source.number, False))

    async def publish(self, owner: str, stream_id: str, sdp_offer: str) -> str:
        answer = await super().publish(owner, stream_id, sdp_offer)
        self._owners[stream_id] = owner
        self._connect(self.publishers, stream_id, sdp_offer)
        return answer

    async def republish(self, stream_id: str, sdp_offer: str) -> str:
        answer = await super().republish(stream_id, sdp_offer)
        self._connect(self.publishers, stream_id, sdp_offer)
        return answer

    async def subscribe(self, subscriber: str, stream_id: str, sdp_offer: str) -> str:
        answer = await super().subscribe(subscriber, stream_id, sdp_offer)
        self._connect(self.subscribers, (subscriber, stream_id), sdp_offer)
        return answer

    async def unpublish(self, stream_id: str) -> None:
        await super().unpublish(stream_id)
        self._end(stream_id)

    async def unsubscribe(self, subscriber: str, stream_id: str) -> None:
        await super().unsubscribe(subscriber, stream_id)
        self.subscribers.pop((subscriber, stream_id), None)
        self.reassess()

    async def leave(self, participant: str) -> None:
        await super().leave(participant)
        for stream_id in [stream for stream, owner in self._owners.items() if owner == participant]:
            self._end(stream_id)
        for key in [key for key in self.subscribers if key[0] == participant]:
            del self.subscribers[key]
        self.reassess()

    def request_key_frame(self, stream_id: str) -> None:
        super().request_key_frame(stream_id)
        self.key_frame(self.publishers.get(stream_id, -1))

    def key_frame(self, publisher: int) -> None:
        """Deliver a key frame of the publisher to its subscribers."""
        for (_, stream), number in self.subscribers.items():
            if self.publishers.get(stream) == publisher and number in self.peers:
                self.peers[number].receive_key_frame()

    def publisher_of(self, subscriber: int) -> int:
        return next(
            (self.publishers.get(s, -1) for (_, s), number in self.subscribers.items() if number == subscriber), -1
        )

    def _connect(self, endpoints: dict[Any, int], key: Any, offer: str) -> None:
        _, _, number = offer.rpartition("#")
        if number:
            endpoints[key] = int(number)
            self.reassess()

    def _end(self, stream_id: str) -> None:
        self.publishers.pop(stream_id, None)
        self._owners.pop(stream_id, None)
        for key in [key for key in self.subscribers if key[1] == stream_id]:
            del self.subscribers[key]
        self.reassess()

    async def _negotiate(self, *call: str) -> str:
        if self.latency:
            await asyncio.sleep(self.latency)
        return await super()._negotiate(*call)


class SimulatedPeer:
    """One RTCPeerConnection. It connects once it has an answer, if the server's end of it is still the current one."""

    def __init__(
        self,
        number: int,
        link: Link,
        clock: Clock,
        settings: PeerSettings,
        listener: PeerListener,
        rtp_monitors: list[Any],
    ) -> None:
        self.number = number
        self.key_frames = 0
        self.sent: list[Any] = []  # tracks that replaced the first one
        self.remote_stream: Any = None if settings.local_stream is not None else object()
        self.received = {"audio": True, "video": True}
        self.closed = False
        self.receives_rtp = False  # RTP arrives
        self.ice_connection_state = "new"
        self.native = self
        self._link = link
        self._clock = clock
        self.epoch = link.media_epoch
        self._receives = settings.local_stream is None
        self._listener: PeerListener | None = listener
        self._rtp_monitors = rtp_monitors
        self._answered = False
        self._path = False  # packets go both ways
        self._decodes = True
        self._counted_at = 0.0
        self._rtp = self._frames = self._checks = 0.0
        self._timer: Any = None
        self._decoder: Any = None

    # --- the network -------------------------------------------------------------------------------------------------

    def _alive(self, current: bool) -> bool:
        link = self._link
        return (
            current and self._answered and not self.closed and self.ice_connection_state != "failed"
            and self.epoch == link.media_epoch and not link.blocks("udp")
        )  # fmt: skip

    def sends(self, current: bool) -> bool:
        """Return whether what it sends arrives at the server."""
        return self._alive(current) and self._link.passes("up")

    def reassess(self, current: bool, source_sends: bool) -> None:
        """Determine path and flow anew after a change of the network, the server or the other end."""
        alive, link = self._alive(current), self._link
        path = alive and link.works
        receives_rtp = alive and self._receives and source_sends and link.passes("down")
        if path == self._path and receives_rtp == self.receives_rtp:
            return
        self._count()
        began, self.receives_rtp = receives_rtp and not self.receives_rtp, receives_rtp
        if began and self._rtp:
            self._stop_decoding()
        if path != self._path:
            self._path = path
            self._path_changed()
        for monitor in self._rtp_monitors:
            monitor.flows_changed()

    def receive_key_frame(self) -> None:
        if not self._decodes and self.receives_rtp:
            self._count()
            self._resume_decoding()

    def _stop_decoding(self) -> None:
        """Stop decoding until a key frame comes: later frames depend on lost ones. A browser requests it late."""
        self._decodes = False
        if self._decoder is not None:
            self._decoder.cancel()
        self._decoder = self._clock.call_later(1.0 + 2.9 * self._link.noise.random(), self.receive_key_frame)

    def _resume_decoding(self) -> None:
        self._decodes = True
        if self._decoder is not None:
            self._decoder.cancel()
            self._decoder = None

    def _path_changed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.closed:
            return
        if self._path and self.ice_connection_state in ("checking", "disconnected"):
            self._timer = self._clock.call_later(
                0.1 if self.ice_connection_state == "disconnected" else 0, self._connected
            )
        elif not self._path and self.ice_connection_state == "connected":
            self._timer = self._clock.call_later(ICE_DISCONNECTS_AFTER, self._disconnected)
        elif not self._path and self.ice_connection_state == "checking":
            self._timer = self._clock.call_later(CONNECTS_WITHIN, self._failed)

    def _connected(self) -> None:
        self._state("connected")

    def _disconnected(self) -> None:
        self._state("disconnected")
        if not self.closed:
            self._timer = self._clock.call_later(ICE_FAILS_AFTER - ICE_DISCONNECTS_AFTER, self._failed)

    def _failed(self) -> None:
        self._state("failed")

    def _state(self, state: str) -> None:
        self._timer = None
        self.ice_connection_state = state
        if self._listener is not None:
            self._listener.peer_ice_state(state)

    # --- calls of the core -------------------------------------------------------------------------------------------

    async def create_offer(self) -> str:
        await asyncio.sleep(LATENCY)
        if self._listener is not None:
            self._listener.peer_candidate(Candidate("candidate:1", "0", 0))
        return f"an offer #{self.number}"

    async def create_answer(self, offer: str) -> str:
        await self.create_offer()
        await self.set_answer(offer)
        return f"an answer to {offer} #{self.number}"

    async def set_answer(self, sdp: str) -> None:
        await asyncio.sleep(LATENCY)
        if self.closed:
            return
        self._answered = True
        self._state("checking")
        self._path_changed()
        self._router.reassess()

    async def add_candidate(self, candidate: Candidate) -> None:
        await asyncio.sleep(0)

    def packet_marker(self) -> float | None:
        if not self._receives or not self._answered:
            return None
        self._count()
        return float(int(self._rtp)) if self._rtp else None

    def sound_played(self) -> SoundPlayed | None:
        return None

    def ask_for_key_frame(self) -> None:
        self.key_frames += 1
        if self._path:
            self._router.key_frame(self._router.publisher_of(self.number))

    async def restart_receivers(self) -> None:
        """Do nothing: nothing is buffered here."""

    def send_key_frame(self) -> None:
        self.key_frames += 1
        self._router.key_frame(self.number)

    async def replace_track(self, track: Any) -> None:
        if track.refused:
            raise OSError("the encoder cannot")
        self.sent.append(track)

    def hold_until_key_frame(self) -> None:
        """Do nothing; a browser keeps showing the last good frame until the next key frame."""

    def enable_received(self, kind: str, enabled: bool) -> None:
        self.received[kind] = enabled

    async def sample(self) -> MediaSample:
        await asyncio.sleep(0)
        self._count()
        rtp, checks = int(self._rtp), int(self._checks)
        return MediaSample(
            self.ice_connection_state,
            received_packets=rtp + checks,
            stun_responses=checks,
            inbound_audio_packets=rtp,
            inbound_video_packets=rtp,
            frames_decoded=int(self._frames),
            remote_reports=0 if self._receives else checks // CHECKS,
        )

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.ice_connection_state = "closed"
        self._listener = None
        for timer in (self._timer, self._decoder):
            if timer is not None:
                timer.cancel()
        self.receives_rtp = self._path = False
        self._router.peers.pop(self.number, None)
        self._router.reassess()

    @property
    def _router(self) -> Any:
        return self._link.world.media

    def _count(self) -> None:
        """Bring the counters up to the current time."""
        elapsed, self._counted_at = now() - self._counted_at, now()
        if self.receives_rtp:
            self._rtp += elapsed * PACKETS
            if self._decodes:
                self._frames += elapsed * FRAMES
        if self._path:
            self._checks += elapsed * CHECKS


class EventRtpMonitor:
    """Stands in for `pyvidu.media.rtp_monitor.RtpMonitor`, which polls: this one is called when a flow begins or ends.

    It decides as that does when every stream sends all the time. (`RtpMonitor` and its cadences have tests of their own.)
    """

    def __init__(self, clock: Any, policy: Any, markers: Any, listener: Any) -> None:
        self._clock, self._policy, self._markers, self._listener = clock, policy, markers, listener
        self._since: dict[Any, float] = {}  # when its RTP arrived first
        self._silent_since: dict[Any, float] = {}
        self._told: set[Any] = set()
        self._rhythm: Literal["steady", "overdue"] | None = None
        self._silent = False
        self._timer: Any = None
        self._listens = False

    def start(self) -> None:
        if not self._listens:
            self._listens = True
            self._clock.rtp_monitors.append(self)

    def close(self) -> None:
        if self._listens:
            self._listens = False
            self._clock.rtp_monitors.remove(self)
        self._cancel()

    def flows_changed(self) -> None:
        """Schedule a check after half a polling period."""
        self._cancel()
        self._timer = self._clock.call_later(self._policy.cadence_poll / 2, self._look)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now_, floors = self._clock.now(), (self._policy.overdue_floor, self._policy.silence_floor)
        peers = [peer for peer in self._markers() if peer is not None]
        heard = False
        due: list[float] = []
        fresh = []
        witnesses = overdue = silent = 0
        for peer in peers:
            if peer.receives_rtp:
                self._since.setdefault(peer, now_)
                heard = heard or peer in self._silent_since or self._silent
                self._silent_since.pop(peer, None)
                self._told.discard(peer)
            elif peer in self._since:
                since = self._silent_since.setdefault(peer, now_)
                if since - self._since[peer] < self._policy.cadence_learning:
                    continue
                witnesses += 1
                overdue += now_ - since >= floors[0]
                silent += now_ - since >= floors[1]
                if now_ - since >= floors[1] and peer not in self._told:
                    self._told.add(peer)
                    fresh.append(peer)
                due += [since + floor for floor in floors if now_ - since < floor]
            if peer.receives_rtp:
                learnt = self._since[peer] + self._policy.cadence_learning
                witnesses += now_ >= learnt
                due += [learnt] if now_ < learnt else []
        was, self._rhythm = self._rhythm, "steady" if overdue < witnesses else "overdue" if witnesses else None
        if self._rhythm != was and (was == "steady" or (self._rhythm == "overdue" and not self._silent)):
            self._listener.rtp_overdue()
        if heard and self._silent:
            self._silent = False
            self._listener.rtp_returned()
        elif witnesses and silent == witnesses and not heard and not self._silent:
            self._silent = True
            self._listener.rtp_silent()
        if self._rhythm == "steady" != was:
            self._listener.rtp_steady()
        for peer in fresh:
            self._listener.stream_silent(peer)
        if due and self._listens and self._timer is None:
            self._timer = self._clock.call_later(max(0.0, min(due) - self._clock.now()), self._look)
