"""The state machine of one session's signaling plane: evidence in, actions out.

    UP --verdict: down--> ATTEMPTING <--> WAITING --the old socket answers--> VERIFYING_OLD_SOCKET --member--> UP
                              |  the new socket opens
                          RESUMING --`connect` accepted--> VERIFYING --member--> UP
                              |                                 |
                              +--40007, not a member, limits, stop--> ENDED

Every transition is a row of `Supervisor.TABLE`, which docs/reconnection.md has too.

One socket is opened at a time, with a deadline of seconds, and reachability probes run beside it in a short loop. When a
probe is answered after unanswered ones, a hanging attempt is dropped and a new one opened. Until `connect` is sent the old
socket is kept: if it answers first, the session stays on it. Afterwards it is not used again: the server may act on the
`connect` at any time, even if we have closed its socket, since TCP goes on sending what was written. For the same reason a
resume is checked for a while if an earlier `connect` may still arrive after it: pings are sent with proofs of membership, and
if the server answers that our socket has no participant (code 803), another one has the session and we resume again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import count
from typing import ClassVar

from .actions import (
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
from .deadlines import Deadlines
from .detector import Detector, Down, ProbeReachability, SendPing
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
    RtpSilent,
    ServerReached,
    ServerUnreachable,
    SignalingEvidence,
    SocketClosed,
    WentOffline,
    WentOnline,
    WokeUp,
)
from .outage import Outage, OutageLog, RecentEvidence
from .outage_facts import OutageFacts
from .policy import ReconnectionContext, ReconnectionPolicy
from .rtp_flow import RtpFlow
from .rtt import RoundTrip
from .states import BEING_VERIFIED, CONNECT_SENT, OUTAGE, PROBED, TRYING, Command, OutageTimer, State
from .transitions import Table, row

# Pings, one a second. Linux delivers the data of a dropped socket for 102 s: `tcp_orphan_retries` 8, from 0.2 s on, doubling.
_OWNERSHIP_CHECKS = 110
# Seconds after an outage whose socket was only slow in which flowing RTP hastens no verdict on a late pong.
_DOUBTED_FOR = 10.0
# The network may be back.
_HINTS = (ServerReached, WentOnline, RtpReturned, NetworkChanged, WokeUp, Command.RECONNECT_NOW)


class Supervisor:
    """The decisions only; the caller carries them out. Call `handle` with evidence, and `tick` when `due_at` has come.

    While the session is up, the `Detector` decides; `TABLE` is about everything else. Records go to `outages`, whose owner
    finishes the record of a lost session. `jitter` returns numbers in [0, 1). `handshake` is how many seconds the opening of
    the first WebSocket took: two round trips at least. It keeps the first pings from counting as late on a slow path.
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
        self._outages = outages
        self._policy = policy
        self._jitter = jitter
        self._rtt = RoundTrip()
        if handshake is not None:
            self._rtt.sample(handshake / 2)
        self._deadlines = Deadlines(policy, self._rtt)
        self._pings = count()
        self._media = RtpFlow()
        self._media.trusted_from = math.inf
        self._detector = Detector(policy, now, self._rtt, self._pings, self._media)
        self._timers: dict[OutageTimer, float] = {}
        self._recent_evidence = RecentEvidence()
        self._facts = OutageFacts(old_socket=False, ping=-1)
        self._ownership_checks = 0  # how many of the next pings have one beside them

    @property
    def outage(self) -> Outage | None:
        """Return the current outage, None without one."""
        return self._outages.last if self.state in OUTAGE else None

    @property
    def due_at(self) -> float | None:
        """Return the time at which `tick` must be called; None for never."""
        return self._detector.due_at if self.state is State.UP else min(self._timers.values(), default=None)

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
        self._media.note(evidence, now)
        if self.outage is None:
            self._recent_evidence.note(now, evidence)
            return self._watch(self._detector.handle(evidence, now), now)
        if not isinstance(evidence, ServerUnreachable):  # left out: it comes three times a second
            self.outage.note_evidence(now, evidence)
        return self._follow(evidence, now)

    def server_tells(self) -> None:
        """Take into account that the server tells when signaling alone does not arrive: else probes hasten no verdict."""
        self._media.trusted_from = -math.inf

    def notified(self, now: float) -> None:
        """Take into account that a notification has arrived on the socket that carries the session."""
        self._detector.notified(now)

    def tick(self, now: float) -> list[Action]:
        """Return the actions that follow from the passing of time."""
        if self.state is State.UP:
            return self._watch(self._detector.tick(now), now)
        actions: list[Action] = []
        for timer in [timer for timer, at in self._timers.items() if at <= now]:
            if self._timers.pop(timer, None) is not None:  # not stopped by one that was due before
                actions += self._follow(timer, now)
        return actions

    def stop(self, now: float) -> list[Action]:
        """End the outage with the loss of the session, on behalf of the application. Does nothing outside an outage."""
        return self._follow(Command.STOP, now)

    def reconnect_now(self, now: float) -> list[Action]:
        """Attempt at once, since the application expects the network to be back. Does nothing outside an outage."""
        return self._follow(Command.RECONNECT_NOW, now)

    def end(self) -> None:
        """End all decisions, because the session ended for another reason."""
        self._enter(State.ENDED)

    # --- how the table is followed -----------------------------------------------------------------------------------

    def _watch(self, outputs: Sequence[Action | Down], now: float) -> list[Action]:
        """Return the detector's actions, and what follows from its verdict."""
        actions: list[Action] = []
        for output in outputs:
            if isinstance(output, Down):
                return actions + self._follow(output, now)
            actions.append(self._with_ownership_check(output) if isinstance(output, SendPing) else output)
        return actions

    def _with_ownership_check(self, ping: SendPing) -> SendPing | SendPingWithOwnershipCheck:
        """Return the ping, with an ownership check beside it while checks remain."""
        if not self._ownership_checks:
            return ping
        self._ownership_checks -= 1
        return SendPingWithOwnershipCheck(ping.number)

    def _follow(self, event: Down | SignalingEvidence | OutageTimer | Command, now: float) -> list[Action]:
        """Make the table's transition for `event`. Guards see the facts from before it, effects those from after it."""
        found = self.TABLE.find(self, self.state, event, now)
        self._facts.note(event)
        if found.next is not None:
            self._enter(found.next)
        return [action for effect in found.effects for action in effect(self, event, now)]

    def _enter(self, state: State) -> None:
        """Change the state, and stop the timers that do not run on in the new one."""
        self.state = state
        in_outage = state in OUTAGE
        runs_on = {OutageTimer.PROBE: state in PROBED, OutageTimer.GIVE_UP: in_outage, OutageTimer.ANNOUNCE: in_outage}
        self._timers = {timer: at for timer, at in self._timers.items() if runs_on.get(timer)}

    # --- guards ------------------------------------------------------------------------------------------------------

    def _known_as_reachable(self, event: object, now: float) -> bool:
        """Return whether the probe before was answered too: only the first answer after silence is a hint."""
        return self._facts.reachable

    def _server_was_down(self, event: object, now: float) -> bool:
        """Return whether the outage began with a closed socket and an attempt was refused: the server has failed."""
        return self._facts.server_was_down

    def _hangs_by_now(self, event: object, now: float) -> bool:
        """Return whether the attempt has lasted longer than an opening takes on this path."""
        return now - self._facts.began_at >= self._deadlines.hanging(self._facts.hung)

    def _network_back(self, event: object, now: float) -> bool:
        """Return whether the last probe was answered, or `online` or RTP came after the last hang timer."""
        return self._facts.network_back

    def _old_socket_answers(self, event: PongReceived, now: float) -> bool:
        """Return whether `connect` was not sent yet and this is no late answer to a check of the membership."""
        return self._facts.old_socket and event.number != self._facts.ping

    def _session_gone(self, event: ResumeRefused, now: float) -> bool:
        """Return whether the server does not have the session any more."""
        return event.session_gone

    def _ping_answered(self, event: object, now: float) -> bool:
        """Return whether the ping sent with the membership request was answered: the network is fine, a ghost was resumed."""
        return self._facts.ping_answered

    def _last_attempt(self, event: object, now: float) -> bool:
        """Return whether the policy ends the session if this attempt fails."""
        return self._facts.next_delay is None

    # --- effects -----------------------------------------------------------------------------------------------------

    def _begin_outage(self, event: Down, now: float) -> list[Action]:
        """Begin the record, start the probes and the limit of the outage; announce it, later if the network works."""
        self._outages.begin(now, event.witness, self._recent_evidence.take(now))
        open_still = event.witness not in ("socket closed", "another socket has the session")
        self._facts = OutageFacts(open_still, self._facts.ping, closed=event.witness == "socket closed")
        if self._policy.attempts.give_up_after is not None:
            self._timers[OutageTimer.GIVE_UP] = now + self._policy.attempts.give_up_after
        self._keep_probing(now)
        if event.network_works:
            self._timers[OutageTimer.ANNOUNCE] = now + self._policy.detection.stuck_patience
            return [SuspendRequests(event.witness)]
        return [SuspendRequests(event.witness), *self._announce(event, now)]

    def _announce(self, event: object, now: float) -> list[Action]:
        """Announce `reconnecting`, unless that was done."""
        if self._outages.last.told:
            return []
        self._outages.last.told = True
        return [AnnounceReconnecting()]

    def _open_socket(self, event: object, now: float) -> list[Action]:
        """Begin an attempt: open a new socket."""
        outage, facts = self._outages.last, self._facts
        outage.note_attempt(now)
        facts.next_delay = self._policy.next_delay(
            ReconnectionContext(outage.attempts, now - outage.began_at, self._jitter(), facts.refused)
        )
        facts.began_at, facts.began_reachable = now, facts.reachable
        self._timers[OutageTimer.DEADLINE] = now + self._deadlines.opening
        if facts.network_back:
            self._schedule_hang(event, now)
        self._keep_probing(now)
        return [AnnounceAttempt(outage.attempts, facts.next_delay), OpenSocket()]

    def _spread(self, event: object, now: float) -> list[Action]:
        """Wait for a random share of `attempts.restart_spread`, unless the delay ends before."""
        at = now + self._policy.attempts.restart_spread * self._jitter()
        self._timers[OutageTimer.DEADLINE] = min(at, self._timers[OutageTimer.DEADLINE])
        return []

    def _schedule_hang(self, event: object, now: float) -> list[Action]:
        """Look again when the attempt counts as hanging."""
        self._timers[OutageTimer.HANG] = self._facts.began_at + self._deadlines.hanging(self._facts.hung)
        return []

    def _drop_hanging(self, event: object, now: float) -> list[Action]:
        """Close the new socket. If the server was reachable when the attempt began, the next ones get twice the time."""
        self._facts.hung += self._facts.began_reachable
        return [DropAttempt()]

    def _clear_online(self, event: object, now: float) -> list[Action]:
        """Count `online` and RTP once only: if the new attempt hangs too, a probe must be answered."""
        self._facts.network_seen = False
        return []

    def _drop_attempt(self, event: object, now: float) -> list[Action]:
        """Close the new socket."""
        return [DropAttempt()]

    def _drop_unanswered(self, event: object, now: float) -> list[Action]:
        """Close the new socket, and record that there was no answer in time."""
        self._outages.last.note_dropped(now, "no answer in time")
        return [DropAttempt()]

    def _wait(self, event: object, now: float) -> list[Action]:
        """Wait for the policy's delay; at most for `backoff_base` if probes are answered and the attempt was not refused."""
        assert self._facts.next_delay is not None, "the last attempt ends the session"
        delay = self._facts.next_delay
        # The failure was chance then, and one retry per deadline does not flood the server.
        if self._facts.reachable and not isinstance(event, AttemptClosed):
            delay = min(delay, self._policy.attempts.backoff_base)
        self._timers[OutageTimer.DEADLINE] = now + delay
        self._keep_probing(now)
        return []

    def _send_connect(self, event: object, now: float) -> list[Action]:
        """Send `connect`, a membership request and a ping on the new socket; the old one is not used any more."""
        self._facts.old_socket = False
        self._timers[OutageTimer.DEADLINE] = now + self._deadlines.resume
        return [SendResume(self._membership_ping())]

    def _ask_old_socket(self, event: object, now: float) -> list[Action]:
        """Send a membership request and a ping on the old socket."""
        return [*self._await_membership(event, now), SendMembershipCheck(self._membership_ping())]

    def _await_membership(self, event: object, now: float) -> list[Action]:
        """Give the membership request, which was sent before, its time."""
        self._timers[OutageTimer.DEADLINE] = now + self._deadlines.membership
        return []

    def _check_ownership(self, event: object, now: float) -> list[Action]:
        """Check the ownership after the outage, since this `connect` may still arrive after a later one."""
        self._ownership_checks = _OWNERSHIP_CHECKS
        return []

    def _probe(self, event: object, now: float) -> list[Action]:
        """Probe the server, and again after `attempts.probe_period`."""
        self._keep_probing(now)
        return [ProbeReachability()]

    def _reconnected(self, event: object, now: float) -> list[Action]:
        """Announce `reconnected` on the new socket."""
        return self._back(now, same_socket=False)

    def _reconnected_on_old_socket(self, event: object, now: float) -> list[Action]:
        """Announce `reconnected` on the old socket."""
        self._media.trusted_from = max(self._media.trusted_from, now + _DOUBTED_FOR)
        return self._back(now, same_socket=True)

    def _lose_refused(self, event: ResumeRefused, now: float) -> list[Action]:
        """Announce the loss: the server refused to resume."""
        return self._lost(now, "the server refused to resume the session", node_crashed=event.node_crashed)

    def _lose_denied(self, event: MembershipDenied, now: float) -> list[Action]:
        """Announce the loss: the server denied the membership."""
        return self._lost(now, f"the server denies the membership (code {event.code})")

    def _lose_ghost(self, event: object, now: float) -> list[Action]:
        """Announce the loss: the server evicted the participant."""
        return self._lost(now, "the server answers pings and does not confirm the membership")

    def _lose_after_last_attempt(self, event: object, now: float) -> list[Action]:
        """Announce the loss: the policy allows no further attempt."""
        return self._lost(now, f"gave up after {self._outages.last.attempts} attempts", gave_up=True)

    def _lose_after_limit(self, event: object, now: float) -> list[Action]:
        """Announce the loss: the outage lasted for `attempts.give_up_after`."""
        return self._lost(now, f"gave up after {self._policy.attempts.give_up_after} s", gave_up=True)

    def _lose_by_command(self, event: object, now: float) -> list[Action]:
        """Announce the loss: the application stopped the reconnection."""
        return self._lost(now, "stop_reconnecting() was called", gave_up=True)

    # --- small things ------------------------------------------------------------------------------------------------

    def _keep_probing(self, now: float) -> None:
        self._timers.setdefault(OutageTimer.PROBE, now + self._policy.attempts.probe_period)

    def _membership_ping(self) -> int:
        self._facts.ping, self._facts.ping_answered = next(self._pings), False
        return self._facts.ping

    def _back(self, now: float, *, same_socket: bool) -> list[Action]:
        self._outages.last.finish(now, "reconnected")
        self._detector = Detector(self._policy, now, self._rtt, self._pings, self._media)
        return [AnnounceReconnected(same_socket)]

    def _lost(self, now: float, because: str, *, node_crashed: bool = False, gave_up: bool = False) -> list[Action]:
        self._outages.last.note(now, "verdict", because)
        return [*self._announce(because, now), AnnounceLost(because, node_crashed, gave_up)]

    # fmt: off
    TABLE: ClassVar[Table[Supervisor, State, Action]] = Table(
        State,
        row(State.UP, Down, None, State.ATTEMPTING, _begin_outage, _open_socket),
        # The old socket
        row(State.WAITING, PongReceived, _old_socket_answers, State.VERIFYING_OLD_SOCKET, _ask_old_socket),
        row(State.ATTEMPTING, PongReceived, _old_socket_answers, State.VERIFYING_OLD_SOCKET, _drop_attempt, _ask_old_socket),
        row(State.VERIFYING_OLD_SOCKET, SocketClosed, None, State.ATTEMPTING, _open_socket),
        # When to attempt
        row((State.WAITING, State.ATTEMPTING), ServerReached, _known_as_reachable, None),
        row(State.WAITING, ServerReached, _server_was_down, None, _spread),
        row(State.WAITING, (*_HINTS, OutageTimer.DEADLINE), None, State.ATTEMPTING, _open_socket),
        row(State.ATTEMPTING, _HINTS, _hangs_by_now, State.ATTEMPTING, _drop_hanging, _open_socket),
        row(State.ATTEMPTING, _HINTS, None, None, _schedule_hang),
        row(State.ATTEMPTING, OutageTimer.HANG, _network_back, State.ATTEMPTING, _clear_online, _drop_hanging, _open_socket),
        # An attempt succeeds
        row(State.ATTEMPTING, AttemptOpened, None, State.RESUMING, _send_connect),
        row(State.RESUMING, ResumeAccepted, None, State.VERIFYING, _await_membership),
        row(State.VERIFYING, MembershipConfirmed, None, State.UP, _reconnected),
        row(State.VERIFYING_OLD_SOCKET, MembershipConfirmed, None, State.UP, _reconnected_on_old_socket),
        # The session is lost
        row(State.RESUMING, ResumeRefused, _session_gone, State.ENDED, _lose_refused),
        row(BEING_VERIFIED, MembershipDenied, None, State.ENDED, _lose_denied),
        row(BEING_VERIFIED, OutageTimer.DEADLINE, _ping_answered, State.ENDED, _lose_ghost),
        # An attempt fails
        row(TRYING, AttemptClosed, _last_attempt, State.ENDED, _lose_after_last_attempt),
        row(State.ATTEMPTING, AttemptClosed, None, State.WAITING, _wait),
        row(CONNECT_SENT, AttemptClosed, None, State.WAITING, _check_ownership, _wait),
        row(State.RESUMING, ResumeRefused, _last_attempt, State.ENDED, _drop_unanswered, _lose_after_last_attempt),
        row(State.RESUMING, ResumeRefused, None, State.WAITING, _check_ownership, _drop_unanswered, _wait),
        row(TRYING, OutageTimer.DEADLINE, _last_attempt, State.ENDED, _drop_unanswered, _lose_after_last_attempt),
        row(State.ATTEMPTING, OutageTimer.DEADLINE, None, State.WAITING, _drop_unanswered, _wait),
        row(CONNECT_SENT, OutageTimer.DEADLINE, None, State.WAITING, _check_ownership, _drop_unanswered, _wait),
        row(State.VERIFYING_OLD_SOCKET, OutageTimer.DEADLINE, None, State.ATTEMPTING, _open_socket),
        # In the whole outage
        row(PROBED, OutageTimer.PROBE, None, None, _probe),
        row(OUTAGE, (OutageTimer.ANNOUNCE, RtpSilent, WentOffline), None, None, _announce),
        row(OUTAGE, OutageTimer.GIVE_UP, None, State.ENDED, _lose_after_limit),
        row(OUTAGE, Command.STOP, None, State.ENDED, _lose_by_command),
        # Anything else
        row((), object, None, None),
    )
    # fmt: on
