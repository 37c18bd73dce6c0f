"""The states and timers of a stream's recovery."""

from __future__ import annotations

from enum import Enum, auto


class RecoveryState(Enum):
    """The states of a stream's recovery."""

    IDLE = auto()
    OBSERVING = auto()  # outage of the signaling plane: the path is sampled, nothing can be negotiated
    CHECKING = auto()  # samples are taken until there is a verdict
    RENEGOTIATING = auto()  # a new peer connection is being negotiated
    CONNECTING = auto()  # it is negotiated, ICE has not connected yet
    DELAYING = auto()  # between two attempts
    GIVEN_UP = auto()  # `media.retries` attempts have failed: another one follows now and then, or it returns by itself


class RecoveryTimer(Enum):
    """The timers of a stream's recovery."""

    DEADLINE = "deadline"  # for how long CONNECTING, DELAYING or GIVEN_UP may last
