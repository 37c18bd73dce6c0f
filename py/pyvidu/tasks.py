"""An owner of background tasks, for client and server: no task is left running when it is closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Tasks:
    """Starts coroutines as tasks, reports the ones that fail, and cancels what is left when it is closed.

    `failed` is called with the exception of a task that fails; by default it is logged as an error.
    """

    def __init__(self, failed: Callable[[BaseException], None] | None = None) -> None:
        self._failed = failed
        self._running: dict[asyncio.Task[Any], None] = {}  # in the order in which they were started

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[object, object, T], name: str | None = None) -> asyncio.Task[T]:
        """Run `work` in the background."""
        return self.adopt(asyncio.get_running_loop().create_task(work, name=name))

    def adopt(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """Own a task that was started elsewhere."""
        self._running[task] = None
        task.add_done_callback(self._done)
        return task

    def cancel(self) -> None:
        """Cancel the tasks that still run, without waiting for their end."""
        for task in self._running:
            task.cancel()

    async def wait(self) -> None:
        """Wait until no task runs any more."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Cancel the tasks that still run and wait for their end."""
        while self._running:
            self.cancel()
            await asyncio.wait(self._running)

    def _done(self, task: asyncio.Task[Any]) -> None:
        del self._running[task]
        if task.cancelled() or (error := task.exception()) is None:
            return
        if self._failed is not None:
            self._failed(error)
        else:
            _log.error("Background task '%s' failed", task.get_name(), exc_info=error)
