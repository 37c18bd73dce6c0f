"""Counters of the media plane, as values that print and compare well."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrackStatistics:
    """A track as it comes from its publisher; all counts since the connection began."""

    codec: str
    packets_received: int
    octets_received: int
    packets_lost: int
    packets_recovered: int
    key_frames: int


@dataclass(frozen=True)
class SubscriberStatistics:
    """A stream as it goes to one subscriber."""

    connected: bool
    packets_forwarded: int
    octets_forwarded: int
    packets_lost: int
    """As the subscriber reports it."""
    packets_nacked: int
    packets_retransmitted: int
    key_frames_wanted: int
    """PLI and FIR received."""


@dataclass(frozen=True)
class StreamStatistics:
    """A stream and everyone who receives it."""

    owner: str
    connected: bool
    nacks_sent: int
    key_frames_requested: int
    tracks: dict[str, TrackStatistics] = field(default_factory=dict)
    subscribers: dict[str, SubscriberStatistics] = field(default_factory=dict)


@dataclass(frozen=True)
class MediaStatistics:
    """Everything, at one moment."""

    peer_connections: int
    """Connections that are not closed yet, the killed and the just replaced ones among them."""
    streams: dict[str, StreamStatistics] = field(default_factory=dict)
