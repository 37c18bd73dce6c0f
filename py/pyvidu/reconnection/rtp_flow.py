"""The record of until when RTP flowed: evidence for the network, whatever socket carries the session."""

from __future__ import annotations

import math

from .evidence import RtpOverdue, RtpSteady, SignalingEvidence


class RtpFlow:
    """The state by the last `RtpSteady` or `RtpOverdue`: `until` (seconds) is infinite while RTP flows."""

    def __init__(self) -> None:
        self.until = -math.inf

    def note(self, evidence: SignalingEvidence, now: float) -> None:
        """Update `until` if `evidence` is `RtpSteady` or `RtpOverdue`."""
        match evidence:
            case RtpSteady():
                self.until = math.inf
            case RtpOverdue():
                self.until = now
