# ruff: noqa: T201  (it talks to its parent by printing)
"""The process of some light senders: participants that publish the clip, receive nothing and speak the bare protocol.

Reads one line with tokens, prints a line when all of them publish, and leaves at the end of its input.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from typing import Any

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from bench.light.clip import HEIGHT, RATE, WIDTH, ClipTrack, record
from bench.light.host import http_client, trust_anybody

_PING_S = 5.0
_ANSWER_S = 20.0


class Sender:
    """A participant with one video stream."""

    def __init__(self, http: aiohttp.ClientSession, clip: list[bytes]) -> None:
        self._http = http
        self._clip = clip
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # none: the default asks a public server
        self._ws: aiohttp.ClientWebSocketResponse | None = None

    async def publish(self, token: str) -> None:
        """Joins and publishes."""
        address, _, query = token.partition("?")
        room = dict(pair.split("=", 1) for pair in query.split("&"))["sessionId"]
        url = f"{address.rstrip('/')}/openvidu?sessionId={room}"
        self._ws = await self._http.ws_connect(url, ssl=trust_anybody())
        self._tasks.append(asyncio.create_task(self._read()))
        await self._request("ping", interval=round(_PING_S * 1000))
        self._tasks.append(asyncio.create_task(self._beat()))
        await self._request(
            "joinRoom", token=token, session=room, platform="pyvidu bench", secret="", metadata='{"name":"light"}',
            sdkVersion="2.32.2", recorder=False, stt=False,
        )  # fmt: skip
        track = ClipTrack(self._clip)
        track.sender = self._peer.addTrack(track)
        (transceiver,) = self._peer.getTransceivers()
        transceiver.direction = "sendonly"
        vp8 = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType == "video/VP8"]
        transceiver.setCodecPreferences(vp8)
        await self._peer.setLocalDescription(await self._peer.createOffer())
        size = json.dumps({"width": WIDTH, "height": HEIGHT})
        result = await self._request(
            "publishVideo", sdpOffer=self._peer.localDescription.sdp, doLoopback=False, hasAudio=False, hasVideo=True,
            audioActive=False, videoActive=True, typeOfVideo="CAMERA", frameRate=RATE, videoDimensions=size, filter={},
        )  # fmt: skip
        await self._peer.setRemoteDescription(RTCSessionDescription(result["sdpAnswer"], "answer"))

    async def leave(self) -> None:
        """Leaves the room."""
        if self._ws is not None and not self._ws.closed:
            await self._request("leaveRoom")
        for task in self._tasks:
            task.cancel()
        await self._peer.close()
        if self._ws is not None:
            await self._ws.close()

    async def _request(self, method: str, **params: Any) -> Any:
        assert self._ws is not None
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._ws.send_json({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._waiting[number], _ANSWER_S)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_PING_S)
            await self._request("ping")

    async def _read(self) -> None:
        assert self._ws is not None
        async for message in self._ws:
            answer = json.loads(message.data)
            future = self._waiting.pop(answer.get("id"), None)
            if future is None or future.done():
                continue
            if "error" in answer:
                future.set_exception(RuntimeError(answer["error"]["message"]))
            else:
                future.set_result(answer["result"])


async def main() -> None:
    """Lives as long as its input."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tokens: list[str] = json.loads(await reader.readline())
    clip = record()
    async with http_client() as http:
        senders = [Sender(http, clip) for _ in tokens]
        for sender, token in zip(senders, tokens, strict=True):
            await sender.publish(token)
        print(json.dumps({"publishing": len(senders)}), flush=True)
        await reader.readline()
        await asyncio.gather(*(sender.leave() for sender in senders), return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
