"""The process of some light callers: they publish the recording, receive all other streams, and count what they receive.

Reads one line with tokens and prints a line when all of them publish, with their streams and addresses. Then `restart`
restarts the counting, and `report` prints what each of them received of each stream. They leave at the end of its input. If
the server refuses one, `refused` says why, and the further ones do not join.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp

from benchmarks.light.host import http_client
from benchmarks.light.peers import LightPublisher, LightSubscriber
from benchmarks.light.recording import Recording, record
from benchmarks.light.rpc import Rpc
from pyvidu.server.media.dtls_srtp import Certificate


class Caller:
    """A participant that sends one stream and receives all others."""

    def __init__(self, http: aiohttp.ClientSession, certificate: Certificate, recording: Recording) -> None:
        self.subscribers: dict[str, LightSubscriber] = {}
        self.failures: list[str] = []
        self._certificate, self._recording = certificate, recording
        self._rpc = Rpc(http, self._told)
        self._publisher = LightPublisher(certificate, recording)
        self._subscribing: set[asyncio.Task[None]] = set()
        self.stream = ""

    @property
    def address(self) -> tuple[str, int]:
        """Return the address that the stream comes from."""
        return self._publisher.connection.address

    async def join(self, token: str) -> None:
        """Join, publish, and subscribe to every stream already published."""
        joined = await self._rpc.join(token)
        for other in joined["value"]:
            for stream in other.get("streams", []):
                self._subscribe(stream["id"])
        offer, clip = await self._publisher.offer(), self._recording
        answer = await self._rpc.publish(offer, audio=True, width=clip.width, height=clip.height, rate=clip.rate)
        self.stream = answer["id"]
        await self._publisher.accept(answer["sdpAnswer"])

    async def leave(self) -> None:
        """Leave the room and close all connections."""
        await self._rpc.leave()
        for task in self._subscribing:
            task.cancel()
        peers: list[LightPublisher | LightSubscriber] = [self._publisher, *self.subscribers.values()]
        for peer in peers:
            await peer.close()

    def report(self) -> dict[str, Any]:
        """Return what was received so far, by stream."""
        return {stream: subscriber.report() for stream, subscriber in self.subscribers.items()}

    def _told(self, method: str, params: Any) -> None:
        if method == "participantPublished":
            for stream in params["streams"]:
                self._subscribe(stream["id"])
        elif method in ("participantUnpublished", "participantLeft"):
            for stream in [one for one in self.subscribers if one.endswith(params["connectionId"])]:
                task = asyncio.create_task(self.subscribers.pop(stream).close())
                self._subscribing.add(task)
                task.add_done_callback(self._subscribing.discard)

    def _subscribe(self, stream: str) -> None:
        task = asyncio.create_task(self._receive(stream))
        self._subscribing.add(task)
        task.add_done_callback(self._subscribing.discard)

    async def _receive(self, stream: str) -> None:
        subscriber = self.subscribers[stream] = LightSubscriber(self._certificate)
        try:
            answer = await self._rpc.request("receiveVideoFrom", sender=stream, sdpOffer=await subscriber.offer())
            await subscriber.accept(answer["sdpAnswer"])
        except Exception as error:  # noqa: BLE001 - reported to the parent
            self.failures.append(f"{stream}: {error!r}")


async def main() -> None:
    """Run the callers until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tokens: list[str] = json.loads(await reader.readline())
    certificate, recording = Certificate(), record()
    async with http_client() as http:
        callers = [Caller(http, certificate, recording) for _ in tokens]
        told: dict[str, Any] = {}
        began = loop.time()
        try:
            for caller, token in zip(callers, tokens, strict=True):
                await caller.join(token)
        except RuntimeError as error:
            told = {"refused": str(error)}
        told |= {"joined_in": loop.time() - began}
        streams, addresses = [caller.stream for caller in callers], [caller.address for caller in callers]
        print(json.dumps({"publishing": len(callers), "streams": streams, "addresses": addresses, **told}), flush=True)
        while (line := (await reader.readline()).strip()) != b"":
            if line == b"restart":
                for caller in callers:
                    for subscriber in caller.subscribers.values():
                        subscriber.restart_counting()
            received = [caller.report() for caller in callers]
            failures = [failure for caller in callers for failure in caller.failures]
            print(json.dumps({"received": received, "failures": failures}), flush=True)
        await asyncio.gather(*(caller.leave() for caller in callers), return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
