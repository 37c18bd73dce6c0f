"""What a participant does in a room and knows of it: joining, membership, rejoining, the others, the streams.

It knows no class that applications touch: it reports changes to a `ParticipationListener`, which the session is.
"""

from .listener import ParticipationListener
from .membership import Membership
from .participation import Participation
from .records import ParticipantState, SessionState, StreamState
from .streams import LocalStream, RemoteStream

__all__ = [
    "LocalStream", "Membership", "ParticipantState", "Participation", "ParticipationListener", "RemoteStream",
    "SessionState", "StreamState",
]  # fmt: skip
