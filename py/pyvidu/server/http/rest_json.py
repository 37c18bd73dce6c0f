"""The JSON of the REST API. The official SDKs compare whole objects, so no member may be added or left out.

Source: `toJson` of `Session`, `Token`, `Participant`, `MediaOptions` of openvidu-server 2.32.2.
"""

from __future__ import annotations

from typing import Any

from pyvidu.protocol.wire import to_wire
from pyvidu.server.http.rest_bodies import RecordingBody
from pyvidu.server.rooms.published_stream import PublishedStream
from pyvidu.server.rooms.room import Participant, Room
from pyvidu.server.rooms.tokens import ConnectionProperties, Token

_DEFAULT_RECORDING = RecordingBody().properties()


def session_json(room: Room, *, pending: bool) -> dict[str, Any]:
    """Return a session with its connections."""
    properties = room.properties
    return {
        "id": room.id,
        "object": "session",
        "sessionId": room.id,
        "createdAt": room.created_at,
        "recording": False,
        "broadcasting": False,
        "mediaMode": properties.media_mode,
        "recordingMode": properties.recording_mode,
        "defaultRecordingProperties": properties.default_recording_properties or _DEFAULT_RECORDING,
        "customSessionId": properties.custom_session_id,
        **({"mediaNode": {"id": properties.media_node}} if properties.media_node else {}),
        "forcedVideoCodec": properties.forced_video_codec,
        "allowTranscoding": properties.allow_transcoding,
        "connections": listing(connections_json(room, pending=pending)),
    }


def connections_json(room: Room, *, pending: bool) -> list[dict[str, Any]]:
    """Return the connections of a session: the active ones, then the ones with an unused token."""
    active = [active_json(participant) for participant in room.participants if not participant.hidden]
    return active + ([pending_json(token) for token in room.tokens] if pending else [])


def active_json(participant: Participant) -> dict[str, Any]:
    """Return a connection whose participant is in the room."""
    token = participant.token
    return {
        "id": participant.id,
        "object": "connection",
        "status": "active",
        "connectionId": participant.id,
        "sessionId": participant.room.id,
        "createdAt": token.created_at,
        "activeAt": participant.active_at,
        "location": "unknown",
        "ip": participant.ip,
        "platform": participant.platform,
        "token": token.url,
        **_properties_json(token.properties),
        "clientData": participant.client_data,
        "publishers": [_publisher_json(participant.stream)] if participant.stream else [],
        "subscribers": [
            {"createdAt": subscription.created_at, "streamId": subscription.stream_id}
            for subscription in participant.subscriptions.values()
        ],
    }


def pending_json(token: Token) -> dict[str, Any]:
    """Return a connection whose token is unused."""
    nothing_yet = ("activeAt", "location", "ip", "platform", "clientData", "publishers", "subscribers")
    return {
        "id": token.connection_id,
        "object": "connection",
        "status": "pending",
        "connectionId": token.connection_id,
        "sessionId": token.session_id,
        "createdAt": token.created_at,
        **_properties_json(token.properties),
        "token": token.url,
        **dict.fromkeys(nothing_yet),
    }


def token_json(token: Token) -> dict[str, Any]:
    """Return a token as the deprecated `POST tokens` answers it."""
    properties = token.properties
    return {
        "id": token.url,
        "token": token.url,
        "createdAt": token.created_at,
        "connectionId": token.connection_id,
        "session": token.session_id,
        "data": properties.data,
        "role": properties.role.value,
        **({"kurentoOptions": properties.kurento_options} if properties.kurento_options is not None else {}),
    }


def listing(content: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a list in the form of the API."""
    return {"numberOfElements": len(content), "content": content}


def _properties_json(properties: ConnectionProperties) -> dict[str, Any]:
    return {
        "type": "WEBRTC",
        "record": properties.record,
        "role": properties.role.value,
        "kurentoOptions": properties.kurento_options,
        "customIceServers": to_wire(properties.custom_ice_servers),
        "rtspUri": None,
        "adaptativeBitrate": None,
        "onlyPlayWithSubscribers": None,
        "networkCache": None,
        "serverData": properties.data,
    }


def _publisher_json(stream: PublishedStream) -> dict[str, Any]:
    options: dict[str, Any] = {"hasAudio": stream.has_audio}
    if stream.has_audio:
        options["audioActive"] = stream.audio_active
    options["hasVideo"] = stream.has_video
    if stream.has_video:
        options["videoActive"] = stream.video_active
        options["typeOfVideo"] = stream.type_of_video
        options["frameRate"] = stream.frame_rate
        options["videoDimensions"] = stream.video_dimensions
    options["filter"] = stream.filter
    return {"createdAt": stream.created_at, "streamId": stream.id, "mediaOptions": options}
