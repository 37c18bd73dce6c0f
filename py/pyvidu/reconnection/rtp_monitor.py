"""What the RTP of all received streams tells about the network, and about each stream: steady, overdue, silent, returned.

Its input is one packet marker per stream, polled twenty times a second. The rhythm of each stream, and whether its silence is
evidence, are decided in `cadence.py`. While no stream is a witness, the receiver's reports about what is sent take their
place: they have a rhythm too, and tell about the network only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .cadence import Cadence
from .evidence import (
    PageStoodStill,
    ReportsSilent,
    RtpOverdue,
    RtpReturned,
    RtpSilent,
    RtpSteady,
    StreamReturned,
    StreamStopped,
)
from .policy import ReconnectionPolicy
from .standstill import ROUNDING, SLEPT, STALL

_SETTLING = 1.0  # seconds after a return for which gaps are not learnt: the outage caused them
_NONE: Mapping[object, float | None] = {}
_REFERENCE_PERIOD = 1.0  # seconds between two records of the audio being played, the reference for a later backlog


@dataclass(frozen=True, slots=True)
class OfStream:
    """Evidence about one stream: `StreamStopped` or `StreamReturned`, whatever the others do."""

    source: object
    evidence: StreamStopped | StreamReturned


@dataclass(frozen=True, slots=True)
class AudioReferenceDue:
    """The audio played now is in time: the reference that later lateness is measured against."""


RtpFinding = RtpSteady | RtpOverdue | RtpSilent | RtpReturned | OfStream | AudioReferenceDue | PageStoodStill


class RtpMonitor:
    """The RTP of a session's received streams. Pass markers to `poll` every `period` seconds.

    A witness is a stream whose silence is evidence against the network. `RtpOverdue` is found before `RtpSilent`, when every
    witness pauses or the last one that flowed is gone.
    """

    wants_reports = False
    """Whether the next poll needs the markers of reports."""

    def __init__(self, policy: ReconnectionPolicy, now: float) -> None:
        self._policy = policy
        self._cadences: dict[object, Cadence] = {}
        self._steady: bool | None = None  # whether a witness flows; None without a witness
        self._silent = False
        self._silent_sources: set[object] = set()
        self.flowing: set[object] = set()  # the streams of which packets have arrived since the poll before
        self._reported: set[object] = set()  # the sources of reports, in the last poll
        self._polled_at = now
        self._settled_at = self._reference_at = 0.0

    @property
    def period(self) -> float:
        """Return the seconds until the next poll: fewer while all streams are silent, to find the return early."""
        return self._policy.detection.return_poll if self._silent else self._policy.detection.poll

    @property
    def due_at(self) -> float:
        """Return the time of the next poll."""
        return self._polled_at + self.period

    def poll(
        self, markers: Mapping[object, float | None], now: float, reports: Mapping[object, float | None] = _NONE
    ) -> list[RtpFinding]:
        """Return what follows from the current markers, one for each source; a marker changes when RTP has arrived.

        `reports` has those of the reports about what is sent, by another source each, if they were wanted.
        """
        found = self._detect_stall(now)
        self._polled_at = now
        both = {**markers, **reports}
        self._cadences = {source: self._cadences.get(source) or Cadence(self._policy) for source in both}
        settled = not self._silent and now >= self._settled_at
        heard = {
            source for source, marker in both.items() if self._cadences[source].observe(marker, now, learn=settled)
        }
        self._reported = set(reports)
        self.flowing = heard - self._reported
        all_witnesses = {source for source, cadence in self._cadences.items() if cadence.is_witness(now)}
        witnesses = all_witnesses - self._reported
        self.wants_reports = not witnesses
        silent = {source for source in all_witnesses if self._cadences[source].is_silent(now)}
        found += self._judge_network(
            witnesses or all_witnesses, silent, now, heard if self.wants_reports else self.flowing
        )
        silent -= self._reported
        if self.flowing and settled and now >= self._reference_at:
            self._reference_at = now + _REFERENCE_PERIOD
            found.append(AudioReferenceDue())
        return found + self._judge_streams(silent)

    def _detect_stall(self, now: float) -> list[RtpFinding]:
        """Exclude time in which this page did not run from the gaps of all streams."""
        late = now - self.due_at
        if late > STALL:
            for cadence in self._cadences.values():
                cadence.stalled(late)
        if late <= SLEPT:
            return []
        self._settled_at = self._reference_at = now + _SETTLING
        return [PageStoodStill(late)]

    def _judge_network(
        self, witnesses: set[object], silent: set[object], now: float, heard: set[object]
    ) -> list[RtpFinding]:
        """Return what all witnesses together tell of the network; `heard` are the sources of which anything has arrived."""
        found: list[RtpFinding] = []
        was = self._steady
        pausing = all(self._cadences[source].is_overdue(now) for source in witnesses)
        self._steady = not pausing if witnesses else None
        if self._steady is not was and (was or (self._steady is False and not self._silent)):
            found.append(RtpOverdue())
        if heard and self._silent:
            self._silent = False
            self._settled_at = now + _SETTLING
            found.append(RtpReturned())
        elif witnesses and witnesses <= silent and not heard and not self._silent:
            self._silent = True
            found.append(self._silence(witnesses))
        if self._steady and not was:
            found.append(RtpSteady())
        return found

    def _silence(self, witnesses: set[object]) -> RtpSilent:
        return ReportsSilent() if witnesses <= self._reported else RtpSilent()

    def _judge_streams(self, silent: set[object]) -> list[RtpFinding]:
        """Return which streams have become silent and which have returned, in the order of the markers."""
        before = self._silent_sources
        self._silent_sources = (before & self._cadences.keys() | silent) - self.flowing
        found: list[RtpFinding] = []
        for source in self._cadences:
            if source in silent - before:
                found.append(OfStream(source, StreamStopped()))
            if source in before & self.flowing:
                found.append(OfStream(source, StreamReturned()))
        return found

    # --- for a simulated world, which knows when a stream's RTP begins and ends -------------------------------------

    @property
    def matters_at(self) -> float:
        """Return a time before which no poll finds anything but references, if all streams go on as in the last poll."""
        now = self._polled_at
        moments = [self._settled_at]
        for source, cadence in self._cadences.items():
            moments += cadence.turning_points(flowing=source in self.flowing)
        if self.wants_reports:  # the first ones may arrive at any time
            moments.append(now + self._policy.detection.rhythm_learning)
            if any(self._cadences[source].forgets_next(now) for source in self._reported):
                return now
        ahead = (moment for moment in moments if moment > now - ROUNDING)
        return min(ahead, default=math.inf) - self._policy.detection.poll

    @property
    def awaits_return(self) -> bool:
        """Return whether the first report that arrives is a finding."""
        return self._silent or self._steady is False

    def skipped(
        self,
        times: Sequence[float],
        markers: Mapping[object, float | None],
        reports: Sequence[Mapping[object, float | None]] = (),
    ) -> None:
        """Take into account that all streams went on as in the last poll, in polls at `times`; the last found `markers`.

        `reports` are the markers of the reports at each of them, if they were wanted.
        """
        period = times[-1] - (times[-2] if len(times) > 1 else self._polled_at)
        self._polled_at = times[-1]
        settled = self._polled_at >= self._settled_at
        for source in self.flowing:
            self._cadences[source].flowed(markers[source], period, self._polled_at, learn=settled)
        for now, found in zip(times, reports, strict=False):
            for source, marker in found.items():
                self._cadences.setdefault(source, Cadence(self._policy)).observe(marker, now, learn=settled)
        if self.flowing and settled:
            for now in times:
                if now >= self._reference_at:
                    self._reference_at = now + _REFERENCE_PERIOD
