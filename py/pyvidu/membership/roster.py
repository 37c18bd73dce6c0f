"""A session's connections as OpenVidu's REST API returns them (`GET sessions/ID/connection`), as participants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pyvidu.protocol.messages import ParticipantInfo
from pyvidu.protocol.wire import WireError, from_wire

SupplyRoster = Callable[[], Awaitable[Any]]
"""An application's coroutine function that supplies the connections."""


def participants(roster: Any) -> list[ParticipantInfo]:
    """Return the connected participants of `roster`: the answer of the REST API, or the list in it.

    Raises:
        WireError: it is something else, or a connection in it lacks its id or has a value of another type.
    """
    content = roster.get("content") if isinstance(roster, Mapping) else roster
    if not isinstance(content, (list, tuple)) or not all(isinstance(item, Mapping) for item in content):
        raise WireError("it is no list of connections")
    return [_participant(item) for item in content if item.get("status", "active") == "active"]


def _participant(connection: Mapping[str, Any]) -> ParticipantInfo:
    """Return a participant made from a connection of OpenVidu's REST API."""
    data = [text for text in (connection.get("clientData"), connection.get("serverData")) if text]
    publishers = connection.get("publishers") or []
    described = {
        "id": connection.get("connectionId") or connection.get("id"),
        "createdAt": connection.get("activeAt") or connection.get("createdAt"),
        "metadata": "%/%".join(map(str, data)),
        "streams": [_stream(item) for item in publishers] if isinstance(publishers, (list, tuple)) else publishers,
    }
    return from_wire(ParticipantInfo, described)


def _stream(publisher: Any) -> Any:
    """Return a stream as on the wire, or whatever else `publisher` is."""
    if not isinstance(publisher, Mapping):
        return publisher
    options = publisher.get("mediaOptions")
    options = options if isinstance(options, Mapping) else {}
    return {**options, "id": publisher.get("streamId"), "createdAt": publisher.get("createdAt")}
