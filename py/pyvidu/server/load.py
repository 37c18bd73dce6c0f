"""How busy the server is, how much memory it holds, and whether it admits more participants. Calls come first.

All work is done by one thread, so the share of the time in which it had work to do is the load, whether it had a core or
waited for one; a timer that fires late says that too, where waiting is not told.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from pyvidu.server.limits import Limits

_LATEST = 1.0  # seconds; a process that was suspended is as late as that once, not for long


SCHEDULED = Path("/proc/thread-self/schedstat")  # Linux: nanoseconds on a core, ready without a core, and time slices


def busy_time(told: Path = SCHEDULED) -> float:
    """Return the seconds that this thread has run or waited for a core so far; those that it has run if that is not told."""
    waited = 0.0
    with contextlib.suppress(OSError, ValueError, IndexError):
        waited = int(told.read_text("ascii").split()[1]) / 1e9
    return time.thread_time() + waited


class _Sample(NamedTuple):
    at: float
    cpu: float
    late: float


class Load:
    """The load of the last seconds."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._samples: deque[_Sample] = deque(maxlen=max(2, round(self._limits.load_window)) + 1)
        self.memory = 0
        """Bytes that the process held at the last measurement; 0 until it is measured, and where that is not told."""

    def measured(self, at: float, cpu: float, late: float, memory: int = 0) -> None:
        """Record a measurement, one a second: time, the thread's `busy_time` so far, how late the timer was, bytes held."""
        self._samples.append(_Sample(at, cpu, min(late, _LATEST)))
        self.memory = memory

    @property
    def share(self) -> float:
        """Return the share of the window in which the thread was busy, from 0 to 1; 0 until it is measured."""
        if len(self._samples) < (self._samples.maxlen or 0):
            return 0.0
        first, last = self._samples[0], self._samples[-1]
        return (last.cpu - first.cpu) / (last.at - first.at) if last.at > first.at else 0.0

    @property
    def lateness(self) -> float:
        """Return by how many seconds timers were late in the window, on average; 0 until it is measured."""
        if len(self._samples) < (self._samples.maxlen or 0):
            return 0.0
        return sum(sample.late for sample in self._samples) / len(self._samples)

    @property
    def is_high(self) -> bool:
        """Return whether no more participants are to be admitted."""
        limits = self._limits
        return self.share > limits.load or self.lateness > limits.lateness or self.memory > limits.memory
