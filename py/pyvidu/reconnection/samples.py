"""What the samples of one stream's media connection tell: when something last arrived, and whether video is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .decoding import Decoding
from .evidence import MediaSample
from .media_health import path_answers


class Samples:
    """The last sample, and what had arrived before it. Pass each one to `take`."""

    def __init__(self, now: float) -> None:
        self.last = MediaSample("new")
        self.taken_at = now
        self.decoding = Decoding()
        self._arrived_at = now  # when something last arrived on the path, as far as samples tell
        self._silence = 0.0  # seconds for which nothing had arrived when the last sample was taken

    def take(self, sample: MediaSample, now: float) -> float:
        """Compare a sample with the one before; return the seconds between the two."""
        elapsed, self.taken_at = now - self.taken_at, now
        self._silence = self.silent_for(now)
        if path_answers(self.last, sample):
            self._arrived_at = now
        self.decoding.take(self.last, sample, now)
        self.last = sample
        return elapsed

    def begin(self, now: float) -> None:
        """Take into account that no samples were taken until `now`: that is no silence."""
        self._arrived_at = now

    def replaced(self, now: float) -> None:
        """Forget what was observed of the old peer connection."""
        self.last, self._arrived_at = MediaSample("new"), now

    def silent_for(self, now: float) -> float:
        """Return for how many seconds nothing has arrived."""
        return now - self._arrived_at

    def returned_after(self, seconds: float) -> bool:
        """Return whether packets had arrived at the last sample, for the first time in more than so many seconds."""
        return self._silence > seconds and self._arrived_at == self.taken_at

    def skipped(self, times: Sequence[float], sample: MediaSample) -> list[float]:
        """Take into account that counters went on as in the last sample, in samples at `times`; `sample` is the last.

        Return the seconds before each.
        """
        elapsed = [after - before for before, after in pairwise((self.taken_at, *times))]
        if self._arrived_at == self.taken_at:
            self._arrived_at = times[-1]
        self.last, self.taken_at = sample, times[-1]
        return elapsed
