"""Detection of a backlog: sound that was queued in the network, or while the page stood still, and is played late.

Sound that was queued while the link was down arrives all at once and is played from its beginning, and video is kept in sync
with it: after a link drop of 9 s Chromium 156 showed everything 0.5 to 1.2 s late, for a minute. So when the first sound
after a silence is later than the last one before it, the receivers are restarted, which discards their buffers.
"""

from __future__ import annotations

from .actions import MediaAction, RestartReceivers, TakeAudioReference
from .evidence import (
    AudioReference,
    MediaEvidence,
    PageStoodStill,
    ReceiversRestarted,
    SoundPlayed,
    SoundRead,
    StreamReturned,
    StreamStopped,
)
from .policy import ReconnectionPolicy

WAIT = 0.5  # seconds within which audio must be played after a silence for this to be decided
WAIT_AWAKE = 2.0  # the same after a standstill: the browser's audio begins to run again later than the page
_SETTLING = 0.1  # seconds for which old receivers may still play between the check and their replacement
RESTARTS = 3  # at most; more than one if part of the backlog arrives late
_RTP_TURN = 2**32  # RTP timestamps have 32 bits


class Backlog:
    """The lateness of one received stream's sound. Call `read` with the sound played now when `due_at` has come."""

    def __init__(self, policy: ReconnectionPolicy) -> None:
        self.due_at: float | None = None
        self._policy = policy
        self._reference: SoundPlayed | None = None
        self._before: SoundPlayed | None = None  # the reference when the check began
        self._after = 0.0  # sound played earlier than this is old
        self._deadline = 0.0
        self._restarts = 0

    def observe(self, evidence: MediaEvidence, now: float) -> list[MediaAction]:
        """Keep the reference for a backlog, and return the actions that take one or discard what is late."""
        match evidence:
            case StreamStopped():
                return [TakeAudioReference()]
            case AudioReference(played):
                self.refer(played)
            case StreamReturned():
                self.check(now)
            case PageStoodStill(seconds):
                self.check(now, seconds)
            case SoundRead(played) if self.read(played, now):
                return [RestartReceivers()]
            case ReceiversRestarted():
                self.restarted(now)
        return []

    def refer(self, played: SoundPlayed | None) -> None:
        """Record the sound played now, which is in time."""
        self._reference = played

    def check(self, now: float, stood_still: float = 0.0) -> None:
        """Begin to check the sound that arrives after a silence, or after a standstill of `stood_still` seconds.

        After a standstill, the first sound read may be the last one from before it.
        """
        self._before = self._reference
        if self._before is not None:
            self._restarts = 0
            self._wait(self._before.at + stood_still, now, WAIT_AWAKE if stood_still else WAIT)

    def read(self, played: SoundPlayed | None, now: float) -> bool:
        """Return whether to restart the receivers because of the sound played now; `restarted` has to follow then."""
        self.due_at = now + self._policy.detection.return_poll if now < self._deadline else None
        if self._before is None or played is None or played.at <= self._after:
            return False
        self.due_at = None
        if lateness(self._before, played) < self._policy.media.backlog_lateness:
            return False
        self._restarts += 1
        self._after = played.at + _SETTLING
        return True

    def restarted(self, now: float) -> None:
        """Check again after a restart: part of the backlog may arrive after it."""
        if self._restarts < RESTARTS:
            self._wait(self._after, now, WAIT)

    def stop(self) -> None:
        """End the check."""
        self.due_at = None

    def _wait(self, after: float, now: float, seconds: float) -> None:
        self._after = after
        self._deadline = now + seconds
        self.due_at = now


def lateness(before: SoundPlayed, now: SoundPlayed) -> float:
    """Return how many seconds later audio is played after a silence than before it; 0 for anything but a backlog."""
    if (now.ticks - before.ticks) % _RTP_TURN >= _RTP_TURN / 2:
        return 0.0  # another RTP clock: the sender restarted
    return max(0.0, transit(before, now))


def transit(before: SoundPlayed, now: SoundPlayed) -> float:
    """Return how many seconds longer the sound played now was under way than that played before; less than 0 for shorter."""
    sent_after = (now.ticks - before.ticks) % _RTP_TURN
    if sent_after >= _RTP_TURN / 2:
        sent_after -= _RTP_TURN
    return now.at - before.at - sent_after / now.rate
