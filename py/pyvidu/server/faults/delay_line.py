"""A wire that takes its time: what goes in comes out so much later, in the same order, as out of a queue."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delay:
    """From `seconds` to `seconds + jitter`, evenly distributed, one way."""

    seconds: float
    jitter: float = 0.0


class DelayLine:
    """Does what is put in, later: at once while there is no delay, and nothing of it after `clear`."""

    def __init__(self, uniform: Callable[[], float] = random.random) -> None:
        """`uniform` gives numbers in [0, 1) for the jitter."""
        self._uniform = uniform
        self._delay: Delay | None = None
        self._queue: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def set(self, delay: Delay | None) -> None:
        """From now on things take so long. With None what is under way arrives at once."""
        self._delay = delay
        if delay is None:
            while self._queue:
                self._queue.popleft()[1]()
            self._stop()

    def put(self, action: Callable[[], None]) -> None:
        """Does `action` when it has come through, after all that was put in before."""
        if self._delay is None:
            action()
            return
        due = asyncio.get_running_loop().time() + self._delay.seconds + self._delay.jitter * self._uniform()
        if self._queue:
            due = max(due, self._queue[-1][0])
        self._queue.append((due, action))
        if self._timer is None:
            self._arm()

    def clear(self) -> None:
        """What is under way never arrives."""
        self._queue.clear()
        self._stop()

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._queue[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        now = max(self._queue[0][0], asyncio.get_running_loop().time())  # a timer may fire a clock tick early
        while self._queue and self._queue[0][0] <= now:
            self._queue.popleft()[1]()
        if self._queue and self._timer is None:
            self._arm()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
