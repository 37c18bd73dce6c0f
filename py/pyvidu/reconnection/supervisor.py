"""The state machine of one session's signaling plane: evidence in, actions out.

    UP --verdict: down--> ATTEMPTING <--> WAITING
                              |  the new socket opens
                          RESUMING --`connect` accepted--> VERIFYING --member--> UP
                              |                                 |
                              +--40007, not a member, limits, stop--> ENDED

One socket is opened at a time, with a deadline of seconds, and reachability probes run beside it in a short loop. When a
probe is answered after unanswered ones, a hanging attempt is dropped and a new one opened. Until `connect` is sent the old
socket is kept: if it answers first, the session stays on it. Afterwards it is not used again: the server may act on the
`connect` at any time, even if we have closed its socket, since TCP goes on sending what was written. For the same reason a
resume is checked for a while if an earlier `connect` may still arrive after it: pings are sent with proofs of membership, and
if the server answers that our socket has no participant (code 803), another one has the session and we resume again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from itertools import count

from .actions import (
    Action,
    AnnounceAttempt,
    AnnounceLost,
    AnnounceReconnected,
    AnnounceReconnecting,
    DropAttempt,
    OpenSocket,
    ProbeReachability,
    SendMembershipCheck,
    SendPingWithOwnershipCheck,
    SendResume,
)
from .detector import Detector, Down, SendPing
from .evidence import (
    AttemptClosed,
    AttemptOpened,
    MembershipConfirmed,
    MembershipDenied,
    NetworkChanged,
    PongReceived,
    ResumeAccepted,
    ResumeRefused,
    RtpReturned,
    ServerReached,
    ServerUnreachable,
    SessionMoved,
    SignalingEvidence,
    SocketClosed,
    WentOnline,
    WokeUp,
)
from .outage import Outage, OutageLog, RecentEvidence
from .policy import ReconnectionContext, ReconnectionPolicy
from .rtp_flow import RtpFlow
from .rtt import RoundTrip

_ROUND_TRIPS = 4  # until a WebSocket is open: TCP, TLS, its own handshake, and one for a lost packet
# Pings, one a second. Linux delivers the data of a dropped socket for 102 s: `tcp_orphan_retries` 8, from 0.2 s on, doubling.
_OWNERSHIP_CHECKS = 110


class State(Enum):
    """The states of a session's signaling plane."""

    UP = auto()
    WAITING = auto()  # between two attempts
    ATTEMPTING = auto()  # a new socket is being opened
    RESUMING = auto()  # the new socket is open, `connect` is sent
    VERIFYING = auto()  # resumed, membership not yet confirmed
    ENDED = auto()


