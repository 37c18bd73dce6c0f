"""The bit rate at which a publisher may send to its subscribers. Pure: estimates and times in, a limit out.

All subscribers receive one encoding (no simulcast), so a congested downlink has only one remedy: the publisher sends
less, which lowers the quality for every subscriber. That is done down to `FLOOR`, at which there still is a picture. A
subscriber that cannot receive even that gains nothing and must not lower the others' quality for ever: after
`PATIENCE` it is ignored until it can.

A subscriber's REMB alone is no limit: a browser's estimate grows no faster than 8 % a second and not beyond one and a
half times what it receives, so it shows little more than that what was sent has arrived. A limit begins only at signs
of congestion: an estimate that falls, well below what is being sent, or heavy loss in two consecutive seconds. From
then on the estimate is the limit, until the publisher no longer uses it.

After an outage of the subscriber or the publisher, the same signs appear without congestion: the loss is the outage's,
and the estimate comes from the first packets after it. So no limit begins until packets and reports have flowed for
`SETTLING`, and an outage ends a limit: the capacity of the path after it is unknown.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping

from pyvidu.server.limits import MediaLimits

FLOOR = 200_000.0
"""Bits a second below which no publisher is limited: VP8 at 640x480 and about 10 frames a second, and audio."""
PATIENCE = 10.0
"""Seconds for which a downlink that cannot carry `FLOOR` still limits the publisher to it."""
SETTLING = 3.0
"""Seconds of flow after which reports describe the path, and not the outage or pause before."""
# A limit of which the publisher uses less than this share for so many seconds is lifted.
_USED_SHARE, _UNUSED_SECONDS = 0.75, 5.0
# A subscriber that receives all that is sent but detects a queue in error (its machine is busy) estimates 0.85 times
# what it receives, so a limit begins below that.
_BEGINNING = 0.8
# A browser sends its estimate every second, and at once when it falls by more than 3 %.
_FALL = 0.97
# No report for so many seconds (they come every second) is an outage.
_SILENCE = 2.5
# The rate sent grew by more than this (factor, plus bits a second) between two reports: an outage, or video turned on.
_JUMP, _JUMP_FROM = 2.0, 50_000.0
# The loss-based control of GCC (draft-ietf-rmcat-gcc-02, section 6), for a path that drops packets, not delays them.
_HEAVY_LOSS, _LIGHT_LOSS, _GROWTH = 0.1, 0.02, 1.08
_UNLIMITED = float("inf")
# The limit is computed every half second and with each report; after a longer pause nobody was held (seconds).
_LONGEST_STEP = 1.0
_LIMITS = MediaLimits()


class Downlink:
    """The path to one subscriber. Rates are in bits a second, times in seconds of any one monotonic clock."""

    def __init__(self) -> None:
        self.limit: float | None = None
        """The rate that the path carries; None while there is no sign of congestion."""
        self._estimate = 0.0
        self._loss_limit = _UNLIMITED
        self._heavy_before = False
        self._heard = self._settled_at = self._sent = 0.0
        self._unused_since: float | None = None
        self._below_floor_since: float | None = None

    def estimated(self, estimate: float, sent: float, now: float) -> None:
        """Handle the subscriber's bandwidth estimate; `sent` is the rate sent to it lately."""
        settled = self._settled(sent, now)
        fell = estimate < _FALL * self._estimate
        self._estimate = estimate
        if self.limit is not None or (settled and fell and estimate < _BEGINNING * sent):
            self._set(min(estimate, self._loss_limit), sent, now)

    def lost(self, fraction: float, sent: float, now: float) -> None:
        """Handle the share (0 to 1) of packets lost in the last second; `sent` as in `estimated`."""
        heavy = self._settled(sent, now) and fraction > _HEAVY_LOSS
        twice, self._heavy_before = heavy and self._heavy_before, heavy
        if twice:
            self._loss_limit = min(self._loss_limit, sent * (1 - 0.5 * fraction))
            self._set(min(self._loss_limit, self.limit or _UNLIMITED), sent, now)
        elif self.limit is not None and self._loss_limit < _UNLIMITED and fraction < _LIGHT_LOSS:
            self._loss_limit *= _GROWTH
            self._set(min(self._loss_limit, self._estimate or _UNLIMITED), sent, now)

    @property
    def estimate(self) -> float | None:
        """Return the subscriber's bandwidth estimate while there are signs of congestion, else None."""
        return self._estimate if self.limit is not None else None

    def resumed(self, now: float) -> None:
        """Begin with `FLOOR` when video is forwarded again after a pause: what the path carries beyond is not known."""
        self._lift()
        self.limit, self._heard, self._settled_at, self._sent = FLOOR, now, now, 0.0

    @property
    def is_narrow(self) -> bool:
        """Return whether it does not carry `FLOOR`: most limits are above, and stay for a while after their cause."""
        return self.limit is not None and self.limit < FLOOR

    def counts(self, now: float) -> bool:
        """Return whether this subscriber limits the publisher."""
        if self.limit is None or now - self._heard > _SILENCE:
            return False
        return self._below_floor_since is None or now - self._below_floor_since <= PATIENCE

    def _settled(self, sent: float, now: float) -> bool:
        """Record a report, lifting the limit after an outage; return whether packets have flowed for `SETTLING`."""
        if now - self._heard > _SILENCE:
            self._lift()
            self._settled_at = now + SETTLING
        elif sent > _JUMP * self._sent + _JUMP_FROM:
            self._settled_at = now + SETTLING
        self._heard, self._sent = now, sent
        return now >= self._settled_at

    def _lift(self) -> None:
        self.limit, self._loss_limit = None, _UNLIMITED
        self._unused_since = self._below_floor_since = None

    def _set(self, limit: float, sent: float, now: float) -> None:
        self.limit = limit
        if limit >= FLOOR:
            self._below_floor_since = None
        elif self._below_floor_since is None:
            self._below_floor_since = now
        if sent >= _USED_SHARE * limit:
            self._unused_since = None
        elif self._unused_since is None:
            self._unused_since = now
        elif now - self._unused_since >= _UNUSED_SECONDS:
            self._lift()


