"""OpenVidu's call detail records (CDR): its events, which are also the bodies of its webhooks. No I/O.

Source: `CallDetailRecord` and the `CDREvent*` classes of openvidu-server 2.32.2: exactly their fields, null where there is
no value, except for an unknown `reason`, which is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyvidu.protocol.reasons import Reason
from pyvidu.server.rooms.room import Observer
from pyvidu.server.rooms.tokens import now_ms

if TYPE_CHECKING:
    from pyvidu.server.rooms.published_stream import PublishedStream
    from pyvidu.server.rooms.room import Participant, Room

Event = dict[str, Any]

# The events of OpenVidu CE. The last two are never sent here: there are no recordings and no filters.
EVENTS = (
    "sessionCreated",
    "sessionDestroyed",
    "participantJoined",
    "participantLeft",
    "webrtcConnectionCreated",
    "webrtcConnectionDestroyed",
    "signalSent",
    "recordingStatusChanged",
    "filterEventDispatched",
)
# If one of them ends a session, the reason reported is `lastParticipantLeft` (`RecordingManager.finalReason`).
_LAST_LEFT = frozenset(
    {
        Reason.DISCONNECT,
        Reason.FORCE_DISCONNECT_BY_USER,
        Reason.FORCE_DISCONNECT_BY_SERVER,
        Reason.NETWORK_DISCONNECT,
    }
)


@dataclass(frozen=True, slots=True)
class _Connection:
    """A media connection, created at `started` (milliseconds since the epoch)."""

    started: int
    fields: Event


class CallDetailRecords(Observer):
    """Passes an event for each observation to `record`. `clock` returns milliseconds since the epoch."""

    def __init__(self, record: Callable[[Event], None], clock: Callable[[], int] = now_ms) -> None:
        self._record = record
        self._clock = clock
        self._media: dict[str, Event] = {}  # by stream id; later changes of a stream are not reported
        self._connections: dict[tuple[str, str], _Connection] = {}  # by participant and stream owner

    def session_created(self, room: Room) -> None:
        """Record `sessionCreated`."""
        self._tell("sessionCreated", room, room.created_at, {})

    def session_destroyed(self, room: Room, reason: str) -> None:
        """Record `sessionDestroyed`."""
        final = "lastParticipantLeft" if reason in _LAST_LEFT else reason
        self._tell_end("sessionDestroyed", room, room.created_at, final, {})

    def joined(self, participant: Participant) -> None:
        """Record `participantJoined`, unless the participant is hidden."""
        if not participant.hidden:
            self._tell("participantJoined", participant.room, participant.active_at, _who(participant))

    def left(self, participant: Participant, reason: str) -> None:
        """Record `participantLeft`, unless the participant is hidden."""
        if not participant.hidden:
            started = participant.active_at
            self._tell_end("participantLeft", participant.room, started, reason, _who(participant))

    def connection_created(self, participant: Participant, stream: PublishedStream, owner: Participant) -> None:
        """Record `webrtcConnectionCreated`, unless the participant is hidden."""
        publishes = participant is owner
        if publishes:
            self._media[stream.id] = _media(stream)
        if participant.hidden:
            return
        started = stream.created_at if publishes else participant.subscriptions[owner.id].created_at
        way = {"connection": "OUTBOUND"} if publishes else {"connection": "INBOUND", "receivingFrom": owner.id}
        media = self._media.get(stream.id) or _media(stream)
        fields = {"streamId": stream.id, **_ids(participant), **way, **media}
        self._connections[participant.key, owner.key] = _Connection(started, fields)
        self._tell("webrtcConnectionCreated", participant.room, started, fields)

    def connection_destroyed(self, participant: Participant, stream_id: str, owner: Participant, reason: str) -> None:
        """Record `webrtcConnectionDestroyed`, if its creation was recorded."""
        if participant is owner:
            self._media.pop(stream_id, None)
        if (connection := self._connections.pop((participant.key, owner.key), None)) is not None:
            started, fields = connection.started, connection.fields
            self._tell_end("webrtcConnectionDestroyed", participant.room, started, reason, fields)

    def signal_sent(
        self, room: Room, sender: str | None, to: Sequence[str], type_: str | None, data: str | None
    ) -> None:
        """Record `signalSent`. The type of a participant's signal is given without its prefix `signal:`."""
        if sender is not None and type_ is not None:
            type_ = type_.removeprefix("signal:")
        fields = {"from": sender, "to": list(to), "type": type_, "data": data}
        self._tell("signalSent", room, self._clock(), fields)

    def _tell(self, name: str, room: Room, timestamp: int, fields: Event) -> None:
        unique = f"{room.id}_{room.created_at}"
        head = {"sessionId": room.id, "uniqueSessionId": unique, "timestamp": timestamp}
        self._record({**head, **fields, "event": name})

    def _tell_end(self, name: str, room: Room, started: int, reason: str, fields: Event) -> None:
        now = self._clock()
        end: Event = {"startTime": started, "duration": max(0, now - started) // 1000}
        if reason:
            end["reason"] = str(reason)
        self._tell(name, room, now, {**end, **fields})


def _ids(participant: Participant) -> Event:
    return {"participantId": participant.id, "connectionId": participant.id}  # the same twice: the first is deprecated


def _who(participant: Participant) -> Event:
    return {
        **_ids(participant),
        "location": "unknown",
        "ip": participant.ip,
        "platform": participant.platform,
        "clientData": participant.client_data,
        "serverData": participant.token.properties.data,
    }


def _media(stream: PublishedStream) -> Event:
    video = {
        "videoSource": stream.type_of_video,
        "videoFramerate": stream.frame_rate,
        "videoDimensions": stream.video_dimensions,
    }
    return {**(video if stream.has_video else {}), "audioEnabled": stream.has_audio, "videoEnabled": stream.has_video}
