"""Until when did RTP flow that would be missed? It speaks for the network, whatever socket carries the session."""

from __future__ import annotations

import math

from .evidence import RtpOverdue, RtpSteady, SignalingEvidence


class RtpFlow:
    """What `RtpSteady` and `RtpOverdue` said last. `until` is infinite while RTP flows."""

    def __init__(self) -> None:
        self.until = -math.inf

    def note(self, evidence: SignalingEvidence, now: float) -> None:
        """Takes an observation into account, if it is of the media."""
        match evidence:
            case RtpSteady():
                self.until = math.inf
            case RtpOverdue():
                self.until = now
