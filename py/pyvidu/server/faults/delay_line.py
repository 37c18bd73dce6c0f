"""A delay line: runs each action a given time after it was put in, in the same order."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delay:
    """A one-way delay, evenly distributed from `seconds` to `seconds + jitter`."""

    seconds: float
    jitter: float = 0.0


class DelayLine:
    """Runs the actions put in, in order: at once while there is no delay, and not at all once `clear` drops them."""

    def __init__(self, uniform: Callable[[], float] = random.random) -> None:
        """Take the jitter from `uniform`, which returns numbers in [0, 1)."""
        self._uniform = uniform
        self._delay: Delay | None = None
        self._queue: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def set(self, delay: Delay | None) -> None:
        """Set the delay of actions put in from now on. With None pending actions run at once."""
        self._delay = delay
        if delay is None:
            while self._queue:
                self._queue.popleft()[1]()
            self._stop()

    def put(self, action: Callable[[], None]) -> None:
        """Run `action` after the delay, and after all that were put in before it."""
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
        """Discard pending actions."""
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
