"""What an application's backend creates before a participant joins: a connection with its rights, and a token for it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pyvidu.protocol.messages import IceServerInfo
from pyvidu.server import ids


def now_ms() -> int:
    """Return the time in milliseconds since the epoch, as OpenVidu sends it."""
    return round(time.time() * 1000)


class Role(StrEnum):
    """What a participant may do: subscribe; also publish; also force others to unpublish or leave."""

    SUBSCRIBER = "SUBSCRIBER"
    PUBLISHER = "PUBLISHER"
    MODERATOR = "MODERATOR"

    @property
    def may_publish(self) -> bool:
        """Return True for all but `SUBSCRIBER`."""
        return self is not Role.SUBSCRIBER

    @property
    def may_moderate(self) -> bool:
        """Return True for `MODERATOR`."""
        return self is Role.MODERATOR


@dataclass(slots=True)
class ConnectionProperties:
    """What `POST sessions/ID/connection` sets. `data` is the server's half of the metadata that others see."""

    role: Role = Role.PUBLISHER
    data: str = ""
    record: bool = True
    kurento_options: dict[str, Any] | None = None
    custom_ice_servers: list[IceServerInfo] = field(default_factory=list)


@dataclass(slots=True)
class Token:
    """A right to join once.

    `value` is the secret; `url` what the backend gives to its page. `created_at` is in milliseconds since the epoch,
    `expires_at` in seconds of the event loop's clock.
    """

    value: str
    url: str
    session_id: str
    properties: ConnectionProperties
    connection_id: str = field(default_factory=ids.connection_id)
    created_at: int = field(default_factory=now_ms)
    expires_at: float = math.inf


@dataclass(slots=True)
class SessionProperties:
    """What `POST sessions` sets; stored and returned, not used by the room."""

    media_mode: str = "ROUTED"
    recording_mode: str = "MANUAL"
    custom_session_id: str = ""
    forced_video_codec: str = "MEDIA_SERVER_PREFERRED"
    allow_transcoding: bool = False
    default_recording_properties: dict[str, Any] = field(default_factory=dict)
    media_node: str | None = None
