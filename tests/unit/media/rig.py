"""Media connections without a network or a server: scripted peer connections, and requests that a test answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from pyvidu.media import InboundMedia, OutboundMedia
from pyvidu.platform import PeerSettings
from pyvidu.protocol.messages import Call, PublishVideo
from tests.unit.counted_clock import CountedClock
from tests.unit.reports import Reports
from tests.unit.scripted_peers import ScriptedPeer, ScriptedPeers
from tests.unit.signaling.scripted_server import ScriptedServer

OWN, BOB = "con_own", "con_bob"
BOBS = "str_CAM_con_bob"
RESULT = {"sdpAnswer": "an answer", "id": "str_CAM_con_own"}


class Requests:
    """The signaling plane as media knows it. `answers` has a result or an exception by method, None: it is not answered."""

    def __init__(self) -> None:
        self.is_up = True
        self.replays = False
        self.sent: list[Call] = []
        self.repeatable: list[bool] = []
        self.findings: list[object] = []
        self.answers: dict[str, Any] = {"prepareReceiveVideoFrom": {"sdpOffer": "the server's offer"}}
        self.waiting: list[asyncio.Future[object]] = []

    def request(self, call: Call, *, repeatable: bool = True) -> asyncio.Future[object]:
        self.sent.append(call)
        self.repeatable.append(repeatable)
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        answer = self.answers.get(call.method, RESULT)
        if isinstance(answer, Exception):
            future.set_exception(answer)
        elif answer is not None:
            future.set_result(answer)
        else:
            self.waiting.append(future)
        return future

    def send(self, call: Call) -> None:
        self.sent.append(call)

    def rtp(self, finding: object) -> None:
        self.findings.append(finding)


class Rig:
    """Media connections, what they send and report, and their peer connections."""

    def __init__(self) -> None:
        self.requests: Any = Requests()
        self.reports: Any = Reports()
        self.peers = ScriptedPeers()
        self.clock = CountedClock()
        self.host = replace(ScriptedServer().host(), peers=self.peers, clock=self.clock)

    @property
    def peer(self) -> ScriptedPeer:
        """Return the newest peer connection."""
        return self.peers.made[-1]

    def outbound(self) -> OutboundMedia:
        settings = PeerSettings(local_stream="the camera's stream")
        return OutboundMedia(self.host, self.requests, OWN, settings, self.reports)

    def inbound(self, owner: str = BOB, stream: str = BOBS, *, server_offers: bool = False) -> InboundMedia:
        settings = PeerSettings(receive_audio=True, receive_video=True)
        media = InboundMedia(self.host, self.requests, owner, settings, self.reports)
        media.stream_id, media.server_offers = stream, server_offers
        return media


def description() -> PublishVideo:
    """Return a `publishVideo` that lacks its offer."""
    return PublishVideo("", do_loopback=False, has_audio=True, has_video=True)
