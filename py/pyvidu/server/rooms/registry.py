"""All rooms of a server, and the media that belongs to them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from pyvidu.server import ids, logs
from pyvidu.server.limits import LimitReached, Limits
from pyvidu.server.rooms.media_server import MediaServer
from pyvidu.server.rooms.observers import Observers
from pyvidu.server.rooms.room import Participant, Room
from pyvidu.server.rooms.tokens import ConnectionProperties, SessionProperties, Token
from pyvidu.tasks import Tasks


class RoomExists(ValueError):
    """A session with that id exists already."""


class Rooms:
    """Creates, finds and closes rooms. `tasks` runs the work on media that nobody awaits.

    `life` (*pro*) identifies this run of the server and is sent in `joinRoom`; None is not sent.
    """

    def __init__(
        self, media: MediaServer, tasks: Tasks, limits: Limits | None = None, *, life: int | None = None
    ) -> None:
        self.media = media
        self.life = life
        self.limits = limits or Limits()
        self.observers = Observers()
        self._tasks = tasks
        self._rooms: dict[str, Room] = {}

    def __iter__(self) -> Any:
        return iter(list(self._rooms.values()))

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, room_id: str) -> Room | None:
        """Return the room of that name, or None."""
        return self._rooms.get(room_id)

    def create(self, properties: SessionProperties | None = None) -> Room:
        """Create a room, named as in `properties` or at random, and return it.

        Raises:
            RoomExists: the name is taken.
            LimitReached: there are too many rooms.
        """
        properties = properties or SessionProperties()
        room_id = properties.custom_session_id or ids.session_id()
        if room_id in self._rooms:
            raise RoomExists(room_id)
        if len(self._rooms) >= self.limits.sessions:
            raise LimitReached(f"There are {len(self._rooms)} sessions, which is the limit")
        room = Room(
            room_id,
            properties,
            on_departure=self._departed,
            on_empty=self._emptied,
            observer=self.observers,
            limits=self.limits,
        )
        self._rooms[room_id] = room
        logs.event("session created", session=room_id)
        self.observers.session_created(room)
        return room

    def issue_token(self, room: Room, properties: ConnectionProperties, origin: str) -> Token:
        """Return a token to join `room` once, for pages that reach the server at `origin` (`ws://HOST:PORT`).

        Raises:
            LimitReached: too many tokens of the room are unused.
        """
        value = ids.token()
        url = f"{origin}?sessionId={room.id}&token={value}"
        token = Token(value=value, url=url, session_id=room.id, properties=properties)
        room.add_token(token)
        return token

    def tidy(self) -> None:
        """Remove what was not used in time: tokens, and sessions that nobody joined."""
        for room in list(self._rooms.values()):
            room.tidy()

    def find_participant(self, connection_id: str) -> Participant | None:
        """Return the participant with that connection id, in whatever room, or None."""
        for room in self._rooms.values():
            if (found := room.find(connection_id)) is not None:
                return found
        return None

    def close(self, reason: str) -> None:
        """Close every room and evict its participants."""
        for room in list(self._rooms.values()):
            room.close(reason)

    def forget(self) -> None:
        """Drop all rooms without notifying anybody, as in a crash, end their media, and begin another `life`."""
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            logs.event("session dropped", session=room.id)
            for participant in room.abandon():
                self.background(self.media.leave(participant.key), f"media of {participant.id} ends")
        if self.life is not None:
            self.life += 1

    def background(self, work: Coroutine[Any, Any, Any], what: str) -> None:
        """Run work on media that nobody awaits; a failure is logged."""
        self._tasks.spawn(work, what)

    def _departed(self, participant: Participant) -> None:
        self.background(self.media.leave(participant.key), f"media of {participant.id} ends")
        participant.peer.departed()

    def _emptied(self, room: Room) -> None:
        if self._rooms.get(room.id) is room:
            del self._rooms[room.id]
