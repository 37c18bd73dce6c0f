"""Several observers of rooms and signaling, such as metrics and webhooks, as one."""

from __future__ import annotations

from collections.abc import Sequence

from pyvidu.server.rooms.published_stream import PublishedStream
from pyvidu.server.rooms.room import Observer, Participant, Room


class Observers(Observer):
    """Forwards each event to several observers."""

    def __init__(self) -> None:
        self._all: list[Observer] = []

    def add(self, observer: Observer) -> None:
        """Add `observer`, which receives all events from now on."""
        self._all.append(observer)

    def session_created(self, room: Room) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.session_created(room)

    def session_destroyed(self, room: Room, reason: str) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.session_destroyed(room, reason)

    def joined(self, participant: Participant) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.joined(participant)

    def left(self, participant: Participant, reason: str) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.left(participant, reason)

    def connection_created(self, participant: Participant, stream: PublishedStream, owner: Participant) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.connection_created(participant, stream, owner)

    def connection_destroyed(self, participant: Participant, stream_id: str, owner: Participant, reason: str) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.connection_destroyed(participant, stream_id, owner, reason)

    def signal_sent(
        self, room: Room, sender: str | None, to: Sequence[str], type_: str | None, data: str | None
    ) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.signal_sent(room, sender, to, type_, data)

    def renegotiated(self, participant: Participant, *, publishing: bool) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.renegotiated(participant, publishing=publishing)

    def resumed(self, *, refused: bool) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.resumed(refused=refused)

    def watchdog_late(self, seconds: float) -> None:
        """Forward to every observer."""
        for observer in self._all:
            observer.watchdog_late(seconds)
