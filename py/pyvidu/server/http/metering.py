"""How long a coroutine works: in its own steps, without what runs while it waits."""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")

_LONGEST = 0.01  # seconds that a step counts at most: in a longer one others had the core, or the process was suspended


def worked(since: float) -> float:
    """Return the seconds of work since `since` (`time.perf_counter`).

    Not of CPU time, whose clock takes 2.6 us to read here, ten times as long: twice a message that is 2 % of its cost.
    """
    return min(time.perf_counter() - since, _LONGEST)


@types.coroutine
def metered(work: Awaitable[T], spend: Callable[[float], None]) -> Generator[Any, None, T]:
    """Return what `work` returns; call `spend` with the seconds of each of its steps."""
    steps: Any = work.__await__()
    step = functools.partial(next, steps)
    while True:
        began = time.perf_counter()
        try:
            awaited = step()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            spend(worked(began))
        try:
            yield awaited
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as error:  # noqa: BLE001 - a cancellation too is for `work` to handle
            step = functools.partial(steps.throw, error)
        else:
            step = functools.partial(next, steps)
