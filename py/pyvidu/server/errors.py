"""What can go wrong on the server, as exceptions that know how OpenVidu names them on the wire."""

from __future__ import annotations

from pyvidu.protocol.codes import Code
from pyvidu.protocol.jsonrpc import ErrorObject


class OpenViduError(Exception):
    """A request that is refused. Its text ends in OpenVidu's `. Code: N`."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(code.text(sentence))
        self.code = code

    def to_object(self) -> ErrorObject:
        """The `error` of the JSON-RPC response."""
        return ErrorObject(int(self.code), str(self))


class ConfigurationError(ValueError):
    """Settings that the server refuses to start with; the sentence says what to do."""
