"""Which of the videos that one participant receives are forwarded to it: fewer where its path does not carry them all. Pure.

Sound and video share the path, so a video that does not fit in breaks the sound too: it is paused, the largest first, and
the sound goes on. Evidence and `now` go in, the paused videos come out; `VideoPauses` has them paused.

A path is overloaded when most packets of a video are lost (half of them, lost at random, can be repaired), when its
bandwidth estimate says that it carries less than `FLOOR` and less arrives than is sent, or when packets wait in a queue for
long. An estimate alone tells of a busy machine too.
Whether there is room again is tried with padding packets that nobody misses, at about `FLOOR`, for a second at most: until
much of it is lost, or waits. The times between two tries double, and a video that overloads the path again is paused at once.
After an outage the path may be another one: all videos are forwarded again.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from .congestion import FLOOR

_LOSS = 0.65
"""Share of a video's packets. Half of them may be lost at random: then most are repaired, and less video helps nobody."""
_QUEUE = 1.0
"""Seconds for which packets wait on the way to a participant, beyond the quickest of a minute."""
# A browser sends an estimate at once when it has fallen by 3 %.
_FALL = 0.97
# On a machine that is busy Chromium estimates 0.85 times what it receives although there is no queue.
_OF_RATE = 0.6
_RISES_WITHIN = 1.0  # seconds; one that rises does so several times a second
_ARRIVES = 0.75  # share of what is sent with which an estimate is not believed
# Seconds over which losses are counted, how many packets tell something about their share, and for how many seconds a sign
# has to last: usually, and soon after a video is resumed. Where half is lost, 65 % of 40 packets are in 3 % of cases.
_COUNTS = 2.0, 40, 1.0
_ON_TRIAL_COUNTS = 1.0, 20, 0.25
_SOON = 0.75  # so long a low estimate has to last: a queue of seconds fills in one
# So long a queue: it is measured by sender reports, one a second, of which a single one may be delayed.
_TWO_REPORTS = 1.25
_SILENCE = 2.0  # seconds without a report, after which it tells of an outage
_OUTAGE = 3.0  # seconds in which nothing at all was heard of the participant: its path was interrupted
_FRESH = 0.5  # seconds after a report for which what it says may be acted on: in an outage signs only get older
_RETURNED = 3.0  # seconds after an outage in which reports and queues are still those of the outage
_ON_TRIAL = 4.0  # seconds after a video is resumed
_REPORTED = 0.75  # seconds of these, in which losses from before the pause are still reported
# After a pause the path needs so many seconds to empty its queue before it can be judged again.
_SETTLING = 2.0
# Seconds from a pause to the first try. The wait doubles after a probe that fails, up to the second; after a video that had
# to be paused again, which costs everybody a key frame, up to the third.
_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_WAIT_AFTER_TRIAL = 1.0, 2.0, 4.0
# Chromium reports every 30 ms, others once a second; a probe without a report after so many seconds has failed.
_PROBED_WITHIN = 3.5
_PROBE_LOSS, _PROBE_QUEUE = 0.35, 0.2
_EMPTY = 0.3  # seconds of a queue with which a try may begin
# What is left of the capacity that a path has shown is not planned with.
_USABLE = 0.9


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What became of a probe: the share of its packets that was lost, and by how much the queue has grown (seconds)."""

    loss: float
    queue: float


@dataclass(frozen=True, slots=True)
class VideoEvidence:
    """What is known of a stream with video that a participant receives."""

    rate: float = 0.0
    """Bits a second that are forwarded lately, or were before the pause."""
    expected: int = 0
    """Video packets that the receiver should have by its reports, and how many of them were lost, since the beginning."""
    lost: int = 0
    forwarded: int = 0
    """Video packets that were sent to it since the beginning."""
    estimate: float | None = None
    """The receiver's bandwidth estimate for this connection, while there are signs of congestion."""
    queue: float | None = None
    """Seconds for which packets of this connection wait on the way."""
    answered: bool = True
    """Whether anything that was sent after the pause has been answered, so that `queue` is of the time after it."""
    probe: ProbeResult | None = None
    """The result of the latest probe, once it is known."""


@dataclass(frozen=True, slots=True)
class _Report:
    """What was reported of a video at a time: packets the receiver should have, those lost, and those forwarded by then."""

    at: float
    expected: int
    lost: int
    forwarded: int


