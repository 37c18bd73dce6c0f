"""Whether the video of one received stream is decoded when it arrives, by its counters.

After a machine has slept Chromium 156 may keep all frames that arrive, key frames too, for 3 s before it decodes one: in one
of five sleeps of 8 s soon after the beginning of a call. New receivers decode at once.
"""

from __future__ import annotations

import math

from .evidence import MediaSample
from .standstill import ROUNDING

WATCHED = 1.5  # seconds after a standstill in which that may begin
HELD_BACK = 0.2  # seconds without a decoded frame although video arrives


class Decoding:
    """The decoding of one stream. Pass samples to `take`, and after a standstill take them until `watched_until`."""

    def __init__(self) -> None:
        self.watched_until: float | None = None
        self._arrives = False  # whether some had arrived when the last sample was taken
        self._undecoded_since: float | None = None  # since when video arrives and none is decoded

    def take(self, before: MediaSample, sample: MediaSample, now: float) -> None:
        """Compare a sample with the one before."""
        self._arrives = sample.inbound_video_packets > before.inbound_video_packets
        if sample.frames_decoded > before.frames_decoded or not sample.frames_decoded:
            self._undecoded_since = None
        elif self._undecoded_since is None and self._arrives:
            self._undecoded_since = now
        if self.watched_until is not None and now >= self.watched_until - ROUNDING:
            self.watched_until = None

    def stopped_for(self, seconds: float, now: float) -> bool:
        """Return whether video arrives of which none was decoded for so long."""
        since = self._undecoded_since
        return since is not None and self._arrives and now - since >= seconds - ROUNDING

    def count_anew(self, now: float) -> None:
        """Forget for how long nothing was decoded before `now`."""
        self._undecoded_since = now

    def watch(self, now: float) -> None:
        """Begin to watch, after a standstill."""
        self.watched_until, self._undecoded_since = now + WATCHED, None

    def may_stop_for(self, seconds: float) -> float:
        """Return a time before which `stopped_for` stays false if counters go on as they do."""
        return math.inf if self._undecoded_since is None else self._undecoded_since + seconds - 2 * ROUNDING
