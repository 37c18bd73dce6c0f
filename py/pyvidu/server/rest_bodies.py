"""What the REST API accepts, validated. Unknown members are ignored, as the real server does."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StrictBool, StringConstraints
from pydantic.alias_generators import to_camel

from pyvidu.protocol.messages import IceServerInfo
from pyvidu.server.room import SessionProperties
from pyvidu.server.tokens import ConnectionProperties, Role


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class SessionBody(_Body):
    """`POST sessions`."""

    custom_session_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-]*$", max_length=200)] | None = None
    media_mode: Literal["ROUTED", "RELAYED"] | None = None
    recording_mode: Literal["ALWAYS", "MANUAL"] | None = None
    forced_video_codec: Literal["MEDIA_SERVER_PREFERRED", "NONE", "VP8", "VP9", "H264"] | None = None
    allow_transcoding: StrictBool | None = None
    default_recording_properties: dict[str, Any] | None = None

    def properties(self, default_recording: dict[str, Any]) -> SessionProperties:
        """What a room keeps of it."""
        defaults = SessionProperties()
        return SessionProperties(
            media_mode=self.media_mode or defaults.media_mode,
            recording_mode=self.recording_mode or defaults.recording_mode,
            custom_session_id=self.custom_session_id or "",
            forced_video_codec=self.forced_video_codec or defaults.forced_video_codec,
            allow_transcoding=bool(self.allow_transcoding),
            default_recording_properties=default_recording | (self.default_recording_properties or {}),
        )


class KurentoOptionsBody(_Body):
    """Bandwidths in kbit/s and filters that the participant may apply."""

    video_max_recv_bandwidth: int | None = None
    video_min_recv_bandwidth: int | None = None
    video_max_send_bandwidth: int | None = None
    video_min_send_bandwidth: int | None = None
    allowed_filters: list[str] | None = None


class IceServerBody(_Body):
    """An ICE server for the peer connections of the participant."""

    url: Annotated[str, StringConstraints(pattern=r"^(stun|stuns|turn|turns):\S+$", max_length=500)]
    username: str | None = None
    credential: str | None = None


class ConnectionBody(_Body):
    """`POST sessions/ID/connection`."""

    type: Literal["WEBRTC"] | None = None
    data: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    role: Role | None = None
    record: StrictBool | None = None
    kurento_options: KurentoOptionsBody | None = None
    custom_ice_servers: list[IceServerBody] | None = None

    def properties(self) -> ConnectionProperties:
        """What a token keeps of it. The community edition ignores `record`: it is true."""
        options = self.kurento_options
        servers = self.custom_ice_servers or []
        return ConnectionProperties(
            role=self.role or Role.PUBLISHER,
            data=self.data or "",
            kurento_options=options.model_dump(exclude_none=True, by_alias=True) if options else None,
            custom_ice_servers=[IceServerInfo(server.url, server.username, server.credential) for server in servers],
        )


class ConnectionPatchBody(_Body):
    """`PATCH sessions/ID/connection/CID`, of the Pro edition."""

    role: Role | None = None
    record: StrictBool | None = None


class SignalBody(_Body):
    """`POST signal`."""

    session: str
    to: list[str] | None = None
    type: str | None = None
    data: str | None = None
