"""The verdict on a media connection by its `iceConnectionState` alone, and what its changes ask for.

The official client relies on this state only; `media_health.py` adds counters.
"""

from __future__ import annotations

from typing import Literal

from .actions import MediaAction, Nudge, ReportException
from .policy import ReconnectionPolicy

IceVerdict = Literal["connected", "waiting", "broken", "dead"]

_VERDICTS: dict[str, IceVerdict] = {
    "new": "waiting",
    "checking": "waiting",
    "connected": "connected",
    "completed": "connected",
    "disconnected": "broken",  # may reconnect by itself, 0.1 s after packets flow again
    "failed": "dead",  # never reconnects by itself
    "closed": "dead",
}


def analyse(state: str) -> IceVerdict:
    """Return the verdict on one `iceConnectionState`."""
    return _VERDICTS.get(state, "waiting")


class IceWatch:
    """What a change of the ICE state asks for beside a check of the stream: a key frame, and OpenVidu's exceptions.

    While ICE considers a path broken nothing is sent on it, not even RTCP. So a request for a key frame made when RTP
    returned was not sent if the first connectivity check, answered a round trip later, was still pending: it is repeated when
    ICE reconnects. As in openvidu-browser, a connection still disconnected after 4 s is reported as an `exception`.
    """

    def __init__(self, policy: ReconnectionPolicy) -> None:
        self.due_at: float | None = None
        self._policy = policy
        self._broken = False

    def changed(self, state: str, now: float, *, in_call: bool) -> list[MediaAction]:
        """Return what follows from a new state. `in_call`: there is no outage of the signaling plane, which explains it."""
        verdict, was_broken = analyse(state), self._broken
        self._broken = verdict == "broken" or (was_broken and verdict == "waiting")
        self.due_at = now + self._policy.media.ice_disconnected_timeout if verdict == "broken" and in_call else None
        if verdict == "dead" and in_call:
            return [ReportException("ICE_CONNECTION_FAILED", f"iceConnectionState is {state}")]
        return [Nudge()] if was_broken and verdict == "connected" else []

    def tick(self) -> list[MediaAction]:
        """Return what follows when `due_at` has come."""
        self.due_at = None
        return [ReportException("ICE_CONNECTION_DISCONNECTED", "iceConnectionState is disconnected")]

    def replaced(self) -> None:
        """Forget the state of the old peer connection."""
        self._broken, self.due_at = False, None
