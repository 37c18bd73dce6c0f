"""The validated request bodies of the REST API. As on the real server, unknown members are ignored, null is absent.

Source: `fromJson` of `SessionProperties`, `RecordingProperties`, `ConnectionProperties` and `IceServerProperties` of
openvidu-java-client 2.32.2, which openvidu-server uses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
import secrets
import time
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from pyvidu.protocol.messages import LARGEST_METADATA, IceServerInfo
from pyvidu.server.rooms.tokens import ConnectionProperties, Role, SessionProperties

_STATIC_SECRET_LIFETIME = 24 * 3600  # seconds
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_STUN_OR_TURN = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[^\]]*\]|[^\[\]:?]+)(:(?P<port>\d+))?(\?transport=(?P<transport>tcp|udp))?"
)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")  # noqa: TRY004 - pydantic wants it so
    return value


def _ice_url(url: str) -> str:
    """Return `url` if it is a STUN or TURN URI (RFC 7064 and RFC 7065).

    Raises:
        ValueError: it is not one.
    """
    parts = _STUN_OR_TURN.fullmatch(url)
    if parts is None or (parts["transport"] and parts["scheme"].startswith("stun")):
        raise ValueError("not a STUN or TURN URI like turn:HOST:PORT?transport=tcp")
    if parts["port"] and not 0 < int(parts["port"][:6]) <= 65535:
        raise ValueError("the port is between 1 and 65535")
    host = parts["host"]
    if host.startswith("["):
        ipaddress.IPv6Address(host[1:-1])
    elif not _HOST_NAME.fullmatch(host):
        raise ValueError("the host is neither a name nor an address")
    return url


Int = Annotated[int, BeforeValidator(_no_bool), Field(ge=-(2**31), lt=2**31)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class RecordingBody(_Body):
    """`defaultRecordingProperties`: stored and returned only, as nothing is recorded here."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-~]*$")] | None = None
    has_audio: StrictBool | None = None
    has_video: StrictBool | None = None
    output_mode: Literal["COMPOSED", "COMPOSED_QUICK_START", "INDIVIDUAL"] | None = None
    recording_layout: Literal["BEST_FIT", "PICTURE_IN_PICTURE", "VERTICAL_PRESENTATION", "HORIZONTAL_PRESENTATION",
                              "CUSTOM"] | None = None  # fmt: skip
    resolution: Annotated[str, StringConstraints(pattern=r"^([1-9]\d\d|1\d{3})x([1-9]\d\d|1\d{3})$")] | None = None
    frame_rate: Annotated[Int, Field(ge=1, le=120)] | None = None
    shm_size: Annotated[int, BeforeValidator(_no_bool), Field(ge=134_217_728, lt=2**63)] | None = None
    custom_layout: str | None = None
    ignore_failed_streams: StrictBool | None = None

    @model_validator(mode="after")
    def _something(self) -> RecordingBody:
        if self.has_audio is False and self.has_video is False:
            raise ValueError('Cannot start a recording with both "hasAudio" and "hasVideo" set to false')
        return self

    def properties(self) -> dict[str, Any]:
        """Return the members to send, which depend on `outputMode`, `hasVideo` and `recordingLayout`."""
        has_video = self.has_video is not False
        mode = self.output_mode or "COMPOSED"
        told: dict[str, Any] = {
            "name": self.name or "",
            "hasAudio": self.has_audio is not False,
            "hasVideo": has_video,
            "outputMode": mode,
        }
        if mode == "INDIVIDUAL":
            told["ignoreFailedStreams"] = bool(self.ignore_failed_streams)
        elif has_video:
            told["recordingLayout"] = self.recording_layout or "BEST_FIT"
            told["resolution"] = self.resolution or "1280x720"
            told["frameRate"] = self.frame_rate or 25
            told["shmSize"] = self.shm_size or 536_870_912
            if self.recording_layout == "CUSTOM":
                told["customLayout"] = self.custom_layout or ""
        return told


class MediaNodeBody(_Body):
    """`mediaNode`, of the Pro edition: stored and returned only."""

    id: str


