"""The states of a session's signaling plane, the timers of an outage, and what the application may ask for in one."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """The states of a session's signaling plane."""

    UP = auto()
    WAITING = auto()  # between two attempts
    ATTEMPTING = auto()  # a new socket is being opened
    RESUMING = auto()  # the new socket is open, `connect` is sent
    VERIFYING = auto()  # resumed, membership not yet confirmed
    VERIFYING_OLD_SOCKET = auto()  # the old socket has answered again, membership not yet confirmed
    ENDED = auto()


class OutageTimer(Enum):
    """The timers of an outage. Entering a state stops the first two."""

    DEADLINE = "deadline"  # of the state
    HANG = "hang"  # the attempt counts as hanging from then on
    PROBE = "probe"  # periodic, until a resume is accepted or the old socket answers
    GIVE_UP = "give up"  # the policy's limit of an outage
    ANNOUNCE = "announce"  # the outage is announced, if the network works and only the socket is stuck


class Command(Enum):
    """What the application asks for."""

    STOP = "stop"
    RECONNECT_NOW = "reconnect now"


PROBED = (State.WAITING, State.ATTEMPTING, State.RESUMING)
BEING_VERIFIED = (State.VERIFYING, State.VERIFYING_OLD_SOCKET)
OUTAGE = (*PROBED, *BEING_VERIFIED)
TRYING = (State.ATTEMPTING, State.RESUMING, State.VERIFYING)  # there is a new socket
CONNECT_SENT = (State.RESUMING, State.VERIFYING)  # `connect` was sent on it
