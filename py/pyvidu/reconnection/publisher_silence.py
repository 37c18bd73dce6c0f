"""Which publishers are not heard any more, by what arrives here: for a server that does not tell.

A publisher is not heard when its RTP has stopped for a while although the path from the media server answers (RTCP or STUN).
Without such an answer the cause may be here, and nothing is concluded.
"""

from __future__ import annotations

import math
from collections import deque

from .standstill import STALL

_UNHEARD_AFTER = (
    1.3  # seconds after `StreamStopped`, which is found after 0.3 s at least: longer than an outage of one second
)
_CONFIRMED_AFTER = 0.3  # seconds after the answer: at a return it may arrive before RTP does
_DOUBTED_FOR = 5.0  # seconds after which an earlier answer proves nothing any more: the path may have died meanwhile
_SETTLING = 10.0  # seconds after trouble of this page in which a silence that begins may still be its own
_MOST = 3  # silences of one publisher that are reported within `_PERIOD`
_PERIOD = 60.0  # seconds


class PublisherSilence:
    """The publishers of all received streams, by their connection ids. Call `tick` at `due_at`."""

    def __init__(self) -> None:
        self.silent: dict[str, float] = {}  # since when, whether it is reported or not
        self._due: dict[str, float] = {}  # when a silence is to be reported, if it lasts
        self._doubted: dict[str, float] = {}  # whose path had answered before nothing arrived any more, and since when
        self._unheard: set[str] = set()  # those that were reported
        self._reported: dict[str, deque[float]] = {}
        self._trusted_from = -math.inf

    @property
    def due_at(self) -> float | None:
        """Return the time at which `tick` must be called; None for never."""
        return min(self._due.values(), default=None)

    def disturbed(self, now: float) -> None:
        """Exclude the silences that are there now, or begin soon: this page is out, was out or stood still."""
        self.silent = dict.fromkeys(self._unheard, now)
        self._due.clear()
        self._doubted.clear()
        self._trusted_from = now + _SETTLING

    def doubted(self, now: float) -> None:
        """Take back what answers have proved so far: nothing arrives any more, of nobody."""
        self._doubted |= dict.fromkeys(self._due, now)
        self._due.clear()

    def trusted(self, now: float) -> None:
        """Restore what `doubted` took back lately of those still silent: the network works."""
        doubted, self._doubted = self._doubted, {}
        for publisher, since in doubted.items():
            if now - since <= _DOUBTED_FOR:
                self._answered(publisher, now)

    def stopped(self, publisher: str, now: float) -> None:
        """Note that the RTP of a publisher has stopped."""
        if now >= self._trusted_from:
            self.silent[publisher] = now

    def path_answers(self, publisher: str, now: float) -> None:
        """Note that something else arrives on the path of a publisher's stream, and no RTP."""
        self._answered(publisher, now)
        self.trusted(now)

    def _answered(self, publisher: str, now: float) -> None:
        since = self.silent.get(publisher)
        if since is not None and publisher not in self._unheard:
            reported = self._reported.setdefault(publisher, deque(maxlen=_MOST))
            allowed = reported[0] + _PERIOD if len(reported) == _MOST else now
            self._due[publisher] = max(since + _UNHEARD_AFTER, now + _CONFIRMED_AFTER, allowed)

    def heard(self, publisher: str) -> bool:
        """Note that RTP of a publisher arrives, or that its stream is received no more; return whether it was reported."""
        self.silent.pop(publisher, None)
        self._due.pop(publisher, None)
        if publisher not in self._unheard:
            return False
        self._unheard.remove(publisher)
        return True

    def tick(self, now: float) -> list[str]:
        """Return whose silence is to be reported now."""
        found = []
        for publisher, due in list(self._due.items()):
            if now > due + STALL:  # this page did not run: what has arrived meanwhile is not known yet
                self._due[publisher] = now + _CONFIRMED_AFTER
            elif now >= due:
                del self._due[publisher]
                self._unheard.add(publisher)
                self._reported[publisher].append(now)
                found.append(publisher)
        return found
