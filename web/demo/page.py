"""The demo's page: everything that touches the document. The call itself is in `main.py`."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import timeline
from js import Object, URLSearchParams, console, document, fetch, history, location
from pyodide.ffi import create_proxy, to_js
from pyodide.ffi.wrappers import add_event_listener, set_interval

from pyvidu import OpenViduError, Outage, Stream, TrackInfo, VideoDimensions

_NAMES = ("Ada", "Alan", "Annie", "Barbara", "Edsger", "Frances", "Grace", "Hedy", "Joan", "Ken", "Margaret", "Radia")
_LINES_KEPT = 200
_FROZEN_AFTER = 1.0  # seconds without a new frame; over a working network the gap is always shorter
_background: set[asyncio.Future[Any]] = set()


def element(identity: str) -> Any:
    """Return the element with this id."""
    return document.getElementById(identity)


class DemoServerError(OpenViduError):
    """The server refused one of the demo's own requests; the message is the server's."""


async def post(path: str, body: Mapping[str, object]) -> dict[str, Any]:
    """Post JSON to our own server and return the JSON of its answer. Raises DemoServerError if the server refuses."""
    options = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
    answer = await fetch(path, to_js(options, dict_converter=Object.fromEntries))
    text = await answer.text()
    if not answer.ok:
        if answer.status in (404, 405) and path == "/demo/token":
            raise DemoServerError("This server creates no tokens for pages: start it with `make demo` (or `--demo`).")
        raise DemoServerError(_message_of(text) or f"The server answered {answer.status}.")
    received: dict[str, Any] = json.loads(text)
    return received


def _message_of(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()


# --- buttons and forms -----------------------------------------------------------------------------------------------


def on_click(identity: str, action: Callable[[], object]) -> None:
    """Call `action`, plain or async, at every click."""
    add_event_listener(element(identity), "click", lambda _event: _do(action))


def on_submit(identity: str, action: Callable[[], Awaitable[None]]) -> None:
    """Call `action` when a form is submitted."""

    def submitted(event: Any) -> None:
        event.preventDefault()
        _do(action)

    add_event_listener(element(identity), "submit", submitted)


def on_drop(action: Callable[[float, str], Awaitable[None]]) -> None:
    """Call `action` with seconds and kind ("silent" or "dead-media") when a drop button is clicked."""

    def clicked(event: Any) -> None:
        button = event.target.closest("button")
        if button:
            kind = "dead-media" if element("dead-media").checked else "silent"
            _do(lambda: action(float(button.dataset.seconds), kind))

    add_event_listener(element("drops"), "click", clicked)


def on_timeline(action: Callable[[int], Awaitable[None]]) -> None:
    """Call `action` with the number of an outage when its timeline button is clicked."""

    def clicked(event: Any) -> None:
        button = event.target.closest("[data-outage]")
        if button:
            _do(lambda: action(int(button.dataset.outage)))

    add_event_listener(element("call"), "click", clicked)


def on_force(action: Callable[[bool], None]) -> None:
    """Call `action` with the state of the check box for forced renegotiation when it changes."""
    add_event_listener(element("force"), "change", lambda event: action(bool(event.target.checked)))


def _do(action: Callable[[], object]) -> None:
    result = action()
    if inspect.isawaitable(result):
        task = asyncio.ensure_future(result)
        _background.add(task)
        task.add_done_callback(_done)


def _done(task: asyncio.Future[Any]) -> None:
    _background.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log("exception", str(error))
        console.error(str(error))


# --- lobby and call --------------------------------------------------------------------------------------------------


def ready(join: Callable[[], Awaitable[None]]) -> None:
    """Enable the form, now that Python has started. With `join=1` in the URL, join at once."""
    wanted = URLSearchParams.new(location.search)
    if wanted.get("room"):
        element("room").value = wanted.get("room")
    element("name").value = wanted.get("name") or random.choice(_NAMES)  # noqa: S311  no secret
    element("boot").hidden = True
    element("join").disabled = False
    set_interval(_watch_tiles, 250)
    if wanted.get("join"):
        _do(join)
    else:
        element("name").focus()
        element("name").select()


def form() -> tuple[str, str]:
    """Return room and name."""
    return element("room").value.strip(), element("name").value.strip() or "Somebody"


def show_call(room: str, name: str) -> None:
    """Show the call instead of the lobby."""
    _state("call")
    element("log").replaceChildren()
    notice("")
    banner("joining", "Joining")
    offer_devices(None)
    _inside(True)
    element("place").textContent = f"Room {room}"
    history.replaceState(None, "", f"?{urlencode({'room': room, 'name': name})}")
    other = random.choice([item for item in _NAMES if item != name])  # noqa: S311  no secret
    for identity in ("invite", "invite-alone"):
        element(identity).href = f"?{urlencode({'room': room, 'name': other, 'join': 1})}"


def show_lobby(trouble: str = "") -> None:
    """Show the lobby instead of the call, with `trouble`, the sentence that says why, if there is one."""
    _state("lobby")
    for tile in list(Tile.shown):
        tile.remove()
    element("boot").hidden = True
    element("trouble").textContent = trouble
    element("trouble").hidden = not trouble


def _state(state: str) -> None:
    document.body.dataset.state = state
    element("lobby").hidden = state != "lobby"
    for identity in ("call", "place", "invite"):
        element(identity).hidden = state != "call"


def banner(kind: str, title: str, detail: str = "", outage: int | None = None) -> None:
    """Show the state of the connection.

    Screen readers announce only the title, and only when it changes: `detail` may count seconds. `outage` is the number
    of the outage whose timeline can be opened.
    """
    element("banner").dataset.kind = kind
    if element("banner-title").textContent != title:
        element("banner-title").textContent = title
    element("banner-detail").textContent = detail
    for identity, wanted in (("try-now", "reconnecting"), ("give-up", "reconnecting"), ("rejoin", "disconnected")):
        element(identity).hidden = kind != wanted
    element("timeline-of-last").hidden = outage is None
    element("timeline-of-last").dataset.outage = str(outage)


def notice(text: str) -> None:
    """Show a sentence above the tiles; an empty one hides it."""
    element("notice").textContent = text
    element("notice").hidden = not text


def show_out() -> None:
    """Show that the call has ended for this participant, without going to the lobby, and focus the rejoin button."""
    show_alone(False)
    offer_devices(None)
    _inside(False)
    element("rejoin").focus()


def _inside(inside: bool) -> None:
    element("out").hidden = inside
    element("mic").hidden = element("camera").hidden = not inside
    for button in element("drops").children:
        button.disabled = not inside


def show_alone(alone: bool) -> None:
    """Show or hide the link that opens a second participant."""
    element("alone").hidden = not alone


def offer_devices(stream: Stream | None) -> None:
    """Update the microphone and camera buttons for the local stream; disable them if `stream` is None."""
    buttons = (("mic", "audio", "Mute", "Unmute"), ("camera", "video", "Camera off", "Camera on"))
    for identity, kind, while_on, while_off in buttons:
        active = stream is None or getattr(stream, f"{kind}_active")
        button = element(identity)
        button.disabled = stream is None or not getattr(stream, f"has_{kind}")
        button.setAttribute("aria-pressed", str(active).lower())
        button.querySelector("span").textContent = while_on if active else while_off


def offer_drops(possible: bool) -> None:
    """Show the buttons that imitate drops, or hide them and show why."""
    element("drops").hidden = element("dead-media-row").hidden = not possible
    if not possible:
        element(
            "drop-note"
        ).textContent = "This server cannot imitate drops: start it with --fault-control, or disconnect this machine."


async def count_down(seconds: float) -> None:
    """Show how long an imitated drop still lasts; return when its `seconds` are over."""
    title = element("drop-title")
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        title.textContent = f"Network dropped, back in {left:.0f} s"
        await asyncio.sleep(0.25)
    title.textContent = "Drop my network"


# --- tiles -----------------------------------------------------------------------------------------------------------


_REASONS = {
    "bandwidth": "too narrow",
    "loss": "packets lost",
    "queue": "packets late",
    "roundTripTime": "long round trip",
}
_DIRECTIONS = {"uplink": "on the way up", "downlink": "on the way down"}


class Tile:
    """One participant's video, name and mute icons on the page."""

    shown: list[Tile] = []  # noqa: RUF012  all of them

    def __init__(self, name: str, *, own: bool) -> None:
        self.name = "You" if own else name
        self.root = element("tile").content.cloneNode(True).firstElementChild
        self.media = self._part(".media")
        self._asked: Any = None  # the video whose next frame `_frame_shown` waits for
        self._request = 0  # the id of that callback
        self._moved: float | None = None  # when it last showed a frame, None before its first one
        self._interrupted = self._paused = False
        self._frame_shown = create_proxy(self._on_frame)
        self._video_active = False
        self._part(".name").textContent = f"{name} (you)" if own else name
        self._part(".initial").textContent = name[:1].upper()
        self.root.dataset.video = "off"
        self.root.dataset.own = str(own).lower()
        element("tiles").append(self.root)
        Tile.shown.append(self)

    def show_active(self, stream: Stream) -> None:
        """Show which of audio and video of `stream` are active."""
        self._video_active = stream.has_video and stream.video_active
        self.root.dataset.video = "on" if self._video_active else "off"
        self._part(".muted-mic").toggleAttribute("hidden", stream.audio_active or not stream.has_audio)
        self._part(".muted-camera").toggleAttribute("hidden", stream.video_active or not stream.has_video)

    def show_interrupted(self, *, interrupted: bool) -> None:
        """Show whether the participant is reconnecting."""
        self._interrupted = interrupted
        self.watch()

    def show_paused(self, *, paused: bool) -> None:
        """Show whether the video is not forwarded, or not sent, because the network here does not carry it."""
        self._paused = paused
        self.watch()

    def show_quality(self, level: int, reason: str, direction: str) -> None:
        """Show what is wrong with the participant's network; at 0 it is shown as reconnecting already."""
        words = " ".join(filter(None, (_REASONS.get(reason, "weak network"), _DIRECTIONS.get(direction))))
        badge = self._part(".quality")
        badge.hidden = not 0 < level < 5
        badge.textContent = f"{level}/5: {words}"

    def remove(self) -> None:
        """Remove the tile from the page."""
        self.root.remove()
        if self in Tile.shown:
            Tile.shown.remove(self)
            if self._asked is not None:
                self._asked.cancelVideoFrameCallback(self._request)
            self._frame_shown.destroy()

    def watch(self) -> None:
        """Mark a video with no new frame for over `_FROZEN_AFTER` seconds, whatever the connection's state is.

        `getVideoPlaybackQuality` counts no frames in a headless Firefox 153.
        """
        video = self.root.querySelector("video")
        if video and video != self._asked:
            self._asked, self._request = video, video.requestVideoFrameCallback(self._frame_shown)
        now = time.monotonic()
        if not (video and self._video_active) and self._moved is not None:
            self._moved = now
        silent_for = 0.0 if self._moved is None else now - self._moved
        frozen = silent_for > _FROZEN_AFTER
        still = frozen or self._interrupted or self._paused
        self.root.toggleAttribute("data-frozen", still)
        self._part(".frozen").hidden = not still
        if self._interrupted:
            self._part(".frozen").textContent = "Reconnecting…"
        elif self._paused:
            self._part(".frozen").textContent = "Video paused: weak network"
        elif frozen:
            self._part(".frozen").textContent = f"Frozen for {silent_for:.0f} s"

    def _on_frame(self, _now: float, _metadata: Any) -> None:
        self._asked, self._moved = None, time.monotonic()

    def _part(self, selector: str) -> Any:
        return self.root.querySelector(selector)


