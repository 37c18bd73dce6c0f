"""The media plane's interface to the rest of the server: publish and subscribe by SDP offer and answer.

A call changes state in one step of the event loop, after its last `await`: calls may interleave in any order, and a
call that fails has changed nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from pyvidu.server.limits import MediaLimits
from pyvidu.server.traffic import DirectTraffic, Traffic
from pyvidu.tasks import Tasks

from . import answer
from . import offer as offers
from .dtls_srtp import Certificate
from .errors import MediaServerError
from .ice_lite import SharedPorts
from .intake import Intake, ParticipantIntake
from .path_counters import ParticipantPaths, PathCounters
from .proposal import Proposal, parse_answer, propose
from .publisher import PublisherEndpoint
from .statistics import MediaStatistics
from .stream import Endpoint, ForwardedStream
from .subscriber import NTP_EPOCH, SubscriberEndpoint
from .transport import MediaTransport
from .video_pauses import PausedVideo, VideoPauses

logger = logging.getLogger(__name__)


class _Call:
    """A call in progress, and whether its participant or stream was removed meanwhile."""

    def __init__(self, participant: str, stream_id: str) -> None:
        self.participant = participant
        self.stream_id = stream_id
        self.ended = False


class MediaRouter:
    """Forwards published streams to their subscribers; never decodes, never encodes.

    Offers come from browsers and may trickle candidates, which are not needed; answers contain all candidates.
    """

    def __init__(
        self,
        *,
        host_addresses: Sequence[str] | None = None,
        only_this_machine: bool = False,
        recovers_by_itself: bool = True,
        traffic: Traffic | None = None,
        limits: MediaLimits | None = None,
    ) -> None:
        """Use only these addresses of the host; with None all that its interfaces have, loopback included.

        `only_this_machine`: media of other machines is ignored, and candidates are loopback and one more address: Firefox
        uses no loopback candidate, its own or another's.
        `recovers_by_itself`: after an outage the router requests a key frame without waiting for a subscriber's PLI.
        Without it key frames are requested only when a subscriber starts or sends a request, or a publisher's endpoint
        is replaced, as Kurento does.
        """
        self._ports = SharedPorts(host_addresses, only_this_machine=only_this_machine)
        self._limits = limits or MediaLimits()
        self._certificate = Certificate()
        self._recovers_by_itself = recovers_by_itself
        self._traffic = traffic or DirectTraffic()
        self._streams: dict[str, ForwardedStream] = {}
        self._pauses = VideoPauses()
        self._proposals: dict[tuple[str, str], Proposal] = {}  # by subscriber and stream
        self._calls: list[_Call] = []
        self._closing = Tasks()
        self._open: set[MediaTransport] = set()
        self._deadlines: dict[MediaTransport, asyncio.TimerHandle] = {}  # of those that are not established
        # Of the participants that have a connection.
        self._intakes: WeakValueDictionary[str, ParticipantIntake[MediaTransport]] = WeakValueDictionary()
        self._closed = False
        self._epoch: float | None = None

    async def publish(self, owner: str, stream_id: str, sdp_offer: str, *, loopback: bool = False) -> str:
        """Start a stream and return the SDP answer. Raises `MediaServerError`.

        `loopback`: send it back to its publisher too, as far as the offer receives.
        """
        offer = offers.parse(sdp_offer)
        choices = answer.for_publisher(offer, ())
        candidates = await self._candidates(owner, stream_id)
        if stream_id in self._streams:
            raise MediaServerError(f"the stream {stream_id} is published already")
        stream = ForwardedStream(owner, stream_id, self._dispose, loopback=loopback)
        endpoint = self._publisher(stream, offer, choices)
        self._streams[stream_id] = stream
        stream.set_publisher(endpoint)
        return answer.write(offer, choices, endpoint.transport.describe(candidates))

    async def republish(self, stream_id: str, sdp_offer: str) -> str:
        """Replace the publisher's endpoint, keep its subscribers; return the SDP answer. Raises `MediaServerError`."""
        offer = offers.parse(sdp_offer)
        answer.for_publisher(offer, ())
        owner = self._stream(stream_id).owner
        candidates = await self._candidates(owner, stream_id)
        stream = self._stream(stream_id)
        choices = answer.for_publisher(offer, list(stream.codecs.values()))
        endpoint = self._publisher(stream, offer, choices)
        stream.set_publisher(endpoint)
        return answer.write(offer, choices, endpoint.transport.describe(candidates))

    async def unpublish(self, stream_id: str) -> None:
        """Close a stream and its subscribers' connections; do nothing if there is no such stream."""
        self._end_calls(stream_id=stream_id)
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            await self._close_endpoints(stream.close())

    async def subscribe(self, subscriber: str, stream_id: str, sdp_offer: str) -> str:
        """Start to forward a stream, or continue over a new connection; return the SDP answer.

        Raises `MediaServerError`.
        """
        offer = offers.parse(sdp_offer)
        self._stream(stream_id)
        candidates = await self._candidates(subscriber, stream_id)
        stream = self._stream(stream_id)
        choices = answer.for_subscriber(offer, stream.codecs)
        connect = partial(self._transport, subscriber, offer)
        endpoint = self._subscriber(stream, subscriber, choices, connect)
        former = stream.subscribe(subscriber, endpoint, asyncio.get_running_loop().time())
        if former is not None:
            self._dispose(former)
        return answer.write(offer, choices, endpoint.transport.describe(candidates))

    async def offer(self, subscriber: str, stream_id: str) -> str:
        """Return an SDP offer of a stream; `accept` gets its answer. A later offer takes its place.

        Raises `MediaServerError`.
        """
        self._stream(stream_id)
        candidates = await self._candidates(subscriber, stream_id)
        proposal = propose(self._stream(stream_id).codecs, stream_id)
        self._proposals[subscriber, stream_id] = proposal
        return proposal.write(candidates, self._certificate.fingerprints)

    async def accept(self, subscriber: str, stream_id: str, sdp_answer: str) -> None:
        """Start to forward a stream, or continue over a new connection, after the answer to an offer.

        Raises `MediaServerError`.
        """
        stream = self._stream(stream_id)
        proposal = self._proposals.pop((subscriber, stream_id), None)
        if proposal is None:
            raise MediaServerError(f"no offer of the stream {stream_id} waits for an answer")
        self._check_pending(subscriber)
        answered = parse_answer(sdp_answer)
        choices = proposal.accepted(answered, stream.codecs)
        credentials = proposal.ufrag, proposal.password
        connect = partial(self._transport, subscriber, answered, credentials=credentials)
        endpoint = self._subscriber(stream, subscriber, choices, connect)
        former = stream.subscribe(subscriber, endpoint, asyncio.get_running_loop().time())
        if former is not None:
            self._dispose(former)

    async def unsubscribe(self, subscriber: str, stream_id: str) -> None:
        """Close one subscription; do nothing if there is none."""
        self._end_calls(participant=subscriber, stream_id=stream_id)
        stream = self._streams.get(stream_id)
        endpoint = stream.subscribers.pop(subscriber, None) if stream is not None else None
        if endpoint is not None:
            await self._close_endpoints([endpoint])

    async def leave(self, participant: str) -> None:
        """Close everything that a participant publishes or receives."""
        self._end_calls(participant=participant)
        endpoints: list[Endpoint] = []
        for stream in list(self._streams.values()):
            if stream.owner == participant:
                del self._streams[stream.stream_id]
                endpoints += stream.close()
            elif (endpoint := stream.subscribers.pop(participant, None)) is not None:
                endpoints.append(endpoint)
        await self._close_endpoints(endpoints)

    def request_key_frame(self, stream_id: str) -> None:
        """Request a key frame from a stream's publisher; do nothing if there is no such stream."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.request_key_frame()

    def statistics(self) -> MediaStatistics:
        """Return the counters of all streams."""
        streams = {stream_id: stream.statistics() for stream_id, stream in self._streams.items()}
        return MediaStatistics(len(self._open), self._ports.unsent, streams)

    def heard(self) -> dict[str, float]:
        """Return when RTP last arrived of everybody who publishes, in seconds of the event loop's clock."""
        heard: dict[str, float] = {}
        for stream in self._streams.values():
            if stream.publisher is not None:
                heard[stream.owner] = max(heard.get(stream.owner, 0.0), stream.publisher.last_arrival)
        return heard

    def paths(self) -> dict[str, ParticipantPaths]:
        """Return what is known of the ways up and down of everybody who sends or receives media."""
        up: dict[str, list[PathCounters]] = {}
        down: dict[str, list[PathCounters]] = {}
        for stream in self._streams.values():
            if stream.publisher is not None and stream.publisher.transport.connected:
                up.setdefault(stream.owner, []).append(stream.publisher.counters())
            for name, subscriber in stream.subscribers.items():
                if subscriber.transport.connected:
                    down.setdefault(name, []).append(subscriber.counters())
        return {
            name: ParticipantPaths(
                *(PathCounters.combined(ways[name]) if name in ways else None for ways in (up, down))
            )
            for name in up.keys() | down.keys()
        }

    def pause_videos(self) -> frozenset[PausedVideo]:
        """Forward no video that a participant's path does not carry beside its sound, until it does; return what is paused.

        Call it every quarter of a second.
        """
        return self._pauses.look(self._streams.values(), self.paths(), asyncio.get_running_loop().time())

    def connections(self, participant: str) -> list[MediaTransport]:
        """Return the connections of a participant that are not closed yet."""
        return [transport for transport in self._open if transport.participant == participant and not transport.closed]

    async def close(self) -> None:
        """Close everything; the router cannot be used afterwards."""
        self._closed = True
        for call in self._calls:
            call.ended = True
        streams = list(self._streams.values())
        self._streams.clear()
        await self._close_endpoints([endpoint for stream in streams for endpoint in stream.close()])
        await self._closing.wait()
        await self._ports.close()

    def _stream(self, stream_id: str) -> ForwardedStream:
        stream = self._streams.get(stream_id)
        if stream is None:
            raise MediaServerError(f"there is no stream {stream_id}")
        return stream

    async def _candidates(self, participant: str, stream_id: str) -> list[tuple[str, int]]:
        """Return the ICE candidates; raise `MediaServerError` if participant, stream or router was closed meanwhile."""
        with self._call(participant, stream_id) as call:
            candidates = await self._ports.open()
        if call.ended or self._closed:
            raise MediaServerError(
                f"{participant} left or the stream {stream_id} ended while the offer was being answered"
            )
        self._check_pending(participant)
        return candidates

    def _check_pending(self, participant: str) -> None:
        intake = self._intakes.get(participant)
        if intake is not None and len(intake.pending) >= self._limits.pending:
            raise MediaServerError(f"{len(intake.pending)} connections of {participant} are not established yet")

    @contextlib.contextmanager
    def _call(self, participant: str, stream_id: str) -> Iterator[_Call]:
        call = _Call(participant, stream_id)
        self._calls.append(call)
        try:
            yield call
        finally:
            self._calls.remove(call)

    def _end_calls(self, *, participant: str | None = None, stream_id: str | None = None) -> None:
        """End the calls of a participant and of a stream that wait, and forget the offers that do."""
        for key in list(self._proposals):
            if participant in (None, key[0]) and stream_id in (None, key[1]):
                del self._proposals[key]
        for call in self._calls:
            if participant in (None, call.participant) and stream_id in (None, call.stream_id):
                call.ended = True

    def _publisher(
        self, stream: ForwardedStream, offer: offers.Offer, choices: list[answer.Choice]
    ) -> PublisherEndpoint:
        endpoint = PublisherEndpoint(
            choices,
            lambda endpoint: self._transport(stream.owner, offer, endpoint),
            on_packet=stream.forward,
            on_connected=stream.publisher_connected,
            on_returned=stream.publisher_returned,
            allowed=stream.limit,
            on_hopeless=stream.request_key_frame if self._recovers_by_itself else lambda: None,
            recovers_by_itself=self._recovers_by_itself,
        )
        if stream.loopback and (returned := answer.for_loopback(choices)):
            endpoint.loopback = self._subscriber(
                stream, stream.owner, returned, lambda _: endpoint.transport, shares=True
            )
            answer.both_ways(choices, returned)
        return endpoint

    def _subscriber(
        self,
        stream: ForwardedStream,
        subscriber: str,
        choices: list[answer.Choice],
        connect: Callable[[SubscriberEndpoint], MediaTransport],
        *,
        shares: bool = False,
    ) -> SubscriberEndpoint:
        return SubscriberEndpoint(
            choices,
            stream.stream_id,
            connect,
            ntp_base=self._ntp_base(),
            on_key_frame_wanted=lambda: stream.key_frame_wanted(subscriber, asyncio.get_running_loop().time()),
            on_downlink=lambda: stream.downlink_changed(asyncio.get_running_loop().time()),
            recent_key_frame=lambda: stream.recent_key_frame(asyncio.get_running_loop().time()),
            recovers_by_itself=self._recovers_by_itself,
            shares_transport=shares,
        )

    def _ntp_base(self) -> float:
        # Taken once: sender reports of different tracks must agree with each other, even if the wall clock is set.
        if self._epoch is None:
            self._epoch = time.time() + NTP_EPOCH - asyncio.get_running_loop().time()
        return self._epoch

    def _transport(
        self,
        participant: str,
        offer: offers.Offer,
        endpoint: Endpoint,
        *,
        credentials: tuple[str, str] | None = None,
    ) -> MediaTransport:
        now = asyncio.get_running_loop().time()
        shared = self._intakes.get(participant)
        if shared is None:
            shared = self._intakes[participant] = ParticipantIntake(now, self._limits)

        def connected() -> None:
            self._deadlines.pop(transport).cancel()
            shared.pending.discard(transport)
            endpoint.connected()

        transport = MediaTransport(
            participant,
            self._traffic.media_path(participant),
            self._ports,
            self._certificate,
            offer,
            Intake(shared, now, publishes=isinstance(endpoint, PublisherEndpoint), limits=self._limits),
            on_connected=connected,
            on_rtp=endpoint.rtp_received,
            on_rtcp=endpoint.rtcp_received,
            credentials=credentials,
        )
        self._open.add(transport)
        shared.pending.add(transport)
        self._deadlines[transport] = asyncio.get_running_loop().call_later(
            self._limits.established_within, self._give_up, transport
        )
        return transport

    def _give_up(self, transport: MediaTransport) -> None:
        """Close a connection that was not established in time. Its endpoint stays, until the next offer replaces it."""
        if not transport.closed:
            logger.info("a media connection of %s was not established in time", transport.participant)
            self._closing.spawn(self._close(transport, transport.close()), "a connection that was not established")

    def _dispose(self, endpoint: Endpoint) -> asyncio.Task[None]:
        """Close an endpoint in a task that `close` waits for, and that a caller's cancellation does not interrupt."""
        return self._closing.spawn(self._close(endpoint.transport, endpoint.close()), "the end of a media connection")

    async def _close(self, transport: MediaTransport, closing: Coroutine[Any, Any, None]) -> None:
        try:
            await closing
        finally:
            self._open.discard(transport)
            if (deadline := self._deadlines.pop(transport, None)) is not None:
                deadline.cancel()
            if (intake := self._intakes.get(transport.participant)) is not None:
                intake.pending.discard(transport)

    async def _close_endpoints(self, endpoints: list[Endpoint]) -> None:
        tasks = [self._dispose(endpoint) for endpoint in endpoints]
        if tasks:
            await asyncio.shield(asyncio.gather(*tasks))