@dataclass(slots=True)
class _Watched:
    """A stream whose video is forwarded: the latest reports of it, and since when each sign of overload lasts."""

    returned_at: float = -math.inf  # when a report came after none for `_SILENCE`
    reports: deque[_Report] = field(default_factory=deque)
    since: dict[str, float] = field(default_factory=dict)
    estimate: float | None = None  # the latest
    rises_until: float | None = None  # when it is taken for one that does not rise

    def overload(self, evidence: VideoEvidence, now: float, *, on_trial: bool) -> str | None:
        """Take the evidence of a moment into account; return the sign of overload that has lasted for so long, if any."""
        window, fewest, lasting = _ON_TRIAL_COUNTS if on_trial else _COUNTS
        self._count(evidence, window, now)
        falls = self._falls(evidence, now)
        if now - self.returned_at < _RETURNED:
            self.since.clear()
            return None
        counted = self.reports[-1].expected - self.reports[0].expected >= fewest
        signs = {
            "loss": (counted and self.loss() >= _LOSS, lasting),
            "estimate": (falls and not (counted and self._arrives() >= _ARRIVES), min(lasting, _SOON)),
            "queue": (
                evidence.queue is not None and evidence.queue >= _QUEUE,
                lasting if on_trial else _TWO_REPORTS,
            ),
        }
        for name, (present, _) in signs.items():
            if not present:
                self.since.pop(name, None)
            else:
                self.since.setdefault(name, now)
        if now - self.reports[-1].at > _FRESH:
            return None
        return next((name for name, since in self.since.items() if now - since >= signs[name][1]), None)

    def loss(self) -> float:
        """Return the share lost lately."""
        first, last = self.reports[0], self.reports[-1]
        return max(0.0, (last.lost - first.lost) / max(1, last.expected - first.expected))

    def _arrives(self) -> float:
        """Return how many packets arrived for one that was forwarded, lately."""
        first, last = self.reports[0], self.reports[-1]
        arrived = last.expected - first.expected - (last.lost - first.lost)
        return arrived / max(1, last.forwarded - first.forwarded)

    def _falls(self, evidence: VideoEvidence, now: float) -> bool:
        """Return whether the estimate is less than is needed and does not rise. After a pause it is low, and rises."""
        before, estimate = self.estimate, evidence.estimate
        self.estimate = estimate
        if estimate is None:
            self.rises_until = None
        elif before is None or self.rises_until is None or estimate > before:
            self.rises_until = now + _RISES_WITHIN
        elif estimate < _FALL * before:
            self.rises_until = now
        low = estimate is not None and estimate < min(FLOOR, _OF_RATE * evidence.rate)
        return low and self.rises_until is not None and now >= self.rises_until

    def _count(self, evidence: VideoEvidence, window: float, now: float) -> None:
        """Keep a report that is new, and those that the window needs."""
        report = _Report(now, evidence.expected, evidence.lost, evidence.forwarded)
        if self.reports and report.expected < self.reports[-1].expected:
            self.reports.clear()  # the connection was replaced
        if not self.reports:
            self.reports.append(report)
        elif report.expected > self.reports[-1].expected:
            if now - self.reports[-1].at > _SILENCE:
                self.reports.clear()  # an outage has ended, and these losses are its
                self.returned_at = now
            self.reports.append(report)
        while len(self.reports) > 1 and self.reports[1].at <= now - window:
            self.reports.popleft()


