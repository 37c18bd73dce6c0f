"""Polls the RTP of all received streams twenty times a second, and reports when all of it stops or returns.

The rhythm of each stream, and whether its silence is evidence, are decided in `reconnection/cadence.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from pyvidu.platform import Clock, Timer
from pyvidu.reconnection.cadence import Cadence
from pyvidu.reconnection.policy import ReconnectionPolicy


class RtpMonitorListener(Protocol):
    """Listener for RTP that flows, stops and returns."""

    def rtp_steady(self) -> None:
        """Handle that at least one witness (a stream whose silence would be evidence) flows."""

    def rtp_overdue(self) -> None:
        """Handle that every witness pauses, or that the last one that flowed is gone. Called once, before `rtp_silent`."""

    def rtp_silent(self) -> None:
        """Handle that every witness is silent."""

    def rtp_returned(self) -> None:
        """Handle that RTP arrives after `rtp_silent`."""

    def audio_reference_due(self) -> None:
        """Record the sound played now, which is in time. Called once a second while RTP arrives."""

    def page_stood_still(self, seconds: float) -> None:
        """Handle that the page stood still for `stood_still` seconds: what arrived meanwhile was queued."""

    def stream_silent(self, peer: object) -> None:
        """Handle a stream whose RTP has stopped, whatever the others do. `peer` is its peer connection."""

    def stream_returned(self, peer: object) -> None:
        """Handle a stream whose RTP arrives after `stream_silent`."""


class RtpMonitor:
    """Polls `markers` (a packet marker per peer connection) until it is closed."""

    def __init__(
        self,
        clock: Clock,
        policy: ReconnectionPolicy,
        markers: Callable[[], Mapping[object, float | None]],
        listener: RtpMonitorListener,
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._markers = markers
        self._listener = listener
        self._cadences: dict[object, Cadence] = {}
        self._rhythm: Literal["steady", "overdue"] | None = None
        self._silent = False
        self._silent_peers: set[object] = set()
        self._polled_at = self._period = 0.0
        self._settled_at = self._reference_at = 0.0
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin to poll, if not polling already."""
        if self._timer is None:
            self._polled_at = self._clock.now()
            self._arm()

    def close(self) -> None:
        """Stop polling."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._cadences.clear()

    def _arm(self) -> None:
        self._period = self._policy.return_poll if self._silent else self._policy.cadence_poll
        self._timer = self._clock.call_later(self._period, self._poll)

    def _poll(self) -> None:
        now = self._clock.now()
        late = now - self._polled_at - self._period
        self._arm()
        self._polled_at = now
        markers = self._markers()
        if late > self._policy.stall:
            for cadence in self._cadences.values():
                cadence.stalled(late)
        if late > self._policy.slept:
            self._listener.page_stood_still(late)
            self._settled_at = self._reference_at = now + self._policy.cadence_settling
        self._cadences = {peer: self._cadences.get(peer) or Cadence(self._policy) for peer in markers}
        settled = not self._silent and now >= self._settled_at
        heard = {peer for peer, marker in markers.items() if self._cadences[peer].observe(marker, now, learn=settled)}
        witnesses = {peer for peer, cadence in self._cadences.items() if cadence.is_witness(now)}
        overdue = {peer for peer in witnesses if self._cadences[peer].is_overdue(now)}
        silent = {peer for peer in witnesses if self._cadences[peer].is_silent(now)}
        fresh = silent - self._silent_peers
        again = self._silent_peers & heard
        self._silent_peers = (self._silent_peers & markers.keys() | silent) - heard
        was, self._rhythm = self._rhythm, "steady" if witnesses - overdue else "overdue" if witnesses else None
        if self._rhythm != was and (was == "steady" or (self._rhythm == "overdue" and not self._silent)):
            self._listener.rtp_overdue()
        if heard and self._silent:
            self._silent = False
            self._settled_at = now + self._policy.cadence_settling
            self._listener.rtp_returned()
        elif witnesses and silent == witnesses and not heard and not self._silent:
            self._silent = True
            self._listener.rtp_silent()
        if self._rhythm == "steady" != was:
            self._listener.rtp_steady()
        if heard and settled and now >= self._reference_at:
            self._reference_at = now + 1.0
            self._listener.audio_reference_due()
        for peer in markers:
            if peer in fresh:
                self._listener.stream_silent(peer)
            if peer in again:
                self._listener.stream_returned(peer)
