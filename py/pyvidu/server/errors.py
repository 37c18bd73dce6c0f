"""The exceptions of the server; those of refused requests have the wire form that OpenVidu gives them."""

from __future__ import annotations

from pyvidu.protocol.codes import Code
from pyvidu.protocol.jsonrpc import ErrorObject


class OpenViduException(Exception):
    """A request that is refused by an exception of its handler. The text ends in OpenVidu's `. Code: N`."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(code.text(sentence))
        self.code = code

    def to_object(self, session_id: str) -> ErrorObject:
        """Return the `error` of the JSON-RPC response to a request of RPC session `session_id`."""
        return ErrorObject(int(self.code), str(self))


class AnsweredError(OpenViduException):
    """A request that is refused by an answer of its handler.

    On the real server such an error passes through kurento-jsonrpc's `TransactionImpl`, which adds the RPC session id.
    `data` is what the handler adds.
    """

    def __init__(self, code: Code, sentence: str, data: str | None = None) -> None:
        super().__init__(code, sentence)
        self._data = data

    def to_object(self, session_id: str) -> ErrorObject:
        """Return the `error`, with `data` and the RPC session id."""
        return ErrorObject(int(self.code), str(self), self._data, session_id)


class MissingParameter(OpenViduException):
    """A mandatory parameter is missing. The real server's error is a Java exception, whose text ends in no code."""

    def __init__(self, name: str, method: str) -> None:
        Exception.__init__(
            self,
            f"java.lang.RuntimeException:Request element '{name}' is missing in RPC method '{method}'. "
            "Check that 'openvidu-server' and 'openvidu-browser' versions are compatible with each other",
        )
        self.code = Code.INTERNAL


class ConfigurationError(ValueError):
    """Settings that the server refuses to start with; the message states what to do."""
