"""A minimal client of OpenVidu's signaling: requests, a ping every 5 s, and a callback for notifications."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from benchmarks.light.host import accept_any_certificate

_PING_S = 5.0
_ANSWER_S = 20.0


class Rpc:
    """One participant's signaling. `on_notification(method, params)` is called in the order of arrival."""

    def __init__(self, http: aiohttp.ClientSession, on_notification: Callable[[str, Any], None] | None = None) -> None:
        self._http = http
        self._on_notification = on_notification or (lambda *_: None)
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ws: aiohttp.ClientWebSocketResponse | None = None

    async def join(self, token: str) -> Any:
        """Open the socket, join, and return the result of `joinRoom`."""
        address, _, query = token.partition("?")
        room = dict(pair.split("=", 1) for pair in query.split("&"))["sessionId"]
        url = f"{address.rstrip('/')}/openvidu?sessionId={room}"
        self._ws = await self._http.ws_connect(url, ssl=accept_any_certificate())
        self._tasks.append(asyncio.create_task(self._read()))
        await self.request("ping", interval=round(_PING_S * 1000))
        self._tasks.append(asyncio.create_task(self._beat()))
        return await self.request(
            "joinRoom", token=token, session=room, platform="pyvidu bench", secret="", metadata='{"name":"light"}',
            sdkVersion="2.32.2", recorder=False, stt=False,
        )  # fmt: skip

    async def publish(self, offer: str, *, audio: bool, width: int, height: int, rate: int) -> Any:
        """Send `publishVideo` and return the result: `id` of the stream, `sdpAnswer`."""
        return await self.request(
            "publishVideo", sdpOffer=offer, doLoopback=False, hasAudio=audio, hasVideo=True, audioActive=audio,
            videoActive=True, typeOfVideo="CAMERA", frameRate=rate,
            videoDimensions=json.dumps({"width": width, "height": height}),
        )  # fmt: skip

    async def request(self, method: str, **params: Any) -> Any:
        """Return the result of a request. Raises RuntimeError with the error's message, TimeoutError after 20 s."""
        assert self._ws is not None
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._ws.send_json({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._waiting[number], _ANSWER_S)

    async def leave(self) -> None:
        """Leave the room and close the socket."""
        if self._ws is not None and not self._ws.closed:
            await self.request("leaveRoom")
        for task in self._tasks:
            task.cancel()
        if self._ws is not None:
            await self._ws.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_PING_S)  # between two pings
            try:
                await self.request("ping")
            except ConnectionError:  # the socket is closing
                return

    async def _read(self) -> None:
        assert self._ws is not None
        async for message in self._ws:
            answer = json.loads(message.data)
            if "method" in answer:
                self._on_notification(answer["method"], answer.get("params", {}))
                continue
            future = self._waiting.pop(answer.get("id"), None)
            if future is None or future.done():
                continue
            if "error" in answer:
                future.set_exception(RuntimeError(answer["error"]["message"]))
            else:
                future.set_result(answer["result"])
