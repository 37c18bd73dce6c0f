"""The panel that shows the timeline of an outage. `timeline.py` computes its content, `chart.js` draws it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import timeline
from demo_modules import chart as load_chart
from js import URL, Blob, Object, document
from page import element, on_click
from pyodide.ffi import JsException, to_js
from pyodide.ffi.wrappers import add_event_listener

from pyvidu import Outage

_shown: list[tuple[Outage, Mapping[str, str]]] = []  # every outage that the log can open, with the names of its streams
_open: tuple[Outage, Mapping[str, str]] | None = None
_chart: Any = None


def remember(outage: Outage, names: Mapping[str, str]) -> int:
    """Store an outage and return its number, for the log line that opens it.

    `names` maps stream ids to participants' names; it may grow afterwards.
    """
    _shown.append((outage, names))
    return len(_shown) - 1


def start() -> None:
    """Add the handlers of the panel's buttons."""
    on_click("timeline-close", lambda: element("timeline").close())
    on_click("timeline-export", _download)
    on_click("timeline-all", lambda: _look_at("all"))
    on_click("timeline-end", lambda: _look_at("end"))
    add_event_listener(element("timeline"), "close", lambda _event: _close())


async def show(number: int) -> None:
    """Open the panel for outage `number`, and add new entries until it is closed."""
    global _open  # noqa: PLW0603  one panel, one outage in it
    outage, names = _shown[number]
    mine = _open = (outage, names)  # a new tuple each time: closing ends this loop even if reopened at once
    dialog = element("timeline")
    element("timeline-entries").replaceChildren()
    _fill(outage, names)
    dialog.showModal()
    dialog.scrollTop = 0
    drawn = -1
    _look_at("all", draw=False)
    while _open is mine:
        if len(outage.entries) != drawn:
            drawn = len(outage.entries)
            _fill(outage, names)
            await _draw(outage, names)
        await asyncio.sleep(0.25)


def _fill(outage: Outage, names: Mapping[str, str]) -> None:
    began = outage.began
    when = datetime.fromtimestamp(began, UTC).astimezone() if began is not None else None
    element("timeline-title").textContent = timeline.title(outage) + (f", {when:%H:%M:%S}" if when else "")
    element("timeline-summary").textContent = timeline.summary(outage, names)
    element("timeline-end").disabled = outage.end is None
    lines = element("timeline-entries")
    for entry in outage.entries[lines.childElementCount :]:
        line = document.createElement("li")
        for kind, text in (("time", f"{entry.at:+.2f} s"), ("b", entry.kind), ("span", timeline.said(entry, names))):
            part = document.createElement(kind)
            part.textContent = text
            line.append(part)
        lines.append(line)


async def _draw(outage: Outage, names: Mapping[str, str]) -> None:
    global _chart  # noqa: PLW0603  a megabyte, loaded once, when the first timeline is opened
    chart = element("timeline-chart")
    trouble = element("timeline-trouble")
    try:
        if _chart is None:
            _chart = await load_chart()
        if not element("timeline").open:
            return
        chart.setAttribute("aria-label", f"Timeline. {timeline.summary(outage, names)} The lines below say the same.")
        _chart.draw(chart, json.dumps(timeline.story(outage, names)))
        trouble.hidden = True
    except JsException as error:  # the network may be down
        trouble.textContent = f"The chart could not be loaded ({error}). The lines below say the same."
        trouble.hidden = False


def _look_at(part: str, *, draw: bool = True) -> None:
    for name in ("all", "end"):
        element(f"timeline-{name}").setAttribute("aria-pressed", str(name == part).lower())
    if draw and _chart is not None:
        _chart.lookAt(element("timeline-chart"), part)


def _download() -> None:
    if _open is None:
        return
    outage = _open[0]
    when = datetime.fromtimestamp(outage.began or 0, UTC)
    kind = to_js({"type": "application/json"}, dict_converter=Object.fromEntries)
    address = URL.createObjectURL(Blob.new(to_js([outage.to_json(indent=2)]), kind))
    link = document.createElement("a")
    link.href, link.download = address, f"outage-{when:%Y-%m-%dT%H-%M-%SZ}.json"
    link.click()
    URL.revokeObjectURL(address)


def _close() -> None:
    global _open  # noqa: PLW0603
    _open = None
    if _chart is not None:
        _chart.clear(element("timeline-chart"))
