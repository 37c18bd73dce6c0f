"""Whether the packets that a sender's path loses are lost because it sends too much. Pure: counts and times in, a share out.

A browser takes every loss that transport-wide feedback names for congestion, and sends less: at 60 % of random loss
Chromium 156 goes down to 30 kbit/s within two seconds, at which no lost packet is sent again in time. So losses are left
out of the feedback once they are known to be the path's own. They are if their share stays when the sender sends less;
where a path carries so much and no more, the share falls. Delays are told as ever, so a queue is never hidden.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

BUCKET = 0.25
"""Seconds over which packets are counted together."""
_WINDOW = 32  # buckets: 8 s
# A loss of so much begins the comparison, and one of so little over a second ends it.
_LOSSY, _CLEAN, _CLEAN_BUCKETS = 0.05, 0.03, 4
_FEWEST = 20  # packets of that second, of which a share is left out
# So many packets that are lost one after the other, over so many seconds, are an outage, of which nothing is told: at 60 % of
# loss one packet of five arrives within that, and where a path carries too little, some always arrive.
_OUTAGE_PACKETS, _OUTAGE_SECONDS = 5, 0.3
# How much more likely an explanation must be than the other, as a natural logarithm; and to take the place of the other.
_OWN, _CONGESTED, _INSTEAD = 1.0, 4.0, 5.0
# Until it is known, no more than this share of loss is named, and less for the first seconds: a sender that is told of 60 %
# is down before there is anything to compare, and Chromium's stays there: it sends at most 1.5 times what arrives.
_UNDECIDED, _FIRST_UNDECIDED, _FIRST_SECONDS = 0.33, 0.1, 5.0
_TICK = 0.0005  # seconds: the feedback rounds times
_LEAST, _MOST = 0.005, 0.995  # of a probability


@dataclass(slots=True)
class _Bucket:
    received: int = 0
    lost: int = 0
    seconds: float = 0.0

    @property
    def sent(self) -> int:
        return self.received + self.lost

    @property
    def loss(self) -> float:
        return self.lost / self.sent if self.sent else 0.0

    @property
    def rate(self) -> float:
        """Return the packets sent a second."""
        return self.sent / self.seconds if self.seconds else 0.0


class PathLoss:
    """The losses of one path. Times are seconds of any one monotonic clock."""

    def __init__(self) -> None:
        self.is_own: bool | None = None
        """Whether the path loses packets whatever is sent; None: not known, or it loses none."""
        self._buckets: deque[_Bucket] = deque(maxlen=_WINDOW)
        self._latest: deque[_Bucket] = deque(maxlen=_CLEAN_BUCKETS)
        self._bucket = _Bucket()
        self._began: float | None = None
        self._lossy_since: float | None = None
        self._named = 0.0
        self._last = -math.inf  # when a packet arrived
        self._out_until = -math.inf  # when the first one after the last outage did

    def received(self, lost: int, now: float) -> None:
        """Count a packet that has arrived, and how many before it were lost since the last one."""
        silence, self._last = now - self._last, now
        if lost >= _OUTAGE_PACKETS and silence >= _OUTAGE_SECONDS:
            self._out_until = now
            self._bucket, self._began = _Bucket(received=1), now
        else:
            self.counted(1, lost, now)

    def counted(self, received: int, lost: int, now: float) -> None:
        """Count packets that somebody else has counted since the last call."""
        self._roll(now)
        self._bucket.received += received
        self._bucket.lost += lost

    def names(self, now: float) -> bool:
        """Return whether the feedback is to name a run of lost packets, before the one that arrived at `now`."""
        if abs(now - self._out_until) < _TICK:
            return False
        self._named += self._share(now)
        if self._named < 1:
            return False
        self._named -= 1
        return True

    def _share(self, now: float) -> float:
        """Return which share of the losses is named."""
        if self.is_own is not None:
            return 0.0 if self.is_own else 1.0
        since = math.inf if self._lossy_since is None else now - self._lossy_since
        told = _FIRST_UNDECIDED if since < _FIRST_SECONDS else _UNDECIDED
        latest = _sum(self._latest)
        if latest.loss <= told or latest.sent < _FEWEST:
            return 1.0
        return told * (1 - latest.loss) / (latest.loss * (1 - told))

    def _roll(self, now: float) -> None:
        """Begin a new bucket if the present one is over."""
        if self._began is None:
            self._began = now
        elif now - self._began >= BUCKET:
            self._bucket.seconds = now - self._began
            self._ended(self._bucket, now)
            self._bucket, self._began = _Bucket(), now

    def _ended(self, bucket: _Bucket, now: float) -> None:
        self._latest.append(bucket)
        if self._lossy_since is None:
            if bucket.loss >= _LOSSY:  # which may have begun in the middle of it
                self._lossy_since = now
            return
        if len(self._latest) == _CLEAN_BUCKETS and _sum(self._latest).loss < _CLEAN:
            self._lossy_since = self.is_own = None
            self._buckets.clear()
            return
        self._buckets.append(bucket)
        certainty = self.certainty()
        if certainty >= (_OWN if self.is_own is None else _INSTEAD):
            self.is_own = True
        elif certainty <= -(_CONGESTED if self.is_own is None else _INSTEAD):
            self.is_own = False

    def certainty(self) -> float:
        """Return the logarithm of how much more likely losses of the path's own are than a path that carries no more."""
        buckets = list(self._buckets)[len(self._buckets) % 2 :]
        pairs = zip(buckets[::2], buckets[1::2], strict=True)  # in which chance weighs less
        parts = [part for part in map(_sum, pairs) if part.sent]
        total = _sum(parts)
        if not parts:
            return 0.0
        carried = total.received / total.seconds
        own = sum(_likelihood(part, total.loss) for part in parts)
        return own - sum(_likelihood(part, 1 - carried / part.rate) for part in parts)


def _sum(buckets: Iterable[_Bucket]) -> _Bucket:
    total = _Bucket()
    for bucket in buckets:
        total.received += bucket.received
        total.lost += bucket.lost
        total.seconds += bucket.seconds
    return total


def _likelihood(bucket: _Bucket, probability: float) -> float:
    """Return the logarithm of how likely the losses of a bucket are, if each packet is lost with this probability."""
    lost = min(max(probability, _LEAST), _MOST)
    return bucket.lost * math.log(lost) + bucket.received * math.log(1 - lost)
