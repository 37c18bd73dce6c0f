"""A participant of a session: the local one (`session.connection`) or a remote one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyvidu.stream import Stream


class Connection:
    """One participant.

    `data` is set by the participant's application and by its backend, joined by `%/%` if both set it. `creation_time` is
    in milliseconds since the epoch. `role` is set for the local connection only. `stream` is what it publishes.
    """

    def __init__(
        self, connection_id: str, *, data: str = "", creation_time: float = 0.0, role: str = "", record: bool = False
    ) -> None:
        self.connection_id = connection_id
        self.data = data
        self.creation_time = creation_time
        self.role = role
        self.record = record
        self.stream: Stream | None = None
        self.disposed = False

    @property
    def is_local(self) -> bool:
        """Return whether this is the local participant."""
        return bool(self.role)

    def __repr__(self) -> str:
        return f"Connection({self.connection_id!r}, data={self.data!r})"
