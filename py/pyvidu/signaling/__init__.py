"""The signaling plane: JSON-RPC over one WebSocket at a time, kept alive by the decisions of `reconnection/`."""

from __future__ import annotations

from .listener import SignalingListener
from .plane import SignalingPlane

__all__ = ["SignalingListener", "SignalingPlane"]
