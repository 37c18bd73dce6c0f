"""The queue that carries an application's requests through outages: each one settles, with a result or an error.

While the plane is up, requests are sent at once, with a deadline each. During an outage new ones queue up, in order, up to a
limit for each method, so that a page that keeps signalling does not use ever more memory. Requests in flight when the old
socket is lost are repeated with the same id if the server deduplicates by id; otherwise they are repeated with a new id if
that is safe, and fail with `RequestOutcomeUnknown` if not. When the session ends, all fail with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyvidu.errors import (
    MalformedAnswerError,
    MessageTooLongError,
    OpenViduError,
    PropertiesError,
    QueueFullError,
    RequestError,
    RequestOutcomeUnknown,
    RequestTimeoutError,
)
from pyvidu.platform import Clock, Timer
from pyvidu.protocol.codes import NOT_A_MEMBER, Code
from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import WireError

from .rpc_socket import RpcError, RpcSocket, TooLong

# A timer that fires so many seconds late means that the page or the machine slept. The answer may be queued behind it, and a
# drop is for the supervisor to detect: the request gets its whole timeout again. The same while the socket is suspected: else
# a page that woke just before a deadline would fail a request that could not have been answered meanwhile.
STALL = 1.5


@dataclass(slots=True, eq=False)
class _Entry:
    id: int
    call: Call
    repeatable: bool
    timeout: float
    future: asyncio.Future[object]
    answer: asyncio.Future[object] | None = None
    timer: Timer | None = None
    refused_once: bool = False  # with code 803, because the socket had lost the session
    refusal: RequestError | None = None  # reported when the outage is over

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class RequestQueue:
    """The queue; it sends on the socket that it is attached to."""

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
        self._session_moved = session_moved  # called after a refusal with code 803: our socket has no participant
        self._suspected = suspected  # whether a probe of the socket is unanswered
        self._socket: RpcSocket | None = None
        self._entries: list[_Entry] = []
        self._closed: OpenViduError | None = None

    def request(self, call: Call, *, repeatable: bool, timeout: float) -> asyncio.Future[object]:
        """Send `call` before this returns, or queue it during an outage, and return the future of its result.

        Cancelling the future gives the request up. Raises, now or when it is awaited:
            RequestError: the server refused it, or (`MalformedAnswerError`) answered with something else than a result.
            RequestTimeoutError: the connection is fine and no answer came within `timeout` seconds.
            RequestOutcomeUnknown: the network dropped meanwhile, and `call` must not be repeated.
            MessageTooLongError: no server of OpenVidu would read it; it is not sent.
            QueueFullError: there is an outage, and the limit of queued requests of this method is reached.
            PropertiesError: `call` has a value that JSON does not have.
            OpenViduError: the session ended; the error gives the reason.
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
        entry.future.add_done_callback(lambda _: self._forget(entry))
        return entry.future

    def attach(self, socket: RpcSocket) -> None:
        """Send on `socket` from now on: restart the deadlines and send what is queued, in order."""
        self._socket = socket
        for entry in list(self._entries):
            if entry.future.done():
                continue  # failed or cancelled, but the awaiting task has not run yet: must not be sent again
            if entry.refusal is not None:
                entry.future.set_exception(entry.refusal)
            elif entry.answer is None:
                self._send(entry)
            else:
                self._start_timer(entry)

    def suspend(self) -> None:
        """Stop sending and stop the deadlines, for an outage. Answers on the old socket still count."""
        self._socket = None
        for entry in self._entries:
            entry.stop_timer()

    def abandon_answers(self) -> None:
        """Stop expecting answers on the old socket, which is replaced: prepare its requests for repetition, or fail them."""
        for entry in list(self._entries):
            if entry.answer is None or entry.refusal is not None:
                continue
            entry.answer.cancel()
            entry.answer = None
            if self.exactly_once:
                continue
            entry.id = next(self._ids)  # OpenVidu's own server answers a repeated id on the old socket, or never
            if not entry.repeatable and not entry.future.done():
                entry.future.set_exception(
                    RequestOutcomeUnknown(
                        f"The network dropped before {entry.call.method} was answered: it may have been carried out or not"
                    )
                )

    def close(self, error: OpenViduError) -> None:
        """Fail every pending request with `error`, and every later one, because the session ended."""
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
        try:
            answer = entry.answer = self._socket.request(entry.call, entry.id)
        except (TypeError, ValueError) as error:  # fails by itself: those that wait behind it are sent
            entry.future.set_exception(PropertiesError(f"{entry.call.method} cannot be sent: {error}"))
            return
        self._start_timer(entry)
        answer.add_done_callback(lambda _: self._answered(entry, answer))

    def _answered(self, entry: _Entry, answer: asyncio.Future[object]) -> None:
        if entry.answer is not answer or answer.cancelled() or entry.future.done():
            return
        error = answer.exception()
        if error is None:
            self._succeeded(entry, answer.result())
        elif isinstance(error, TooLong):
            entry.future.set_exception(MessageTooLongError(f"{entry.call.method} cannot be sent: {error}"))
        elif isinstance(error, RpcError) and error.code == Code.TRANSPORT and not entry.refused_once:
            self._refused_on_moved_session(entry)
        elif isinstance(error, RpcError):
            refusal = RequestError(entry.call.method, error.code, str(error))
            if self._socket is None and error.code in NOT_A_MEMBER:
                entry.refusal = refusal  # if that was an eviction, the session is about to be lost
            else:
                entry.future.set_exception(refusal)
        # SocketGone: settled later, by `abandon_answers` or `close`

    def _succeeded(self, entry: _Entry, result: object) -> None:
        try:
            entry.call.check(result)
        except WireError as error:
            entry.future.set_exception(MalformedAnswerError(entry.call.method, str(error)))
        else:
            entry.future.set_result(result)

    def _refused_on_moved_session(self, entry: _Entry) -> None:
        """Queue the request again for after a resume: refused with code 803, it was not carried out."""
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
