"""An asyncio event loop with a virtual clock: hours of timeouts run in milliseconds, deterministically.

`VirtualClockLoop.time()` stands still while anything is ready to run, and jumps to the next timer when nothing is. So
`await asyncio.sleep(3600)` returns at once, in order with everything else that is due within that hour. Nothing in
such a test may wait for the outside world (sockets, threads, processes): virtual time would pass without it. A loop with
nothing ready and no timer raises `Deadlock` instead of hanging.

Use, in a module or a conftest:

    from tests.virtual_time import virtual_time

    @virtual_time
    async def test_silent_participant_is_evicted_after_12_s():
        ...
        await asyncio.sleep(11)       # jumps
        assert asyncio.get_running_loop().time() == 11   # starts at 0

or without pytest: `run_virtual(coroutine)`. Code under test that needs a wall clock should be given one.
"""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

Args = TypeVarTuple("Args")
T = TypeVar("T")
P = ParamSpec("P")


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set, so what is awaited can never come."""


class _Jump:
    """A selector that advances the virtual clock instead of waiting for I/O."""

    def __init__(self, loop: VirtualClockLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock("Everything waits for something that no timer brings")
        self._loop.advance(timeout)
        return []


class _Timer(asyncio.TimerHandle):
    """A timer that is earlier than one of the same time that was set after it."""

    __slots__ = ("_number",)

    def __init__(self, number: int, *timer: Any) -> None:
        super().__init__(*timer)
        self._number = number
        self._scheduled = True  # for the base of the loop, in whose heap it is

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, _Timer):
            return NotImplemented
        return (self.when(), self._number) < (other.when(), other._number)


class VirtualClockLoop(asyncio.BaseEventLoop):
    """An event loop that starts at 0 s and jumps from timer to timer. It has no sockets, so it runs in a browser too."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Jump(self)
        self._now = 0.0
        self._clock_resolution = 1e-9
        self._numbers = itertools.count()

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Set a timer. Those of one time fire in the order in which they were set, as a browser's do."""
        timer = _Timer(next(self._numbers), when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        return timer

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Advance the clock. The loop itself calls this when nothing is ready; there is no need to call it."""
        self._now += max(0.0, seconds)

    def run_in_executor(self, executor: Any, func: Callable[[*Args], T], *args: *Args) -> asyncio.Future[T]:
        """Call `func` at once, not in a thread: that would take real time."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits the result
            done.set_exception(error)
        return done

    def _process_events(self, event_list: list[Any]) -> None:
        """Do nothing: there is no I/O."""

    def _write_to_self(self) -> None:
        """Do nothing: the loop never blocks, so nothing has to wake it up."""


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time; return its result."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)


def virtual_time(test: Callable[P, Awaitable[T]]) -> Callable[P, T]:
    """Turn an asynchronous test into one that runs in virtual time."""

    @functools.wraps(test)
    def in_virtual_time(*args: P.args, **kwargs: P.kwargs) -> T:
        async def main() -> T:
            return await test(*args, **kwargs)

        return run_virtual(main())

    # Otherwise pytest-asyncio and inspect follow `__wrapped__` to the coroutine function.
    del in_virtual_time.__wrapped__
    in_virtual_time.__signature__ = _signature(test)  # type: ignore[attr-defined]
    return in_virtual_time


def _signature(test: Callable[..., Any]) -> Any:
    import inspect

    return inspect.signature(test)
