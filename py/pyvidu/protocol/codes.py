"""OpenVidu's error codes, and how a message carries one."""

from __future__ import annotations

import re
from enum import IntEnum

PROBE_ANSWER = "OpenVidu\n"
"""What pyvidu's server answers to a reachability probe, a plain GET of the WebSocket's path."""

PROBE_ANSWER_UNHEARD = "OpenVidu, unheard\n"
"""The same to a participant of whom nothing else arrives at the moment, neither signaling nor the media that did before."""


class Code(IntEnum):
    """Codes of JSON-RPC error objects sent by an OpenVidu server."""

    INTERNAL = -1  # a mandatory parameter is missing, or the request could not be handled
    USER_NOT_FOUND = 102
    USER_CLOSED = 103
    ALREADY_IN_ROOM = 104
    USER_NOT_STREAMING = 105
    ALREADY_STREAMING = 106
    ROOM_NOT_FOUND = 202
    ROOM_CLOSED = 203
    ROOM_CANNOT_BE_CREATED = 204
    MEDIA_GENERIC = 301
    MEDIA_SDP = 302
    MEDIA_ENDPOINT = 303
    UNAUTHORIZED = 401
    FILTER_ALREADY_APPLIED = 405
    FILTER_NOT_APPLIED = 406
    FILTER_LISTENER_NOT_FOUND = 407
    METADATA_FORMAT = 500
    SIGNAL_FORMAT = 600
    SIGNAL_TO = 601
    TRANSPORT = 803
    EDITION = 997
    GENERIC = 999
    RECONNECTION = 40007  # `connect` refused: the RPC session is unknown or gone

    def text(self, sentence: str) -> str:
        """Return `sentence` with the ending that every OpenVidu error message has: `. Code: N`."""
        return f"{sentence.removesuffix('.')}. Code: {int(self)}"


_CODE = re.compile(r"\. Code: (-?\d{1,9})\s*$")


def code_in(message: str) -> int | None:
    """Return the code at the end of an OpenVidu error message, or None."""
    found = _CODE.search(message)
    return int(found[1]) if found else None


NOT_A_MEMBER = (Code.USER_NOT_FOUND, Code.USER_CLOSED, Code.ROOM_NOT_FOUND, Code.ROOM_CLOSED)
"""With these a request is refused because its sender is in no room; with the first two also because another one is not."""
