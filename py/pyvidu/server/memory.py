"""The memory of the process: how much it holds, and the return of freed memory to the system.

glibc keeps what is freed, and returns only the end of its heap by itself: after a burst of requests tens of MiB stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

_STATM = Path("/proc/self/statm")  # Linux: pages of the address space, of resident memory, and more
_EVERY = 30.0  # seconds
# Bytes more than after the last return. Returning costs 0.13 ms of CPU for each MiB that is freed, using it again 1 ms.
_WORTH = 8 * 1024 * 1024
# Bytes more than ever after which only what is free already is returned, without a garbage collection, for which packets
# wait. In the middle of a burst its blocks still lie among others', half a minute later they do not.
_WORTH_LIGHTLY = 4 * 1024 * 1024


def resident(statm: Path = _STATM) -> int | None:
    """Return the bytes of memory that the process holds; None where that is not told."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(statm.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


class FreedMemory:
    """Returns freed memory to the system when that is worth it, at most every 30 s.

    After growth by 8 MiB it collects garbage before, and once more 30 s later, when a burst is over: what closed sockets have
    left is cycles. As long as 4 MiB more are held than ever, it returns what is free.
    """

    def __init__(self, give: Callable[[], object] | None = None, trim: Callable[[], object] | None = None) -> None:
        """`trim` returns it, by default glibc's `malloc_trim` (none, nothing is); `give` collects garbage before."""
        self._trim = trim if trim is not None else _malloc_trim()
        self._give = give if give is not None else _collected(self._trim)
        self._least: int | None = None
        self._lowest = sys.maxsize
        self._given_at = self._trimmed_at = -math.inf
        self._again_at = math.inf

    def is_due(self, now: float, held: int) -> bool:
        """Return whether memory is to be returned, `held` bytes being resident at `now` (seconds)."""
        if self._least is None or held < self._least:
            self._least = held
        return self._give is not None and held - self._least >= _WORTH and now - self._given_at >= _EVERY

    async def give_back(self, now: float, held: int, measure: Callable[[], int | None] = resident) -> None:
        """Return it if that is due, in a thread: other work goes on meanwhile."""
        self._lowest = min(self._lowest, held)
        due, again = self.is_due(now, held), now >= self._again_at and held - self._lowest >= _WORTH
        if self._give is not None and (due or again):
            self._given_at = self._trimmed_at = now
            self._again_at = now + _EVERY if due else math.inf
            await asyncio.to_thread(self._give)
            self._least = measure() or held
        elif self._trim is not None and now - self._trimmed_at >= _EVERY and held - self._lowest >= _WORTH_LIGHTLY:
            self._trimmed_at = now
            await asyncio.to_thread(self._trim)


def _malloc_trim() -> Callable[[], object] | None:
    if sys.platform != "linux":
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    return (lambda: trim(0)) if trim is not None else None


def _collected(trim: Callable[[], object] | None) -> Callable[[], object] | None:
    return (lambda: (gc.collect(), trim())) if trim is not None else None
