"""Requests whose answers are evidence: pings, the resume, the proof of membership, a cluster's `life`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyvidu.protocol.codes import NOT_A_MEMBER, Code
from pyvidu.protocol.messages import Call, Connect, Ping, SessionStatus, SessionStatusResult
from pyvidu.protocol.wire import WireError, from_wire
from pyvidu.reconnection.evidence import (
    MembershipConfirmed,
    MembershipDenied,
    PongReceived,
    ResumeAccepted,
    ResumeRefused,
    SessionMoved,
    SignalingEvidence,
)
from pyvidu.tasks import Tasks

from .rpc_socket import RpcError, RpcSocket, SocketGone

LIFE_TIMEOUT = 1.5  # seconds within which a cluster must report its `life`


class EvidenceRequests:
    """The requests for the RPC session `rpc_session`. `life` is that of the cluster's node, if the server sent one.

    `report` receives the evidence. A request whose socket is lost reports nothing: the close is evidence of its own.
    """

    def __init__(self, report: Callable[[SignalingEvidence], None]) -> None:
        self.rpc_session = ""
        self.life: int | None = None
        self._report = report
        self._verified: RpcSocket | None = None
        self._tasks = Tasks()

    def ping(self, socket: RpcSocket, number: int, received: int | None, interval: int | None = None) -> None:
        """Send a ping; an error counts as a pong too. `interval` (ms) takes effect in the first ping of a session only."""
        call = Ping(interval=interval, received=received)
        self._when_answered(socket, call, PongReceived(number), lambda _: PongReceived(number))

    def membership(self, socket: RpcSocket, proof: Call) -> None:
        """Send a request that succeeds only for a member, and report the outcome, unless another socket was asked since.

        An answer of a former socket may come after minutes, and tells of a membership that is over.
        """
        self._verified = socket
        self._when_answered(socket, proof, MembershipConfirmed(), _membership, counts=lambda: self._verified is socket)

    def check_ownership(self, socket: RpcSocket, proof: Call) -> None:
        """Send `proof` and report `SessionMoved` if it is refused with code 803; any other answer is ignored."""

        def answered(future: asyncio.Future[object]) -> None:
            error = None if future.cancelled() else future.exception()
            if isinstance(error, RpcError) and error.code == Code.TRANSPORT:
                self._report(SessionMoved())

        socket.request(proof).add_done_callback(answered)

    def resume(self, socket: RpcSocket, received: int | None) -> None:
        """Send `connect` before this call returns, and report the outcome later."""
        answer = socket.request(Connect(session_id=self.rpc_session, reconnect=True, received=received))
        self._tasks.spawn(self._resumed(socket, answer))

    def close(self) -> None:
        """Cancel the resumes under way; they report nothing any more."""
        self._tasks.cancel()

    async def _resumed(self, socket: RpcSocket, answer: asyncio.Future[object]) -> None:
        try:
            await answer
        except RpcError as error:
            gone = error.code == Code.RECONNECTION
            self._report(ResumeRefused(error.code, gone, gone and await self._node_crashed(socket)))
        except SocketGone:
            pass
        else:
            self._report(ResumeAccepted())

    async def _node_crashed(self, socket: RpcSocket) -> bool:
        """Return whether `life` shows that the node that refused is not the one that we joined; False if unknown."""
        if self.life is None:
            return False
        try:
            async with asyncio.timeout(LIFE_TIMEOUT):
                answer = await socket.request(SessionStatus(self.rpc_session))
            life = from_wire(SessionStatusResult, answer).life
        except (TimeoutError, RpcError, SocketGone, WireError):
            return False
        return life not in (None, -1, self.life)

    def _when_answered(
        self,
        socket: RpcSocket,
        call: Call,
        result: SignalingEvidence,
        refusal: Callable[[RpcError], SignalingEvidence],
        *,
        counts: Callable[[], bool] = lambda: True,
    ) -> None:
        def answered(future: asyncio.Future[object]) -> None:
            error = future.exception()
            if not counts():
                return
            if error is None:
                self._report(result)
            elif isinstance(error, RpcError):
                self._report(refusal(error))

        socket.request(call).add_done_callback(answered)


def _membership(error: RpcError) -> MembershipConfirmed | MembershipDenied:
    """Return what an error says about membership: with any other code the server found the participant."""
    return MembershipDenied(error.code) if error.code in (*NOT_A_MEMBER, Code.TRANSPORT) else MembershipConfirmed()
