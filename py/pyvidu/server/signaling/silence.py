"""Who is not heard any more, long before an eviction, so that the others of a room can be told.

A client is heard after every ping, once a second. So silence of `UNHEARD_AFTER` seconds at a ping is an outage of
more than one second, and is noticed within three.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from pyvidu.server.signaling.rpc_session import RpcSession

UNHEARD_AFTER = 2.2  # seconds
MOST = 3  # silences of one participant that are reported within `PERIOD`
PERIOD = 60.0  # seconds


class SilenceWatch:
    """Calls `report` with each session that falls silent, and with True, and with False when it is heard again.

    A look that is late by `stall` seconds or more says nothing about the clients: this process did not run.
    """

    def __init__(self, report: Callable[[RpcSession, bool], None], stall: float) -> None:
        self._report = report
        self._stall = stall
        self._reported: dict[RpcSession, deque[float]] = {}  # when each was reported as silent
        self._due = 0.0

    def start(self, session: RpcSession) -> None:
        """Watch the participant that `session` has become."""
        session.silent = False
        self._reported[session] = deque(maxlen=MOST)

    def stop(self, session: RpcSession) -> None:
        """Watch `session` no longer."""
        session.silent = False
        self._reported.pop(session, None)

    def heard(self, session: RpcSession) -> None:
        """Report that a session that was reported as silent is heard."""
        session.silent = False
        self._report(session, False)

    def look(self, interval: float) -> None:
        """Report who has fallen silent; the next look is `interval` seconds later."""
        now = asyncio.get_running_loop().time()
        due, self._due = self._due, now + interval
        if now > due + self._stall:
            return
        for session, earlier in list(self._reported.items()):
            often = len(earlier) == MOST and now < earlier[0] + PERIOD
            if not session.silent and not often and now >= session.last_heard + UNHEARD_AFTER:
                earlier.append(now)
                session.silent = True
                self._report(session, True)
