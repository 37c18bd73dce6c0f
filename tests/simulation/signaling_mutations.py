"""Faults seeded into what decides about the signaling plane, into its shell, and into the server."""

from __future__ import annotations

from tests.simulation.mutation import Mutation

SIGNALING = (
    Mutation(
        "an attempt is not dropped at its deadline",
        "reconnection.supervisor:Supervisor._drop_unanswered",
        "return [DropAttempt()]",
        "return []",
    ),
    Mutation(
        "the timer between two attempts is lost",
        "reconnection.supervisor:Supervisor._wait",
        "self._timers[OutageTimer.DEADLINE] = now + delay",
        "pass",
    ),
    Mutation(
        "a refusal does not lengthen the next delay",
        "reconnection.policy:ReconnectionPolicy.next_delay",
        "ceiling / 2 if context.refused else 0.0",
        "0.0",
    ),
    Mutation(
        "refusals are not counted",
        "reconnection.outage_facts:OutageFacts.note",
        "self.refused += 1",
        "pass",
    ),
    Mutation(
        "every answered probe is a hint",
        "reconnection.supervisor:Supervisor.TABLE",
        "row((State.WAITING, State.ATTEMPTING), ServerReached, _known_as_reachable, None),",
        "",
    ),
    Mutation(
        "a portal's answer is taken for the server's",
        "signaling.probes:Probes.server",
        "self._url, timeout, self.answer",
        "self._url, timeout",
    ),
    Mutation(
        "a server that hears nothing is not believed",
        "reconnection.detector:Detector.handle",
        'case Unheard() if self._witness in (None, "late pong", *_SILENCE):',
        "case Unheard() if False:",
    ),
    Mutation(
        "a server that hears nothing is not believed while RTP pauses",
        "reconnection.detector:Detector.handle",
        'case Unheard() if self._witness in (None, "late pong", *_SILENCE):',
        'case Unheard() if self._witness in (None, "late pong"):',
    ),
    Mutation(
        "nothing is probed while a pong is late",
        "reconnection.second_opinion:SecondOpinion.due_at",
        "if self._sent >= _PROBES:",
        "if True:",
    ),
    Mutation(
        "unanswered probes are no evidence",
        "reconnection.second_opinion:SecondOpinion.verdict_at",
        "return min(usual, max(asked + self._detection.opinion_limit, self._last + time))",
        "return usual",
    ),
    Mutation(
        "time without an answer is forgotten with a wake-up",
        "reconnection.detector:Detector._forget_pings",
        "self._waited + max(0.0, awake)",
        "0.0",
    ),
    Mutation(
        "a resume has no deadline",
        "reconnection.supervisor:Supervisor._send_connect",
        "self._timers[OutageTimer.DEADLINE] = now + self._deadlines.resume",
        "pass",
    ),
    Mutation(
        "membership is not verified",
        "reconnection.supervisor:Supervisor.TABLE",
        "row(State.RESUMING, ResumeAccepted, None, State.VERIFYING, _await_membership)",
        "row(State.RESUMING, ResumeAccepted, None, State.UP, _reconnected)",
    ),
    Mutation(
        "a former socket confirms a membership",
        "signaling.evidence_requests:EvidenceRequests.membership",
        "counts=lambda: self._verified is socket",
        "counts=lambda: True",
    ),
    Mutation(
        "an unanswered membership check counts as confirmed",
        "reconnection.supervisor:Supervisor.TABLE",
        "row(BEING_VERIFIED, OutageTimer.DEADLINE, _ping_answered, State.ENDED, _lose_ghost)",
        "row(State.VERIFYING, OutageTimer.DEADLINE, _ping_answered, State.UP, _reconnected), "
        "row(State.VERIFYING_OLD_SOCKET, OutageTimer.DEADLINE, _ping_answered, State.UP, _reconnected_on_old_socket)",
    ),
    Mutation(
        "a resume refused with 40007 is retried without end",
        "reconnection.supervisor:Supervisor._session_gone",
        "return event.session_gone",
        "return not event.session_gone",
    ),
    Mutation(
        "an attempt counts as hanging after 0.3 s on any path",
        "reconnection.deadlines:Deadlines.hanging",
        "return min(usual * 2.0 ** min(hung, 16), self._policy.attempts.deadline)",
        "return self._policy.attempts.hang_after",
    ),
    Mutation(
        "stop_reconnecting() does nothing during an outage",
        "reconnection.supervisor:Supervisor.TABLE",
        "row(OUTAGE, Command.STOP, None, State.ENDED, _lose_by_command),",
        "",
    ),
    Mutation(
        "stop_reconnecting() is treated as an eviction",
        "reconnection.supervisor:Supervisor._lose_by_command",
        ", gave_up=True",
        "",
    ),
    Mutation(
        "an unanswered ping starts no suspicion",
        "reconnection.detector:Detector.tick",
        'return self._suspect("late pong", now, urgent=False)',
        "self._deadline = None\n        return []",
    ),
    Mutation(
        "flowing RTP delays the verdict without limit",
        "reconnection.detector:Detector._verdict_due_at",
        "ends = max(ends, min(pause_ends, ends + self._policy.detection.steady_patience))",
        "return max(ends, pause_ends)",
    ),
    Mutation(
        "a round-trip sample includes a stall",
        "reconnection.detector:Detector._detect_stall",
        "self._measured_from = now",
        "pass",
    ),
    Mutation(
        "the deadline of an answer is not capped",
        "reconnection.detector:Detector._verdict_due_at",
        "ends = min(ends, min(self._sent.values()) - self._waited + self._policy.detection.answer_limit)",
        "pass",
    ),
    Mutation(
        "a refused resume is retried eight times",
        "reconnection.supervisor:Supervisor._session_gone",
        "return event.session_gone",
        "return event.session_gone and self._outages.last.attempts > 8",
    ),
    Mutation(
        "a request still waits for an answer on a replaced socket",
        "signaling.request_queue:RequestQueue.abandon_answers",
        "entry.answer.cancel()\n        entry.answer = None",
        "pass",
    ),
    Mutation(
        "a socket is not watched before the room is joined",
        "signaling.plane:SignalingPlane._tick",
        "self._timer = None",
        "self._timer = None\n    if not self._joined:\n        self._timer = self._host.clock.call_later(1.0, self._tick)\n"
        "        return",
    ),
    Mutation(
        "a closed socket is not reported",
        "signaling.plane:SignalingPlane.rpc_closed",
        "self._report(SocketClosed(code, reason))",
        "pass",
    ),
    Mutation(
        "a dropped attempt is not closed",
        "signaling.plane:SignalingPlane._drop_attempt",
        "self._attempt.close()",
        "pass",
    ),
    Mutation(
        "the replaced socket is not closed",
        "signaling.plane:SignalingPlane._come_back",
        'self._current.close(REPLACED_BY_RECONNECTION, "Connection replaced by a reconnection")',
        "pass",
    ),
    Mutation(
        "notifications held back in an outage are dropped",
        "signaling.plane:SignalingPlane._pass_on_held_back",
        "held_back, self._held_back = self._held_back, {_required(self._current): []}",
        "held_back, self._held_back = {}, {_required(self._current): []}",
    ),
    Mutation(
        "notifications held back in an outage are reported twice",
        "signaling.plane:SignalingPlane._pass_on_held_back",
        "held_back, self._held_back = self._held_back, {_required(self._current): []}",
        "held_back = {key: list(value) for key, value in self._held_back.items()}",
    ),
    Mutation(
        "notifications are not counted",
        "signaling.plane:SignalingPlane.rpc_notified",
        "self._received += 1",
        "pass",
    ),
    Mutation(
        "notifications of the old socket are handled after connect",
        "signaling.plane:SignalingPlane.rpc_notified",
        " or (socket is self._current and self._superseded and self.replays)",
        "",
    ),
    Mutation(
        "close leaves the network monitor",
        "signaling.plane:SignalingPlane.close",
        "self._monitor.close()",
        "pass",
    ),
    Mutation(
        "a repeated request gets a new id",
        "signaling.request_queue:RequestQueue.abandon_answers",
        "if self.exactly_once:\n            continue",
        "if False:\n            continue",
    ),
    Mutation(
        "a request of unknown outcome is sent again",
        "signaling.request_queue:RequestQueue.attach",
        "if entry.future.done():\n            continue",
        "if False:\n            continue",
    ),
    Mutation(
        "pending requests do not fail when the session ends",
        "signaling.request_queue:RequestQueue.close",
        "entry.future.set_exception(error)",
        "continue",
    ),
    Mutation(
        "requests of an outage are sent in reverse order",
        "signaling.request_queue:RequestQueue.attach",
        "for entry in list(self._entries):",
        "for entry in reversed(list(self._entries)):",
    ),
    Mutation(
        "a replaced peer connection stays open",
        "media.connection:MediaConnection._negotiate",
        "old.close()",
        "pass",
    ),
    Mutation(
        "the media plane of an ended session is not closed",
        "membership.membership:Membership.close",
        "self.media_plane.close()",
        "pass",
    ),
    Mutation(
        "the server executes a repeated request again",
        "server.signaling.dispatcher:SignalingServer._request",
        "session.request_log.repeat(request.id, socket)",
        "False",
    ),
    Mutation(
        "the server replays one notification too few",
        "server.signaling.delivery_log:DeliveryLog.missed",
        "number = self._sent - count",
        "number = max(0, self._sent - count - 1)",
    ),
    Mutation(
        "the server replays one notification too many",
        "server.signaling.delivery_log:DeliveryLog.missed",
        "number = self._sent - count",
        "number = min(len(self._notifications), self._sent - count + 1)",
    ),
    Mutation(
        "a message does not restart the eviction timer",
        "server.signaling.dispatcher:SignalingServer.heard",
        "socket.session.last_heard = socket.last_heard",
        "pass",
    ),
)