class SessionBody(_Body):
    """The body of `POST sessions`."""

    custom_session_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-]*$", max_length=200)] | None = None
    media_mode: Literal["ROUTED", "RELAYED"] | None = None
    recording_mode: Literal["ALWAYS", "MANUAL"] | None = None
    forced_video_codec: Literal["MEDIA_SERVER_PREFERRED", "NONE", "VP8", "VP9", "H264"] | None = None
    allow_transcoding: StrictBool | None = None
    default_recording_properties: RecordingBody | None = None
    media_node: MediaNodeBody | None = None

    def properties(self) -> SessionProperties:
        """Return the properties that a room keeps."""
        defaults = SessionProperties()
        return SessionProperties(
            media_mode=self.media_mode or defaults.media_mode,
            recording_mode=self.recording_mode or defaults.recording_mode,
            custom_session_id=self.custom_session_id or "",
            forced_video_codec=self.forced_video_codec or defaults.forced_video_codec,
            allow_transcoding=bool(self.allow_transcoding),
            default_recording_properties=(self.default_recording_properties or RecordingBody()).properties(),
            media_node=(self.media_node.id if self.media_node else None) or None,
        )


class KurentoOptionsBody(_Body):
    """Bandwidths in kbit/s and filters that the participant may apply."""

    video_max_recv_bandwidth: Int | None = None
    video_min_recv_bandwidth: Int | None = None
    video_max_send_bandwidth: Int | None = None
    video_min_send_bandwidth: Int | None = None
    allowed_filters: list[str] | None = None

    def properties(self) -> dict[str, Any]:
        """Return the members to send; an empty list of filters is left out."""
        told = self.model_dump(exclude_none=True, by_alias=True)
        return {key: value for key, value in told.items() if value != []}


class IceServerBody(_Body):
    """An ICE server for the peer connections of the participant.

    TURN needs credentials, or the secret to derive them from (coturn's `static-auth-secret`); STUN has none.
    """

    url: Annotated[str, StringConstraints(max_length=500), AfterValidator(_ice_url)]
    username: str | None = None
    credential: str | None = None
    static_auth_secret: str | None = None

    @model_validator(mode="after")
    def _credentials(self) -> IceServerBody:
        named = self.username is not None or self.credential is not None
        if self.url.startswith("stun"):
            if named:
                raise ValueError("Credentials can not be defined while using stun.")
        elif self.static_auth_secret is not None and named:
            raise ValueError("You can't define username or credential if staticAuthSecret is defined")
        elif self.static_auth_secret is None and (self.username is None or self.credential is None):
            raise ValueError("Credentials must be defined while using turn")
        return self

    def info(self) -> IceServerInfo:
        """Return the server as it is sent to clients."""
        username, credential = self.username or None, self.credential or None
        if self.static_auth_secret is not None and self.url.startswith("turn"):
            username = f"{int(time.time()) + _STATIC_SECRET_LIFETIME}:{secrets.token_hex(4)}"
            # as coturn defines it: https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
            mac = hmac.new(self.static_auth_secret.encode("utf-8", "replace"), username.encode(), hashlib.sha1)
            credential = base64.b64encode(mac.digest()).decode()
        return IceServerInfo(self.url, username, credential)


class ConnectionBody(_Body):
    """The body of `POST sessions/ID/connection`. RTSP cameras (`type` IPCAM) are not implemented."""

    type: Literal["WEBRTC"] | None = None
    data: Annotated[str, StringConstraints(max_length=LARGEST_METADATA)] | None = None
    role: Role | None = None
    record: StrictBool | None = None
    kurento_options: KurentoOptionsBody | None = None
    custom_ice_servers: list[IceServerBody] | None = None

    def properties(self) -> ConnectionProperties:
        """Return the properties that a token keeps."""
        return ConnectionProperties(
            role=self.role or Role.PUBLISHER,
            data=self.data or "",
            record=self.record is not False,
            kurento_options=self.kurento_options.properties() if self.kurento_options else None,
            custom_ice_servers=[server.info() for server in self.custom_ice_servers or []],
        )


class TokenBody(ConnectionBody):
    """The body of the deprecated `POST tokens`: as `POST sessions/SESSION/connection`, but `record` cannot be set."""

    session: str

    def properties(self) -> ConnectionProperties:
        """Return the properties that a token keeps."""
        properties = super().properties()
        properties.record = True
        return properties


class ConnectionPatchBody(_Body):
    """The body of `PATCH sessions/ID/connection/CID`, of the Pro edition."""

    role: Role | None = None
    record: StrictBool | None = None


class SignalBody(_Body):
    """The body of `POST signal`. Null among the recipients is no type error, but a connection that does not exist."""

    session: str
    to: list[str | None] | None = None
    type: str | None = None
    data: str | None = None
