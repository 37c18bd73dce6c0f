"""The media plane: one peer connection per stream, negotiated over the signaling plane, verified by its counters."""

from __future__ import annotations

from .connection import InboundMedia, MediaClosedError, MediaConnection, MediaListener, OutboundMedia
from .plane import MediaPlane, MediaPlaneListener

__all__ = [
    "InboundMedia",
    "MediaClosedError",
    "MediaConnection",
    "MediaListener",
    "MediaPlane",
    "MediaPlaneListener",
    "OutboundMedia",
]
