"""What `Session.connect` returns: a coroutine that is an asynchronous context manager, too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

S = TypeVar("S")


class Joining(Coroutine[Any, Any, None], Generic[S]):
    """Await it to join, or use it in `async with`: that joins, and leaves at the end of the block, however it ends."""

    def __init__(self, session: S, work: Coroutine[Any, Any, None], leave: Callable[[], None]) -> None:
        self._session = session
        self._work = work
        self._leave = leave

    async def __aenter__(self) -> S:
        await self._work
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    # What makes it a coroutine, for `asyncio.create_task` and the like. The types are those of `Coroutine`.

    def __await__(self) -> Generator[Any, Any, None]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:  # noqa: D102
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:  # noqa: D102
        return self._work.throw(*error)

    def close(self) -> None:  # noqa: D102
        self._work.close()
