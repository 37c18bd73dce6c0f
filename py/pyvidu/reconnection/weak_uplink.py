"""Whether the video that a participant sends is paused, for an uplink that does not carry it beside the sound. Pure.

A browser lowers its video on a weak uplink, Chromium to 30 kbit/s, but never below: where that does not fit in beside the
sound, packets wait in a queue for seconds, or are dropped, of the sound too. Both are told by the receiver's reports.
The same rule for what a participant receives is the server's (`server/media/sound_first.py`).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from .evidence import UplinkSample
from .quickest import Quickest
from .standstill import STALL

POLL = 1.0  # seconds between two samples

_QUEUE = 1.0  # seconds for which packets wait on the way
# Bits a second: with a queue of 3 s at 100 kbit/s on the way up Chromium 156 estimates 72,000; on the way down, which makes
# the round trip as long, the estimate of what it sends stays what it was. Firefox tells no estimate; its video follows it.
_WEAK = 150_000
_LOSS = 0.2  # share of the sound's packets
_FEWEST = 20  # packets that tell something about that share
# Of a weak uplink little video arrives, and the more is sent the larger a share is lost. A bad radio loses the same share of
# whatever is sent: a pause would not help, and what is lost is sent again.
_CARRIED = 100_000  # bits of video that arrive in a second
_SOUND = 50_000  # bits a second that the sound takes, with its headers
_COMPARED = 10  # samples
_SHORTEST = 0.5  # seconds of reports whose losses are judged: reports are lost too, and come unevenly
_CALM = 3  # samples in a row with next to no losses, after which losses are others
_CERTAIN = 1.0  # how much more likely the radio is than the weak uplink, as a natural logarithm
_KNOWN = 60.0  # the same, as long as there are losses
_IN_VAIN = 5.0  # the same in a pause, where a weak uplink loses of the sound alone
_HELPED = 0.7  # of the share lost before: less is lost after a pause that helps
_LEAST, _MOST = 0.01, 0.99  # of a probability
_LASTING, _LOSS_LASTING = 2.0, 3.0  # seconds for which the signs of a weak uplink have to last
_EMPTY, _LITTLE = 0.3, 0.05  # seconds of a queue, and share lost, with which the video is tried again
_REPORTED = 2.0  # seconds after a pause in which losses from before it are still reported
# Seconds from a pause to the next try. The wait doubles, up to the second, when a sign returns within `_SOON` of a try.
# After the second the video is tried whatever is lost, if nothing waits: a few percent may be lost on the path always.
_FIRST_WAIT, _LONGEST_WAIT = 4.0, 16.0
_SOON = 5.0
_SILENCE = 2.0  # seconds without a report, after which it tells of an outage
_RETURNED = 3.0  # seconds after an outage in which reports, queues and losses are still those of the outage

VideoChange = Literal["pause", "resume"]


@dataclass(frozen=True, slots=True)
class _Losses:
    """The share of the sound that was lost, and the bits of video sent in a second, in so many seconds of reports.

    The share is 0 if so much is lost whatever is sent, None if the last judgement is too short ago.
    """

    share: float | None
    rate: float
    seconds: float


class WeakUplink:
    """The decisions about one peer connection that sends sound and video. Pass samples to `take`, one every `POLL` seconds.

    A new peer connection, which sends all video, needs a new one of these.
    """

    def __init__(self) -> None:
        self.paused = False
        self._last: UplinkSample | None = None
        self._judged: tuple[UplinkSample, float] | None = None  # the last one whose losses were judged, and when
        self._judged_from = self._losses_from = -math.inf
        self._quickest = Quickest()
        self._since: dict[str, float] = {}  # since when each sign lasts
        self._wait = _FIRST_WAIT
        self._paused_at = 0.0
        self._resumed_at = -math.inf
        # Of the sound, if losses were the cause of the pause: the share lost before, and that to expect of a weak uplink.
        self._lost_before: tuple[float, float] | None = None
        self._calm = 0  # samples in a row with next to no losses
        # Of the last samples, since losses began: bits a second, packets of sound, the share lost.
        self._lossy: deque[tuple[float, int, float]] = deque(maxlen=_COMPARED)
        self._random = False  # the losses are known to be the same whatever is sent, and go on
        self._in_pause: deque[UplinkSample] = deque(maxlen=5)

    def take(self, sample: UplinkSample, now: float, *, pausable: bool) -> VideoChange | None:
        """Return what to do now. `pausable`: sound and video are both there and not muted."""
        if not pausable:
            self._since.clear()
            return self._resume(now) if self.paused else None
        before = self._last
        if before is None or sample.reports < before.reports or sample.audio_sent < before.audio_sent:
            self._last, self._judged = sample, (sample, now)
            return None
        if sample.reports == before.reports:
            return None
        self._last = sample
        queue, elapsed = self._queued(sample, now), sample.reported_at - before.reported_at
        if elapsed >= _SILENCE:
            self._judged_from, self._judged = now + _RETURNED, (sample, now)
            self._since.clear()
            return self._resume(now) if self.paused else None
        if self.paused:
            self._judged = sample, now
            return self._look_in_pause(sample, queue, now)
        return self._look(sample, queue, now)

    def disturbed(self, now: float) -> None:
        """Take into account that there was an outage: what was lost in it tells nothing, for as long as it is reported."""
        self._losses_from = now + _RETURNED
        self._lossy.clear()
        self._since.pop("loss", None)

    def _losses(self, sample: UplinkSample, now: float) -> _Losses:
        """Return what was sent and lost since the last judgement."""
        assert self._judged is not None
        base, at = self._judged
        told, seconds = sample.reported_at - base.reported_at, now - at or POLL
        rate = 8 * (sample.video_bytes - base.video_bytes) / seconds
        if told < _SHORTEST:
            return _Losses(None, rate, told)
        self._judged = sample, now
        # What was sent is known until now, what was lost until the last report.
        packets = round((sample.audio_sent - base.audio_sent) * told / seconds)
        lost = max(0.0, (sample.audio_lost - base.audio_lost) / packets) if packets >= _FEWEST else 0.0
        self._calm = self._calm + 1 if lost < _LITTLE else 0
        if self._calm >= _CALM:
            self._random = False
            self._lossy.clear()
        else:
            self._lossy.append((rate + _SOUND, packets, min(lost, 1.0)))
        return _Losses(0.0 if lost >= _LOSS and self._is_random(rate * (1 - lost)) else lost, rate, told)

    def _queued(self, sample: UplinkSample, now: float) -> float:
        """Return for how many seconds packets wait on the way."""
        if sample.round_trip is None:
            return 0.0
        return self._quickest.excess(sample.round_trip, now, forgets=not self.paused)  # in a pause it may stay

    def _look(self, sample: UplinkSample, queue: float, now: float) -> VideoChange | None:
        """Pause if a sign has lasted."""
        losses = self._losses(sample, now)
        if now < self._judged_from:
            return None
        estimate = losses.rate if sample.estimate is None else sample.estimate
        signs = {"queue": (queue >= _QUEUE and estimate < _WEAK, now)}
        if losses.share is not None:
            lossy = losses.share >= _LOSS and not self._random and now >= self._losses_from
            signs["loss"] = (lossy, now - losses.seconds)
        for name, (present, began) in signs.items():
            if not present:
                self._since.pop(name, None)
            else:
                self._since.setdefault(name, began)
        least = {"queue": _LASTING, "loss": _LOSS_LASTING}
        lasting = {name: began for name, began in self._since.items() if now - began >= least[name] - STALL}
        if not lasting:
            return None
        soon = min(lasting.values()) - self._resumed_at < _SOON
        self._wait = min(2 * self._wait, _LONGEST_WAIT) if soon else _FIRST_WAIT
        self._lost_before = None if "queue" in lasting else (self._lossy_share, self._lost_without_video)
        self.paused, self._paused_at = True, now
        self._since.clear()
        self._in_pause.clear()
        return "pause"

    def _is_random(self, arrives: float) -> bool:
        """Return whether the share of the sound's packets that is lost would be lost whatever is sent.

        `arrives`: bits of video in a second. As in `server/media/path_loss.py`, with less to go by.
        """
        if arrives >= _CARRIED:
            return True
        share = self._lossy_share
        carried = self._carried
        certainty = sum(
            packets * (_likelihood(lost, share) - _likelihood(lost, 1 - carried / sent))
            for sent, packets, lost in self._lossy
        )
        self._random |= certainty >= _KNOWN
        return certainty >= _CERTAIN

    @property
    def _lossy_share(self) -> float:
        return sum(share for _, _, share in self._lossy) / len(self._lossy)

    @property
    def _carried(self) -> float:
        """Return the bits that arrived in a second."""
        return sum(sent * (1 - share) for sent, _, share in self._lossy) / len(self._lossy)

    @property
    def _lost_without_video(self) -> float:
        """Return the share that the sound alone would lose on an uplink that carries no more."""
        return max(_LITTLE, 1 - self._carried / _SOUND)

    def _look_in_pause(self, sample: UplinkSample, queue: float, now: float) -> VideoChange | None:
        """Resume once nothing waits and little is lost, or if the pause has not helped."""
        elapsed = now - self._paused_at
        if elapsed < _REPORTED - STALL:
            return None
        self._in_pause.append(sample)
        lost = _share_lost(self._in_pause[0], sample)
        if queue >= _EMPTY:
            return None
        if self._lost_before is not None and self._is_in_vain(sample.audio_sent - self._in_pause[0].audio_sent, lost):
            self._random = True
            return self._resume(now)
        if elapsed < self._wait - STALL or (lost >= _LITTLE and elapsed < _LONGEST_WAIT):
            return None
        return self._resume(now)

    def _is_in_vain(self, packets: int, lost: float) -> bool:
        """Return whether about as much of the sound is lost in the pause as before it: whatever is sent."""
        assert self._lost_before is not None
        before, weak = self._lost_before
        likelier = packets * (_likelihood(lost, before) - _likelihood(lost, weak))
        return lost >= _HELPED * before and likelier >= _IN_VAIN

    def _resume(self, now: float) -> VideoChange:
        self.paused, self._resumed_at = False, now
        return "resume"


def _likelihood(lost: float, probability: float) -> float:
    """Return the logarithm of how likely it is, for each packet, that so much is lost if each is with this probability."""
    each = min(max(probability, _LEAST), _MOST)
    return lost * math.log(each) + (1 - lost) * math.log(1 - each)


def _share_lost(before: UplinkSample, sample: UplinkSample) -> float:
    """Return the share of the sound that was lost in between; 0 if too little was sent."""
    sent, lost = sample.audio_sent - before.audio_sent, sample.audio_lost - before.audio_lost
    return max(0.0, lost / sent) if sent >= _FEWEST else 0.0