class SoundFirst:
    """The videos of one participant. Call `look` every quarter of a second or so. Times are of any one monotonic clock."""

    def __init__(self) -> None:
        self.paused: dict[str, str] = {}
        """The streams whose video is not to be forwarded, the latest last, with the cause: "loss", "estimate" or "queue"."""
        self._watched: dict[str, _Watched] = {}
        self._heard = math.inf
        self._settled_at = 0.0
        self._wait = _FIRST_WAIT
        self._try_at = 0.0
        self._probing: tuple[str, float] | None = None  # and until when a result is waited for
        self._on_trial: frozenset[str] = frozenset()  # what was resumed last
        self._trial_since = self._trial_until = 0.0

    def look(self, streams: Mapping[str, VideoEvidence], heard: float, now: float) -> str | None:
        """Change `paused`, with the evidence of all received streams that have video.

        `heard`: when anything was last received from the participant. Returned is the paused stream in place of whose video
        padding is to be sent now, for a second at most.
        """
        self._forget(streams)
        returned, self._heard = heard - self._heard > _OUTAGE, heard
        if returned:
            self._resume_all(streams, now)
            return None
        if self._on_trial and now >= self._trial_until:
            self._on_trial, self._wait = frozenset(), _FIRST_WAIT
        unwatched = set(self.paused)
        if now < self._trial_since + _REPORTED:
            unwatched |= self._on_trial
        overloaded = [
            sign
            for name, evidence in streams.items()
            if name not in unwatched
            and (sign := self._watch(name).overload(evidence, now, on_trial=bool(self._on_trial))) is not None
        ]
        if overloaded and now >= self._settled_at:
            self._pause(streams, overloaded[0], now)
        return None if overloaded else self._try(streams, now)

    def _watch(self, stream: str) -> _Watched:
        return self._watched.setdefault(stream, _Watched())

    def _forget(self, streams: Mapping[str, VideoEvidence]) -> None:
        """Forget the streams that are not received any more."""
        for name in [name for name in self.paused if name not in streams]:
            del self.paused[name]
        for name in [name for name in self._watched if name not in streams]:
            del self._watched[name]
        if self._probing is not None and self._probing[0] not in self.paused:
            self._probing = None
        self._on_trial &= streams.keys()

    def _pause(self, streams: Mapping[str, VideoEvidence], cause: str, now: float) -> None:
        """Pause as many videos, the largest first, as the rest has to be fewer for what the path carries; at least one."""
        forwarded = {name: evidence for name, evidence in streams.items() if name not in self.paused}
        carried = sum(self._carried(name, evidence) for name, evidence in forwarded.items())
        rest = sum(evidence.rate for evidence in forwarded.values())
        chosen: list[str] = []
        for name, evidence in sorted(
            forwarded.items(), key=lambda item: (item[0] not in self._on_trial, -item[1].rate)
        ):
            if name in self._on_trial or not chosen or rest > _USABLE * carried:
                chosen.append(name)
                rest -= evidence.rate
        if self._on_trial:
            self._wait = min(2 * self._wait, _LONGEST_WAIT_AFTER_TRIAL)
        self._on_trial, self._probing = frozenset(), None
        self._settled_at, self._try_at = now + _SETTLING, now + max(self._wait, _FIRST_WAIT)
        self._watched.clear()
        for name in chosen:
            self.paused[name] = cause

    def _carried(self, name: str, evidence: VideoEvidence) -> float:
        """Return the bits a second of a stream that arrive."""
        watched = self._watched.get(name)
        arrives = evidence.rate * (1 - watched.loss()) if watched is not None else evidence.rate
        return arrives if evidence.estimate is None else min(arrives, evidence.estimate)

    def _try(self, streams: Mapping[str, VideoEvidence], now: float) -> str | None:
        """Go on with the try of a paused video, or begin one when it is time: of the last one, which is the smallest.

        Return the stream with which one begins.
        """
        if self._probing is not None:
            stream, until = self._probing
            result = streams[stream].probe
            if result is None and now < until:
                return None
            self._probing = None
            if result is not None and result.loss <= _PROBE_LOSS and result.queue <= _PROBE_QUEUE:
                self._resume([stream], now, now)
            else:
                self._wait = max(self._wait, min(2 * self._wait, _LONGEST_WAIT))
                self._try_at = now + self._wait
            return None
        if not self.paused or self._on_trial or now < self._try_at:
            return None
        stream = next(reversed(self.paused))
        evidence = streams[stream]
        if not evidence.answered or (evidence.queue is not None and evidence.queue > _EMPTY):
            return None  # what was sent before the pause still waits
        self._probing = stream, now + _PROBED_WITHIN
        return stream

    def _resume_all(self, streams: Mapping[str, VideoEvidence], now: float) -> None:
        """Forward everything after an outage, and judge by nothing that is still of the outage."""
        self._watched = {name: _Watched(returned_at=now) for name in streams}
        self._wait, self._probing = _FIRST_WAIT, None
        self._resume(list(self.paused), now, now + _RETURNED)

    def _resume(self, names: list[str], now: float, judged_from: float) -> None:
        for name in names:
            del self.paused[name]
        self._on_trial, self._trial_since = frozenset(names), now
        self._trial_until = judged_from + _ON_TRIAL
