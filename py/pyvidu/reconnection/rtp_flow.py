"""The record of until when RTP flowed: evidence for the network, whatever socket carries the session."""

from __future__ import annotations

import math

from .evidence import RtpLate, RtpOverdue, RtpSteady, SignalingEvidence


class RtpFlow:
    """The state by the last evidence about it: `until` (seconds) is infinite while RTP flows.

    `trusted_from` is since when it flows, or later: a ping sent before may wait on a path that has just become slow.
    `late`: RTP waits in a queue on the way, and so do pongs.
    """

    def __init__(self) -> None:
        self.until = self.trusted_from = -math.inf
        self.late = False

    def note(self, evidence: SignalingEvidence, now: float) -> None:
        """Update the state if `evidence` is about it."""
        match evidence:
            case RtpSteady():
                self.until = math.inf
                self.trusted_from = max(self.trusted_from, now)
            case RtpOverdue():
                self.until = now
            case RtpLate(late):
                self.late = late
