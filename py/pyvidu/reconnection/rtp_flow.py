"""The record of until when RTP flowed: evidence for the network, whatever socket carries the session."""

from __future__ import annotations

import math

from .evidence import RtpLate, RtpOverdue, RtpSteady, SignalingEvidence


class RtpFlow:
    """The state by the last evidence about it: `until` (seconds) is infinite while RTP flows.

    `trusted_from` is since when it flows, or later: a ping sent before may wait on a path that has just become slow.
    It is infinite where the server does not tell that signaling alone is late. `late`: RTP waits in a queue on the way, and
    so do pongs.
    """

    def __init__(self) -> None:
        self.until = self.trusted_from = -math.inf
        self.late = False

    @property
    def flows(self) -> bool:
        """Return whether it flows, and the server tells what does not arrive."""
        return self.until == math.inf and self.trusted_from < math.inf

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
