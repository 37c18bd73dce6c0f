"""The interface for observers of rooms and signaling, such as metrics and webhooks. No I/O, nothing may raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyvidu.server.rooms.participant import Participant, PublishedStream
    from pyvidu.server.rooms.room import Room


class Observer:
    """Receives events after the fact. Every method does nothing unless it is overridden."""

    def session_created(self, room: Room) -> None:
        """Handle a new session, which nobody has joined yet."""

    def session_destroyed(self, room: Room, reason: str) -> None:
        """Handle the end of a session. One removed because nobody joined it is not reported, as on the real server."""

    def joined(self, participant: Participant) -> None:
        """Handle the join of `participant`."""

    def left(self, participant: Participant, reason: str) -> None:
        """Handle the departure or eviction of `participant`."""

    def connection_created(self, participant: Participant, stream: PublishedStream, owner: Participant) -> None:
        """Handle a new media connection: `participant` publishes `stream` (it is the `owner`), or receives it."""

    def connection_destroyed(self, participant: Participant, stream_id: str, owner: Participant, reason: str) -> None:
        """Handle the end of a media connection."""

    def signal_sent(
        self, room: Room, sender: str | None, to: Sequence[str], type_: str | None, data: str | None
    ) -> None:
        """Handle a signal sent to the connections `to`. `sender` is a connection too, or None for the backend."""

    def renegotiated(self, participant: Participant, *, publishing: bool) -> None:
        """Handle a media connection that was replaced by `reconnectStream`."""

    def resumed(self, *, refused: bool) -> None:
        """Handle a resume of an RPC session, successful or `refused`."""

    def watchdog_late(self, seconds: float) -> None:
        """Handle a timer of the server that ran `seconds` later than planned: evictions are as late."""


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
