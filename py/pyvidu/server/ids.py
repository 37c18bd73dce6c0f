"""Identifiers and secrets in the format of OpenVidu, all from the operating system's random source.

Source: `IdentifierPrefixes`, `RandomIdGenerator` and `KurentoParticipant.generateStreamId` of openvidu-server 2.32.2.
"""

from __future__ import annotations

import secrets
import string

_LETTERS = string.ascii_uppercase
_ALPHANUMERIC = string.ascii_letters + string.digits
_STREAM_KINDS = {"CAMERA": "CAM", "SCREEN": "SCR", "CUSTOM": "CUS", "IPCAM": "IPC"}


def session_id() -> str:
    """Return `ses_` and 10 characters."""
    return "ses_" + _random(10)


def connection_id() -> str:
    """Return `con_` and 10 characters."""
    return "con_" + _random(10)


def stream_id(type_of_video: str | None, has_video: bool, owner: str) -> str:
    """Return `str_CAM_x7Fa_con_...`: the kind of video, or `MIC` without video, and the owner's connection id."""
    kind = _STREAM_KINDS.get(type_of_video or "CUSTOM", "CUS") if has_video else "MIC"
    return f"str_{kind}_{_random(4)}_{owner}"


def token() -> str:
    """Return `tok_` and 16 characters (94 bits), a secret that admits its holder once."""
    return "tok_" + _random(16)


def rpc_session_id() -> str:
    """Return a secret of 26 characters (over 130 bits) that lets its holder resume the participant."""
    return _characters(26, string.ascii_lowercase + string.digits)


def probe_id() -> str:
    """Return a participant's id for reachability probes. Opaque, and no secret: it grants no access."""
    return "prb_" + _random(16)


def final_user_id() -> str:
    """Return OpenVidu's id of the end user (there: the first 16 characters of an HTTP session id)."""
    return secrets.token_hex(8).upper()


def _random(length: int) -> str:
    return secrets.choice(_LETTERS) + _characters(length - 1, _ALPHANUMERIC)


def _characters(length: int, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
