"""The profiles of a server: when it evicts a silent participant, and which requests it still answers.

`DefaultProfile` has one eviction clock, as the documentation of automatic reconnection describes it. The real server's two
clocks are in `kurento_profile.py`.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from pyvidu.protocol.messages import Call
from pyvidu.protocol.reasons import Reason
from pyvidu.server.signaling.rpc_session import RpcSession, ServerSocket
from pyvidu.server.signaling.silence import SilenceWatch

_log = logging.getLogger(__name__)

PING_INTERVAL = 1.0  # seconds
PINGS_PER_TIMEOUT = 4  # at least, so that one lost ping evicts nobody
STALL = 0.5  # seconds that a timer may be late before the server assumes that its own process was stalled
GRACE = 10.0  # seconds that a departed client may keep its socket; `scheduleCloseRpcSession` of openvidu-server 2.32.2
REPLACED = 4105  # close code of the old socket after a resume (4101-4104 are openvidu-browser's own)


class ProfileHost(Protocol):
    """The operations of the server that a profile may call."""

    def close_socket(self, socket: ServerSocket, code: int, reason: str) -> None:
        """Close a socket and handle its close at once, whatever the peer does."""

    def remember(self, session: RpcSession) -> None:
        """Make it possible to resume `session`."""

    def forget(self, session: RpcSession) -> None:
        """Make it impossible to resume `session`."""

    def evict(self, session: RpcSession, reason: str) -> None:
        """Evict the participant of `session` from its room, if it is still there."""

    def tell_silence(self, session: RpcSession, silent: bool) -> None:
        """Tell the others of its room that the participant of `session` is not heard any more, or is again."""

    def media_heard(self, session: RpcSession) -> float:
        """Return when RTP last arrived of the participant of `session`, 0 if it sends none."""


class Profile(ABC):
    """The decisions of a server about silence. All times in seconds of the running event loop's clock."""

    ping_interval: float | None  # seconds between RFC 6455 pings of the server; None: it sends none
    answers_everything: bool  # an error response where the real server sends none
    replays: bool  # each request id runs once, and missed notifications are sent after a resume
    key_frames_on_resume: bool  # request key frames for and from a participant that has resumed

    def __init__(self, host: ProfileHost) -> None:
        self.host = host

    def pinged(self, socket: ServerSocket, interval_ms: int | None) -> None:  # noqa: B027 - nothing to do is a decision too
        """Handle a JSON-RPC `ping`. `interval_ms` is None if it has no valid one."""

    def heard(self, session: RpcSession) -> None:  # noqa: B027 - nothing to do is a decision too
        """Handle that anything has arrived from `session`, which is `silent`."""

    def pinged_all(self, interval: float) -> None:  # noqa: B027 - nothing to do is a decision too
        """Handle that all sockets were pinged; they are again in `interval` seconds."""

    @abstractmethod
    def joined(self, session: RpcSession) -> None:
        """Handle a join: `session` has become a participant."""

    @abstractmethod
    def resumed(self, session: RpcSession, old: ServerSocket | None, new: ServerSocket) -> None:
        """Handle a resume: `session` moved from one socket to another, or was resumed on the one that it has."""

    @abstractmethod
    def socket_closed(self, socket: ServerSocket, session: RpcSession | None, reason: str) -> None:
        """Handle a closed socket. `session` is None when the socket is the current one of no session."""

    @abstractmethod
    def undeliverable(self, session: RpcSession, call: Call) -> None:
        """Handle a notification for which `session` has no open socket."""

    @abstractmethod
    def departed(self, session: RpcSession) -> None:
        """Handle the departure of the participant of `session` from its room, whatever the reason."""

    @abstractmethod
    def give_up(self, session: RpcSession) -> None:
        """Evict the participant of `session` now, as after too long a silence."""

    @abstractmethod
    def closed_by_client(self, session: RpcSession) -> None:
        """Handle a `closeSession` of the client."""

    @abstractmethod
    def close(self) -> None:
        """Stop every clock."""


ProfileFactory = Callable[[ProfileHost], Profile]


