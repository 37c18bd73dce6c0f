"""Faults seeded into what decides about the media of a call, and into its shell."""

from __future__ import annotations

from tests.simulation.mutation import Mutation

MEDIA = (
    Mutation(
        "a frozen stream is not renegotiated",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row(CHECKING, Sampled, _may_renegotiate, RENEGOTIATING, _note_verdict, _renegotiate, _announce_frozen),",
        "",
    ),
    Mutation(
        "a renegotiation is not verified",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row(CONNECTING, IceStateChanged, _ice_connected, CHECKING, _note_connected),",
        "row(CONNECTING, IceStateChanged, _ice_connected, IDLE, _note_connected),",
    ),
    Mutation(
        "a renegotiation that does not connect has no deadline",
        "reconnection.stream_recovery:StreamRecovery._enter",
        "self._state_ends_at = now + self._policy.media.connect_timeout",
        "pass",
    ),
    Mutation(
        "a refused renegotiation is not repeated",
        "reconnection.stream_recovery:StreamRecovery._enter",
        "self._state_ends_at = now + self._policy.media.nudge_period * self._attempts",
        "pass",
    ),
    Mutation(
        "no stream is checked after an outage",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row((OBSERVING, IDLE), SignalingResumed, None, CHECKING),",
        "row((OBSERVING, IDLE), SignalingResumed, None, IDLE),",
    ),
    Mutation(
        "broken ICE during a call is not checked",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row(IDLE, IceStateChanged, _ice_breaks, CHECKING, _be_brief),",
        "",
    ),
    Mutation(
        "a recovered stream stays announced as frozen",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row((CHECKING, GIVEN_UP), Sampled, _healthy, IDLE, _note_verdict, _nudge_if_sent, _announce_recovered),",
        "row((CHECKING, GIVEN_UP), Sampled, _healthy, IDLE, _note_verdict, _nudge_if_sent),",
    ),
    Mutation(
        "a frozen stream is announced again by every check",
        "reconnection.stream_recovery:StreamRecovery._announce_frozen",
        "return [] if told else",
        "return",
    ),
    Mutation(
        "a rejoin forgets that a stream was announced as frozen",
        "membership.streams:StreamMedia.attach",
        ", frozen=self.state.frozen",
        "",
    ),
    Mutation(
        "a stream that the server does not receive is not replaced",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row(IDLE, NotReceived, _may_renegotiate, RENEGOTIATING, _note_missing, _renegotiate, _announce_missing),",
        "",
    ),
    Mutation(
        "a stream is replaced that is being negotiated",
        "media.plane:MediaPlane.missing",
        "if media.is_negotiated:",
        "if True:",
    ),
    Mutation(
        "dead media paths are not looked for",
        "media.plane:MediaPlane._found",
        "self._tasks.spawn(self._look_at_paths())",
        "pass",
    ),
    Mutation(
        "a stream of a dead path is not announced",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row(CHECKING, MediaPathsDead, None, None, _announce_frozen),",
        "",
    ),
    Mutation(
        "a path counts as dead although reports arrive",
        "reconnection.media_health:paths_are_dead",
        " and not any(map(path_answers, before, after))",
        "",
    ),
    Mutation(
        "no key frame is requested when RTP returns",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row((), RtpReturned, None, None, _nudge),",
        "",
    ),
    Mutation(
        "a stream that returns in a call is not checked",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row(IDLE, StreamReturned, None, CHECKING, _nudge, _be_patient),",
        "row(IDLE, StreamReturned, None, None, _nudge),",
    ),
    Mutation(
        "a key frame is requested once in an outage",
        "reconnection.stream_recovery:StreamRecovery.TABLE",
        "row(OBSERVING, Sampled, _frame_missing, None, _nudge_again),",
        "",
    ),
    Mutation(
        "a check requests no key frame",
        "reconnection.stream_recovery:StreamRecovery._nudge_if_due",
        "return [Nudge()] if self._judgement.nudge else []",
        "return []",
    ),
    Mutation(
        "a paused stream is frozen",
        "reconnection.media_health:Proof.take",
        'return MediaJudgement("paused",',
        'return MediaJudgement("frozen",',
    ),
    Mutation(
        "the window of a check is always short",
        "reconnection.media_health:Proof.__init__",
        "usual = policy.media.window if checked_often else policy.media.recent_window",
        "usual = policy.media.window / 4",
    ),
    Mutation(
        "a stream is frozen as soon as no packet has arrived",
        "reconnection.media_health:Proof.take",
        "elif self._observed >= self._window or self._checks_go_unanswered(sample):",
        "else:",
    ),
    Mutation(
        "silence of all RTP is not reported",
        "reconnection.rtp_monitor:RtpMonitor._judge_network",
        "found.append(self._silence(witnesses))",
        "pass",
    ),
    Mutation(
        "reports that stop are no evidence",
        "reconnection.rtp_monitor:RtpMonitor.poll",
        "self.wants_reports = not witnesses",
        "self.wants_reports = False",
    ),
    Mutation(
        "reports that return are no evidence",
        "reconnection.rtp_monitor:RtpMonitor._judge_network",
        "if heard and self._silent:",
        "if self.flowing and self._silent:",
    ),
    Mutation(
        "missing reports are a verdict",
        "reconnection.detector:Detector.handle",
        "return self._suspect_since_asked(evidence.witness, now)",
        'return [Down(evidence.witness)] if evidence.witness == "no reports" else self._suspect_silence("", now)',
    ),
    Mutation(
        "the gap of an outage is learnt as typical",
        "reconnection.rtp_monitor:RtpMonitor.poll",
        "settled = not self._silent and now >= self._settled_at",
        "settled = True",
    ),
    Mutation(
        "silence takes ten times the largest gap",
        "reconnection.cadence:Cadence._silent_after",
        "max(self._policy.detection.silence_floor, 2 * self._largest_gap())",
        "max(10 * self._policy.detection.silence_floor, 2 * self._largest_gap())",
    ),
    Mutation(
        "a new peer connection plays what was switched off",
        "subscriber:Subscriber._media_replaced",
        "self._apply_wanted()",
        "pass",
    ),
    Mutation(
        "every stream is renegotiated after an outage",
        "reconnection.stream_recovery:StreamRecovery._forced",
        "return event.force",
        "return True",
    ),
    Mutation(
        "a publisher is silent on a path that does not answer",
        "reconnection.publisher_silence:PublisherSilence.stopped",
        "self.silent[publisher] = now",
        "self.silent[publisher] = now; self.path_answers(publisher, now)",
    ),
    Mutation(
        "an answer that was doubted never counts again",
        "reconnection.publisher_silence:PublisherSilence.trusted",
        "self._answered(publisher, now)",
        "pass",
    ),
    Mutation(
        "an answer that was doubted does not count again when the network is known to work",
        "media.plane:MediaPlane.silence_refuted",
        "self._silence.trusted(self._clock.now())",
        "pass",
    ),
    Mutation(
        "a silent publisher that flows on a new peer connection is not heard",
        "media.plane:MediaPlane._poll",
        "if media.peer in self._monitor.flowing:",
        "if False:",
    ),
    Mutation(
        "whoever is interrupted stays so after a rejoin",
        "membership.participation:Participation.joined_again",
        "room.publisher_heard(participant, heard=True)",
        "pass",
    ),
)
