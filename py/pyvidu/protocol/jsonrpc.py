"""JSON-RPC 2.0 as OpenVidu uses it: one object per message, no batches, requests with integer ids counted by the client.

https://www.jsonrpc.org/specification
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from pyvidu.protocol import json_text

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601

LARGEST_REQUEST = 50 * 1024
"""Bytes of a client's message, as UTF-8. Beyond it openvidu-server 2.32.2 closes the WebSocket (`InfoSocketConfig`)."""

LONGEST_NAME = 100
"""Characters of a request's id and of a method. Clients of OpenVidu count their ids; the longest method has 27."""
_LARGEST_ID = 2**63

RequestId = int | str


class MalformedMessage(ValueError):
    """A text that is not a JSON-RPC 2.0 message. `code` is JSON-RPC's own; `id` is set if the text has one."""

    def __init__(self, sentence: str, code: int = INVALID_REQUEST, request_id: RequestId | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.id = request_id


class MessageTooLong(ValueError):
    """A request whose text is longer than `LARGEST_REQUEST`."""


class NoResult(MalformedMessage):
    """A response without a result and without an error, to the request with that `id`."""


@dataclass(frozen=True, slots=True)
class Request:
    """A call that is answered. `id` is unique on its side of the connection.

    `encode` of this and of the other two raises ValueError for a value that JSON lacks, such as NaN.
    """

    id: RequestId
    method: str
    params: Mapping[str, object] = field(default_factory=dict)

    def encode(self) -> str:
        """Return the message as JSON text.

        Raises:
            MessageTooLong: no server of OpenVidu would read it.
        """
        text = _dumps({"jsonrpc": "2.0", "method": self.method, "params": self.params, "id": self.id})
        if (size := utf8_size(text)) > LARGEST_REQUEST:
            raise MessageTooLong(f"it has {size} bytes as JSON, {LARGEST_REQUEST} are allowed")
        return text


@dataclass(frozen=True, slots=True)
class Notification:
    """A call that is not answered: every push of the server is one. `params` received are not checked yet."""

    method: str
    params: object = field(default_factory=dict)

    def encode(self) -> str:
        """Return the message as JSON text."""
        return _dumps({"jsonrpc": "2.0", "method": self.method, "params": self.params})


@dataclass(frozen=True, slots=True)
class ErrorObject:
    """The `error` of a failed request.

    With a `session_id` (the RPC session's) it has kurento-jsonrpc's own form: the id in the error, and an empty `data`
    beside it.
    """

    code: int
    message: str
    data: object = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to the request with the same `id`: a result or an error, never both."""

    id: RequestId | None
    result: object = None
    error: ErrorObject | None = None

    def encode(self) -> str:
        """Return the message as JSON text."""
        message: dict[str, object] = {"jsonrpc": "2.0", "id": self.id}
        if self.error is None:
            message["result"] = self.result
        else:
            error: dict[str, object] = {"code": self.error.code, "message": self.error.message}
            if self.error.data is not None:
                error["data"] = self.error.data
            message["error"] = error
            if self.error.session_id is not None:
                error["sessionId"] = self.error.session_id
                message["data"] = {}
        return _dumps(message)


Message = Request | Notification | Response


def utf8_size(text: str) -> int:
    """Return the bytes of a text in UTF-8, in which a lone surrogate is sent as another character."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def decode(text: str | bytes, *, most: int | None = None) -> Message:
    """Return the message in `text`, which may have `most` members and elements (any number if that is None).

    Raises:
        MalformedMessage: it is no JSON, no object, or an object of no known form.
    """
    try:
        value = json_text.loads(text, most=most, parse_constant=_no_number, parse_float=_finite)
    except ValueError as error:
        raise MalformedMessage(f"Not JSON: {error}", PARSE_ERROR) from None
    if not isinstance(value, dict):
        raise MalformedMessage("A JSON-RPC message is an object")
    request_id = value.get("id")
    if isinstance(request_id, bool) or not isinstance(request_id, (int, str, type(None))):
        raise MalformedMessage("'id' is neither a number nor a string")
    if len(request_id) > LONGEST_NAME if isinstance(request_id, str) else abs(request_id or 0) > _LARGEST_ID:
        raise MalformedMessage(f"'id' has more than {LONGEST_NAME} characters, or than 63 bits")
    if "method" in value:
        return _call(value, request_id)
    if "error" in value and value["error"] is not None:
        return Response(request_id, error=_error(value["error"]))
    if "result" in value:
        return Response(request_id, value["result"])
    problem = MalformedMessage if request_id is None else NoResult
    raise problem("Neither 'method' nor 'result' nor 'error'", request_id=request_id)


def _no_number(text: str) -> NoReturn:
    # Python reads and writes NaN and Infinity, browsers do not: from one participant they would break the others' parsers.
    raise ValueError(f"{text:.40} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _no_number(text)
    return value


def _call(value: dict[str, object], request_id: RequestId | None) -> Request | Notification:
    method, params = value["method"], value.get("params")
    if not isinstance(method, str):
        raise MalformedMessage("'method' is not a string", request_id=request_id)
    if len(method) > LONGEST_NAME:
        raise MalformedMessage(f"'method' has more than {LONGEST_NAME} characters", METHOD_NOT_FOUND, request_id)
    if params is None:
        params = {}
    if request_id is None:
        return Notification(method, params)
    if not isinstance(params, dict):
        raise MalformedMessage("'params' is not an object", request_id=request_id)
    return Request(request_id, method, params)


def _error(value: object) -> ErrorObject:
    if not isinstance(value, dict):
        return ErrorObject(-1, str(value))
    code = value.get("code")
    if isinstance(code, bool) or not isinstance(code, int):
        code = -1
    return ErrorObject(code, str(value.get("message", "")), value.get("data"))


def _dumps(message: Mapping[str, object]) -> str:
    return json_text.encoded(message, str(message.get("method", "message")))
