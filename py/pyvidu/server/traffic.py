"""How traffic passes between the server and its clients: the one place where something may come between them.

The server asks a `Traffic` about connections, resumes and notifications, and lets what it sends and receives pass along a
`Path` of each connection. With `DirectTraffic` all passes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Path(Protocol):
    """How the packets or messages of one connection pass. In each direction they keep their order."""

    @property
    def clear(self) -> bool:
        """Return whether everything passes at once: `outgoing` and `incoming` then only run what they are given."""

    def outgoing(self, send: Callable[[], None]) -> None:
        """Run `send`, which sends something to the client: now, later, or never."""

    def incoming(self, receive: Callable[[], None]) -> None:
        """Run `receive`, the effect of something that arrived from the client: now, later, or never."""

    def close(self) -> None:
        """Close it with its connection: run what is still to be sent, and discard what has not arrived."""


class Traffic(Protocol):
    """What may happen to connections and to what they carry."""

    def media_path(self, participant: str) -> Path:
        """Return the path of a new media connection of a participant (`Participant.key`)."""

    def socket_path(self, probe_id: str | None, flow: Callable[[bool], None]) -> Path:
        """Return the path of a new WebSocket, of the participant that it names by `probe_id`.

        `flow(False)` is called when the server has to stop reading and writing there, `flow(True)` when it may go on.
        """

    async def admits(self, probe_id: str | None) -> bool:
        """Wait until a new connection gets through; return False if it breaks."""

    def reaches(self, rpc_session_id: str, path: Path, later: Callable[[], None]) -> bool:
        """Return whether a resume of an RPC session, received on `path`, has got through.

        If not, call `later` once it has.
        """

    def readmits(self, rpc_session_id: str, path: Path) -> bool:
        """Return whether an RPC session may be resumed, on `path`."""

    def delivers(self, rpc_session_id: str, method: str) -> bool:
        """Return whether a notification gets to the client of an RPC session."""


class DirectPath:
    """The path on which everything passes at once."""

    __slots__ = ()
    clear = True

    def outgoing(self, send: Callable[[], None]) -> None:
        """Run `send`."""
        send()

    def incoming(self, receive: Callable[[], None]) -> None:
        """Run `receive`."""
        receive()

    def close(self) -> None:
        """Do nothing."""


class DirectTraffic:
    """Traffic with nothing in between."""

    _path = DirectPath()

    def media_path(self, participant: str) -> Path:
        """Return a direct path."""
        return self._path

    def socket_path(self, probe_id: str | None, flow: Callable[[bool], None]) -> Path:
        """Return a direct path."""
        return self._path

    async def admits(self, probe_id: str | None) -> bool:
        """Return True."""
        return True

    def reaches(self, rpc_session_id: str, path: Path, later: Callable[[], None]) -> bool:
        """Return True."""
        return True

    def readmits(self, rpc_session_id: str, path: Path) -> bool:
        """Return True."""
        return True

    def delivers(self, rpc_session_id: str, method: str) -> bool:
        """Return True."""
        return True
