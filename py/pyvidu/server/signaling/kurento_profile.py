"""The profile with the real server's clocks, exactly as in `protocol.md` section 2.

Read in kurento-jsonrpc 7.3.0 (`ProtocolManager`, `PingWatchdogManager`) and openvidu-server 2.32.2 (`RpcHandler`,
`RpcNotificationService`); none of it was observed on a live Java server.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pyvidu.protocol.messages import Call
from pyvidu.protocol.reasons import Reason
from pyvidu.server.signaling.profiles import GRACE, Profile, ProfileHost
from pyvidu.server.signaling.rpc_session import RpcSession, ServerSocket

WINDOW = 10.0  # seconds; Java property ws.sessionReconnectionTime
DEFAULT_INTERVAL_MS = 20_000  # for a first ping without `interval`
PINGS_MISSED = 3
WATCHDOG_REASON = "Close for not receive ping from client"
CLIENT_CLOSED_REASON = "Client sent close message"
_EVICTING_REASONS = ("", WATCHDOG_REASON, "Connection closed for reconnection")
_REASONS = frozenset(Reason)  # `streamPropertyChanged` has a `reason` too, of another kind


@dataclass(eq=False, slots=True)
class _Watchdog:
    interval_ms: int
    timer: asyncio.TimerHandle


class KurentoProfile(Profile):
    """Watchdog, then window, then eviction or a ghost. Sends no pings and requests no key frames."""

    ping_interval = None
    answers_everything = False
    replays = False
    key_frames_on_resume = False

    def __init__(self, host: ProfileHost) -> None:
        super().__init__(host)
        self._watchdogs: dict[ServerSocket, _Watchdog] = {}
        self._strays: list[asyncio.TimerHandle] = []  # watchdogs that nothing cancels, see `resumed`
        self._windows: dict[RpcSession, asyncio.TimerHandle] = {}
        self._graces: dict[RpcSession, asyncio.TimerHandle] = {}

    @property
    def clocks(self) -> int:
        """Return how many timers run."""
        return len(self._watchdogs) + len(self._windows) + len(self._graces)

    def pinged(self, socket: ServerSocket, interval_ms: int | None) -> None:
        """Restart the watchdog of `socket`; the first ping creates it and sets its interval for good."""
        watchdog = self._watchdogs.get(socket)
        if watchdog is None:
            interval = DEFAULT_INTERVAL_MS if interval_ms is None else interval_ms
            self._watchdogs[socket] = _Watchdog(interval, self._arm_watchdog(socket, interval))
        else:
            watchdog.timer.cancel()
            watchdog.timer = self._arm_watchdog(socket, watchdog.interval_ms)

    def joined(self, session: RpcSession) -> None:
        """Stop the grace period of an earlier departure. No clock starts: without a ping there is no watchdog."""
        self._stop(self._graces, session)

    def resumed(self, session: RpcSession, old: ServerSocket | None, new: ServerSocket) -> None:
        """Move the watchdog to the new socket, arm it at once and end the window. The old socket is left open.

        A watchdog that a ping before `connect` armed on the new socket is replaced but never cancelled: it will close
        that socket.
        """
        self._stop(self._windows, session)
        watchdog = self._watchdogs.pop(old, None) if old is not None else None
        if (stray := self._watchdogs.pop(new, None)) is not None:
            self._strays.append(stray.timer)
        if watchdog is not None:
            watchdog.timer.cancel()
            watchdog.timer = self._arm_watchdog(new, watchdog.interval_ms)
            self._watchdogs[new] = watchdog

    def socket_closed(self, socket: ServerSocket, session: RpcSession | None, reason: str) -> None:
        """Open the window, unless the session has moved to another socket already."""
        if session is None:
            self._drop_watchdog(socket)
            return
        if (watchdog := self._watchdogs.get(socket)) is not None:
            watchdog.timer.cancel()  # kept: a resume reuses its interval
        self._stop(self._windows, session)
        loop = asyncio.get_running_loop()
        self._windows[session] = loop.call_later(WINDOW, self._window_over, session, reason)

    def undeliverable(self, session: RpcSession, call: Call) -> None:
        """Evict a participant that cannot be notified (ghost eviction), with the `reason` of the notification or ""."""
        reason = getattr(call, "reason", "")
        self.host.evict(session, reason if reason in _REASONS else "")

    def departed(self, session: RpcSession) -> None:
        """Keep the RPC session for `GRACE` seconds: `connect` succeeds, what needs membership is not answered."""
        if session.ended:
            return
        self._stop(self._graces, session)
        self._graces[session] = asyncio.get_running_loop().call_later(GRACE, self._grace_over, session)

    def give_up(self, session: RpcSession) -> None:
        """Evict the participant as at the end of its window."""
        self._end(session)
        self.host.evict(session, Reason.NETWORK_DISCONNECT)

    def closed_by_client(self, session: RpcSession) -> None:
        """End the RPC session and leave a ghost in the room."""
        self._end(session)

    def close(self) -> None:
        """Stop every clock."""
        for timer in [*self._windows.values(), *self._graces.values(), *self._strays]:
            timer.cancel()
        for watchdog in self._watchdogs.values():
            watchdog.timer.cancel()
        self._windows.clear()
        self._graces.clear()
        self._strays.clear()
        self._watchdogs.clear()

    def _arm_watchdog(self, socket: ServerSocket, interval_ms: int) -> asyncio.TimerHandle:
        delay = PINGS_MISSED * interval_ms / 1000
        return asyncio.get_running_loop().call_later(delay, self._watchdog_expired, socket)

    def _watchdog_expired(self, socket: ServerSocket) -> None:
        if socket.session is not None:
            self.host.close_socket(socket, 1000, WATCHDOG_REASON)

    def _window_over(self, session: RpcSession, reason: str) -> None:
        self._windows.pop(session, None)
        self._end(session)
        if reason in _EVICTING_REASONS:
            self.host.evict(session, Reason.NETWORK_DISCONNECT)

    def _grace_over(self, session: RpcSession) -> None:
        self._graces.pop(session, None)
        self._end(session)

    def _end(self, session: RpcSession) -> None:
        self.host.forget(session)
        self._stop(self._windows, session)
        self._stop(self._graces, session)
        if session.socket is not None:
            socket = session.socket
            socket.session = None
            self._drop_watchdog(socket)
            self.host.close_socket(socket, 1000, "")

    def _drop_watchdog(self, socket: ServerSocket) -> None:
        if (watchdog := self._watchdogs.pop(socket, None)) is not None:
            watchdog.timer.cancel()

    @staticmethod
    def _stop(timers: dict[RpcSession, asyncio.TimerHandle], session: RpcSession) -> None:
        if (timer := timers.pop(session, None)) is not None:
            timer.cancel()
