"""Who is not heard any more, long before an eviction, so that the others of a room can be told.

A client is heard once a second, as it answers pings. So silence of `UNHEARD_AFTER` seconds is an outage of more than one
second, which is noticed within three.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from pyvidu.server.signaling.rpc_session import RpcSession

UNHEARD_AFTER = 2.5  # seconds
MOST = 3  # silences of one participant that are reported within `PERIOD`
PERIOD = 60.0  # seconds


class SilenceWatch:
    """Calls `report` with each session that falls silent, and with True, and with False when it is heard again.

    A timer that is late by `stall` seconds says nothing about the client: this process did not run.
    """

    def __init__(self, report: Callable[[RpcSession, bool], None], stall: float) -> None:
        self._report = report
        self._stall = stall
        self._timers: dict[RpcSession, asyncio.TimerHandle] = {}
        self._reported: dict[RpcSession, deque[float]] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def start(self, session: RpcSession) -> None:
        """Watch the participant that `session` has become."""
        self.stop(session)
        self._reported[session] = deque(maxlen=MOST)
        self._arm(session, session.last_heard + UNHEARD_AFTER)

    def stop(self, session: RpcSession) -> None:
        """Watch `session` no longer."""
        session.silent = False
        self._reported.pop(session, None)
        if (timer := self._timers.pop(session, None)) is not None:
            timer.cancel()

    def heard(self, session: RpcSession) -> None:
        """Report that a session that was reported as silent is heard."""
        session.silent = False
        self._arm(session, session.last_heard + UNHEARD_AFTER)
        self._report(session, False)

    def close(self) -> None:
        """Stop every timer."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _arm(self, session: RpcSession, due: float) -> None:
        self._timers[session] = asyncio.get_running_loop().call_at(due, self._look, session, due)

    def _look(self, session: RpcSession, due: float) -> None:
        now = asyncio.get_running_loop().time()
        if now > due + self._stall:
            self._arm(session, now + UNHEARD_AFTER)
        elif session.last_heard + UNHEARD_AFTER > now:
            self._arm(session, session.last_heard + UNHEARD_AFTER)
        elif len(earlier := self._reported[session]) == MOST and now < earlier[0] + PERIOD:
            self._arm(session, now + UNHEARD_AFTER)
        else:
            del self._timers[session]  # until it is heard
            earlier.append(now)
            session.silent = True
            self._report(session, True)
