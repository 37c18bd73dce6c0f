"""Listens to the RTP of all received streams, ten times a second, and tells when all falls silent or comes back.

The rhythm of each stream and what its silence is worth are decided in `reconnection/cadence.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyvidu.platform import Clock, Timer
from pyvidu.reconnection.cadence import Cadence
from pyvidu.reconnection.policy import ReconnectionPolicy


class Ear:
    """Polls `markers` (a packet marker per peer connection) until it is closed."""

    def __init__(
        self,
        clock: Clock,
        policy: ReconnectionPolicy,
        markers: Callable[[], Mapping[object, float | None]],
        on_silence: Callable[[], None],
        on_sound: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._markers = markers
        self._on_silence = on_silence
        self._on_sound = on_sound
        self._cadences: dict[object, Cadence] = {}
        self._silent = False
        self._polled_at = 0.0
        self._timer: Timer | None = None

    def listen(self) -> None:
        """Begins to poll, if it does not yet."""
        if self._timer is None:
            self._polled_at = self._clock.now()
            self._arm()

    def close(self) -> None:
        """Stops."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._cadences.clear()

    def _arm(self) -> None:
        self._timer = self._clock.call_later(self._policy.cadence_poll, self._poll)

    def _poll(self) -> None:
        self._arm()
        now = self._clock.now()
        late = now - self._polled_at - self._policy.cadence_poll
        self._polled_at = now
        markers = self._markers()
        if late > self._policy.stall:
            for cadence in self._cadences.values():
                cadence.stalled(late)
        self._cadences = {peer: self._cadences.get(peer) or Cadence(self._policy) for peer in markers}
        sound = any(self._cadences[peer].observe(marker, now) for peer, marker in markers.items())
        if sound and self._silent:
            self._silent = False
            self._on_sound()
        elif not self._silent and not sound and self._all_witnesses_silent(now):
            self._silent = True
            self._on_silence()

    def _all_witnesses_silent(self, now: float) -> bool:
        witnesses = [cadence for cadence in self._cadences.values() if cadence.is_witness(now)]
        return bool(witnesses) and all(cadence.is_silent(now) for cadence in witnesses)