class DefaultProfile(Profile):
    """Evicts a participant `eviction_timeout` seconds after the last byte received from it, and tells of its silence before.

    RTP counts too, for as long again: where the way up is narrow, signaling starves behind it, and who is seen is not gone.
    A closed socket evicts no sooner: the same clock runs on. A client that has left or was evicted cannot resume.
    """

    answers_everything = True
    replays = True
    key_frames_on_resume = True

    def __init__(self, host: ProfileHost, *, eviction_timeout: float) -> None:
        super().__init__(host)
        self._timeout = eviction_timeout
        self.ping_interval = min(PING_INTERVAL, eviction_timeout / PINGS_PER_TIMEOUT)
        self._clocks: dict[RpcSession, asyncio.TimerHandle] = {}
        self._graces: dict[RpcSession, asyncio.TimerHandle] = {}
        self._silence = SilenceWatch(host.tell_silence, STALL)

    @property
    def clocks(self) -> int:
        """Return how many timers run."""
        return len(self._clocks) + len(self._graces)

    def heard(self, session: RpcSession) -> None:
        """Tell the others."""
        self._silence.heard(session)

    def pinged_all(self, interval: float) -> None:
        """Tell of those that have not answered the last two pings."""
        self._silence.look(interval)

    def joined(self, session: RpcSession) -> None:
        """Start the clock of `session` and make it possible to resume it, even if it had left a room before."""
        self.host.remember(session)
        self._stop(self._graces, session)
        self._stop(self._clocks, session)
        session.last_heard = _now()
        self._arm(session, session.last_heard + self._timeout)
        self._silence.start(session)

    def resumed(self, session: RpcSession, old: ServerSocket | None, new: ServerSocket) -> None:
        """Close the old socket: a participant has one socket."""
        if old is not None and old is not new and old.open:
            self.host.close_socket(old, REPLACED, "Replaced by a newer connection of the same participant")

    def socket_closed(self, socket: ServerSocket, session: RpcSession | None, reason: str) -> None:
        """End a session that is no participant with its socket. A participant is not evicted for that."""
        if session is not None and session.member is None:
            self._stop(self._graces, session)
            self.host.forget(session)

    def undeliverable(self, session: RpcSession, call: Call) -> None:
        """Do nothing: the notification is in the delivery log, for the resume."""

    def departed(self, session: RpcSession) -> None:
        """Rule out a resume; the socket stays open for `GRACE` seconds, for the client to read its last messages."""
        self._stop(self._clocks, session)
        self._silence.stop(session)
        self.host.forget(session)
        if session.socket is not None and session.socket.open:
            self._graces[session] = asyncio.get_running_loop().call_later(GRACE, self._grace_over, session)

    def give_up(self, session: RpcSession) -> None:
        """Evict the participant as at the end of its clock."""
        self._evict(session, "Evicted")

    def closed_by_client(self, session: RpcSession) -> None:
        """Let the participant leave, as with `leaveRoom`, and close its socket."""
        self.host.evict(session, Reason.DISCONNECT)
        self.host.forget(session)
        if session.socket is not None:
            self.host.close_socket(session.socket, 1000, "Closed by the client")

    def close(self) -> None:
        """Stop every clock."""
        for clock in [*self._clocks.values(), *self._graces.values()]:
            clock.cancel()
        self._clocks.clear()
        self._graces.clear()

    def _arm(self, session: RpcSession, due: float) -> None:
        # One timer per participant and no rescheduling per packet: a timer that fires early is armed for the rest.
        self._clocks[session] = asyncio.get_running_loop().call_at(due, self._silent, session, due)

    def _silent(self, session: RpcSession, due: float) -> None:
        now = _now()
        if now < (over := self._over(session)):
            self._arm(session, over)
            return
        if now > due + STALL:
            # This process did not run (suspended, starved): what arrived meanwhile is not read yet.
            _log.warning("The server did not run for %.1f s: evictions are postponed", now - due)
            self._arm(session, now + PING_INTERVAL + STALL)
            return
        self._evict(session, f"No signaling for {now - session.last_heard:.0f} s")

    def _over(self, session: RpcSession) -> float:
        """Return when the participant is to be evicted if nothing more arrives of it."""
        media = min(self.host.media_heard(session), session.last_heard + self._timeout)
        return max(session.last_heard, media) + self._timeout

    def _evict(self, session: RpcSession, because: str) -> None:
        self._stop(self._clocks, session)
        self._silence.stop(session)
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
