"""Counters of the media plane, as values that can be printed and compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrackStatistics:
    """A track as received from its publisher; all counts since the connection began."""

    codec: str
    packets_received: int
    octets_received: int
    packets_lost: int
    packets_recovered: int
    key_frames: int


@dataclass(frozen=True)
class SubscriberStatistics:
    """A stream as sent to one subscriber."""

    connected: bool
    packets_forwarded: int
    octets_forwarded: int
    packets_lost: int
    """As reported by the subscriber."""
    packets_nacked: int
    packets_retransmitted: int
    key_frames_wanted: int
    """PLI and FIR received."""


@dataclass(frozen=True)
class StreamStatistics:
    """A stream and its subscribers."""

    owner: str
    connected: bool
    nacks_sent: int
    key_frames_requested: int
    tracks: dict[str, TrackStatistics] = field(default_factory=dict)
    subscribers: dict[str, SubscriberStatistics] = field(default_factory=dict)


@dataclass(frozen=True)
class MediaStatistics:
    """All counters at one moment."""

    peer_connections: int
    """Connections that are not closed yet, including those just replaced."""
    packets_unsent: int
    """Packets that were dropped because the network takes less than is sent."""
    streams: dict[str, StreamStatistics] = field(default_factory=dict)
