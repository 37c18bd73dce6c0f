"""Imitated network drops: the server is deaf and mute towards one participant on both planes for a while.

What it imitates is a network that swallows packets while TCP keeps trying. So on a socket that is open when the fault
begins nothing is lost, only late: the server neither reads nor writes until the end, then both sides get what waited, as
retransmission would bring it. New connections that name the participant hang until the end and are dropped then, as their
SYNs would have been. Media is lost for good. The eviction clock goes on meanwhile: nothing counts as heard.
A network namespace makes a real drop; this needs no root.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from pyvidu.server import logs
from pyvidu.server.keyring import same
from pyvidu.server.media_plane import MediaPlane
from pyvidu.server.participant import Participant
from pyvidu.server.rpc_session import RpcSession
from pyvidu.server.transport import Transport

Kind = Literal["silent", "dead-media"]


class Fault:
    """One drop of one participant, identified by all that its client may name it with."""

    def __init__(self, participant_id: str, probe_id: str, rpc_session_id: str) -> None:
        self.participant_id = participant_id
        self.probe_id = probe_id
        self.rpc_session_id = rpc_session_id
        self.timer: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._held: list[Transport] = []
        self._afterwards: list[Callable[[], None]] = []

    def hold(self, transport: Transport) -> None:
        """`transport` is one of the participant's: it is dead until the end."""
        transport.hold()
        self._held.append(transport)

    def when_over(self, callback: Callable[[], None]) -> None:
        """Calls `callback` at the end."""
        self._afterwards.append(callback)

    async def over(self) -> None:
        """Waits for the end."""
        await self._over.wait()

    def end(self) -> None:
        """Everything that was held goes on."""
        if self.timer is not None:
            self.timer.cancel()
        self._over.set()
        for transport in self._held:
            transport.release()
        for callback in self._afterwards:
            callback()
        self._held.clear()
        self._afterwards.clear()


class Faults:
    """The faults that are going on."""

    def __init__(self, media: MediaPlane) -> None:
        self._media = media
        self._faults: dict[str, Fault] = {}

    def __len__(self) -> int:
        return len(self._faults)

    def start(self, participant: Participant, kind: Kind, seconds: float) -> Fault:
        """Begins a fault; if the participant has one already, that one now ends `seconds` from here."""
        fault = self._faults.get(participant.id)
        if fault is None:
            session = participant.peer
            assert isinstance(session, RpcSession)
            fault = self._faults[participant.id] = Fault(participant.id, participant.probe_id, session.id)
            if session.socket is not None:
                fault.hold(session.socket.transport)
            self._media.set_deaf(participant.id, True)
        if fault.timer is not None:
            fault.timer.cancel()
        if kind == "dead-media":
            self._media.kill(participant.id)
        fault.timer = asyncio.get_running_loop().call_later(seconds, self._end, fault)
        logs.event("fault", participant=participant.id, kind=kind, seconds=seconds)
        return fault

    def of_probe(self, probe_id: str | None) -> Fault | None:
        """The fault of the participant that a probe or a new socket names."""
        return next((fault for fault in self._faults.values() if fault.probe_id == probe_id), None)

    def of_rpc_session(self, rpc_session_id: object) -> Fault | None:
        """The fault of the participant that a `connect` names."""
        if not isinstance(rpc_session_id, str) or not self._faults:
            return None
        return next((fault for fault in self._faults.values() if same(rpc_session_id, fault.rpc_session_id)), None)

    def close(self) -> None:
        """Ends every fault."""
        for fault in list(self._faults.values()):
            self._end(fault)

    def _end(self, fault: Fault) -> None:
        self._faults.pop(fault.participant_id, None)
        self._media.set_deaf(fault.participant_id, False)
        logs.event("fault over", participant=fault.participant_id)
        fault.end()
