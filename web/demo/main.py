"""The demo: a call in the browser, in Python, that survives a network drop.

It is also the example of how to join, publish, subscribe, follow an outage and rejoin after an eviction. Everything
that touches the page is in `page.py`.
"""

from __future__ import annotations

import asyncio
import time

import outage_panel
import page
from page import Tile

from pyvidu import (
    ConnectionEvent,
    DeviceError,
    ExceptionEvent,
    NetworkQualityLevelChangedEvent,
    OpenVidu,
    OpenViduError,
    Outage,
    Publisher,
    SessionDisconnectedEvent,
    Stream,
    StreamEvent,
    StreamPropertyChangedEvent,
)
from pyvidu.events import ReconnectedEvent, ReconnectingEvent


class DemoCall:
    """One membership of a room, from joining to leaving. Joining again after an eviction needs a new one."""

    def __init__(self, openvidu: OpenVidu, room: str, name: str) -> None:
        self.openvidu = openvidu
        self.room, self.name = room, name
        self.session = openvidu.init_session()
        self.publisher: Publisher | None = None
        self.tiles: dict[str, Tile] = {}
        self.ended = False
        self.left_on_purpose = False
        self.names: dict[str, str] = {}  # stream id -> participant's name, for the log; kept after they left
        self.outage_number: int | None = None  # the last outage's, see `outage_panel.remember`
        self._listen()

    async def join(self) -> None:
        """Join, then show the camera and publish camera and microphone; without them, take part as a viewer.

        Raises OpenViduError if the server refuses.
        """
        answer = await page.post("/demo/token", {"session": self.room})
        page.offer_drops(answer["faultControl"])
        await self.session.connect(answer["token"], {"name": self.name})
        page.banner("connected", "Connected")
        try:
            self.publisher = await self.openvidu.init_publisher(self.own_tile.media)
            await self.session.publish(self.publisher)
        except DeviceError as error:
            page.notice(f"{error} You take part as a viewer: you see and hear the others, they do not see or hear you.")
            return
        self.own_tile.show_active(self.publisher.stream)
        page.offer_devices(self.publisher.stream)

    @property
    def own_tile(self) -> Tile:
        """Return the tile of this participant."""
        assert self.session.connection is not None
        return self.tiles[self.session.connection.connection_id]

    def tile_of(self, stream: Stream) -> Tile | None:
        """Return the tile of the participant who publishes `stream`."""
        return self.tiles.get(stream.connection.connection_id) if stream.connection is not None else None

    def leave(self) -> None:
        """Leave on purpose: the page returns to the lobby."""
        self.left_on_purpose = True
        self.session.disconnect()

    # --- the session's events ----------------------------------------------------------------------------------------

    def _listen(self) -> None:
        session = self.session

        @session.on("connectionCreated")
        def _(event: ConnectionEvent) -> None:
            own = event.connection.is_local
            name = page.name_of(event.connection.data)
            self.tiles[event.connection.connection_id] = Tile(name, own=own)
            page.log("connectionCreated", "you" if own else name)
            page.show_alone(len(self.tiles) == 1)

        @session.on("streamCreated")
        async def _(event: StreamEvent) -> None:
            tile = self.tile_of(event.stream)
            if tile is None:
                return
            page.log("streamCreated", tile.name)
            tile.show_active(event.stream)
            subscriber = await session.subscribe(event.stream, tile.media)
            subscriber.on("streamPlaying", lambda: page.log("streamPlaying", tile.name))

        @session.on("streamPropertyChanged")
        def _(event: StreamPropertyChangedEvent) -> None:
            tile = self.tile_of(event.stream)
            if tile is not None:
                tile.show_active(event.stream)
                page.log("streamPropertyChanged", f"{tile.name}: {event.changed_property} {page.said(event.new_value)}")

        @session.on("streamDestroyed")
        def _(event: StreamEvent) -> None:
            tile = self.tile_of(event.stream)
            if tile is not None:
                tile.show_paused(paused=False)
                page.log("streamDestroyed", f"{tile.name} ({event.reason})")

        @session.on("connectionDestroyed")
        def _(event: ConnectionEvent) -> None:
            tile = self.tiles.pop(event.connection.connection_id)
            tile.remove()
            page.log("connectionDestroyed", f"{tile.name} ({event.reason})")
            page.show_alone(len(self.tiles) == 1)

        @session.on("connectionInterrupted")
        @session.on("connectionRestored")
        def _(event: ConnectionEvent) -> None:
            tile = self.tiles[event.connection.connection_id]
            tile.show_interrupted(interrupted=event.connection.is_interrupted)
            page.log(event.type, tile.name)

        @session.on("streamVideoPaused")
        @session.on("streamVideoResumed")
        def _(event: StreamEvent) -> None:
            tile = self.tile_of(event.stream)
            if tile is not None:
                tile.show_paused(paused=event.type == "streamVideoPaused")
                page.log(event.type, f"{tile.name} ({event.reason})" if event.reason else tile.name)

        @session.on("networkQualityLevelChanged")
        def _(event: NetworkQualityLevelChangedEvent) -> None:
            tile = self.tiles.get(event.connection.connection_id)
            if tile is not None:
                tile.show_quality(event.new_value, event.reason, event.direction)
                about = f" ({event.reason})" if event.reason else ""
                page.log(event.type, f"{tile.name}: {event.old_value} to {event.new_value}{about}")

        @session.on("reconnecting")
        async def _(event: ReconnectingEvent) -> None:
            self.outage_number = outage_panel.remember(event.outage, self.names)
            page.log("reconnecting", "the connection is down", self.outage_number)
            await self._follow(event.outage)

        @session.on("reconnected")
        def _(event: ReconnectedEvent) -> None:
            attempts = page.count(event.outage.attempts, "attempt")
            page.log("reconnected", f"after {event.outage.duration:.1f} s, {attempts}", self.outage_number)

        @session.on("sessionDisconnected")
        def _(event: SessionDisconnectedEvent) -> None:
            self.ended = True
            in_outage = bool(session.outages) and session.outages[-1].end == "sessionDisconnected"
            number = self.outage_number if in_outage else None
            page.log("sessionDisconnected", event.reason, number)
            for tile in self.tiles.values():
                tile.remove()
            if self.left_on_purpose:
                page.show_lobby()
            else:
                page.banner("disconnected", "Disconnected", _WHY_OUT.get(event.reason, event.reason), number)
                page.show_out()

        @session.on("exception")
        def _(event: ExceptionEvent) -> None:
            page.log("exception", f"{event.name}: {event.message}")

    async def _follow(self, outage: Outage) -> None:
        """Show an outage while it lasts and then, for `_REPORT_FOR` seconds, the outcome for the streams."""
        began = time.monotonic()
        told = 0
        while outage.end is None:
            attempt = f"attempt {outage.attempts}" if outage.attempts else "starting an attempt"
            page.banner("reconnecting", "Reconnecting", f"{time.monotonic() - began:.1f} s, {attempt}")
            told = self._tell(outage, told)
            await asyncio.sleep(0.1)
        returned = time.monotonic()
        while not self.ended and outage is self.session.outages[-1]:
            told = self._tell(outage, told)
            if time.monotonic() - returned > _REPORT_FOR:
                page.banner("connected", "Connected")
                return
            detail = f"after {outage.duration:.1f} s, {self._outcome(outage)}"
            page.banner("reconnected", "Reconnected", detail, self.outage_number)
            await asyncio.sleep(0.1)

    def _outcome(self, outage: Outage) -> str:
        """Return the outcome for the streams in the record so far, in words."""
        streams = outage.streams.values()
        renegotiated = [item for item in streams if any(step.step == "renegotiating" for step in item.steps)]
        if renegotiated:
            return f"{page.count(len(renegotiated), 'stream')} renegotiated"
        judged = len(streams) >= len(self.session.stream_managers)
        return "nothing was renegotiated" if judged else "checking the media"

    def _tell(self, outage: Outage, told: int) -> int:
        """Log the record's lines from number `told` on, with names instead of ids; return how many it has by now."""
        for item in self.session.stream_managers:
            tile = self.tile_of(item.stream)
            if item.stream.stream_id and tile is not None:
                self.names[item.stream.stream_id] = tile.name
        return page.log_outage(outage, told, self.names)


