"""What a server can be watched doing: the seam between the rooms and whoever counts or reports. No I/O, nothing may raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyvidu.server.rooms.participant import Participant, PublishedStream
    from pyvidu.server.rooms.room import Room


class Observer:
    """Is told after the fact. Every method does nothing unless it is overridden."""

    def session_created(self, room: Room) -> None:
        """There is a session, which nobody has joined yet."""

    def session_destroyed(self, room: Room, reason: str) -> None:
        """A session is over. One that is tidied up because nobody ever came is not told of, as on the real server."""

    def joined(self, participant: Participant) -> None:
        """`participant` is in its room."""

    def left(self, participant: Participant, reason: str) -> None:
        """`participant` is out of its room, by its own will or not."""

    def connection_created(self, participant: Participant, stream: PublishedStream, owner: Participant) -> None:
        """A media connection: `participant` publishes `stream` (it is the `owner`), or receives it."""

    def connection_destroyed(self, participant: Participant, stream_id: str, owner: Participant, reason: str) -> None:
        """The end of such a connection."""

    def signal_sent(
        self, room: Room, sender: str | None, to: Sequence[str], type_: str | None, data: str | None
    ) -> None:
        """A signal reached the connections `to`. `sender` is one too, or None for the backend."""

    def renegotiated(self, participant: Participant, *, publishing: bool) -> None:
        """A media connection was replaced by `reconnectStream`."""

    def resumed(self, *, refused: bool) -> None:
        """Somebody came back to its RPC session, or was not let in any more."""

    def watchdog_late(self, seconds: float) -> None:
        """So much later than planned a timer of the server ran: evictions are as late."""


class Observers(Observer):
    """Several observers as one."""

    def __init__(self) -> None:
        self._all: list[Observer] = []

    def add(self, observer: Observer) -> None:
        """From now on `observer` is told."""
        self._all.append(observer)

    def session_created(self, room: Room) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.session_created(room)

    def session_destroyed(self, room: Room, reason: str) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.session_destroyed(room, reason)

    def joined(self, participant: Participant) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.joined(participant)

    def left(self, participant: Participant, reason: str) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.left(participant, reason)

    def connection_created(self, participant: Participant, stream: PublishedStream, owner: Participant) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.connection_created(participant, stream, owner)

    def connection_destroyed(self, participant: Participant, stream_id: str, owner: Participant, reason: str) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.connection_destroyed(participant, stream_id, owner, reason)

    def signal_sent(
        self, room: Room, sender: str | None, to: Sequence[str], type_: str | None, data: str | None
    ) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.signal_sent(room, sender, to, type_, data)

    def renegotiated(self, participant: Participant, *, publishing: bool) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.renegotiated(participant, publishing=publishing)

    def resumed(self, *, refused: bool) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.resumed(refused=refused)

    def watchdog_late(self, seconds: float) -> None:
        """See `Observer`."""
        for observer in self._all:
            observer.watchdog_late(seconds)
