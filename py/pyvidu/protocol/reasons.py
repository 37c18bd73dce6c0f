"""The reasons why a stream, a connection or a session ended, as OpenVidu names them on the wire and in its events."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The `reason` of `streamDestroyed`, `connectionDestroyed` and `sessionDisconnected`."""

    DISCONNECT = "disconnect"
    FORCE_DISCONNECT_BY_USER = "forceDisconnectByUser"
    FORCE_DISCONNECT_BY_SERVER = "forceDisconnectByServer"
    SESSION_CLOSED_BY_SERVER = "sessionClosedByServer"
    NETWORK_DISCONNECT = "networkDisconnect"
    NODE_CRASHED = "nodeCrashed"
    UNPUBLISH = "unpublish"
    UNSUBSCRIBE = "unsubscribe"
    FORCE_UNPUBLISH_BY_USER = "forceUnpublishByUser"
    FORCE_UNPUBLISH_BY_SERVER = "forceUnpublishByServer"
    MEDIA_SERVER_DISCONNECT = "mediaServerDisconnect"
    MEDIA_SERVER_RECONNECT = "mediaServerReconnect"
    OPENVIDU_SERVER_STOPPED = "openviduServerStopped"