_REPORT_FOR = 6.0  # seconds for which the banner shows how an outage ended

_WHY_OUT = {
    "networkDisconnect": "The connection was down for longer than the eviction timeout of the server.",
    "forceDisconnectByUser": "A moderator disconnected you.",
    "forceDisconnectByServer": "The application's backend disconnected you.",
    "sessionClosedByServer": "The application's backend closed the session.",
    "nodeCrashed": "The server crashed.",
}


class Demo:
    """The page's buttons."""

    def __init__(self) -> None:
        self.openvidu = OpenVidu()
        self.call: DemoCall | None = None

    async def join(self) -> None:
        """Join the room in the form."""
        room, name = page.form()
        await self._begin(DemoCall(self.openvidu, room, name))

    async def rejoin(self) -> None:
        """Join the same room again after an eviction, as a new participant with a new token."""
        assert self.call is not None
        await self._begin(DemoCall(self.openvidu, self.call.room, self.call.name))

    async def _begin(self, call: DemoCall) -> None:
        self.call = call
        page.show_call(call.room, call.name)
        try:
            await call.join()
        except OpenViduError as error:
            if not call.ended:
                call.leave()
                page.show_lobby(str(error))

    def leave(self) -> None:
        """Leave the call and show the lobby."""
        if self.call is not None:
            self.call.leave()
            page.show_lobby()

    def reconnect_now(self) -> None:
        """Start an attempt at once, during an outage."""
        if self.call is not None:
            self.call.session.reconnect_now()

    def stop_reconnecting(self) -> None:
        """Give up, during an outage."""
        if self.call is not None:
            self.call.session.stop_reconnecting()

    def toggle(self, kind: str) -> None:
        """Mute or unmute `kind`, "audio" or "video"; during an outage the others are notified after it."""
        publisher = self.call.publisher if self.call is not None else None
        if publisher is not None:
            wanted = not getattr(publisher.stream, f"{kind}_active")
            publisher.publish_audio(wanted) if kind == "audio" else publisher.publish_video(wanted)
            page.offer_devices(publisher.stream)

    async def drop(self, seconds: float, kind: str) -> None:
        """Ask the server to imitate a drop of this participant. Raises OpenViduError if the server refuses."""
        if self.call is not None and self.call.session.connection is not None and not self.call.ended:
            own = self.call.session.connection.connection_id
            page.log("detail", f"imitated drop of {seconds:g} s ({kind}) begins")
            await page.post("/faults", {"participant": own, "kind": kind, "seconds": seconds})
            await page.count_down(seconds)

    def force(self, enabled: bool) -> None:
        """Set whether every stream is renegotiated after a drop, healthy or not."""
        self.openvidu.set_advanced_configuration(force_media_reconnection_after_network_drop=enabled)


def start() -> None:
    """Connect the page's controls to a new Demo; `boot.js` calls this once Python has started."""
    try:
        demo = Demo()
    except OpenViduError as error:  # no WebRTC: this page cannot make calls
        page.show_lobby(str(error))
        return
    page.on_submit("join-form", demo.join)
    page.on_click("rejoin", demo.rejoin)
    page.on_click("leave", demo.leave)
    page.on_click("mic", lambda: demo.toggle("audio"))
    page.on_click("camera", lambda: demo.toggle("video"))
    page.on_click("try-now", demo.reconnect_now)
    page.on_click("give-up", demo.stop_reconnecting)
    page.on_drop(demo.drop)
    page.on_force(demo.force)
    page.on_timeline(outage_panel.show)
    outage_panel.start()
    page.ready(demo.join)
