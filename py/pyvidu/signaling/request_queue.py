"""The requests of an application, carried through outages: none is lost without a word, none waits for ever.

While the plane is up, requests go out at once and have a deadline each. During an outage new ones queue up, in order, up to
a limit for each method: a page that goes on signalling for an hour must not grow for an hour. What
was in flight when the old socket died is repeated, under its id, if the server knows repeated requests again; else it is
repeated where repeating is safe and fails with `RequestOutcomeUnknown` where it is
not. When the session ends, everything fails with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pyvidu.errors import OpenViduError, QueueFullError, RequestError, RequestOutcomeUnknown, RequestTimeoutError
from pyvidu.platform import Clock, Timer
from pyvidu.protocol.codes import Code
from pyvidu.protocol.messages import Call

from .rpc_socket import RpcError, RpcSocket

# A timer that fires so late, in seconds, tells of a page or a machine that slept. The answer may lie in the queue behind it,
# and if the network has gone, finding that out is not a request's business: it gets its whole time once more. The same while
# the socket is suspected: a page that woke just before a deadline would give up what nobody could have answered meanwhile.
STALL = 1.5


@dataclass(slots=True, eq=False)
class _Entry:
    id: int
    call: Call
    repeatable: bool
    timeout: float
    future: asyncio.Future[Any]
    answer: asyncio.Future[Any] | None = None
    timer: Timer | None = None
    refused_once: bool = False  # refused once because the socket had lost the session

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class RequestQueue:
    """Sends through whichever socket it is attached to."""

    def __init__(
        self,
        clock: Clock,
        ids: Iterator[int],
        limit: int,
        session_moved: Callable[[], None],
        suspected: Callable[[], bool] = lambda: False,
    ) -> None:
        self.exactly_once = False  # whether the server answers a repeated id without running the request again
        self._clock = clock
        self._ids = ids
        self._limit = limit
        self._session_moved = session_moved  # told when the server takes our socket for nobody's
        self._suspected = suspected  # whether it is being asked just now if the socket still answers
        self._socket: RpcSocket | None = None
        self._entries: list[_Entry] = []
        self._closed: OpenViduError | None = None

    async def request(self, call: Call, *, repeatable: bool, timeout: float) -> Any:
        """The result of `call`.

        Raises:
            RequestError: the server refused it.
            RequestTimeoutError: the connection is fine and no answer came within `timeout` seconds.
            RequestOutcomeUnknown: the network dropped meanwhile, and `call` must not be repeated.
            QueueFullError: there is an outage, and as many of this method wait for its end as may.
            OpenViduError: the session ended; the error says why.
        """
        if self._closed is not None:
            raise self._closed
        if self._socket is None and self._waiting(call.method) >= self._limit:
            raise QueueFullError(
                f"{self._limit} {call.method} requests wait for the end of the outage already; this one was not sent"
            )
        entry = _Entry(next(self._ids), call, repeatable, timeout, asyncio.get_running_loop().create_future())
        self._entries.append(entry)
        if self._socket is not None:
            self._send(entry)
        try:
            return await entry.future
        finally:
            self._forget(entry)

    def attach(self, socket: RpcSocket) -> None:
        """The plane is up on `socket`: deadlines run again, what waits is sent, in order."""
        self._socket = socket
        for entry in list(self._entries):
            if entry.future.done():
                continue  # failed or cancelled a moment ago, whoever awaits it has not run yet: it must not go out again
            if entry.answer is None:
                self._send(entry)
            else:
                self._start_timer(entry)

    def suspend(self) -> None:
        """An outage has begun. Answers may still come in on the old socket; nothing new goes out."""
        self._socket = None
        for entry in self._entries:
            entry.stop_timer()

    def abandon_answers(self) -> None:
        """The old socket is gone for good: what it owed will not come any more."""
        for entry in list(self._entries):
            if entry.answer is None:
                continue
            entry.answer.cancel()
            entry.answer = None
            if self.exactly_once:
                continue
            entry.id = next(self._ids)  # the real server answers a repeated id on the old socket, or never
            if not entry.repeatable and not entry.future.done():
                entry.future.set_exception(
                    RequestOutcomeUnknown(
                        f"The network dropped before {entry.call.method} was answered: it may have been carried out or not"
                    )
                )

    def close(self, error: OpenViduError) -> None:
        """The session is over: everything that waits fails with `error`, and so does everything after."""
        self._closed = error
        self._socket = None
        for entry in list(self._entries):
            entry.stop_timer()
            if not entry.future.done():
                entry.future.set_exception(error)
                entry.future.exception()

    def _waiting(self, method: str) -> int:
        return sum(entry.call.method == method for entry in self._entries)

    def _send(self, entry: _Entry) -> None:
        assert self._socket is not None
        answer = entry.answer = self._socket.request(entry.call, entry.id)
        self._start_timer(entry)
        answer.add_done_callback(lambda _: self._answered(entry, answer))

    def _answered(self, entry: _Entry, answer: asyncio.Future[Any]) -> None:
        if entry.answer is not answer or answer.cancelled() or entry.future.done():
            return
        error = answer.exception()
        if error is None:
            entry.future.set_result(answer.result())
        elif isinstance(error, RpcError) and error.code == Code.TRANSPORT and not entry.refused_once:
            self._refused_as_nobodys(entry)
        elif isinstance(error, RpcError):
            entry.future.set_exception(RequestError(entry.call.method, error.code, str(error)))
        # SocketGone: the plane decides what becomes of it, see `abandon_answers`

    def _refused_as_nobodys(self, entry: _Entry) -> None:
        """The socket is no participant's any more, so the request was not carried out: it goes out again after a resume."""
        entry.stop_timer()
        entry.refused_once, entry.answer, entry.id = True, None, next(self._ids)
        if self._socket is not None:
            self._session_moved()

    def _start_timer(self, entry: _Entry) -> None:
        entry.stop_timer()
        due = self._clock.now() + entry.timeout
        entry.timer = self._clock.call_later(entry.timeout, lambda: self._overdue(entry, due))

    def _overdue(self, entry: _Entry, due: float) -> None:
        if self._suspected() or self._clock.now() - due > STALL:
            self._start_timer(entry)
        elif not entry.future.done():
            entry.future.set_exception(
                RequestTimeoutError(f"The server did not answer {entry.call.method} within {entry.timeout:g} s")
            )

    def _forget(self, entry: _Entry) -> None:
        entry.stop_timer()
        if entry.answer is not None:
            entry.answer.cancel()
        self._entries.remove(entry)
