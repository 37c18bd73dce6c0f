"""Probes of the server on connections of their own; their outcome is evidence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from pyvidu.platform import Clock, Reachability
from pyvidu.protocol.codes import PROBE_ANSWER, PROBE_ANSWER_UNHEARD
from pyvidu.reconnection.evidence import ServerReached, ServerUnreachable, SignalingEvidence
from pyvidu.tasks import Tasks

_ANSWERS = (PROBE_ANSWER, PROBE_ANSWER_UNHEARD)


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
        self.answers: Sequence[str] = ()
        """What the server answers, once it is known that it can be read here: then no captive portal's is taken for it."""

    def watch(self, url: str, *, known: bool) -> None:
        """Request `url` in every probe. `known`: it is pyvidu's server's, so find out whether its answer can be read here."""
        self._url = url
        if known:
            self._tasks.spawn(self._learn_answer())

    def server(self, within: float | None = None) -> None:
        """Send an HTTP request, to be answered `within` seconds; without them at the usual time."""
        timeout = within or self._timeout
        self._tasks.spawn(self._probe(partial(self._fetch, timeout)))

    def web_socket(self, url: str) -> None:
        """Open a new WebSocket, and close it."""
        self._tasks.spawn(self._probe(partial(self._open, url)))

    def close(self) -> None:
        """Forget the probes under way."""
        self._tasks.cancel()

    async def _learn_answer(self) -> None:
        if await self._reachability.probe(self._url, self._timeout, _ANSWERS) is not None:
            self.answers = _ANSWERS

    async def _probe(self, ask: Callable[[], Awaitable[ServerReached | None]]) -> None:
        started = self._clock.now()
        reached = await ask()
        self._report(reached or ServerUnreachable(at_once=self._clock.now() - started < self._timeout / 2))

    async def _fetch(self, timeout: float) -> ServerReached | None:
        answer = await self._reachability.probe(self._url, timeout, self.answers)
        return None if answer is None else ServerReached(unheard=answer == PROBE_ANSWER_UNHEARD)

    async def _open(self, url: str) -> ServerReached | None:
        return ServerReached() if await self._reachability.probe_web_socket(url, self._timeout) else None
