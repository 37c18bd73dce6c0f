"""The browser's objects, as an application passes and gets them. Each is `Any`: a proxy, whose type Python does not know."""

from __future__ import annotations

from typing import Any, TypeAlias

MediaStream: TypeAlias = Any
MediaStreamTrack: TypeAlias = Any
RTCPeerConnection: TypeAlias = Any
Element: TypeAlias = Any
VideoElement: TypeAlias = Any
