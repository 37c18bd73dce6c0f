"""Which of the videos that one participant receives are forwarded to it: fewer where its path does not carry them all. Pure.

Sound and video share the path, so a video that does not fit in breaks the sound too: it is paused, the largest first, and
the sound goes on. Evidence and `now` go in, actions come out; `VideoPauses` has them done.

A path is overloaded when most packets of a video are lost (half of them, lost at random, can be repaired), when its
bandwidth estimate says that it carries less than `FLOOR`, or when packets wait in a queue for long.
Whether there is room again is tried with padding packets that nobody misses, at about `FLOOR`, for a second at most: until
much of it is lost, or waits. The times between two tries double, and a video that overloads the path again is paused at once.
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
# Seconds over which losses are counted, how many packets tell something about their share, and for how many seconds a sign
# has to last: usually, and soon after a video is resumed. Where half is lost, 65 % of 40 packets are in 3 % of cases.
_COUNTS = 2.0, 40, 1.0
_ON_TRIAL_COUNTS = 1.0, 20, 0.25
_SOON = 0.75  # so long a low estimate has to last: a queue of seconds fills in one
_SILENCE = 2.0  # seconds without a report, after which it tells of an outage
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
    estimate: float | None = None
    """The receiver's bandwidth estimate for this connection, while there are signs of congestion."""
    queue: float | None = None
    """Seconds for which packets of this connection wait on the way."""
    answered: bool = True
    """Whether anything that was sent after the pause has been answered, so that `queue` is of the time after it."""
    probe: ProbeResult | None = None
    """The result of the latest probe, once it is known."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Forward the video of a stream no more."""

    stream: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Forward the video of a stream again, from a key frame."""

    stream: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Send padding in place of the video of a stream, for a second at most."""

    stream: str


Action = Pause | Resume | Probe


@dataclass(slots=True)
class _Watched:
    """A stream whose video is forwarded: its latest counts, and since when each sign of overload lasts."""

    counts: deque[tuple[float, int, int]] = field(default_factory=deque)
    since: dict[str, float] = field(default_factory=dict)
    reported_at: float = math.inf  # when a report last told of packets
    returned_at: float = -math.inf  # when a report came after none for `_SILENCE`
    estimate: float | None = None  # the latest
    rises_until: float | None = None  # when it is taken for one that does not rise

    def overloaded(self, evidence: VideoEvidence, now: float, *, on_trial: bool) -> bool:
        """Take the evidence of a moment into account; return whether a sign of overload has lasted for so long."""
        window, fewest, lasting = _ON_TRIAL_COUNTS if on_trial else _COUNTS
        loss = self._loss(evidence, window, fewest, now)
        if now - self.returned_at < _RETURNED:
            self.since.clear()
            return False
        signs = {
            "loss": (loss >= _LOSS, lasting),
            "estimate": (self._falls(evidence, now), min(lasting, _SOON)),
            "queue": (evidence.queue is not None and evidence.queue >= _QUEUE, lasting),
        }
        for name, (present, _) in signs.items():
            if not present:
                self.since.pop(name, None)
            else:
                self.since.setdefault(name, now)
        fresh = now - self.reported_at <= _FRESH
        return fresh and any(now - since >= signs[name][1] for name, since in self.since.items())

    def loss(self) -> float:
        """Return the share lost lately."""
        (_, expected, lost), (_, latest_expected, latest_lost) = self.counts[0], self.counts[-1]
        return max(0.0, (latest_lost - lost) / max(1, latest_expected - expected))

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

    def _loss(self, evidence: VideoEvidence, window: float, fewest: int, now: float) -> float:
        if self.counts and evidence.expected < self.counts[-1][1]:
            self.counts.clear()  # the connection was replaced
        if self.counts and evidence.expected > self.counts[-1][1]:
            if now - self.reported_at > _SILENCE:
                self.counts.clear()  # an outage has ended, and these losses are its
                self.returned_at = now
            self.reported_at = now
        self.counts.append((now, evidence.expected, evidence.lost))
        while self.counts[0][0] < now - window:
            self.counts.popleft()
        return self.loss() if self.counts[-1][1] - self.counts[0][1] >= fewest else 0.0


