"""A `World` of a real page: runs in Pyodide, beside `page.js`. Media connections end in the same page."""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import Any

import js

from pyvidu.platform import Candidate, LocalMedia
from pyvidu.platform.browser import ProxyScope, browser_host
from tests.contract.suite import check
from tests.contract.world import DEADLINE, Availability, NetworkEvent, Seen, Server, Track

# The targets and names of the events. They are fired by hand: the labs prove that the browser fires them.
EVENTS: dict[NetworkEvent, tuple[str, str]] = {
    "offline": ("window", "offline"),
    "online": ("window", "online"),
    "changed": ("connection", "change"),
    "woke up": ("document", "resume"),
    "unloading": ("window", "pagehide"),
}


class BrowserWorld:
    """A `World`. `addresses` are those of the servers, by availability."""

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        self.host = browser_host()
        self._addresses = addresses
        self._remotes: list[BrowserRemote] = []
        self._tracks: list[Any] = []

    def server(self, availability: Availability = "answering") -> Server:
        return Server(*self._addresses[availability])

    async def seen(self) -> Seen:
        answer = await js.fetch(self._addresses["seen"][0])
        found = json.loads(await answer.text())
        return Seen(found["messages"], [(code, reason) for code, reason in found["closes"]])

    def remote(self) -> BrowserRemote:
        self._remotes.append(BrowserRemote())
        return self._remotes[-1]

    def network_event(self, event: NetworkEvent) -> None:
        target, name = EVENTS[event]
        targets = {"window": js.window, "document": js.document, "connection": js.navigator.connection}
        targets[target].dispatchEvent(js.Event.new(name))

    def offline(self, offline: bool) -> None:
        js.setOffline(offline)

    def place(self) -> str:
        return "place"

    def own_element(self) -> Any:
        element = js.document.createElement("video")
        element.id = "own"
        js.document.getElementById("own-place").replaceChildren(element)
        return element

    def is_in_document(self, identity: str) -> bool:
        return bool(js.document.getElementById(identity))

    def tracks(self, stream: Any) -> list[Track]:
        return [Track(track.kind, track.enabled, track.readyState == "live") for track in stream.getTracks()]

    def new_track(self, kind: str) -> Any:
        self._tracks.append(js.anotherTrack(kind))
        return self._tracks[-1]

    def end_video(self, media: LocalMedia) -> None:
        (track,) = media.stream.getVideoTracks()
        track.dispatchEvent(js.Event.new("ended"))

    def alive(self) -> dict[str, int]:
        return {"proxies": ProxyScope.alive, **json.loads(js.alive())}

    def close(self) -> None:
        """Release what belongs to the surroundings, not to the host."""
        for remote in self._remotes:
            remote.fall_silent()
        for track in self._tracks:
            track.stop()


class BrowserRemote:
    """A `Remote`: another RTCPeerConnection of the page."""

    def __init__(self) -> None:
        self._remote = js.Remote.new()

    async def answer(self, offer: str) -> str:
        return str(await self._remote.answer(offer))

    async def offer(self) -> str:
        return str(await self._remote.offer())

    async def accept(self, answer: str) -> None:
        await self._remote.accept(answer)

    async def candidates(self) -> list[Candidate]:
        found = json.loads(await self._remote.candidates())
        return [Candidate(one["candidate"], one["sdpMid"], one["sdpMLineIndex"]) for one in found]

    async def add_candidate(self, candidate: Candidate) -> None:
        names = {
            "candidate": candidate.candidate,
            "sdpMid": candidate.sdp_mid,
            "sdpMLineIndex": candidate.sdp_m_line_index,
        }
        await self._remote.add(json.dumps(names))

    async def received(self, kind: str) -> int:
        return int(await self._remote.received(kind))

    def fall_silent(self) -> None:
        self._remote.close()


async def outcome(name: str, addresses: str) -> str:
    """Run one test in the page. Return "" if it passes, else what failed, with the values of all variables."""
    world = BrowserWorld(json.loads(addresses))
    try:
        async with asyncio.timeout(4 * DEADLINE):  # a page that waits for ever would block all other tests
            await check(name, world)
    except Exception as error:  # noqa: BLE001 - whatever fails is reported to pytest, outside the page
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(told.format())
    finally:
        world.close()
    return ""
