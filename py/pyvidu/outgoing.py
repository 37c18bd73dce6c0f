"""What a session sends for the application, checked: the metadata of its connection, and signals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pyvidu.connection import Connection
from pyvidu.errors import PropertiesError
from pyvidu.properties import accepting, configured
from pyvidu.protocol import json_text
from pyvidu.protocol.jsonrpc import utf8_size
from pyvidu.protocol.messages import LARGEST_METADATA, SendMessage, SignalMessage


def _are_connections(value: object) -> bool:
    return isinstance(value, Collection) and all(isinstance(item, Connection) for item in value)


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """What `Session.signal` sends, as what type, and to whom: nobody means everybody."""

    data: str = ""
    to: Collection[Connection] = accepting((), "a list of Connections", _are_connections)
    type: str = ""


def signal_request(options: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> SendMessage:
    """Return the request that sends a signal; `keywords` that have their default do not replace those of `options`.

    Raises:
        PropertiesError: an option that does not exist or has another type.
    """
    usual = SignalOptions()
    given = {name: value for name, value in keywords.items() if value != getattr(usual, name)}
    wanted = configured(SignalOptions, options, given)
    kind = (wanted.type or "signal").removeprefix("signal:")  # without a type openvidu-browser sends signal:signal
    message = SignalMessage([item.connection_id for item in wanted.to], wanted.data, f"signal:{kind}")
    return SendMessage(message.encode())


def metadata_text(data: object) -> str:
    """Return what an application passes to `connect` as `metadata`, as the text that the others receive.

    Raises:
        PropertiesError: JSON lacks a value, or it is longer than the server allows, so that no rejoin would succeed either.
    """
    if data is None or isinstance(data, str):
        text = data or ""
    else:
        try:
            text = json_text.encoded(data, "metadata")
        except ValueError as error:
            raise PropertiesError(f"connect cannot send this as JSON: {error}") from None
    if (size := utf8_size(text)) > LARGEST_METADATA:
        raise PropertiesError(f"The metadata of a connection has {LARGEST_METADATA} bytes at most, this has {size}")
    return text
