"""The record of until when RTP flowed: evidence for the network, whatever socket carries the session."""

from __future__ import annotations

import math

from .evidence import RtpOverdue, RtpSteady, SignalingEvidence


class RtpFlow:
    """The state by the last `RtpSteady` or `RtpOverdue`: `until` (seconds) is infinite while RTP flows.

    `trusted_from` is since when it flows, or later: a ping sent before may wait on a path that has just become slow.
    """

    def __init__(self) -> None:
        self.until = self.trusted_from = -math.inf

    def note(self, evidence: SignalingEvidence, now: float) -> None:
        """Update `until` if `evidence` is `RtpSteady` or `RtpOverdue`."""
        match evidence:
            case RtpSteady():
                self.until = math.inf
                self.trusted_from = max(self.trusted_from, now)
            case RtpOverdue():
                self.until = now
