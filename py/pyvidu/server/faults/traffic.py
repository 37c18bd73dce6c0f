"""Traffic as the active faults of participants make it: the one place where they act on what the server does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pyvidu.server.faults.kinds import Drop, Loss, ParticipantFault, Refusal, Slowness
from pyvidu.server.faults.paths import MediaPath, SocketPath, of_socket
from pyvidu.server.secret_map import same
from pyvidu.server.traffic import Path

_F = TypeVar("_F", bound=ParticipantFault)


class ImpairedTraffic:
    """A `Traffic` in which each fault takes part from `add` to `remove`. Without any, all passes at once."""

    def __init__(self) -> None:
        self._faults: list[ParticipantFault] = []
        self._media: dict[MediaPath, str] = {}  # the open paths, and whose they are

    # --- for the owner of the faults ----------------------------------------------------------------------------------

    def add(self, fault: ParticipantFault) -> None:
        """Let a fault take part."""
        self._faults.append(fault)
        self._update_media(fault.media_key)

    def remove(self, fault: ParticipantFault) -> None:
        """Let a fault take part no longer."""
        self._faults.remove(fault)
        self._update_media(fault.media_key)

    def sever(self, media_key: str | None = None) -> None:
        """Sever the present media connections of a participant, or of all. Their peers get no notice."""
        for path, whose in list(self._media.items()):
            if media_key in (None, whose):
                path.sever()

    # --- for the server (Traffic) -------------------------------------------------------------------------------------

    def media_path(self, participant: str) -> Path:
        """Return a path that drops or delays as the faults of the participant require, now and later."""
        path = MediaPath(self._closed)
        self._media[path] = participant
        self._impair(path, participant)
        return path

    def socket_path(self, probe_id: str | None, flow: Callable[[bool], None]) -> Path:
        """Return a path that is slow if the participant is."""
        path = SocketPath(flow)
        for slow in self._all(Slowness):
            if slow.probe_id == probe_id:
                slow.slow(path)
        return path

    async def admits(self, probe_id: str | None) -> bool:
        """Let a connection wait for the end of the drops of its participant, and break then."""
        waited = False
        while (drop := self._dropping(probe_id)) is not None:
            if drop.refuses:
                return False
            waited = True
            await drop.over()
        for slow in self._all(Slowness):
            if slow.probe_id == probe_id:
                await slow.handshake()
        return not waited

    def reaches(self, rpc_session_id: str, path: Path, later: Callable[[], None]) -> bool:
        """Hold `path`, and with it the resume, if the network of the participant is dropped."""
        for drop in self._all(Drop):
            if drop.signaling and same(rpc_session_id, drop.session.id):
                drop.hold(of_socket(path), later)
                return False
        return True

    def readmits(self, rpc_session_id: str, path: Path) -> bool:
        """Refuse the resume, or make `path` slow, if a fault of the participant requires it."""
        for refusal in self._all(Refusal):
            if same(rpc_session_id, refusal.session.id):
                refusal.refuse()
                return False
        for slow in self._all(Slowness):
            if same(rpc_session_id, slow.session.id):
                slow.slow(of_socket(path))
        return True

    def delivers(self, rpc_session_id: str, method: str) -> bool:
        """Lose a notification if a fault of the participant requires it."""
        return not any(loss.session.id == rpc_session_id and loss.loses(method) for loss in self._all(Loss))

    # --- internals ----------------------------------------------------------------------------------------------------

    def _dropping(self, probe_id: str | None) -> Drop | None:
        return next((drop for drop in self._all(Drop) if drop.signaling and drop.probe_id == probe_id), None)

    def _all(self, kind: type[_F]) -> list[_F]:
        return [fault for fault in self._faults if isinstance(fault, kind)]

    def _update_media(self, media_key: str) -> None:
        for path, whose in list(self._media.items()):
            if whose == media_key:
                self._impair(path, whose)

    def _closed(self, path: MediaPath) -> None:
        self._media.pop(path, None)

    def _impair(self, path: MediaPath, media_key: str) -> None:
        drops = [drop for drop in self._all(Drop) if drop.media and drop.media_key == media_key]
        delays = [slow.delay for slow in self._all(Slowness) if slow.media and slow.media_key == media_key]
        path.drop(bool(drops))
        path.slow(delays[-1] if delays else None)
