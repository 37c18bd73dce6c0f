"""A page without a browser: fake devices and video elements that record what they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyvidu.errors import PropertiesError
from pyvidu.platform import Host
from tests.simulation.simulated_host import FakeDevices, FakeElement, FakeElements, FakeMedia
from tests.unit.reports import Reports
from tests.unit.signaling.scripted_server import ScriptedServer


class Elements(FakeElements):
    """Elements whose options are recorded. There is no target `nowhere`."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[FakeElement] = []
        self.asked: list[dict[str, Any]] = []

    def create(
        self, target: Any, insert_mode: str, *, identity: str, on_playing: Callable[[], None], **more: Any
    ) -> FakeElement:
        self.asked.append({"target": target, "insert_mode": insert_mode, "identity": identity, **more})
        if target == "nowhere":
            raise PropertiesError("there is no element nowhere")
        self.made.append(super().create(target, insert_mode, identity=identity, on_playing=on_playing))
        return self.made[-1]

    def adopt(self, element: Any, *, on_playing: Callable[[], None], **more: Any) -> FakeElement:
        self.asked.append({"element": element, **more})
        self.made.append(super().adopt(element, on_playing=on_playing))
        return self.made[-1]


class Devices(FakeDevices):
    """Devices whose constraints are recorded."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.opened: list[FakeMedia] = []

    async def get_user_media(self, *, audio: Any, video: Any) -> FakeMedia:
        self.asked.append((audio, video))
        self.opened.append(FakeMedia())
        return self.opened[-1]

    async def get_display_media(self, *, audio: Any, source: str = "screen") -> FakeMedia:
        self.asked.append(("display", audio))
        self.opened.append(FakeMedia())
        return self.opened[-1]


class Page:
    """A host with them. `events` records the events of the dispatchers passed to `listen`."""

    def __init__(self) -> None:
        self.devices, self.elements = Devices(), Elements()
        self.host: Host = replace(ScriptedServer().host(), devices=self.devices, elements=self.elements)
        self.events: list[Any] = []

    def listen(self, dispatcher: Any, *names: str) -> None:
        for name in names:
            dispatcher.on(name, self.events.append)

    @property
    def names(self) -> list[str]:
        """Return the names of the events so far."""
        return [event.type for event in self.events]


class Owner:
    """A membership as far as a stream knows it. Each request takes `delay` seconds and raises `failure`, if there is one."""

    def __init__(self) -> None:
        self.media_plane: Any = Reports()
        self.sent: list[Any] = []
        self.failure: Exception | None = None
        self.delay = 0.0
        self._tasks: list[Any] = []

    async def request(self, call: object) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        self.sent.append(call)
        if self.failure is not None:
            raise self.failure

    def in_background(self, coroutine: Any) -> Any:
        self._tasks.append(asyncio.ensure_future(coroutine))
        return self._tasks[-1]
