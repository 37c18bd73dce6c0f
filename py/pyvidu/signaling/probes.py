"""Probes of the server on connections of their own; their outcome is evidence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pyvidu.platform import Clock, Reachability
from pyvidu.protocol.codes import PROBE_ANSWER
from pyvidu.reconnection.evidence import ServerReached, ServerUnreachable, SignalingEvidence
from pyvidu.tasks import Tasks


class Probes:
    """The probes of one server, each of which is given up after `timeout` seconds. `report` is called with the evidence."""

    def __init__(
        self, reachability: Reachability, clock: Clock, timeout: float, report: Callable[[SignalingEvidence], None]
    ) -> None:
        self._reachability = reachability
        self._clock = clock
        self._timeout = timeout
        self._report = report
        self._tasks = Tasks()
        self._url = ""
        self.answer = ""
        """What the server answers, once it is known that it can be read here: then no captive portal's is taken for it."""

    def watch(self, url: str, *, known: bool) -> None:
        """Request `url` in every probe. `known`: it is pyvidu's server's, so find out whether its answer can be read here."""
        self._url = url
        if known:
            self._tasks.spawn(self._learn_answer())

    def server(self, within: float | None = None) -> None:
        """Send an HTTP request, to be answered `within` seconds; without them at the usual time."""
        timeout = within or self._timeout
        self._tasks.spawn(self._probe(self._reachability.probe(self._url, timeout, self.answer)))

    def web_socket(self, url: str) -> None:
        """Open a new WebSocket, and close it."""
        self._tasks.spawn(self._probe(self._reachability.probe_web_socket(url, self._timeout)))

    def close(self) -> None:
        """Forget the probes under way."""
        self._tasks.cancel()

    async def _learn_answer(self) -> None:
        if await self._reachability.probe(self._url, self._timeout, PROBE_ANSWER):
            self.answer = PROBE_ANSWER

    async def _probe(self, answer: Awaitable[bool]) -> None:
        started = self._clock.now()
        if await answer:
            self._report(ServerReached())
        else:
            self._report(ServerUnreachable(at_once=self._clock.now() - started < self._timeout / 2))
