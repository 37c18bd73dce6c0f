"""The media plane of a simulation: numbered peer connections, a server that maps them to streams, RTP flows.

Evidence comes by events: a change of a flow is reported at once; counters are computed when they are read.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from pyvidu.platform import Candidate, PeerListener, PeerSettings
from pyvidu.reconnection.evidence import MediaSample, SoundPlayed
from pyvidu.server.media.errors import MediaServerError
from pyvidu.server.quality.uplink import INTERVAL, UNHEARD_AFTER
from tests.server.server_world import FakeMedia
from tests.simulation.fake_tracks import FakeStream, FakeTrack
from tests.simulation.simulated_network import LATENCY, Link, now

ICE_DISCONNECTS_AFTER = 5.0  # seconds without packets; measured in Chromium 156
ICE_FAILS_AFTER = 20.0
CONNECTS_WITHIN = 15.0  # seconds, or ICE fails
# More than one in every poll, so that polls of one world all find the same.
PACKETS = 60  # a second, of each kind
FRAMES = 30
REPAIRED = 0.4  # seconds of lost packets that are sent again
KNOWN_AFTER = 2.5  # seconds of RTP after which its rhythm is known
NOTICED = 0.5  # seconds after which a pause of everything is noticed; a shorter one is learnt
KNOWN_AGAIN = 1.5  # the same after a pause of everything, which is not learnt
PAUSE_FORGOTTEN = 11.0  # the same after a pause of its own
RAPID_AFTER = 3.0  # seconds of silence after which ICE checks a path rapidly; else RTCP answers first
REFUSED_AGAIN = 40.0  # seconds
REPORTS = 1.4  # seconds between two RTCP reports
_LOOKS = 10  # at whose RTP has stopped, after it has; the server goes on
REPORTED = 4  # receiver's reports a second, of our server
CHECKS = 50  # STUN responses a second while ICE checks a path rapidly


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
        self.refuses = False  # some renegotiations
        self.reports = True  # about what is sent, often enough to be evidence: only our server does
        self._negotiations: Counter[tuple[str, str]] = Counter()  # by subscriber ("": it is sent) and stream
        self._refused_at: dict[str, float] = {}
        self._established: set[tuple[str, str]] = set()  # by subscriber and stream: the client had an answer
        self._stopped: dict[
            int, float
        ] = {}  # by publishing peer connection: when its RTP stopped, `inf` while it arrives
        self.unheard: Callable[[], object] = lambda: None
        """Called when the server looks whose RTP has stopped."""

    def flows(self, subscriber: str, stream_id: str) -> bool:
        """Return whether the stream's RTP arrives at `subscriber`."""
        peer = self.peers.get(self.subscribers.get((subscriber, stream_id), -1))
        return peer is not None and peer.receives_rtp

    def reassess(self) -> None:
        """Determine anew, after a change, which peer connections receive RTP."""
        current = {number: (None, stream) for stream, number in self.publishers.items()}
        for (subscriber, stream), number in self.subscribers.items():
            if (receiving := self.peers.get(number)) is not None and receiving.answered:
                self._established.add((subscriber, stream))
            current[number] = (self.peers.get(self.publishers.get(stream, -1)), stream)  # type: ignore[assignment]
        sending = {number: peer.sends(number in current) for number, peer in self.peers.items()}
        self._note_stops(sending)
        for number, peer in list(self.peers.items()):
            source = current[number][0] if number in current else None
            peer.reassess(number in current, source is not None and sending.get(source.number, False))

    def _note_stops(self, sending: dict[int, bool]) -> None:
        for number in self.publishers.values():
            if sending.get(number, False):
                self._stopped[number] = math.inf
            elif self._stopped.get(number) == math.inf:
                self._stopped[number] = now()
                for look in range(1, _LOOKS):
                    asyncio.get_running_loop().call_later(UNHEARD_AFTER + look * INTERVAL, lambda: self.unheard())

    def heard(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for stream, number in self.publishers.items():
            owner = self._owners[stream]
            found[owner] = max(found.get(owner, 0.0), min(now(), self._stopped.get(number, 0.0)))
        return found

    async def publish(self, owner: str, stream_id: str, sdp_offer: str, *, loopback: bool = False) -> str:
        answer = await super().publish(owner, stream_id, sdp_offer)
        self._owners[stream_id] = owner
        self._connect(self.publishers, stream_id, sdp_offer)
        return answer

    async def republish(self, stream_id: str, sdp_offer: str) -> str:
        self._refuse_some("", stream_id)
        answer = await super().republish(stream_id, sdp_offer)
        self._connect(self.publishers, stream_id, sdp_offer)
        return answer

    async def subscribe(self, subscriber: str, stream_id: str, sdp_offer: str) -> str:
        if (subscriber, stream_id) not in self.subscribers:
            self._established.discard((subscriber, stream_id))
        elif (subscriber, stream_id) in self._established:
            self._refuse_some(subscriber, stream_id)
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

    def _refuse_some(self, subscriber: str, stream_id: str) -> None:
        """Refuse some renegotiations, one of a stream in a while, as a media server may that is short of something.

        Not those of a subscription whose first answer was lost: an application that is refused it has to ask again itself.

        Which ones does not depend on the order of those that are requested at the same time.
        """
        number = self._negotiations[subscriber, stream_id]
        chosen = _chance("refusal", subscriber, stream_id, number) < 1 / 5
        if self.refuses and chosen and now() - self._refused_at.get(stream_id, -math.inf) > REFUSED_AGAIN:
            self._refused_at[stream_id] = now()
            raise MediaServerError("no more endpoints at the moment")

    def _connect(self, endpoints: dict[Any, int], key: Any, offer: str) -> None:
        _, _, number = offer.rpartition("#")
        if number:
            endpoints[key] = int(number)
            negotiated = key if isinstance(key, tuple) else ("", key)
            self._negotiations[negotiated] += 1
            # The number depends on the order of what happens at one moment: nothing else may depend on it.
            if peer := self.peers.get(int(number)):
                peer.phase = _chance(*negotiated, self._negotiations[negotiated])
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


def _chance(*what: object) -> float:
    """Return a number from 0 to 1 that depends on nothing but `what`."""
    return zlib.crc32(" ".join(map(str, what)).encode()) % 1000 / 1000


class SimulatedPeer:
    """One RTCPeerConnection. It connects once it has an answer, if the server's end of it is still the current one."""

    def __init__(
        self,
        number: int,
        link: Link,
        clock: Any,
        settings: PeerSettings,
        listener: PeerListener,
    ) -> None:
        self.number = number
        self.key_frames = 0
        self.video_stopped_at: float | None = None
        self.sent: list[Any] = []  # tracks that replaced the first one
        receives = settings.local_stream is None or settings.receive_audio or settings.receive_video
        self.remote_stream = FakeStream() if receives else None
        self._local_stream = settings.local_stream
        self.closed = False
        self._closed_at = -math.inf
        self.receives_rtp = False  # RTP arrives
        self.is_reported = False  # reports about what it sends arrive
        self.reported_since = 0.0
        self.was_reported_for = 0.0  # seconds, when they stopped
        self._heard = False  # at the server
        self.ice_connection_state = "new"
        self.native = self
        self._link = link
        self._clock = clock
        self.epoch, self.up_epoch = link.media_epoch, link.media_up_epoch
        self.flow_changed: Callable[[SimulatedPeer], None] = lambda _: None
        self.siblings: Any = None  # the `SimulatedPeers` of its page
        self._receives = settings.local_stream is None
        self._listener: PeerListener | None = listener
        self.answered = False
        self._path = False  # packets go both ways
        self.decodes = True
        self.path_since = self.flows_since = 0.0
        self.phase = 0.0  # of what it does regularly, 0 to 1
        self._before = (0.0, 0.0)  # seconds for which the path did not work, and for which it had worked before that
        self.was_known = False  # whether its rhythm was known when the last pause began
        self._known_at = math.inf
        self._stopped_with_all = False
        self._answers = False  # to connectivity checks
        self._answer: Any = None
        self._counted_at = 0.0
        self._rtp = self._frames = self._checks = self._reports = 0.0
        self._timer: Any = None
        self._decoder: Any = None

    @property
    def received(self) -> dict[str, bool]:
        """Return `enabled` of the received tracks, by kind."""
        return {kind: track.enabled for kind, track in self.remote_stream.tracks.items()} if self.remote_stream else {}

    # --- the network -------------------------------------------------------------------------------------------------

    def _alive(self, current: bool) -> bool:
        link = self._link
        return (
            current and self.answered and not self.closed and self.ice_connection_state != "failed"
            and self.epoch == link.media_epoch and not link.blocks("udp")
        )  # fmt: skip

    def sends(self, current: bool) -> bool:
        """Return whether what it sends arrives at the server."""
        return self._alive(current) and self._passes_up

    @property
    def _passes_up(self) -> bool:
        return self._link.passes("up") and self.up_epoch == self._link.media_up_epoch

    def reassess(self, current: bool, source_sends: bool) -> None:
        """Determine path and flow anew after a change of the network, the server or the other end."""
        alive, link = self._alive(current), self._link
        path = alive and self._passes_up and link.passes("down")
        receives_rtp = alive and self._receives and source_sends and link.passes("down")
        self._heard |= alive and self._passes_up
        is_reported = alive and not self._receives and self._heard and link.passes("down") and self._router.reports
        if (path, receives_rtp, is_reported) == (self._path, self.receives_rtp, self.is_reported):
            return
        self._about_to_change()
        if is_reported != self.is_reported:
            self._reports = self._reports or self.phase
            self.was_reported_for, self.reported_since = now() - self.reported_since, now()
            self.is_reported = is_reported
        if receives_rtp != self.receives_rtp:
            self._flow_changed(receives_rtp)
        if path != self._path:
            lasted, self.path_since = now() - self.path_since, now()
            self._path, self._before = path, (lasted, self._before[0])
            self._answers_after(0.0 if lasted > RAPID_AFTER else REPORTS * self.phase)
            self._path_changed()
        self.flow_changed(self)

    def _flow_changed(self, receives_rtp: bool) -> None:
        lasted, self.flows_since = now() - self.flows_since, now()
        self.receives_rtp = receives_rtp
        if not receives_rtp:
            self.was_known = now() >= self._known_at
            self._stopped_with_all = not self._link.passes("down")
            return
        if not self._rtp:
            self._known_at = now() + KNOWN_AFTER
        elif (
            self._stopped_with_all
            and lasted > NOTICED
            and self._link.restored_at == now()
            and self.siblings.were_known()
        ):
            self._known_at = now() + KNOWN_AGAIN
        else:
            self._known_at = now() + PAUSE_FORGOTTEN
        if not self.decodes or (self._rtp and lasted > REPAIRED):
            self._stop_decoding()
        self._rtp = self._rtp or 1.0  # with a packet the flow begins

    def _answers_after(self, seconds: float) -> None:
        """Let the first answer to a connectivity check, or RTCP, arrive after `seconds`."""
        if self._answer is not None:
            self._answer.cancel()
        self._answers, self._answer = False, None
        if self._path and seconds:
            self._answer = self._clock.call_later(seconds, self._answer_arrives)
        else:
            self._answers = self._path

    def _answer_arrives(self) -> None:
        self._about_to_change()
        self._answers, self._answer = True, None

    @property
    def only_receives(self) -> bool:
        """Return whether what it sends never arrives again, and the way down works."""
        return self._alive(current=True) and self.up_epoch != self._link.media_up_epoch

    def works_for(self, seconds: float) -> bool:
        """Return whether packets have gone both ways, and RTP has arrived, for so long."""
        return self.path_works_for(seconds) and self.receives_rtp and now() - self.flows_since >= seconds

    def path_works_for(self, seconds: float) -> bool:
        """Return whether packets have gone both ways for so long."""
        return self._path and now() - self.path_since >= seconds

    def was_interrupted_for_less_than(self, seconds: float) -> bool:
        """Return whether the path works again after one short interruption of what had worked for a while."""
        silent, worked = self._before
        return self._path and silent < seconds and worked > RAPID_AFTER and self.ice_connection_state == "connected"

    @property
    def has_just_stopped(self) -> bool:
        """Return whether its RTP has stopped at this moment."""
        return self.flows_since == now() and not self.receives_rtp and bool(self._rtp)

    @property
    def has_received(self) -> bool:
        return bool(self._rtp)

    def received_within(self, seconds: float) -> bool:
        """Return whether RTP has arrived lately, or may have been expected to: a stream is silent until it is removed."""
        return self.has_received and (not self.closed or now() - max(self.flows_since, self._closed_at) < seconds)

    def knows_the_rhythm(self, after: float) -> bool:
        """Return whether RTP arrives whose rhythm is known; or reports do, and have come for so many seconds."""
        reported = self.is_reported and now() - self.reported_since >= after
        return reported or (self.receives_rtp and now() >= self._known_at)

    def reports_have_just_stopped(self, after: float) -> bool:
        """Return whether reports have stopped at this moment that had come for so many seconds."""
        return not self.is_reported and self.reported_since == now() and self.was_reported_for >= after

    @property
    def is_connected(self) -> bool:
        return self.ice_connection_state == "connected" and not self.closed

    def receive_key_frame(self) -> None:
        if not self.decodes and self.receives_rtp:
            self._resume_decoding()

    def _stop_decoding(self) -> None:
        """Stop decoding until a key frame comes: later frames depend on lost ones. A browser requests it late."""
        self._about_to_change()
        self.decodes = False
        if self._decoder is not None:
            self._decoder.cancel()
        self._decoder = self._clock.call_later(1.0 + 2.9 * self._link.noise.random(), self.receive_key_frame)

    def _resume_decoding(self) -> None:
        self._about_to_change()
        self.decodes = True
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
        elif (
            not self._path and self.ice_connection_state == "checking" and self.phase > 1 / 3
        ):  # or never: ICE may wait
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
        self._about_to_change()
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
        self._about_to_change()
        self.answered = True
        if self.remote_stream is not None:  # an answer brings the tracks
            self.remote_stream.tracks = {kind: FakeTrack(kind) for kind in ("audio", "video")}
        self._state("checking")
        self._path_changed()
        self._router.reassess()

    async def add_candidate(self, candidate: Candidate) -> None:
        await asyncio.sleep(0)

    def packet_marker(self) -> float | None:
        if not self._receives or not self.answered:
            return None
        return self.marker_at(now())

    def marker_at(self, time: float) -> float | None:
        """Return the packet marker at `time`, which is not earlier than the last change."""
        rtp = self._counters(time)[0]
        return float(int(rtp)) if rtp else None

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
        if not isinstance(self._local_stream, FakeStream) or track.kind not in self._local_stream.tracks:
            raise OSError(f"no {track.kind} is sent")
        self.sent.append(track)

    def hold_until_key_frame(self) -> None:
        """Do nothing; a browser keeps showing the last good frame until the next key frame."""

    def enable_received(self, kind: str, enabled: bool) -> None:
        if self.remote_stream is not None and kind in self.remote_stream.tracks:
            self.remote_stream.tracks[kind].enabled = enabled

    async def uplink_sample(self) -> None:
        """Return None: nothing here is too slow."""

    async def reported_at(self) -> float | None:
        await asyncio.sleep(0)
        return self.reported_by(now())

    def reported_by(self, time: float) -> float | None:
        """Return how many reports have arrived by `time`, which is not earlier than the last change."""
        return float(int(self._counters(time)[3])) or None

    async def send_video(self, active: bool) -> bool:
        self.video_stopped_at = None if active else now()
        return not self.closed

    async def sample(self) -> MediaSample:
        await asyncio.sleep(0)
        return self.sample_at(now())

    def sample_at(self, time: float) -> MediaSample:
        """Return the counters at `time`, which is not earlier than the last change."""
        *counters, reported = self._counters(time)
        rtp, frames, checks = map(int, counters)
        reports = int(reported * PACKETS / REPORTED)  # as often as RTP: polls of one world find the same
        return MediaSample(
            self.ice_connection_state,
            received_packets=rtp + checks,
            stun_responses=checks,
            inbound_audio_packets=rtp,
            inbound_video_packets=rtp,
            frames_decoded=frames,
            remote_reports=0 if self._receives else checks // CHECKS + reports,
            ip_families=self._link.ip_families if rtp or checks else 0,
        )

    def close(self) -> None:
        if self.closed:
            return
        self._about_to_change()
        self.closed, self._closed_at = True, now()
        if self.receives_rtp:
            self.flows_since = now()
        self.ice_connection_state = "closed"
        self._listener = None
        for timer in (self._timer, self._decoder, self._answer):
            if timer is not None:
                timer.cancel()
        self.receives_rtp = self._path = self.is_reported = False
        self._router.peers.pop(self.number, None)
        self._router.reassess()

    @property
    def _router(self) -> Any:
        return self._link.world.media

    def _about_to_change(self) -> None:
        """Bring the counters up to the current time, since their rates will change."""
        self._clock.about_to_change()
        self._rtp, self._frames, self._checks, self._reports = self._counters(now())
        self._counted_at = now()

    def _counters(self, time: float) -> tuple[float, float, float, float]:
        """Return packets, decoded frames, answered checks and reports at `time`, if nothing changes before."""
        elapsed = time - self._counted_at
        rtp = self._rtp + (elapsed * PACKETS if self.receives_rtp else 0.0)
        frames = self._frames + (elapsed * FRAMES if self.receives_rtp and self.decodes else 0.0)
        checks = self._checks + (elapsed * CHECKS if self._answers else 0.0)
        # Rounded: how often they were computed before must not decide whether a packet has arrived.
        reports = self._reports + (elapsed * REPORTED if self.is_reported else 0.0)
        return round(rtp, 6), round(frames, 6), round(checks, 6), round(reports, 6)