def _watch_tiles() -> None:
    if not document.hidden:  # a hidden page presents no frames
        for tile in Tile.shown:
            tile.watch()


def name_of(data: str) -> str:
    """Return the name in `connection.data`, or its first 40 characters if another application wrote it."""
    try:
        return str(json.loads(data.split("%/%", maxsplit=1)[0])["name"]) or "Somebody"
    except (ValueError, KeyError, TypeError):
        return data[:40] or "Somebody"


# --- the log ---------------------------------------------------------------------------------------------------------


def log(kind: str, text: str, outage: int | None = None) -> None:
    """Add a line at the top of the log.

    `kind` is the name of an event, or "detail"; `outage` the number of the outage whose timeline can be opened from it.
    """
    line = document.createElement("li")
    line.dataset.kind = kind
    when = document.createElement("time")
    when.textContent = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-4]
    what = document.createElement("span")
    if kind != "detail":
        name = document.createElement("b")
        name.textContent = f"{kind} "
        what.append(name)
    what.append(text)
    if outage is not None:
        button = document.createElement("button")
        button.type, button.className, button.textContent = "button", "open-timeline", "Timeline"
        button.dataset.outage = str(outage)
        what.append(button)
    line.append(when, what)
    lines = element("log")
    lines.prepend(line)
    while lines.childElementCount > _LINES_KEPT:
        lines.lastElementChild.remove()


def log_outage(outage: Outage, told: int, names: Mapping[str, str]) -> int:
    """Log the lines of an outage's record from number `told` on, and return how many it has by now."""
    entries = list(outage.entries)
    for entry in entries[told:]:
        log("detail", f"{entry.at:+.2f} s {entry.kind}: {timeline.said(entry, names)}")
    return len(entries)


def said(value: object) -> str:
    """Return a property's value in words."""
    match value:
        case bool():
            return "on" if value else "off"
        case VideoDimensions(width, height):
            return f"{width} x {height}"
        case TrackInfo(label):
            return label
    return str(value)


def count(number: int, noun: str) -> str:
    """Return number and noun: 1 stream, 2 streams."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
