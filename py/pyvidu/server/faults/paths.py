"""The paths that faults act on: slow, held, dropping or severed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyvidu.server.faults.delay_line import Delay, DelayLine
from pyvidu.server.traffic import Path


class ImpairedPath:
    """A `Path` with a delay line each way."""

    def __init__(self) -> None:
        self.clear = True
        self.delay: Delay | None = None
        self._inward = DelayLine()
        self._outward = DelayLine()

    def slow(self, delay: Delay | None) -> None:
        """Delay everything by `delay` in each direction from now on; with None what is under way arrives at once."""
        self.delay = delay
        self._assess()
        self._outward.set(delay)
        self._inward.set(delay)

    def outgoing(self, send: Callable[[], None]) -> None:
        """Run `send` after the delay."""
        self._outward.put(send)

    def incoming(self, receive: Callable[[], None]) -> None:
        """Run `receive` after the delay."""
        self._inward.put(receive)

    def close(self) -> None:
        """Run what is still to be sent, and discard what has not arrived."""
        self._inward.clear()
        self._outward.set(None)

    def _assess(self) -> None:
        self.clear = self.delay is None


class SocketPath(ImpairedPath):
    """The path of a WebSocket. TCP loses nothing: while it is held the server neither reads nor writes."""

    def __init__(self, flow: Callable[[bool], None]) -> None:
        super().__init__()
        self._flow = flow
        self._holds = 0

    def hold(self) -> None:
        """Stop the flow; holds are counted."""
        self._holds += 1
        if self._holds == 1:
            self._flow(False)

    def release(self) -> None:
        """Undo one `hold`."""
        self._holds -= 1
        if self._holds == 0:
            self._flow(True)


class MediaPath(ImpairedPath):
    """The path of a media connection. What is sent or arrives while it drops is lost."""

    def __init__(self, closed: Callable[[MediaPath], object]) -> None:
        super().__init__()
        self._closed = closed
        self._dropping = self._severed = False

    def drop(self, dropping: bool) -> None:
        """Drop everything in both directions, or stop doing so."""
        self._dropping = dropping
        self._assess()

    def sever(self) -> None:
        """Drop everything in both directions for good: the peer gets no notice."""
        self._severed = True
        self._assess()

    def outgoing(self, send: Callable[[], None]) -> None:
        """Run `send` after the delay, or not at all."""
        if not self._dropping and not self._severed:
            super().outgoing(send)

    def incoming(self, receive: Callable[[], None]) -> None:
        """Run `receive` after the delay, unless everything is dropped then."""
        super().incoming(partial(self._arrive, receive))

    def close(self) -> None:
        """Run what is still to be sent, discard what has not arrived, and report the close."""
        super().close()
        self._closed(self)

    def _assess(self) -> None:
        self.clear = self.delay is None and not self._dropping and not self._severed

    def _arrive(self, receive: Callable[[], None]) -> None:
        if not self._dropping and not self._severed:
            receive()


def of_socket(path: Path) -> SocketPath:
    """Return the path of a WebSocket, as `ImpairedTraffic` has made it."""
    assert isinstance(path, SocketPath)
    return path
