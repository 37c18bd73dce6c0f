"""How often does a stream's RTP arrive, and is it silent now? Each stream has its own rhythm, learnt from itself.

Measured in Chromium 156: video at 20 fps leaves gaps of 57 ms, Opus 21 to 58 ms, Opus with DTX 424 ms, a static canvas gaps
without end. So no fixed threshold fits: silence is twice the largest recent gap, for it costs a probe and no more, and a
stream whose gaps are longer than 0.7 s tells nothing. Before it is silent it is overdue, by half as much.
"""

from __future__ import annotations

from collections import deque

from .policy import ReconnectionPolicy


class Cadence:
    """The rhythm of one received stream. Fed with a marker that changes with every packet, at the pace of a poll."""

    def __init__(self, policy: ReconnectionPolicy) -> None:
        self._policy = policy
        self._marker: float | None = None
        self._flowing_since: float | None = None
        self._changed_at: float | None = None
        self._gaps: deque[tuple[float, float]] = deque()

    def observe(self, marker: float | None, now: float, *, learn: bool = True) -> bool:
        """Takes in the marker of this moment; True when packets have arrived since the last time.

        Without `learn` a gap that ends now is not the stream's: an outage is no rhythm.
        """
        if marker is None or marker == self._marker:
            return False
        first, self._marker = self._marker is None, marker
        if not first and self._changed_at is not None:
            if learn:
                self._remember(now - self._changed_at, now)
            self._flowing_since = now if self._flowing_since is None else self._flowing_since
        self._changed_at = now
        return not first

    def stalled(self, seconds: float) -> None:
        """The observer itself slept for so long: what it did not see is no gap."""
        if self._changed_at is not None:
            self._changed_at += seconds

    def is_witness(self, now: float) -> bool:
        """Whether its silence would say anything: it has flowed for a while, without long gaps."""
        if self._flowing_since is None or now - self._flowing_since < self._policy.cadence_learning:
            return False
        return self._largest_gap() <= self._policy.cadence_limit

    def is_overdue(self, now: float) -> bool:
        """Whether nothing has arrived for longer than it did lately."""
        return self._is_still(now, max(self._policy.overdue_floor, 1.25 * self._largest_gap()))

    def is_silent(self, now: float) -> bool:
        """Whether nothing has arrived for longer than its rhythm explains."""
        return self._is_still(now, max(self._policy.silence_floor, 2 * self._largest_gap()))

    def _is_still(self, now: float, threshold: float) -> bool:
        return self._changed_at is not None and now - self._changed_at >= threshold

    def _remember(self, gap: float, now: float) -> None:
        while self._gaps and self._gaps[-1][1] <= gap:
            self._gaps.pop()
        self._gaps.append((now, gap))
        # Forgotten when newer packets come, never by silence itself: or a still stream would become a witness by and by.
        while self._gaps[0][0] < now - self._policy.cadence_memory:
            self._gaps.popleft()

    def _largest_gap(self) -> float:
        return self._gaps[0][1] if self._gaps else 0.0