class Supervisor:
    """The decisions only; the caller carries them out. Call `handle` with evidence, and `tick` when `due_at` has come.

    `outage` is the current outage, or None; records go to `outages`, whose owner finishes the record of a lost session.
    `jitter` returns numbers in [0, 1). `handshake` is how many seconds the opening of the first WebSocket took: two round
    trips at least. It keeps the first pings from counting as late on a slow path.
    """

    def __init__(
        self,
        policy: ReconnectionPolicy,
        now: float,
        jitter: Callable[[], float],
        outages: OutageLog,
        handshake: float | None = None,
    ) -> None:
        self.state = State.UP
        self.outage: Outage | None = None
        self._outages = outages
        self._policy = policy
        self._jitter = jitter
        self._rtt = RoundTrip()
        if handshake is not None:
            self._rtt.sample(handshake / 2)
        self._pings = count()
        self._media = RtpFlow()
        self._detector = Detector(policy, now, self._rtt, self._pings, self._media)
        self._timers: dict[str, float] = {}
        self._recent_evidence = RecentEvidence()
        self._old_socket = False
        self._ownership_checks = 0
        self._reachable = False
        self._network_is_there = False  # by `online` or RTP
        self._attempt_began = now
        self._began_reachable = False
        self._hung = 0  # consecutive attempts that hung although the server was reachable when they began
        self._next_delay: float | None = None
        self._resumed_on_old = False
        self._verifying_ping = -1  # its pong tells an eviction from a drop if the membership check is unanswered
        self._socket_answers = False

    @property
    def due_at(self) -> float | None:
        """Return the time at which `tick` must be called; None for never."""
        if self.state is State.ENDED:
            return None
        if self.state is State.UP:
            return self._detector.due_at
        return min(self._timers.values(), default=None)

    @property
    def round_trip(self) -> RoundTrip:
        """Return the estimate of the path's round-trip time, for diagnostics."""
        return self._rtt

    @property
    def suspects(self) -> bool:
        """Return whether a probe of the socket that carries the session is unanswered."""
        return self.state is State.UP and self._detector.suspects

    # --- what the shell calls ----------------------------------------------------------------------------------------

    def handle(self, evidence: SignalingEvidence, now: float) -> list[Action]:
        """Return the actions that follow from `evidence`, observed at `now`."""
        if self.state is State.ENDED:
            return []
        if self.outage is None:
            self._recent_evidence.note(now, evidence)
        elif not isinstance(evidence, ServerUnreachable):  # left out: it comes three times a second
            self.outage.note_evidence(now, evidence)
        self._media.note(evidence, now)
        if self.state is State.UP:
            if isinstance(evidence, SessionMoved):
                return self._down("another socket has the session", now)
            return self._watch(self._detector.handle(evidence, now), now)
        match evidence:
            case SocketClosed():
                return self._old_socket_closed(now)
            case PongReceived(number) if number == self._verifying_ping:
                self._socket_answers = True
            case PongReceived():
                return self._old_socket_answered(now)
            case ServerReached():
                return self._server_reached(now)
            case ServerUnreachable():
                self._reachable = False
            case WentOnline() | RtpReturned():
                self._network_is_there = True
                return self._network_may_be_back(now)
            case NetworkChanged() | WokeUp():
                return self._network_may_be_back(now)
            case AttemptOpened() if self.state is State.ATTEMPTING:
                return self._attempt_opened(now)
            case AttemptClosed():
                return self._attempt_failed(now, drop=False)
            case ResumeAccepted() if self.state is State.RESUMING:
                self._enter(State.VERIFYING, membership=now + self._membership_deadline(), reach=None)
            case ResumeRefused(_, session_gone, node_crashed) if self.state is State.RESUMING:
                if session_gone:
                    return self._lost(now, "the server refused to resume the session", node_crashed=node_crashed)
                return self._attempt_failed(now, drop=True)
            case MembershipConfirmed() if self.state is State.VERIFYING:
                return self._recovered(now)
            case MembershipDenied(code) if self.state is State.VERIFYING:
                return self._lost(now, f"the server denies the membership (code {code})")
        return []

    def tick(self, now: float) -> list[Action]:
        """Return the actions that follow from the passing of time."""
        if self.state is State.UP:
            return self._watch(self._detector.tick(now), now)
        actions: list[Action] = []
        for name in [name for name, at in self._timers.items() if at <= now]:
            if self._timers.pop(name, None) is not None:
                actions += self._timer(name, now)
        return actions

    def stop(self, now: float) -> list[Action]:
        """End the outage with the loss of the session, on behalf of the application. Does nothing outside an outage."""
        return self._lost(now, "stop_reconnecting() was called", gave_up=True) if self.outage is not None else []

    def reconnect_now(self, now: float) -> list[Action]:
        """Attempt at once, since the application expects the network to be back. Does nothing outside an outage."""
        return self._network_may_be_back(now) if self.outage is not None else []

    def end(self) -> None:
        """End all decisions, because the session ended for another reason."""
        self.state = State.ENDED
        self.outage = None
        self._timers.clear()

    # --- decisions ---------------------------------------------------------------------------------------------------

    def _watch(self, outputs: Sequence[Action | Down], now: float) -> list[Action]:
        actions: list[Action] = []
        for output in outputs:
            if isinstance(output, Down):
                return actions + self._down(output.witness, now)
            actions.append(self._with_ownership_check(output) if isinstance(output, SendPing) else output)
        return actions

    def _with_ownership_check(self, ping: SendPing) -> SendPing | SendPingWithOwnershipCheck:
        """Return the ping, with an ownership check beside it while checks remain."""
        if not self._ownership_checks:
            return ping
        self._ownership_checks -= 1
        return SendPingWithOwnershipCheck(ping.number)

    def _down(self, witness: str, now: float) -> list[Action]:
        self.outage = self._outages.begin(now, witness, self._recent_evidence.take(now))
        self._old_socket = witness not in ("socket closed", "another socket has the session")
        self._reachable = self._network_is_there = False
        self._hung = 0
        if self._policy.give_up_after is not None:
            self._timers["give up"] = now + self._policy.give_up_after
        self._timers["reach"] = now + self._policy.reachability_period
        return [AnnounceReconnecting(witness), *self._attempt(now)]

    def _attempt(self, now: float) -> list[Action]:
        outage = self._current()
        outage.note_attempt(now)
        context = ReconnectionContext(outage.attempts, now - outage.began_at, self._jitter())
        self._next_delay = self._policy.next_delay(context)
        self._attempt_began, self._began_reachable = now, self._reachable
        hang = now + self._hangs_after if self._reachable or self._network_is_there else None
        deadline = max(self._policy.attempt_deadline, self._handshake_time)
        self._enter(State.ATTEMPTING, attempt=now + deadline, hang=hang)
        self._timers.setdefault("reach", now + self._policy.reachability_period)
        return [AnnounceAttempt(outage.attempts, self._next_delay), OpenSocket()]

    def _attempt_opened(self, now: float) -> list[Action]:
        self._old_socket = False
        self._enter(State.RESUMING, resume=now + max(self._policy.resume_deadline, self._handshake_time))
        return [SendResume(self._verification_ping())]

    def _attempt_failed(self, now: float, *, drop: bool) -> list[Action]:
        if self.state is State.WAITING or (self.state is State.VERIFYING and self._resumed_on_old):
            return []
        if self.state in (State.RESUMING, State.VERIFYING):
            self._ownership_checks = _OWNERSHIP_CHECKS
        dropped: list[Action] = [DropAttempt()] if drop else []
        self._current().note_dropped(now, "no answer in time")
        if self._next_delay is None:
            return [*dropped, *self._lost(now, f"gave up after {self._current().attempts} attempts", gave_up=True)]
        # Retry soon if probes are answered: the failure was chance, and one retry per deadline does not flood the server.
        delay = min(self._next_delay, self._policy.backoff_base) if drop and self._reachable else self._next_delay
        self._enter(State.WAITING, wait=now + delay)
        self._timers.setdefault("reach", now + self._policy.reachability_period)
        return dropped

    def _network_may_be_back(self, now: float) -> list[Action]:
        """Attempt at once, because the network may be back; an attempt that hangs by now is replaced by a new one."""
        if self.state is State.WAITING:
            return self._attempt(now)
        if self.state is State.ATTEMPTING:
            if now - self._attempt_began >= self._hangs_after:
                return self._hangs(now)
            self._timers["hang"] = self._attempt_began + self._hangs_after
        return []

    @property
    def _handshake_time(self) -> float:
        """Return roughly how many seconds the round trips of one attempt take."""
        return min(_ROUND_TRIPS * (self._rtt.smoothed or 0.0), self._policy.deadline_cap)

    @property
    def _hangs_after(self) -> float:
        """Return the seconds after which an attempt that is not open counts as hanging rather than slow.

        Opening takes several round trips. Besides, each attempt that hung although the server was reachable doubles the time
        for the next one: otherwise, on a path slower than estimated, every attempt would be dropped before it could open.
        """
        usual = max(self._policy.hang_after, _ROUND_TRIPS * self._rtt.timeout)
        return min(usual * 2.0 ** min(self._hung, 16), self._policy.attempt_deadline)

    def _hangs(self, now: float) -> list[Action]:
        self._hung += self._began_reachable
        return [DropAttempt(), *self._attempt(now)]

    def _server_reached(self, now: float) -> list[Action]:
        # Only the first answer after silence counts: a server that answers fetches but refuses WebSockets must not get an
        # attempt per probe.
        turned = not self._reachable
        self._reachable = True
        return self._network_may_be_back(now) if turned else []

    def _old_socket_answered(self, now: float) -> list[Action]:
        if not self._old_socket or self.state not in (State.WAITING, State.ATTEMPTING):
            return []
        attempting = self.state is State.ATTEMPTING
        self._resumed_on_old = True
        self._enter(State.VERIFYING, membership=now + self._membership_deadline(), reach=None)
        actions: list[Action] = [DropAttempt()] if attempting else []
        return [*actions, SendMembershipCheck(self._verification_ping())]

    def _old_socket_closed(self, now: float) -> list[Action]:
        self._old_socket = False
        if self.state is State.VERIFYING and self._resumed_on_old:
            self._resumed_on_old = False
            return self._attempt(now)
        return []

    def _recovered(self, now: float) -> list[Action]:
        same = self._resumed_on_old
        self._current().finish(now, "reconnected")
        self.outage = None
        self._enter(State.UP, reach=None, **{"give up": None})
        self._resumed_on_old = False
        self._detector = Detector(self._policy, now, self._rtt, self._pings, self._media)
        return [AnnounceReconnected(same)]

    def _membership_unanswered(self, now: float) -> list[Action]:
        if self._socket_answers:  # pings are answered, so the network is fine: a ghost was resumed
            return self._lost(now, "the server answers pings and does not confirm the membership")
        if self._resumed_on_old:  # it was silent again before it answered
            self._resumed_on_old = False
            return self._attempt(now)
        return self._attempt_failed(now, drop=True)

    def _lost(self, now: float, because: str, *, node_crashed: bool = False, gave_up: bool = False) -> list[Action]:
        self._current().note(now, "verdict", because)
        self.end()
        return [AnnounceLost(because, node_crashed, gave_up)]

    def _timer(self, name: str, now: float) -> list[Action]:
        match name:
            case "wait":
                return self._attempt(now)
            case "attempt" | "resume":
                return self._attempt_failed(now, drop=True)
            case "hang" if self._reachable or self._network_is_there:
                self._network_is_there = False  # trusted once: if the new attempt hangs too, a probe must be answered
                return self._hangs(now)
            case "membership":
                return self._membership_unanswered(now)
            case "give up":
                return self._lost(now, f"gave up after {self._policy.give_up_after} s", gave_up=True)
            case "reach":
                self._timers["reach"] = now + self._policy.reachability_period
                return [ProbeReachability()]
        return []

    # --- small things ------------------------------------------------------------------------------------------------

    def _enter(self, state: State, **timers: float | None) -> None:
        """Change the state. This clears the old state's timers; `reach` and `give up` are kept unless set to None."""
        kept = {name: at for name, at in self._timers.items() if name in ("reach", "give up")}
        kept.update({name: at for name, at in timers.items() if at is not None})
        for name, at in timers.items():
            if at is None:
                kept.pop(name, None)
        self.state = state
        self._timers = kept

    def _verification_ping(self) -> int:
        self._verifying_ping = next(self._pings)
        self._socket_answers = False
        return self._verifying_ping

    def _membership_deadline(self) -> float:
        return max(self._policy.membership_deadline, min(2 * self._rtt.timeout, self._policy.deadline_cap))

    def _current(self) -> Outage:
        assert self.outage is not None, "only called during an outage"
        return self.outage
