"""Key frame requests for one stream, coalesced: the publisher gets one request for those of many subscribers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection

from pyvidu.server.limits import MediaLimits, TokenBucket

# Between two requests (seconds). A browser answers within some 30 to 100 ms, so one frame serves all in between.
INTERVAL = 0.3
# A request or the frame can be lost: the request is repeated, at most this many times, until a key frame arrives. The
# intervals grow: a sender that can send little needs a second for a key frame, and begins another one with each request.
REPEATS = 6
_LONGEST_INTERVAL = 4 * INTERVAL


class KeyFrameRequests:
    """Passes the first request on at once, holds later ones back for `INTERVAL`, then passes on one for them all."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._again = False
        self._answered = True
        self._repeats = 0
        self._asked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def request(self) -> None:
        """Request a key frame, at once or when `INTERVAL` has passed since the last request; nothing after `close`."""
        if self._closed:
            return
        self._repeats = 0
        loop = asyncio.get_running_loop()
        due = self._asked_at + INTERVAL
        if self._timer is None or loop.time() >= due:
            self._send()
        else:
            self._again = True
            if self._timer.when() > due:  # it repeats a request that is older
                self._timer.cancel()
                self._timer = loop.call_at(due, self._elapsed)

    def arrived(self) -> None:
        """Record that a key frame has arrived, so that the request is not repeated."""
        self._answered = True

    def lost(self) -> None:
        """Record that what was sent did not reach the publisher, so that the next request does not wait for `INTERVAL`."""
        self._asked_at = -math.inf

    def close(self) -> None:
        """Stop sending requests."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self) -> None:
        self._again, self._answered = False, False
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._asked_at = loop.time()
        self._timer = loop.call_later(min(INTERVAL * 2**self._repeats, _LONGEST_INTERVAL), self._elapsed)
        self._ask()

    def _elapsed(self) -> None:
        self._timer = None
        if self._again:
            self._send()
        elif not self._answered and self._repeats < REPEATS:
            self._repeats += 1
            self._send()


class KeyFrameBudgets:
    """How often each subscriber of a stream may request a key frame, which costs all the others bandwidth. Pure.

    Requests within `INTERVAL` count as one: a browser repeats its own until it can decode. A subscriber's budget outlives its
    connections.
    """

    def __init__(self, limits: MediaLimits | None = None) -> None:
        self._limits = limits or MediaLimits()
        self._spent: dict[str, tuple[TokenBucket, float]] = {}  # and when a request was last counted

    def admits(self, subscriber: str, now: float) -> bool:
        """Count a request at `now` (seconds of a monotonic clock); return whether it is passed on."""
        bucket, last = self._spent.get(subscriber) or (self._bucket(now), -INTERVAL)
        if now - last < INTERVAL:
            return True
        if not bucket.take(now):
            return False
        self._spent[subscriber] = bucket, now
        return True

    def keep(self, subscribers: Collection[str], now: float) -> None:
        """Forget those that are no subscribers any more, once their budget is full again."""
        full = self._limits.key_frames_burst / self._limits.key_frames
        for name in [name for name, (_, last) in self._spent.items() if name not in subscribers and now - last > full]:
            del self._spent[name]

    def _bucket(self, now: float) -> TokenBucket:
        return TokenBucket(self._limits.key_frames, self._limits.key_frames_burst, now)
