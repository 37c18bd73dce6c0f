"""`GET /metrics` for Prometheus: counts without names of sessions or participants. Only with the key or the secret."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pyvidu.protocol.reasons import Reason
from pyvidu.server.http.basic_auth import SecretCheck
from pyvidu.server.http.doors import has_key, is_local
from pyvidu.server.rooms.media_server import MediaServer
from pyvidu.server.rooms.registry import Rooms
from pyvidu.server.rooms.room import Observer, Participant
from pyvidu.server.signaling.dispatcher import SignalingServer

_LAG_BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0)  # seconds
_OWN_WILL = frozenset({Reason.DISCONNECT})
_REASONS = frozenset(Reason)


class Metrics(Observer):
    """Counts events. `registry` holds the counts, and the current values that are read at each scrape."""

    def __init__(self, rooms: Rooms, signaling: SignalingServer) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Present(rooms, signaling))
        registry = self.registry
        self._joins = Counter("pyvidu_joins", "Participants that joined", registry=registry)
        self._resumes = Counter("pyvidu_resumes", "Resumes by result", ["outcome"], registry=registry)
        self._evictions = Counter("pyvidu_evictions", "Evicted participants", ["reason"], registry=registry)
        self._renegotiations = Counter("pyvidu_renegotiations", "reconnectStream", ["direction"], registry=registry)
        self._lag = Histogram(
            "pyvidu_watchdog_lag_seconds", "Delay of the eviction timers", buckets=_LAG_BUCKETS, registry=registry
        )

    def joined(self, participant: Participant) -> None:
        """Count a join."""
        self._joins.inc()

    def left(self, participant: Participant, reason: str) -> None:
        """Count an eviction: a departure that the participant did not request."""
        if reason not in _OWN_WILL:
            self._evictions.labels(reason if reason in _REASONS else "").inc()

    def renegotiated(self, participant: Participant, *, publishing: bool) -> None:
        """Count a renegotiation."""
        self._renegotiations.labels("publisher" if publishing else "subscriber").inc()

    def resumed(self, *, refused: bool) -> None:
        """Count a resume by its outcome."""
        self._resumes.labels("refused" if refused else "resumed").inc()

    def watchdog_late(self, seconds: float) -> None:
        """Record how many seconds late a timer ran."""
        self._lag.observe(seconds)


class _Present(Collector):
    """The current values at the time of a scrape."""

    def __init__(self, rooms: Rooms, signaling: SignalingServer) -> None:
        self._rooms = rooms
        self._signaling = signaling
        self._media = rooms.media
        self._forwarded = _Forwarded(rooms.media)

    def collect(self) -> Iterator[Metric]:
        people = [participant for room in self._rooms for participant in room.participants]
        subscriptions = sum(len(participant.subscriptions) for participant in people)
        yield GaugeMetricFamily("pyvidu_sessions", "Sessions", len(self._rooms))
        yield GaugeMetricFamily("pyvidu_participants", "Participants", len(people))
        yield GaugeMetricFamily("pyvidu_streams", "Published streams", sum(1 for one in people if one.stream))
        yield GaugeMetricFamily("pyvidu_subscriptions", "Subscriptions to streams", subscriptions)
        yield GaugeMetricFamily("pyvidu_sockets", "Open WebSockets", self._signaling.sockets)
        yield GaugeMetricFamily("pyvidu_tasks", "Tasks of the event loop", len(asyncio.all_tasks()))
        yield CounterMetricFamily("pyvidu_forwarded_packets", "Forwarded RTP packets", self._forwarded.total())
        unsent = getattr(self._media.statistics(), "packets_unsent", 0)
        yield CounterMetricFamily("pyvidu_unsent_packets", "Media packets that the network did not take", unsent)


class _Forwarded:
    """Packets forwarded since the start.

    The router counts per connection and drops the count with the connection: the last count seen is kept, so the sum
    never falls.
    """

    def __init__(self, media: MediaServer) -> None:
        self._media = media
        self._last: dict[tuple[str, str], int] = {}
        self._gone = 0

    def total(self) -> int:
        """Return the number of packets counted so far."""
        now: dict[tuple[str, str], int] = {}
        for stream_id, stream in getattr(self._media.statistics(), "streams", {}).items():
            for subscriber, counters in stream.subscribers.items():
                now[stream_id, subscriber] = counters.packets_forwarded
        for key, count in self._last.items():
            if now.get(key, -1) < count:
                self._gone += count
        self._last = now
        return self._gone + sum(now.values())


def add_metrics(app: web.Application, metrics: Metrics, secret: SecretCheck) -> None:
    """Add the endpoint to `app`, for those who have the secret, or are on this machine and have the key."""

    async def handle(request: web.Request) -> web.Response:
        if not (is_local(request) and has_key(request)) and not await secret.admits(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Realm"'})
        return web.Response(
            body=generate_latest(metrics.registry),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"},
        )

    app.router.add_get("/metrics", handle)
