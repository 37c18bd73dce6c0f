"""Media planes that jump over polls: a world knows when packets begin and end to arrive, so it can say what polls would find.

What they skip is taken into account by the decisions themselves (`RtpMonitor.skipped`, `StreamRecovery.skipped`). A test
compares worlds that are lived through with and without jumps: they are alike.
"""

from __future__ import annotations

import math
from typing import Any

from pyvidu.media.connection import MediaConnection
from pyvidu.media.plane import MediaPlane
from pyvidu.media.recovery import MediaRecovery
from pyvidu.media.reports import _PERIOD, Reports
from pyvidu.reconnection.evidence import MediaEvidence, MediaSample, Sampled
from tests.simulation.simulated_network import now


class Jump:
    """The polls between the last one and the next that matters. All times are the loop's.

    `clock.changes` counts the changes of the page's media connections and of its clock. A jump begins once two polls in a row
    have found the same world, and ends before the next change.
    """

    def __init__(self, clock: Any, owner: object) -> None:
        self._clock = clock
        self._owner = owner
        self._from: float | None = None
        self._period = 0.0
        self._seen = (-2, -1)

    @property
    def is_under_way(self) -> bool:
        return self._from is not None

    def polled(self) -> None:
        """Record a poll."""
        self._seen = (self._seen[1], self._clock.changes)

    def begin(self, period: float, matters_at: float) -> float | None:
        """Return the time of the poll to jump to, infinite if none matters until a change; None: do not jump.

        `matters_at` is a time on the page's clock.
        """
        clock, following = self._clock, self._next(now(), period)
        self._from = None
        unchanged = self._seen == (clock.changes, clock.changes)
        if not unchanged or clock.throttled or clock.frozen or matters_at - clock.offset <= following:
            return None
        self._from, self._period = now(), period
        return math.inf if math.isinf(matters_at) else self._grid(matters_at - clock.offset)[-1]

    def end(self, until: float) -> tuple[list[float], float]:
        """Return the times of the polls skipped before `until`, and that of the one that follows."""
        assert self._from is not None
        times = self._grid(until)
        following = self._next(times[-1] if times else self._from, self._period)
        self._from = None
        return times, following

    def _grid(self, until: float) -> list[float]:
        times: list[float] = []
        assert self._from is not None
        at = self._next(self._from, self._period)
        while at < until:
            times.append(at)
            at = self._next(at, self._period)
        return times

    def _next(self, at: float, period: float) -> float:
        """Return when a timer fires that is set at `at`, in the operations of `SimulatedClock.call_later`."""
        here: float = at + self._clock.offset
        step: float = self._clock.least_step(self._owner)
        return at + max(0.0, here + period - here) + step


class SkippedReports(Reports):
    """Reports that can be read afterwards."""

    def lacks(self, peers: Any) -> bool:
        """Return whether one of `peers` was reported on since it was read, and is not any more."""
        return any(not peer.is_reported and peer.reported_by(now()) != self._markers.get(peer) for peer in peers)

    def skipped(self, peers: Any, time: float, at: float) -> dict[object, float | None]:
        """Return what `read` would have returned at `time`, which is `at` on the page's clock."""
        before = dict(self._markers)
        if at - self._read_at >= _PERIOD:
            self._read_at = at
            self._markers = {peer: peer.reported_by(time) for peer in peers}
        return before


class JumpingMediaPlane(MediaPlane):
    """A media plane that skips polls of the packet markers."""

    _clock: Any  # a SimulatedClock

    def __init__(self, host: Any, *rest: Any) -> None:
        super().__init__(host, *rest)
        self._jump = Jump(host.clock, self)
        self._reports: SkippedReports = SkippedReports(host.clock)

    def land(self) -> None:
        """End a jump before a change."""
        if self._jump.is_under_way:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._clock.call_at(self._skip(now()), self._poll)

    def add(self, media: MediaConnection, **before: bool) -> None:
        self._clock.about_to_change()
        if not self._closed:
            self._clock.jumpers[self] = None
        super().add(media, **before)

    def remove(self, media: MediaConnection) -> None:
        self._clock.about_to_change()
        super().remove(media)

    def close(self) -> None:
        super().close()
        self._clock.jumpers.pop(self, None)

    def _arm(self) -> None:
        assert self._monitor is not None
        peers: Any = self._reported()
        awaited = self._monitor.awaits_return and any(peer.is_reported for peer in peers)
        awaited |= self._reports.lacks(peers)
        at = self._jump.begin(self._monitor.period, self._clock.now() if awaited else self._monitor.matters_at)
        if at is None:
            super()._arm()
        else:
            self._timer = None if math.isinf(at) else self._clock.call_at(at, self._poll)

    def _poll(self) -> None:
        if self._jump.is_under_way:
            self._skip(now())
        self._jump.polled()
        super()._poll()

    def _skip(self, until: float) -> float:
        times, following = self._jump.end(until)
        if times:
            offset = self._clock.offset
            peers: Any = self._markers()
            markers = {peer: peer.marker_at(times[-1]) for peer in peers}
            assert self._monitor is not None
            reported: Any = self._reported()
            reports = [self._reports.skipped(reported, time, time + offset) for time in times] if reported else []
            self._monitor.skipped([time + offset for time in times], markers, reports)
        return following


class JumpingMediaRecovery(MediaRecovery):
    """A recovery that skips samples of the counters."""

    _clock: Any  # a SimulatedClock

    def __init__(self, media: Any, clock: Any, *rest: Any, **settings: Any) -> None:
        self._jump = Jump(clock, self)
        clock.jumpers[self] = None
        super().__init__(media, clock, *rest, **settings)

    def land(self) -> None:
        """End a jump before a change."""
        if self._jump.is_under_way:
            self._set_before(self._skip(now()))

    def report(self, evidence: MediaEvidence) -> None:
        if self._jump.is_under_way:
            self._skip(now())
        if isinstance(evidence, Sampled):
            self._jump.polled()
        super().report(evidence)

    def close(self) -> None:
        super().close()
        self._clock.jumpers.pop(self, None)

    def _tick(self) -> None:
        if self._jump.is_under_way:
            self._skip(now())
        super()._tick()

    def _rearm(self) -> None:
        decisions, at = self.decisions, None
        if not self._closed and decisions.sample_at is not None and decisions.samples.taken_at == self._clock.now():
            at = self._jump.begin(decisions.period or 0.0, decisions.matters_at)
        if at is None:
            super()._rearm()
        else:
            self._set_before(at)

    def _set_before(self, at: float) -> None:
        """Set the timer for `at`, or for what is due before it."""
        timer = self.decisions.timer_at
        if timer is not None:
            at = min(at, timer - self._clock.offset + self._clock.least_step(self))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if math.isinf(at) else self._clock.call_at(at, self._tick)

    def _skip(self, until: float) -> float:
        times, following = self._jump.end(until)
        if times:
            offset = self._clock.offset
            peer: Any = self._media.peer
            sample = peer.sample_at(times[-1]) if peer is not None else MediaSample("new")
            self.decisions.skipped([time + offset for time in times], sample)
        return following
