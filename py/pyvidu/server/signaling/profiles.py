"""What a server does about silence: when it gives up on a participant, and what it still answers.

`DefaultProfile` has one eviction clock, as the documentation of automatic reconnection tells it. The real server's two
clocks are in `kurento_profile.py`.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Protocol

from pyvidu.protocol.messages import Call
from pyvidu.protocol.reasons import Reason
from pyvidu.server.signaling.rpc_session import RpcSession, ServerSocket

_log = logging.getLogger(__name__)

PING_INTERVAL = 1.0  # seconds
PINGS_PER_TIMEOUT = 4  # at least, so that one lost ping evicts nobody
STALL = 0.5  # seconds that a timer may be late before the server suspects itself
GRACE = 10.0  # seconds that one who has left may keep its socket; `scheduleCloseRpcSession` of openvidu-server 2.32.2
REPLACED = 4105  # close code of the old socket after a resume (4101-4104 are openvidu-browser's own)


class ProfileHost(Protocol):
    """What a profile may do to the server it decides for."""

    def close_socket(self, socket: ServerSocket, code: int, reason: str) -> None:
        """Closes a socket and takes note of it at once, whatever the peer does."""

    def remember(self, session: RpcSession) -> None:
        """From now on `session` can be resumed."""

    def forget(self, session: RpcSession) -> None:
        """From now on nobody can resume `session`."""

    def evict(self, session: RpcSession, reason: str) -> None:
        """Takes the participant of `session` out of its room, if it is still there."""


class Profile(ABC):
    """Decisions of a server. All times in seconds of the running event loop's clock."""

    ping_interval: float | None  # between RFC 6455 pings of the server; None: it sends none
    answers_everything: bool  # an error response where the real server stays silent
    replays: bool  # exactly-once by request id, and missed notifications after a resume
    key_frames_on_resume: bool  # fresh pictures for and from a participant who is back

    def __init__(self) -> None:
        self.host: ProfileHost

    def pinged(self, socket: ServerSocket, interval_ms: int | None) -> None:  # noqa: B027 - nothing to do is a decision too
        """A JSON-RPC `ping` arrived."""

    @abstractmethod
    def joined(self, session: RpcSession) -> None:
        """`session` has become a participant."""

    @abstractmethod
    def resumed(self, session: RpcSession, old: ServerSocket | None, new: ServerSocket) -> None:
        """`session` moved from one socket to another, or was resumed on the one that it has."""

    @abstractmethod
    def socket_closed(self, socket: ServerSocket, session: RpcSession | None, reason: str) -> None:
        """A socket closed. `session` is None when it is the current socket of none."""

    @abstractmethod
    def undeliverable(self, session: RpcSession, call: Call) -> None:
        """There is no open socket to notify `session` on."""

    @abstractmethod
    def departed(self, session: RpcSession) -> None:
        """The participant of `session` left its room, whatever the reason."""

    @abstractmethod
    def give_up(self, session: RpcSession) -> None:
        """Evicts the participant of `session` as after too long a silence, before it was silent for so long."""

    @abstractmethod
    def closed_by_client(self, session: RpcSession) -> None:
        """The client asked to `closeSession`."""

    @abstractmethod
    def close(self) -> None:
        """Stops every clock."""


class DefaultProfile(Profile):
    """Evicts a participant `eviction_timeout` after the last byte received from it. A closed socket evicts no sooner: the
    same clock runs on. Who has left or was evicted cannot resume.
    """

    answers_everything = True
    replays = True
    key_frames_on_resume = True

    def __init__(self, eviction_timeout: float) -> None:
        super().__init__()
        self._timeout = eviction_timeout
        self.ping_interval = min(PING_INTERVAL, eviction_timeout / PINGS_PER_TIMEOUT)
        self._clocks: dict[RpcSession, asyncio.TimerHandle] = {}
        self._graces: dict[RpcSession, asyncio.TimerHandle] = {}

    @property
    def clocks(self) -> int:
        """How many timers run."""
        return len(self._clocks) + len(self._graces)

    def joined(self, session: RpcSession) -> None:
        """The clock of `session` starts. It can be resumed, even if it had left a room before."""
        self.host.remember(session)
        self._stop(self._graces, session)
        self._stop(self._clocks, session)
        session.last_heard = _now()
        self._arm(session, session.last_heard + self._timeout)

    def resumed(self, session: RpcSession, old: ServerSocket | None, new: ServerSocket) -> None:
        """One participant, one socket: the old one is closed."""
        if old is not None and old is not new and old.open:
            self.host.close_socket(old, REPLACED, "Replaced by a newer connection of the same participant")

    def socket_closed(self, socket: ServerSocket, session: RpcSession | None, reason: str) -> None:
        """Nobody is evicted for that; a session that is no participant ends with its socket."""
        if session is not None and session.member is None:
            self._stop(self._graces, session)
            self.host.forget(session)

    def undeliverable(self, session: RpcSession, call: Call) -> None:
        """It stands in the delivery_log, for the resume."""

    def departed(self, session: RpcSession) -> None:
        """No way back; its socket may stay until the client has read its last messages."""
        self._stop(self._clocks, session)
        self.host.forget(session)
        if session.socket is not None and session.socket.open:
            self._graces[session] = asyncio.get_running_loop().call_later(GRACE, self._grace_over, session)

    def give_up(self, session: RpcSession) -> None:
        """The end of its clock."""
        self._evict(session, "Given up")

    def closed_by_client(self, session: RpcSession) -> None:
        """As good as `leaveRoom`."""
        self.host.evict(session, Reason.DISCONNECT)
        self.host.forget(session)
        if session.socket is not None:
            self.host.close_socket(session.socket, 1000, "Closed by the client")

    def close(self) -> None:
        """Stops every clock."""
        for clock in [*self._clocks.values(), *self._graces.values()]:
            clock.cancel()
        self._clocks.clear()
        self._graces.clear()

    def _arm(self, session: RpcSession, due: float) -> None:
        # One timer per participant and no rescheduling per packet: a timer that fires early sleeps the rest.
        self._clocks[session] = asyncio.get_running_loop().call_at(due, self._silent, session, due)

    def _silent(self, session: RpcSession, due: float) -> None:
        now = _now()
        if now < session.last_heard + self._timeout:
            self._arm(session, session.last_heard + self._timeout)
            return
        if now > due + STALL:
            # It was this process that did not run (suspended, starved): what arrived meanwhile is not read yet.
            _log.warning("The server was away for %.1f s: nobody is evicted for that", now - due)
            self._arm(session, now + PING_INTERVAL + STALL)
            return
        self._evict(session, f"Nothing received for {self._timeout:g} s")

    def _evict(self, session: RpcSession, because: str) -> None:
        self._stop(self._clocks, session)
        self.host.forget(session)
        if session.socket is not None:
            self.host.close_socket(session.socket, 1001, because)
        self.host.evict(session, Reason.NETWORK_DISCONNECT)

    def _grace_over(self, session: RpcSession) -> None:
        self._graces.pop(session, None)
        if session.socket is not None:
            self.host.close_socket(session.socket, 1000, "")

    @staticmethod
    def _stop(clocks: dict[RpcSession, asyncio.TimerHandle], session: RpcSession) -> None:
        if (clock := clocks.pop(session, None)) is not None:
            clock.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
