"""The errors of the test kit. Each message says what happened and what to do."""

from __future__ import annotations


class TestingKitError(Exception):
    """The base class of all errors of `pyvidu.testing`."""

    __test__ = False  # the name begins with "Test", but pytest must not collect it


class WrongArgumentError(TestingKitError, ValueError):
    """An argument is not one that is accepted; the message names those that are."""


class EventLoopError(TestingKitError):
    """A fixture of this kit was used in another event loop than its own, in which it would wait for ever."""


class BrowserNotFoundError(TestingKitError):
    """The browser is not installed; the message says how to get it."""


class BrowserStartError(TestingKitError):
    """The browser is installed, but did not start; the message has its last output."""


class LabError(TestingKitError):
    """An operation on a network lab failed; the message has the output of the tool that failed."""


class LabUnavailableError(LabError):
    """No network lab can be made on this machine, or by this user; the message says what is needed."""


class ServerError(TestingKitError):
    """The server did not do what was asked; the message ends with its last lines."""


class ServerStartError(ServerError):
    """The server did not start."""


class PortInUseError(ServerStartError):
    """The server did not start, because something else listens on its port."""


class RestError(ServerError):
    """The REST API of the server refused a request.

    Attributes:
        status: its HTTP status; 0: no server answered.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class FaultRefusedError(ServerError):
    """The server refused to begin a fault: it has no fault control, say, or there is no such participant."""


class OutageTimeoutError(TestingKitError):
    """A page had not as many outages, or they had not ended, within the time; the message has what it recorded."""
