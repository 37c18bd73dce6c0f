"""The loop's clock, whose timers are counted: nothing that is closed may leave one."""

from __future__ import annotations

from collections.abc import Callable

from pyvidu.platform import LoopClock, Timer


class CountedTimer:
    """A timer that is in `alive` until it fires or is cancelled."""

    def __init__(self, alive: list[CountedTimer], callback: Callable[[], None]) -> None:
        self.callback = callback
        self.timer: Timer | None = None
        self._alive = alive
        alive.append(self)

    def fire(self) -> None:
        self._alive.remove(self)
        self.callback()

    def cancel(self) -> None:
        if self in self._alive:
            self._alive.remove(self)
        if self.timer is not None:
            self.timer.cancel()


class CountedClock(LoopClock):
    """A clock that knows its timers."""

    def __init__(self) -> None:
        self.alive: list[CountedTimer] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> CountedTimer:
        """Schedule `callback` on the loop."""
        timer = CountedTimer(self.alive, callback)
        timer.timer = super().call_later(delay, timer.fire)
        return timer
