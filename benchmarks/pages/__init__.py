"""Pages of the benchmark: one for each client, otherwise identical, and all on one clock."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page

from benchmarks.measure import Happened, Trace
from benchmarks.plan import Client
from pyvidu.testing import RunningServer

HERE = Path(__file__).parent
OFFICIAL_VERSION = "2.32.2"
OFFICIAL_BUNDLE = (
    HERE.parents[1]
    / "tests/interop/node_modules/openvidu-browser/static/js"
    / f"openvidu-browser-{OFFICIAL_VERSION}.min.js"
)

_DOCUMENT = """<!doctype html><meta charset="utf-8"><title>bench</title><div id="me"></div><div id="others"></div>
<script>%s</script><script>bench.start()</script>"""

_LOAD_PYTHON = """async (code) => {
  const manifest = await (await fetch('/pyvidu-client/manifest.json')).json();
  const { loadPyodide } = await import(manifest.pyodide);
  const python = await loadPyodide();
  await python.loadPackage([...manifest.packages, manifest.wheel], {messageCallback: () => {}});
  python.runPython(code);
  window.participant = {
    join: (...args) => python.globals.get('join')(...args),
    leave: () => python.globals.get('leave')(),
    outages: () => python.globals.get('outages')(),
  };
}"""
_LOAD_MODULE = "async () => { const m = await import('/pyvidu.js'); await m.ready; window.OpenVidu = m.OpenVidu; }"

CAMERA: dict[str, Any] = {"resolution": "640x480", "frameRate": 20, "audioSource": None, "videoSource": None}
OUTAGE_EVENTS = ("reconnecting", "reconnected", "sessionDisconnected")


@dataclass
class BenchPage:
    """A page of one client. It joins one call after another; times in and out are of this process's monotonic clock."""

    page: Page
    client: Client
    console: list[str] = field(default_factory=list)
    _offset: float = 0.0  # seconds: page's clock + offset = ours

    @classmethod
    async def open(cls, context: BrowserContext, server: RunningServer, client: Client) -> BenchPage:
        """Open a page that has loaded its client and joined nothing yet."""
        self = cls(await context.new_page(), client)
        self.page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        # A real page of the server: for one made up by `route`, Chromium's local network checks refuse the WebSocket.
        await self.page.goto(f"{server.origin}/healthz")
        await self.page.set_content(_DOCUMENT % (HERE / "instrument.js").read_text("utf-8"))
        await self._load()
        await self._calibrate()
        return self

    async def join(
        self,
        token: str,
        *,
        force: bool = False,
        publish: bool = True,
        name: str = "bench",
        others: str = "",
        rejoin: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """Join as `name`, publish if asked to, and subscribe to all whose connection data contains `others`.

        `rejoin` returns a token after an eviction; a page takes one such function at most, and only with Python on it.
        """
        self.console.clear()
        if rejoin is not None:
            await self.page.expose_function("freshToken", rejoin)
        properties = json.dumps({k: v for k, v in CAMERA.items() if v is not None}) if publish else ""
        async with asyncio.timeout(60):
            await self.page.evaluate("(args) => participant.join(...args)", [token, force, properties, name, others])

    async def leave(self) -> None:
        """Leave the call, if it is in one."""
        await self.page.evaluate("() => participant.leave()")
        await self.clear()

    async def close(self) -> None:
        """Close the page."""
        await self.page.close()

    # --- recorded events ---

    async def clear(self) -> None:
        """Drop what was recorded so far."""
        await self.page.evaluate("() => bench.clear()")

    async def trace(self) -> Trace:
        """Return what was recorded so far, on our clock."""
        notes = await self.page.evaluate("() => bench.notes()")
        outages = json.loads(await self.page.evaluate("() => participant.outages()"))
        return Trace(
            events=tuple(Happened(self._ours(at), name, reason) for at, name, reason in notes["events"]),
            frames={tag: self._all_ours(series) for tag, series in notes["frames"].items()},
            requests=tuple((self._ours(at), method) for at, method in notes["requests"]),
            sockets=self._all_ours(notes["sockets"]),
            fetches=self._all_ours(notes["fetches"]),
            pongs=self._spans(notes["pongs"]),
            stalls=self._spans(notes["stalls"]),
            outages=tuple(outages),
        )

    # --- waiting. All of these return whether the condition was met before `deadline` ---

    async def moves(self, after: float, deadline: float, *, more: int = 1, videos: int = 1) -> bool:
        """Wait until each of at least so many videos of others has presented `more` frames."""
        return await self._until("([after, more, videos]) => bench.moves(after, more, videos)",
                                 [self._theirs(after), more, videos], deadline)  # fmt: skip

    async def told(self, name: str, after: float, deadline: float) -> bool:
        """Wait until an event was fired."""
        return await self._until("([after, name]) => bench.told(after, name)", [self._theirs(after), name], deadline)

    async def settled(self, after: float, deadline: float) -> bool:
        """Wait until the last outage event is not `reconnecting`."""
        script = "([after, names]) => bench.last(after, names) !== 'reconnecting'"
        return await self._until(script, [self._theirs(after), OUTAGE_EVENTS], deadline)

    async def last(self, after: float) -> str:
        """Return the last outage event; "" for none."""
        script = "([after, names]) => bench.last(after, names)"
        return str(await self.page.evaluate(script, [self._theirs(after), OUTAGE_EVENTS]))

    async def _until(self, script: str, argument: Any, deadline: float) -> bool:
        from playwright.async_api import TimeoutError as PlaywrightTimeout

        left = max(1.0, (deadline - time.monotonic()) * 1000)
        try:
            await self.page.wait_for_function(script, arg=argument, timeout=left, polling=50)
        except PlaywrightTimeout:
            return False
        return True

    # --- loading and clocks ---

    async def _load(self) -> None:
        if self.client == "pyvidu":
            await self.page.evaluate(_LOAD_PYTHON, (HERE / "participant.py").read_text("utf-8"))
            return
        if self.client == "pyvidu.js":
            await self.page.evaluate(_LOAD_MODULE)
        else:
            await self.page.add_script_tag(path=OFFICIAL_BUNDLE)
        await self.page.add_script_tag(path=HERE / "surface.js")

    async def _calibrate(self) -> None:
        """Determine the offset of the page's clock. Both clocks are the kernel's monotonic one, so it never changes."""
        best = float("inf")
        for _ in range(15):
            asked = time.monotonic()
            theirs = await self.page.evaluate("() => performance.now()")
            took = time.monotonic() - asked
            if took < best:
                best, self._offset = took, asked + took / 2 - theirs / 1000

    def _ours(self, at: float) -> float:
        return at / 1000 + self._offset

    def _all_ours(self, series: Sequence[float]) -> tuple[float, ...]:
        return tuple(map(self._ours, series))

    def _spans(self, series: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        return tuple((self._ours(began), self._ours(ended)) for began, ended in series)

    def _theirs(self, at: float) -> float:
        return (at - self._offset) * 1000
