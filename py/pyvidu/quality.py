"""How good the media of a stream is, as one figure that an application can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamQuality:
    """How good the media of a stream has been since the last time that was asked.

    Attributes:
        level: 5 (good) to 1 (bad), 0: nothing has arrived, or the stream is frozen.
        lost: the share of its packets that were lost, 0 to 1.
        jitter: in seconds.
        round_trip: between this browser and the server, in seconds; None: not measured yet.
        bit_rate: in bits per second; 0 the first time.
        frame_rate: of the video, in frames per second; 0 without video.

    Source: the levels are the bands of user satisfaction of ITU-T G.107 (annex B), by a common simplification of its E-model
    for round trip, jitter and loss.
    """

    level: int
    lost: float
    jitter: float
    round_trip: float | None
    bit_rate: float
    frame_rate: float


def quality(before: Mapping[str, float], now: Mapping[str, float], *, frozen: bool) -> StreamQuality:
    """Return the quality between two readings of a stream's counters, of one media connection or of two."""
    if now.get("packets", 0.0) < before.get("packets", 0.0):  # it was renegotiated: its counters begin anew
        before = {}

    def since(name: str) -> float:
        return max(0.0, now.get(name, 0.0) - before.get(name, 0.0))

    packets, lost = since("packets"), since("lost")
    seconds = since("time") if before else 0.0
    share = lost / (packets + lost) if lost else 0.0
    round_trip = now.get("round_trip")
    delay = 1000 * ((round_trip or 0.0) / 2 + 2 * now.get("jitter", 0.0)) + 10
    rating = 93.2 - (delay / 40 if delay < 160 else (delay - 120) / 10) - 250 * share
    level = 1 + sum(rating >= band for band in (50, 60, 70, 80))
    return StreamQuality(
        level=level if packets and not frozen else 0,
        lost=share,
        jitter=now.get("jitter", 0.0),
        round_trip=round_trip,
        bit_rate=8 * since("bytes") / seconds if seconds else 0.0,
        frame_rate=now.get("frame_rate", 0.0),
    )
