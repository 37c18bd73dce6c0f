"""A session's connections as OpenVidu's REST API returns them (`GET sessions/ID/connection`), as participants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pyvidu.protocol.messages import ParticipantInfo, StreamInfo

SupplyRoster = Callable[[], Awaitable[Any]]
"""An application's coroutine function that supplies the connections."""


def participants(roster: Any) -> list[ParticipantInfo]:
    """Return the connected participants of `roster`: the answer of the REST API, or the list in it."""
    content = roster.get("content", ()) if isinstance(roster, Mapping) else roster
    return [_participant(item) for item in content if item.get("status", "active") == "active"]


def _participant(connection: Mapping[str, Any]) -> ParticipantInfo:
    """Return a participant made from a connection of OpenVidu's REST API."""
    data = [text for text in (connection.get("clientData"), connection.get("serverData")) if text]
    return ParticipantInfo(
        id=str(connection.get("connectionId") or connection.get("id")),
        created_at=connection.get("activeAt") or connection.get("createdAt"),
        metadata="%/%".join(data),
        streams=[_stream(item) for item in connection.get("publishers") or ()],
    )


def _stream(publisher: Mapping[str, Any]) -> StreamInfo:
    options = publisher.get("mediaOptions") or {}
    return StreamInfo(
        id=str(publisher["streamId"]),
        created_at=publisher.get("createdAt"),
        has_audio=bool(options.get("hasAudio")),
        has_video=bool(options.get("hasVideo")),
        audio_active=options.get("audioActive"),
        video_active=options.get("videoActive"),
        type_of_video=options.get("typeOfVideo"),
        frame_rate=options.get("frameRate"),
        video_dimensions=options.get("videoDimensions"),
        filter=options.get("filter"),
    )
