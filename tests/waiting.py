"""Waiting for a condition, with a deadline, on a real clock."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(
    condition: Callable[[], T | Awaitable[T]], timeout: float = 10.0, what: str = "it", *, every: float = 0.02
) -> T:
    """Wait until `condition`, a function or a coroutine function, returns something true, and return that.

    It is called every `every` seconds. Raises AssertionError, which says `what`, after `timeout` seconds.
    """
    try:
        async with asyncio.timeout(timeout):
            while True:
                told = condition()
                found: T = await told if inspect.isawaitable(told) else told
                if found:
                    return found
                await asyncio.sleep(every)  # between two looks
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {timeout} s") from None
