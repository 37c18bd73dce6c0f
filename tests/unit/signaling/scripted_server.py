"""A scripted server for tests: sockets without a network, whose requests get prepared answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyvidu.platform import Host, LoopClock, NetworkListener, SocketListener
from pyvidu.protocol.codes import PROBE_ANSWER
from pyvidu.protocol.messages import Call, Echo
from pyvidu.protocol.reasons import Reason
from pyvidu.reconnection.outage import OutageLog
from pyvidu.reconnection.policy import ReconnectionPolicy
from pyvidu.signaling import SignalingPlane
from pyvidu.signaling.rpc_socket import RpcError

Answer = Callable[[str, dict[str, Any]], Any]


class ScriptedSocket:
    """Answers every request with what `ScriptedServer.answers` has for its method: a result, an error, None (no answer)."""

    def __init__(self, server: ScriptedServer, listener: SocketListener) -> None:
        self.server = server
        self.listener: SocketListener | None = listener
        self.is_open = False
        self.requests: list[tuple[int, str, dict[str, Any]]] = []
        server.sockets.append(self)
        if server.portal:
            asyncio.get_running_loop().call_later(0.01, self.drop)
        elif server.accepts:
            asyncio.get_running_loop().call_later(server.handshake, self._open)

    def send(self, text: str) -> None:
        message = json.loads(text)
        self.requests.append((message["id"], message["method"], message["params"]))
        answer = self.server.answers.get(message["method"], {})
        if answer is not None:
            kind = "error" if "code" in answer else "result"
            self.push({"jsonrpc": "2.0", "id": message["id"], kind: answer})

    def push(self, message: Mapping[str, Any]) -> None:
        asyncio.get_running_loop().call_soon(self._deliver, json.dumps(message))

    def drop(self) -> None:
        """Close it from the server's side, with code 1006."""
        listener, self.listener, self.is_open = self.listener, None, False
        if listener is not None:
            listener.socket_closed(self, 1006, "")

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.listener, self.is_open = None, False
        self.closed = code

    def methods(self) -> list[str]:
        return [method for _, method, _ in self.requests]

    def _open(self) -> None:
        if self.listener is not None:
            self.is_open = True
            self.listener.socket_opened(self)

    def _deliver(self, text: str) -> None:
        if self.listener is not None:
            self.listener.socket_received(self, text)


class ScriptedServer:
    """Sockets, reachability and network events of a test; also the listener of the plane under test."""

    def __init__(self) -> None:
        self.sockets: list[ScriptedSocket] = []
        self.answers: dict[str, Any] = {"ping": {"value": "pong"}}
        self.accepts = True
        self.portal = False  # something else answers: it refuses new sockets
        self.page = PROBE_ANSWER
        self.handshake = 0.0  # seconds
        self.told: list[str] = []
        self.silences_refuted = 0
        self.outages = OutageLog(calendar=lambda: 0.0)
        self.plane = SignalingPlane(self.host(), ReconnectionPolicy(), self.outages, self)

    def open(self, url: str, listener: SocketListener) -> ScriptedSocket:
        return ScriptedSocket(self, listener)

    async def probe(self, url: str, timeout: float, answers: Sequence[str] = ()) -> str | None:
        await asyncio.sleep(0.01)
        text = "a portal's" if self.portal else self.page
        return (text if answers else "") if self.accepts and (not answers or text in answers) else None

    async def probe_web_socket(self, url: str, timeout: float) -> bool:
        return await self.probe(url, timeout) is not None

    async def joined(self, **particulars: Any) -> SignalingPlane:
        await self.plane.open("ws://server/openvidu?sessionId=x")
        self.plane.supervise("rpc", "http://server/openvidu", "ws://server/openvidu", **particulars)
        self.plane.listen()
        return self.plane

    # --- SignalingListener -------------------------------------------------------------------------------------------

    def signaling_notified(self, method: str, params: object) -> None:
        self.told.append(method)

    def signaling_refused(self, call: Call, error: RpcError) -> None:
        self.told.append(f"refused {call.method}")

    def signaling_suspended(self) -> None:
        """Nothing: what is told counts."""

    def signaling_reconnecting(self) -> None:
        self.told.append("reconnecting")

    def signaling_attempt(self, number: int, next_delay: float | None) -> None:
        pass

    def signaling_reconnected(self) -> None:
        self.told.append("reconnected")

    def signaling_refuted_silence(self) -> None:
        self.silences_refuted += 1

    def signaling_lost(self, reason: Reason, *, gave_up: bool) -> None:
        self.told.append(f"lost: {reason}")

    def signaling_unloading(self) -> None:
        self.told.append("unloading")

    def membership_check(self) -> Call:
        return Echo()

    def host(self) -> Host:
        """Return a host whose sockets, reachability and network events are this server's."""
        unused: Any = None
        return Host(
            clock=LoopClock(),
            sockets=self,
            peers=unused,
            watch_network=lambda _listener: _Monitor(),
            reachability=self,
            devices=unused,
            elements=unused,
            description="",
        )


class _Monitor:
    def close(self) -> None:
        pass


__all__ = ["NetworkListener", "ScriptedServer", "ScriptedSocket"]