class PublisherLimit:
    """The bit rate of one publisher: the lowest limit of its subscribers.

    One that is far below all others would decide for them, and can do so with false reports. It does for `held` seconds of a
    minute; from then on it counts as one that receives half of what they receive.
    """

    def __init__(self, limits: MediaLimits = _LIMITS) -> None:
        self._limits = limits
        self._held: dict[str, deque[tuple[float, float]]] = {}  # by subscriber: when, and for how many seconds
        self._holder = ""
        self._since = 0.0

    def at(self, downlinks: Mapping[str, Downlink], now: float) -> float | None:
        """Return the bit rate that a publisher with these subscribers may send; None: as much as its own path carries."""
        self._record(now)
        rates = {
            name: downlink.limit if downlink.limit is not None and downlink.counts(now) else _UNLIMITED
            for name, downlink in downlinks.items()
        }
        shares = {name: self._share(name, rates) for name in rates}
        name = min(shares, key=shares.__getitem__, default="")
        rate = shares.get(name, _UNLIMITED)
        if rate < _half_of_the_others(name, rates):
            self._holder, self._since = name, now
        return max(FLOOR, rate) if rate < _UNLIMITED else None

    def _share(self, name: str, rates: Mapping[str, float]) -> float:
        if rates[name] == _UNLIMITED:
            return _UNLIMITED
        half = _half_of_the_others(name, rates)
        held = sum(seconds for _, seconds in self._held.get(name, ()))
        return rates[name] if rates[name] >= half or held < self._limits.held else half

    def _record(self, now: float) -> None:
        """Count the time since the last call for the one that held the publisher; forget what is too long ago."""
        if self._holder:
            passed = min(now - self._since, _LONGEST_STEP)
            self._held.setdefault(self._holder, deque()).append((now, passed))
            self._holder = ""
        for name, times in list(self._held.items()):
            while times and times[0][0] <= now - self._limits.held_window:
                times.popleft()
            if not times:
                del self._held[name]


def _half_of_the_others(name: str, rates: Mapping[str, float]) -> float:
    """Return half of the median rate of the others, the lower one of two; 0 if they are fewer than two."""
    others = [rate for other, rate in rates.items() if other != name]
    return statistics.median_low(others) / 2 if len(others) > 1 else 0.0


class RateMeter:
    """The rate of a counter of bytes, over the last half second or more, in bits a second."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._octets = 0
        self._rate = 0.0

    def rate(self, octets: int, now: float) -> float:
        """Return the rate in bits a second; `octets` is the present value of the counter."""
        if self._since is None:
            self._since, self._octets = now, octets
        elif now - self._since >= 0.5:
            self._rate = 8 * (octets - self._octets) / (now - self._since)
            self._since, self._octets = now, octets
        return self._rate