class SoundFirst:
    """The videos of one participant. Call `look` every quarter of a second or so. Times are of any one monotonic clock."""

    def __init__(self) -> None:
        self.paused: dict[str, None] = {}
        """The streams whose video is not forwarded, the latest last."""
        self._watched: dict[str, _Watched] = {}
        self._settled_at = 0.0
        self._wait = _FIRST_WAIT
        self._try_at = 0.0
        self._probing: tuple[str, float] | None = None  # and until when a result is waited for
        self._on_trial: tuple[str, float] | None = None  # the stream resumed last, and until when

    def look(self, streams: Mapping[str, VideoEvidence], now: float) -> list[Action]:
        """Return what to do now, with the evidence of all received streams that have video."""
        self._forget(streams)
        on_trial = self._on_trial is not None
        if self._on_trial is not None and now >= self._on_trial[1]:
            self._on_trial, self._wait = None, _FIRST_WAIT
        unwatched = set(self.paused)
        if self._on_trial is not None and now < self._on_trial[1] - _ON_TRIAL + _REPORTED:
            unwatched.add(self._on_trial[0])
        overloaded = [
            name
            for name, evidence in streams.items()
            if name not in unwatched
            and self._watched.setdefault(name, _Watched()).overloaded(evidence, now, on_trial=on_trial)
        ]
        if overloaded and now >= self._settled_at:
            return self._pause(streams, now)
        return [] if overloaded else self._try(streams, now)

    def _forget(self, streams: Mapping[str, VideoEvidence]) -> None:
        """Forget the streams that are not received any more."""
        for name in [name for name in self.paused if name not in streams]:
            del self.paused[name]
        for name in [name for name in self._watched if name not in streams]:
            del self._watched[name]
        if self._probing is not None and self._probing[0] not in self.paused:
            self._probing = None
        if self._on_trial is not None and self._on_trial[0] not in streams:
            self._on_trial = None

    def _pause(self, streams: Mapping[str, VideoEvidence], now: float) -> list[Action]:
        """Pause as many videos, the largest first, as the rest has to be fewer for what the path carries; at least one."""
        forwarded = {name: evidence for name, evidence in streams.items() if name not in self.paused}
        carried = sum(self._carried(name, evidence) for name, evidence in forwarded.items())
        rest = sum(evidence.rate for evidence in forwarded.values())
        chosen: list[str] = []
        if self._on_trial is not None:
            chosen.append(self._on_trial[0])
            rest -= forwarded[self._on_trial[0]].rate
        for name, evidence in sorted(forwarded.items(), key=lambda item: -item[1].rate):
            if name not in chosen and (not chosen or rest > _USABLE * carried):
                chosen.append(name)
                rest -= evidence.rate
        if self._on_trial is not None:
            self._wait = min(2 * self._wait, _LONGEST_WAIT_AFTER_TRIAL)
        self._on_trial = self._probing = None
        self._settled_at, self._try_at = now + _SETTLING, now + max(self._wait, _FIRST_WAIT)
        self._watched.clear()
        for name in chosen:
            self.paused[name] = None
        return [Pause(name) for name in chosen]

    def _carried(self, name: str, evidence: VideoEvidence) -> float:
        """Return the bits a second of a stream that arrive."""
        watched = self._watched.get(name)
        arrives = evidence.rate * (1 - watched.loss()) if watched is not None else evidence.rate
        return arrives if evidence.estimate is None else min(arrives, evidence.estimate)

    def _try(self, streams: Mapping[str, VideoEvidence], now: float) -> list[Action]:
        """Go on with the try of a paused video, or begin one when it is time: of the last one, which is the smallest."""
        if self._probing is not None:
            stream, until = self._probing
            result = streams[stream].probe
            if result is None and now < until:
                return []
            self._probing = None
            if result is not None and result.loss <= _PROBE_LOSS and result.queue <= _PROBE_QUEUE:
                return self._resume(stream, now)
            self._wait = max(self._wait, min(2 * self._wait, _LONGEST_WAIT))
            self._try_at = now + self._wait
            return []
        if not self.paused or self._on_trial is not None or now < self._try_at:
            return []
        stream = next(reversed(self.paused))
        evidence = streams[stream]
        if not evidence.answered or (evidence.queue is not None and evidence.queue > _EMPTY):
            return []  # what was sent before the pause still waits
        self._probing = stream, now + _PROBED_WITHIN
        return [Probe(stream)]

    def _resume(self, stream: str, now: float) -> list[Action]:
        del self.paused[stream]
        self._on_trial = stream, now + _ON_TRIAL
        return [Resume(stream)]
