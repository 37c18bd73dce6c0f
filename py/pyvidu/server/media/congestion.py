"""How much a publisher may send so that its subscribers can receive it. Pure: estimates and times in, a limit out.

There is one encoding for everybody (no simulcast), so a congested downlink can be helped in one way only: the publisher
sends less, and everybody sees less. That is worth it down to `FLOOR`, which still is a picture; a subscriber who cannot
receive even that is not helped by it and must not cost the others theirs for ever: after `PATIENCE` it does not count any
more, until it can.

A subscriber's REMB is no limit by itself: a browser's estimate grows no faster than 8 % a second and not beyond one and a
half times what comes, so it says little but that what comes gets through. Only what looks like congestion begins a limit:
an estimate that falls, well below what is being sent, or heavy loss in two reports running. From then on the estimate is the
limit, until the publisher makes no use of it any more.

After an outage, of the subscriber or of the publisher, all of that looks the same as congestion and is none: the loss is
the outage's, and the estimate is made of the first packets after it. So nothing begins a limit until packets and reports
have flowed for `SETTLING`, and a limit does not outlive an outage: nobody knows what the next path carries.
"""

from __future__ import annotations

from collections.abc import Iterable

FLOOR = 200_000.0
"""Bits a second below which no publisher is limited: VP8 at 640x480 and about 10 frames a second, and sound."""
PATIENCE = 10.0
"""Seconds for which a downlink that cannot carry the floor keeps the publisher down to it."""
SETTLING = 3.0
"""Seconds of flow after which reports tell of the way, and not of the outage or the silence before."""
# A limit of which the publisher uses less than this share for so many seconds is none.
_USED_SHARE, _UNUSED_SECONDS = 0.75, 5.0
# Who receives all that is sent and believes in a queue nevertheless (its machine is busy) says 0.85 times what it receives.
_BEGINNING = 0.8
# A browser tells its estimate every second, and at once when it falls by more than 3 %.
_FALL = 0.97
# Nothing was heard for so long (reports come every second): an outage.
_SILENCE = 2.5
# What is sent grew by more than this between two reports: it was an outage, or a picture that was switched on.
_JUMP, _JUMP_FROM = 2.0, 50_000.0
# The loss-based control of GCC (draft-ietf-rmcat-gcc-02, section 6), for a path that loses instead of delaying.
_HEAVY_LOSS, _LIGHT_LOSS, _GROWTH = 0.1, 0.02, 1.08
_UNLIMITED = float("inf")


class Downlink:
    """The way to one subscriber. Rates are in bits a second, times in seconds of any one monotonic clock."""

    def __init__(self) -> None:
        self.limit: float | None = None
        """What the way carries; None while there is no reason to believe that it is not enough."""
        self._estimate = 0.0
        self._loss_limit = _UNLIMITED
        self._heavy_before = False
        self._heard = self._settled_at = self._sent = 0.0
        self._unused_since: float | None = None
        self._below_floor_since: float | None = None

    def estimated(self, estimate: float, sent: float, now: float) -> None:
        """The subscriber says what it believes; `sent` is the rate of late."""
        settled = self._settled(sent, now)
        fell = estimate < _FALL * self._estimate
        self._estimate = estimate
        if self.limit is not None or (settled and fell and estimate < _BEGINNING * sent):
            self._set(min(estimate, self._loss_limit), sent, now)

    def lost(self, fraction: float, sent: float, now: float) -> None:
        """The subscriber reports the share of packets that got lost since its report before."""
        heavy = self._settled(sent, now) and fraction > _HEAVY_LOSS
        twice, self._heavy_before = heavy and self._heavy_before, heavy
        if twice:
            self._loss_limit = min(self._loss_limit, sent * (1 - 0.5 * fraction))
            self._set(min(self._loss_limit, self.limit or _UNLIMITED), sent, now)
        elif self.limit is not None and self._loss_limit < _UNLIMITED and fraction < _LIGHT_LOSS:
            self._loss_limit *= _GROWTH
            self._set(min(self._loss_limit, self._estimate or _UNLIMITED), sent, now)

    def counts(self, now: float) -> bool:
        """Whether the publisher is to send less for this subscriber's sake."""
        if self.limit is None or now - self._heard > _SILENCE:
            return False
        return self._below_floor_since is None or now - self._below_floor_since <= PATIENCE

    def _settled(self, sent: float, now: float) -> bool:
        """Take note of a report; return whether things have flowed for long enough to draw conclusions."""
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


def limit(downlinks: Iterable[Downlink], now: float) -> float | None:
    """Return what a publisher with these subscribers may send; None: as much as its own way carries."""
    limits = [downlink.limit for downlink in downlinks if downlink.limit is not None and downlink.counts(now)]
    return max(FLOOR, min(limits)) if limits else None


class RateMeter:
    """The rate of a counter of bytes, over the last half second or more, in bits a second."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._octets = 0
        self._rate = 0.0

    def rate(self, octets: int, now: float) -> float:
        """Return the rate; `octets` is where the counter stands now."""
        if self._since is None:
            self._since, self._octets = now, octets
        elif now - self._since >= 0.5:
            self._rate = 8 * (octets - self._octets) / (now - self._since)
            self._since, self._octets = now, octets
        return self._rate
