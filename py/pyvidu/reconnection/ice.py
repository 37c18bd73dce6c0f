"""The verdict on a media connection by its `iceConnectionState` alone.

The official client relies on this state only; `media_health.py` adds counters.
"""

from __future__ import annotations

from typing import Literal

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
