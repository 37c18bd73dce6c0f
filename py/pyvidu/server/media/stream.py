"""A published stream: the publisher's endpoint (two while it is being replaced), and its subscribers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .codecs import CodecIdentity
from .congestion import FLOOR, PublisherLimit
from .key_frames import INTERVAL, KeyFrameBudgets, KeyFrameRequests
from .publisher import PublisherEndpoint
from .reception import MediaPacket
from .statistics import StreamStatistics, SubscriberStatistics, TrackStatistics
from .subscriber import SubscriberEndpoint
from .transport import MediaTransport

Endpoint = PublisherEndpoint | SubscriberEndpoint


class ForwardedStream:
    """Connects a publisher to its subscribers. `dispose(endpoint)` closes an endpoint in the background.

    `loopback`: its publisher wants it back.
    """

    def __init__(
        self, owner: str, stream_id: str, dispose: Callable[[Endpoint], object], *, loopback: bool = False
    ) -> None:
        self.owner = owner
        self.loopback = loopback
        self.stream_id = stream_id
        self.publisher: PublisherEndpoint | None = None
        self.replaced: PublisherEndpoint | None = None
        """The publisher's former endpoint: in use until the new one is connected, or for good if that never happens."""
        self.subscribers: dict[str, SubscriberEndpoint] = {}
        """By participant; the publisher itself is one if it wants its stream back."""
        self._dispose = dispose
        self._key_frames = KeyFrameRequests(self._ask_for_key_frame)
        self._key_frame_budgets = KeyFrameBudgets()
        self._limit = PublisherLimit()

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield every endpoint of the stream that has a connection of its own."""
        if self.publisher is not None:
            yield self.publisher
        if self.replaced is not None:
            yield self.replaced
        yield from (one for one in self.subscribers.values() if not one.shares_transport)

    def transports(self) -> Iterator[MediaTransport]:
        """Return every connection of the stream."""
        return (endpoint.transport for endpoint in self.endpoints())

    @property
    def codecs(self) -> dict[str, CodecIdentity]:
        """Return the codecs that the publisher sends now, by kind."""
        return self.publisher.codecs if self.publisher is not None else {}

    def set_publisher(self, endpoint: PublisherEndpoint) -> None:
        """Set the publisher's new endpoint; the former one is forwarded until the new one is connected."""
        if self.replaced is None:
            self.replaced = self.publisher
        elif self.publisher is not None:  # it never connected: keep the one before it
            self._dispose(self.publisher)
        self.publisher = endpoint
        self.subscribers.pop(self.owner, None)  # it is closed with the former endpoint
        if endpoint.loopback is not None:
            self.subscribers[self.owner] = endpoint.loopback

    def publisher_connected(self, endpoint: PublisherEndpoint) -> None:
        """Handle a publisher's endpoint that has connected: close the endpoint that it replaces."""
        if endpoint is not self.publisher:
            return
        if self.replaced is not None:
            self._dispose(self.replaced)
            self.replaced = None
        if self.subscribers:  # otherwise none is needed yet, and the first frame is a key frame anyway
            self._key_frames.request()

    def publisher_returned(self) -> None:
        """Handle the first packet after an outage of the publisher, in which no request has reached it."""
        self._key_frames.lost()

    def forward(self, kind: str, packet: MediaPacket) -> None:
        """Forward a packet to every subscriber."""
        if kind == "video":
            if packet.key:
                self._key_frames.arrived()
            elif packet.run.awaits_key_frame:  # a run that does not begin with a key frame cannot be decoded
                self._key_frames.request()
            packet.run.awaits_key_frame = False
        for subscriber in self.subscribers.values():
            subscriber.forward(kind, packet)

    def request_key_frame(self) -> None:
        """Request a key frame from the publisher; concurrent requests are coalesced."""
        self._key_frames.request()

    def key_frame_wanted(self, subscriber: str, now: float) -> None:
        """Request a key frame for a subscriber, unless it has asked too often."""
        if self._key_frame_budgets.admits(subscriber, now):
            self._key_frames.request()

    def subscribe(self, name: str, endpoint: SubscriberEndpoint, now: float) -> SubscriberEndpoint | None:
        """Add a subscriber's connection; return the one that it replaces."""
        former = self.subscribers.get(name)
        self.subscribers[name] = endpoint
        self._key_frame_budgets.keep(self.subscribers, now)
        return former

    def limit(self, now: float) -> float | None:
        """Return how many bits a second the publisher may send for its subscribers to receive it; None: no limit."""
        others = ((name, one) for name, one in self.subscribers.items() if not one.shares_transport)
        connected = {name: one for name, one in others if one.transport.connected}
        downlinks = {name: subscriber.downlink for name, subscriber in connected.items() if not subscriber.video_paused}
        if connected and not downlinks:
            return FLOOR  # nobody gets the video at the moment, and as much is forwarded when somebody does again
        return self._limit.at(downlinks, now)

    def downlink_changed(self, now: float) -> None:
        """Handle a change of what a subscriber can receive: set the publisher's limit."""
        if self.publisher is not None:
            self.publisher.limit(self.limit(now))

    def recent_key_frame(self, now: float) -> MediaPacket | None:
        """Return the first packet of the last key frame if it is younger than `INTERVAL`, else None.

        No other key frame would be requested from the publisher yet. A new subscriber starts there, from the
        packets kept for retransmission, instead of waiting for the next.
        """
        video = self.publisher.receptions.get("video") if self.publisher is not None else None
        packet = video.run.key_frame if video is not None else None
        return packet if packet is not None and now - packet.arrival < INTERVAL else None

    def close(self) -> list[Endpoint]:
        """Detach all endpoints and return them for the caller to close."""
        endpoints = list(self.endpoints())
        self._key_frames.close()
        self.publisher = self.replaced = None
        self.subscribers.clear()
        return endpoints

    def _ask_for_key_frame(self) -> None:
        for endpoint in (self.publisher, self.replaced):
            if endpoint is not None:
                endpoint.ask_for_key_frame()

    def statistics(self) -> StreamStatistics:
        """Return the counters of the stream."""
        publisher = self.publisher
        if publisher is None:
            return StreamStatistics(self.owner, False, 0, 0)
        tracks = {
            kind: TrackStatistics(
                codec=reception.codec.name,
                packets_received=reception.packets_received,
                octets_received=reception.octets_received,
                packets_lost=reception.packets_lost,
                packets_recovered=reception.packets_recovered,
                key_frames=reception.key_frames,
            )
            for kind, reception in publisher.receptions.items()
        }
        subscribers = {name: _subscriber(endpoint) for name, endpoint in self.subscribers.items()}
        return StreamStatistics(
            owner=self.owner,
            connected=publisher.transport.connected,
            nacks_sent=publisher.nacks_sent,
            key_frames_requested=publisher.key_frames_requested,
            tracks=tracks,
            subscribers=subscribers,
        )


def _subscriber(endpoint: SubscriberEndpoint) -> SubscriberStatistics:
    tracks = endpoint.tracks.values()
    return SubscriberStatistics(
        connected=endpoint.transport.connected,
        packets_forwarded=sum(track.packets for track in tracks),
        octets_forwarded=sum(track.octets for track in tracks),
        packets_lost=sum(track.report.packets_lost for track in tracks if track.report is not None),
        packets_nacked=sum(track.nacked for track in tracks),
        packets_retransmitted=sum(track.retransmitted for track in tracks),
        key_frames_wanted=endpoint.key_frames_wanted,
    )
