"""The WebSocket and REST requests of a call, in order; `$NAME` stands for a value of the running call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.server_world import join_params, publish_params

_OFFERS = Path(__file__).parent.parent / "tests" / "server" / "media"
PUBLISHER_OFFER = (_OFFERS / "publisher_offer.sdp").read_text()
SUBSCRIBER_OFFER = (_OFFERS / "subscriber_offer.sdp").read_text()

RPC: list[tuple[str, dict[str, Any]]] = [
    ("ping", {"interval": 5000}),
    ("joinRoom", join_params("$TOKEN", "room", '{"clientData":"Ada"}')),
    ("publishVideo", publish_params(sdpOffer=PUBLISHER_OFFER)),
    ("onIceCandidate", {"endpointName": "$CONNECTION", "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host",
                        "sdpMid": "0", "sdpMLineIndex": 0}),
    ("receiveVideoFrom", {"sender": "$STREAM", "sdpOffer": SUBSCRIBER_OFFER}),
    ("prepareReceiveVideoFrom", {"sender": "$STREAM", "reconnect": False}),
    ("reconnectStream", {"stream": "$STREAM", "sdpString": PUBLISHER_OFFER, "sdpOffer": SUBSCRIBER_OFFER}),
    ("streamPropertyChanged", {"streamId": "$STREAM", "property": "audioActive", "newValue": False, "reason": "x"}),
    ("sendMessage", {"message": '{"to":["$CONNECTION"],"data":"hello","type":"signal:chat"}'}),
    ("videoData", {"height": 480, "width": 640, "videoActive": True, "audioActive": True}),
    ("forceUnpublish", {"streamId": "$STREAM"}),
    ("applyFilter", {"streamId": "$STREAM", "type": "GStreamerFilter", "options": {"command": "x"}}),
    ("removeFilter", {"streamId": "$STREAM"}),
    ("execFilterMethod", {"streamId": "$STREAM", "method": "setElementProperty", "params": "{}"}),
    ("addFilterEventListener", {"streamId": "$STREAM", "eventType": "CodeFound"}),
    ("removeFilterEventListener", {"streamId": "$STREAM", "eventType": "CodeFound"}),
    ("subscribeToSpeechToText", {"connectionId": "$CONNECTION", "lang": "en-US"}),
    ("echo", {}),
    ("unsubscribeFromVideo", {"sender": "$CONNECTION"}),
    ("unpublishVideo", {}),
    ("forceDisconnect", {"connectionId": "$CONNECTION"}),
    ("connect", {"sessionId": "$RPC", "reconnect": True, "received": 3}),
    ("leaveRoom", {}),
    ("closeSession", {}),
]  # fmt: skip

REST: list[tuple[str, str, Any]] = [
    ("POST", "sessions", {"customSessionId": "room", "mediaMode": "ROUTED", "recordingMode": "MANUAL",
                          "allowTranscoding": False, "forcedVideoCodec": "VP8",
                          "defaultRecordingProperties": {"name": "x", "hasAudio": True, "outputMode": "COMPOSED",
                                                         "frameRate": 25, "resolution": "640x480"}}),
    ("GET", "sessions?pendingConnections=true", None),
    ("GET", "sessions/room", None),
    ("POST", "sessions/room/connection", {"type": "WEBRTC", "role": "MODERATOR", "data": "server", "record": True,
        "kurentoOptions": {"videoMaxRecvBandwidth": 1000, "allowedFilters": ["GStreamerFilter"]},
        "customIceServers": [{"url": "turn:127.0.0.1:3478", "username": "u", "credential": "c"}]}),
    ("POST", "tokens", {"session": "room", "role": "PUBLISHER", "data": "server"}),
    ("GET", "sessions/room/connection", None),
    ("GET", "sessions/room/connection/$CONNECTION", None),
    ("PATCH", "sessions/room/connection/$CONNECTION", {"role": "SUBSCRIBER", "record": False}),
    ("DELETE", "sessions/room/connection/$CONNECTION", None),
    ("DELETE", "sessions/room/stream/$STREAM", None),
    ("POST", "signal", {"session": "room", "to": ["$CONNECTION"], "type": "signal:chat", "data": "hello"}),
    ("GET", "config", None),
    ("DELETE", "sessions/room", None),
    ("POST", "recordings/start", {"session": "room"}),
]  # fmt: skip
