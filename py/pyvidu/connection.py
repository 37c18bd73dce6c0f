"""A participant of a session: the local one (`session.connection`) or a remote one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyvidu.membership import ParticipantState

if TYPE_CHECKING:
    from pyvidu.stream import Stream


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the role of the local participant allows it to do; before the first `connect` nothing.

    Attributes:
        force_disconnect: evict others (MODERATOR).
        force_unpublish: end streams of others (MODERATOR).
        publish: publish a stream (PUBLISHER, MODERATOR).
        subscribe: receive streams (every role).

    Source: openvidu-browser 2.32, `Capabilities`; the roles are OpenVidu's `OpenViduRole`.
    """

    force_disconnect: bool = False
    force_unpublish: bool = False
    publish: bool = False
    subscribe: bool = False

    @classmethod
    def of(cls, role: str) -> Capabilities:
        """Not for applications: return those of a role: SUBSCRIBER, PUBLISHER or MODERATOR."""
        moderates = role == "MODERATOR"
        return cls(moderates, moderates, role in ("PUBLISHER", "MODERATOR"), bool(role))


class Connection:
    """One participant of a session: the local one (`Session.connection`) or another (`Session.remote_connections`).

    Attributes:
        stream: the `Stream` that it publishes, or None.
        disposed: whether it has left.

    Source: openvidu-browser 2.32, `Connection`; `is_local` and `is_interrupted` are pyvidu's.
    """

    def __init__(self, state: ParticipantState) -> None:
        self.stream: Stream | None = None
        self.disposed = False
        self.state = state

    @property
    def connection_id(self) -> str:
        """Return its id."""
        return self.state.id

    @property
    def data(self) -> str:
        """Return what its application and its backend have set, joined by `%/%` if both have."""
        return self.state.data

    @property
    def creation_time(self) -> float:
        """Return when it joined, in milliseconds since the epoch."""
        return self.state.created_at

    @property
    def role(self) -> str:
        """Return the role of the local participant; of others, an empty string."""
        return self.state.role

    @property
    def record(self) -> bool:
        """Return whether the streams of the local participant are recorded (OpenVidu Pro)."""
        return self.state.record

    @property
    def is_local(self) -> bool:
        """Return whether this is the local participant: the one whose `Session.connect` made it."""
        return self.state.is_local

    @property
    def is_interrupted(self) -> bool:
        """Return whether nothing is heard of it: it is reconnecting, or will be evicted. See `ConnectionEvent`."""
        return self.state.interrupted

    def __repr__(self) -> str:
        return f"Connection({self.connection_id!r}, data={self.data!r})"
