"""What an ICE state says about a media connection, and what it does not. States are those of `iceConnectionState`.

The official client stops here. We do not: see `media_health.py`.
"""

from __future__ import annotations

from typing import Literal

IceVerdict = Literal["connected", "waiting", "broken", "dead"]

_VERDICTS: dict[str, IceVerdict] = {
    "new": "waiting",
    "checking": "waiting",
    "connected": "connected",
    "completed": "connected",
    "disconnected": "broken",  # may come back by itself, 0.1 s after packets flow again
    "failed": "dead",  # never comes back by itself
    "closed": "dead",
}


def analyse(state: str) -> IceVerdict:
    """The verdict on one `iceConnectionState`."""
    return _VERDICTS.get(state, "waiting")
