"""The shell around the supervisor: it owns the sockets, carries out actions and reports evidence. It decides nothing.

Order of calls: `open` (one socket; its loss fails the joining), `supervise` once the room is joined, `close`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, count

from pyvidu.errors import ConnectionFailedError, NotConnectedError, OpenViduError, SessionLostError
from pyvidu.platform import Host, NetworkMonitor, Socket, Timer
from pyvidu.protocol.messages import Call, LeaveRoom
from pyvidu.protocol.reasons import Reason
from pyvidu.reconnection.actions import (
    Action,
    AnnounceAttempt,
    AnnounceLost,
    AnnounceReconnected,
    AnnounceReconnecting,
    DropAttempt,
    OpenSocket,
    SendMembershipCheck,
    SendPingWithOwnershipCheck,
    SendResume,
    SuspendRequests,
)
from pyvidu.reconnection.detector import ProbeReachability, ProbeWebSocket, SendPing, SilenceRefuted
from pyvidu.reconnection.evidence import (
    AttemptClosed,
    AttemptOpened,
    NetworkChanged,
    RtpEvidence,
    SessionMoved,
    SignalingEvidence,
    SocketClosed,
    Unheard,
    WentOffline,
    WentOnline,
    WokeUp,
)
from pyvidu.reconnection.outage import OutageLog
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.reconnection.rtt import RoundTrip
from pyvidu.reconnection.supervisor import Supervisor

from .evidence_requests import EvidenceRequests
from .listener import SignalingListener
from .probes import Probes
from .request_queue import RequestQueue
from .rpc_socket import RpcError, RpcSocket

logger = logging.getLogger(__name__)

CLOSED_BY_CLIENT = 4102
REPLACED_BY_RECONNECTION = 4104


class SignalingPlane:
    """One participant's signaling connection to OpenVidu, over one WebSocket after another."""

    def __init__(self, host: Host, policy: ReconnectionPolicy, outages: OutageLog, listener: SignalingListener) -> None:
        self._host = host
        self._outages = outages
        self._policy = policy
        self._listener = listener
        self._ids = count()
        self._request_queue = RequestQueue(
            host.clock,
            self._ids,
            policy.requests.queue_limit,
            session_moved=lambda: self._report(SessionMoved()),
            suspected=lambda: self._supervisor is not None and self._supervisor.suspects,
        )
        self._evidence_requests = EvidenceRequests(self._report)
        self._received = 0  # number of notifications of this RPC session
        # By socket, in the order in which they were opened: what was sent on an earlier one was sent earlier, though it may
        # arrive later.
        self._held_back: dict[RpcSocket, list[tuple[str, object]]] = {}
        self._listening = False  # once set, notifications are held back in outages only
        self._current: RpcSocket | None = None
        self._superseded = False  # `connect` was sent on a newer socket than the current one
        self._attempt: RpcSocket | None = None
        self._opening: asyncio.Future[None] | None = None
        self._supervisor: Supervisor | None = None
        self._joined = False  # once set, outages are survived; before, a drop fails the joining
        self._monitor: NetworkMonitor | None = None
        self._timer: Timer | None = None
        self.probes = Probes(host.reachability, host.clock, policy.attempts.probe_timeout, self._report)
        self._url = ""
        self._closed = False
        self.replays = False

    @property
    def is_closed(self) -> bool:
        """Return whether `close` was called."""
        return self._closed

    @property
    def is_up(self) -> bool:
        """Return whether requests are sent at once."""
        return self._supervisor is not None and self._supervisor.outage is None and not self._closed

    @property
    def socket(self) -> Socket | None:
        """Return the WebSocket that carries the session, None without one; for diagnostics."""
        return self._current.socket if self._current is not None else None

    @property
    def round_trip(self) -> RoundTrip | None:
        """Return the estimate of the path's round-trip time, None before a socket is open; for diagnostics."""
        return self._supervisor.round_trip if self._supervisor is not None else None

    # --- life --------------------------------------------------------------------------------------------------------

    async def open(self, url: str) -> None:
        """Open the first socket and send the first ping, which declares the heartbeat interval to the server.

        From here on the socket is watched. If it is lost before `supervise`, all requests fail with `ConnectionFailedError`:
        only the socket of a participant can be replaced.

        Raises:
            ConnectionFailedError: it could not be opened within `requests.timeout`; the message gives the cause.
        """
        self._opening = asyncio.get_running_loop().create_future()
        began = self._host.clock.now()
        try:
            self._current = self._new_socket(url)
            async with asyncio.timeout(self._policy.requests.timeout):
                await self._opening
        except OSError as error:  # TimeoutError is one
            self.close(ConnectionFailedError("The connection was closed before it opened"))
            timeout = self._policy.requests.timeout
            why = f"no answer within {timeout:g} s" if isinstance(error, TimeoutError) else str(error)
            raise ConnectionFailedError(f"No connection to {_without_query(url)}: {why}") from error
        finally:
            self._opening = None
        if self._current is None:  # closed since it opened, before this task ran again
            raise ConnectionFailedError(f"No connection to {_without_query(url)}: it was closed as soon as it was open")
        self._url = url
        now = self._host.clock.now()
        self._supervisor = Supervisor(self._policy, now, self._host.chance, self._outages, handshake=now - began)
        self._monitor = self._host.watch_network(self)
        self._do(self._supervisor.tick(now))
        self._request_queue.attach(self._current)

    def supervise(
        self, rpc_session: str, probe_url: str, url: str, *, replays: bool = False, life: int | None = None
    ) -> None:
        """Survive network drops from now on, by resuming the RPC session `rpc_session`.

        New sockets are opened at `url`, reachability probes request `probe_url`. `replays`: the server runs a repeated
        request once, sends missed notifications after a resume and tells what does not arrive. `life` is that of a cluster's
        node.
        """
        self._evidence_requests.rpc_session, self._evidence_requests.life = rpc_session, life
        self._request_queue.exactly_once = self.replays = replays
        self._url = url
        if replays and self._supervisor is not None:
            self._supervisor.server_tells()
        self._joined = True
        self.probes.watch(probe_url, known=replays)

    def listen(self) -> None:
        """Pass notifications on from now on, those first that have arrived before the room was populated."""
        self._listening = True
        self._pass_on_held_back()

    def request(self, call: Call, *, repeatable: bool = True, timeout: float | None = None) -> asyncio.Future[object]:
        """Send `call` at once, or after an outage; return the future of its result. See `RequestQueue.request`."""
        timeout = self._policy.requests.timeout if timeout is None else timeout
        return self._request_queue.request(call, repeatable=repeatable, timeout=timeout)

    def send(self, call: Call) -> None:
        """Send a request in order with the others. It is dropped in an outage, not repeated; only a refusal is reported."""
        if self._current is not None and self.is_up:
            self._current.request(call).add_done_callback(partial(self._answered, call))

    def leave(self) -> None:
        """Send `leaveRoom` synchronously, on every open socket.

        Even on a silent socket it arrives once packets get through again. While `connect` is under way it is unknown which of
        the two sockets the server assigns to the participant.
        """
        for socket in (self._attempt, self._current):
            if socket is not None and socket.is_open:
                socket.request(LeaveRoom()).add_done_callback(_retrieved)

    def close(self, error: OpenViduError | None = None) -> None:
        """Close all sockets, timers and tasks; pending requests fail with `error`. The listener is not called any more."""
        if self._closed:
            return
        self._closed = True
        if self._supervisor is not None:
            self._supervisor.end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        self._evidence_requests.close()
        self.probes.close()
        self._drop_attempt()
        if self._current is not None:
            self._current.close(CLOSED_BY_CLIENT, "Connection closed by client")
            self._current = None
        error = error or NotConnectedError("The session is not connected any more")
        if self._opening is not None and not self._opening.done():
            self._opening.set_exception(error)
        self._request_queue.close(error)

    def stop_reconnecting(self) -> None:
        """End an outage with the loss of the session. Does nothing without an outage."""
        if self._supervisor is not None:
            self._do(self._supervisor.stop(self._host.clock.now()))

    def reconnect_now(self) -> None:
        """Attempt at once instead of after the delay. Does nothing without an outage."""
        if self._supervisor is not None:
            self._do(self._supervisor.reconnect_now(self._host.clock.now()))

    def rtp(self, evidence: RtpEvidence) -> None:
        """Report what the RTP of all received streams tells about the network."""
        self._report(evidence)

    def unheard(self) -> None:
        """Report that the server says that nothing arrives of this participant: a witness."""
        self._report(Unheard())

    # --- evidence in -------------------------------------------------------------------------------------------------

    def _report(self, evidence: SignalingEvidence) -> None:
        if self._supervisor is not None and not self._closed:
            self._do(self._supervisor.handle(evidence, self._host.clock.now()))

    def _tick(self) -> None:
        self._timer = None
        assert self._supervisor is not None, "the timer is set for a supervisor, and cancelled by close"
        self._do(self._supervisor.tick(self._host.clock.now()))

    def rpc_opened(self, socket: RpcSocket) -> None:
        """Handle the opening of the first socket or of an attempt's."""
        if self._opening is not None and not self._opening.done():
            self._opening.set_result(None)
        elif socket is self._attempt:
            self._report(AttemptOpened())

    def rpc_closed(self, socket: RpcSocket, code: int, reason: str) -> None:
        """Handle the close of a socket by the server or the network."""
        if not self._joined:
            error = ConnectionFailedError(reason or f"the WebSocket was closed (code {code})")
            if self._opening is not None and not self._opening.done():
                self._opening.set_exception(OSError(str(error)))
            else:
                self.close(error)
        elif socket is self._attempt:
            self._release_attempt()
            self._report(AttemptClosed(code))
        elif socket is self._current:
            self._current = None
            self._report(SocketClosed(code, reason))

    def rpc_notified(self, socket: RpcSocket, method: str, params: object) -> None:
        """Handle a notification; before `listen` and during an outage it is held back, until `signaling_reconnected`.

        What arrives on the old socket after `connect` was sent on a new one is sent again by a server that replays, and must
        not be counted twice.
        """
        if self._closed or (socket is self._current and self._superseded and self.replays):
            return
        self._received += 1
        if socket is self._current and self._supervisor is not None:
            self._supervisor.notified(self._host.clock.now())
        if not self._listening or (self._supervisor is not None and self._supervisor.outage is not None):
            self._held_back[socket].append((method, params))
        else:
            self._tell(self._listener.signaling_notified, method, params)

    def network_offline(self) -> None:
        """Report `offline`: a witness."""
        self._report(WentOffline())

    def network_online(self) -> None:
        """Report `online`: evidence that the network is back."""
        self._report(WentOnline())

    def network_changed(self) -> None:
        """Report a change of the network: a witness."""
        self._report(NetworkChanged())

    def page_woke_up(self) -> None:
        """Report that the page runs again after a freeze or sleep: a witness."""
        self._report(WokeUp())

    def page_unloading(self) -> None:
        """Report to the listener that the page is being unloaded."""
        self._listener.signaling_unloading()

    # --- actions out -------------------------------------------------------------------------------------------------

    def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if self._closed:
                return
            self._do_one(action)
        self._rearm()

    def _do_one(self, action: Action) -> None:
        match action:
            case SendPing(number):
                declared = round(self._policy.detection.declared_interval * 1000) if number == 0 else None
                self._evidence_requests.ping(_required(self._current), number, self._count, declared)
            case SendPingWithOwnershipCheck(number):
                self._evidence_requests.check_ownership(_required(self._current), self._listener.membership_check())
                self._evidence_requests.ping(_required(self._current), number, self._count)
            case ProbeWebSocket():
                self.probes.web_socket(self._url)
            case ProbeReachability(within):
                self.probes.server(within)
            case OpenSocket():
                self._open_attempt()
            case DropAttempt():
                self._drop_attempt()
            case SendResume(ping):
                self._superseded = True
                self._evidence_requests.resume(_required(self._attempt), self._count)
                self._check_membership(_required(self._attempt), ping)
            case SendMembershipCheck(ping):
                self._check_membership(_required(self._current), ping)
            case SuspendRequests(witness):
                self._suspend(witness)
            case AnnounceReconnecting():
                self._tell(self._listener.signaling_reconnecting)
            case AnnounceAttempt(number, next_delay):
                self._tell(self._listener.signaling_attempt, number, next_delay)
            case AnnounceReconnected(same_socket):
                self._come_back(same_socket)
            case SilenceRefuted():
                self._tell(self._listener.signaling_refuted_silence)
            case _:
                self._end(action)

    def _suspend(self, witness: str) -> None:
        if not self._joined:
            self.close(ConnectionFailedError(f"The network dropped while the session was being joined ({witness})"))
            return
        self._request_queue.suspend()
        self._tell(self._listener.signaling_suspended)

    def _come_back(self, same_socket: bool) -> None:
        if not same_socket:
            if self._current is not None:
                self._current.close(REPLACED_BY_RECONNECTION, "Connection replaced by a reconnection")
            self._current, self._attempt = _required(self._attempt), None
            self._request_queue.abandon_answers()
        self._superseded = False
        self._tell(self._listener.signaling_reconnected)
        self._pass_on_held_back()
        if not self._closed and self.is_up and self._current is not None:
            self._request_queue.attach(self._current)

    def _pass_on_held_back(self) -> None:
        if self._closed:  # by the listener, in the event before
            return
        held_back, self._held_back = self._held_back, {_required(self._current): []}
        for method, params in chain.from_iterable(held_back.values()):
            if not self._closed:
                self._tell(self._listener.signaling_notified, method, params)

    def _end(self, lost: AnnounceLost) -> None:
        reason = Reason.NODE_CRASHED if lost.node_crashed else Reason.NETWORK_DISCONNECT
        if lost.gave_up:  # the server may still hold the participant, and data sent on a silent socket may yet arrive
            self.leave()
        self.close(SessionLostError(reason))
        self._tell(self._listener.signaling_lost, reason, gave_up=lost.gave_up)

    def _tell(self, report: Callable[..., None], *about: object, **more: object) -> None:
        """Call the listener. Whatever it raises is logged: it must not stop a return half-way, nor the timers."""
        try:
            report(*about, **more)
        except Exception:
            logger.exception("a report of the signaling plane failed")

    def _answered(self, call: Call, answer: asyncio.Future[object]) -> None:
        error = answer.exception()
        if isinstance(error, RpcError) and not self._closed:
            self._tell(self._listener.signaling_refused, call, error)

    def _new_socket(self, url: str) -> RpcSocket:
        socket = RpcSocket(self._host.sockets, url, self._ids, self)
        self._held_back[socket] = []
        return socket

    def _open_attempt(self) -> None:
        try:
            self._attempt = self._new_socket(self._url)
        except OSError:
            self._host.clock.call_later(0, lambda: self._report(AttemptClosed()))

    def _drop_attempt(self) -> None:
        if self._attempt is not None:
            self._attempt.close()
            self._release_attempt()

    def _release_attempt(self) -> None:
        socket, self._attempt = _required(self._attempt), None
        if not self._held_back.get(socket):  # what was held back of it stays
            self._held_back.pop(socket, None)

    @property
    def _count(self) -> int | None:
        """Return the number of notifications so far for a server that replays, else None."""
        return self._received if self.replays else None

    def _check_membership(self, socket: RpcSocket, ping: int) -> None:
        self._evidence_requests.membership(socket, self._listener.membership_check())
        self._evidence_requests.ping(socket, ping, self._count)

    def _rearm(self) -> None:
        old, self._timer = self._timer, None
        due = self._supervisor.due_at if self._supervisor is not None and not self._closed else None
        if due is not None:
            self._timer = self._host.clock.call_later(due - self._host.clock.now(), self._tick)
        if old is not None:
            old.cancel()


def _required(socket: RpcSocket | None) -> RpcSocket:
    assert socket is not None, "the supervisor asks for this only while it has reported such a socket as open"
    return socket


def _retrieved(answer: asyncio.Future[object]) -> None:
    """Retrieve the outcome of an ignored answer, so that asyncio logs no warning about an error."""
    answer.exception()


def _without_query(url: str) -> str:
    return url.partition("?")[0]
