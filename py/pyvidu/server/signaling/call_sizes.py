"""How large the parameters of a request may be. What one participant sends is kept, logged, and sent to others."""

from __future__ import annotations

import json
from dataclasses import fields

from pyvidu.protocol.messages import Call
from pyvidu.protocol.wire import WireError, camel_case
from pyvidu.server.limits import MessageLimits

_LIMITS = MessageLimits()
# By the names of the fields; SDP is checked by its parser, `metadata` by its handler.
_TEXTS = {
    **dict.fromkeys(("sdp_offer", "sdp_answer", "sdp_string", "message", "metadata"), _LIMITS.message),
    **dict.fromkeys(("options", "params"), _LIMITS.value),
    **dict.fromkeys(("token", "candidate"), _LIMITS.token),
}


def check_sizes(call: Call) -> None:
    """Check the parameters of a request.

    Raises:
        WireError: one is longer than it may be.
    """
    for field in fields(call):  # type: ignore[arg-type]  # every call is a dataclass
        value = getattr(call, field.name)
        if isinstance(value, str):
            size, largest = len(value), _TEXTS.get(field.name, _LIMITS.text)
        elif isinstance(value, (dict, list)):
            size, largest = len(json.dumps(value, ensure_ascii=False)), _LIMITS.value
        else:
            continue
        if size > largest:
            raise WireError(f"'{camel_case(field.name)}' has {size} characters, {largest} are allowed")
