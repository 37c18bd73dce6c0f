"""Pictures of how pages start: which file came when, and what the client said that it had reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from playwright.async_api import Page

# The resources of a page, and the marks that web/lib/boot.js sets, in milliseconds since the navigation.
_READ = """() => [
  ...performance.getEntriesByType('resource').map((entry) =>
    [decodeURIComponent(entry.name.split(/[?#]/)[0].split('/').pop()), 'file', entry.startTime, entry.responseEnd]),
  ...performance.getEntriesByType('mark').filter(({ name }) => name.startsWith('pyvidu: ')).map((entry, index, all) =>
    [entry.name.slice(8), 'step', entry.startTime, all[index + 1]?.startTime ?? connectedAt]),
  ['connected', 'end', connectedAt, connectedAt],
]"""

_COLORS = {"file": "#7aa6d8", "step": "#e8a33d", "end": "#c0392b"}
_ROW, _LABEL, _WIDTH = 15, 250, 640  # pixels
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Span:
    """A bar of the picture."""

    name: str
    kind: str
    begin_ms: float
    end_ms: float


async def spans(page: Page) -> list[Span]:
    """Return the bars of a page that has connected, the first at the beginning."""
    found = [
        Span(str(name), str(kind), float(begin), float(end)) for name, kind, begin, end in await page.evaluate(_READ)
    ]
    return sorted(found, key=lambda span: span.begin_ms)


def drawn(charts: Mapping[str, list[Span]]) -> str:
    """Return the charts below each other, on one time axis, as SVG."""
    longest = max((span.end_ms for found in charts.values() for span in found), default=1.0)
    scale = _WIDTH / longest
    lines: list[str] = []
    top = 0
    for title, found in charts.items():
        top += 2 * _ROW
        lines.append(f'<text x="0" y="{top}" font-weight="bold">{escape(title)}</text>')
        for span in found:
            top += _ROW
            left, width = _LABEL + span.begin_ms * scale, max(2.0, (span.end_ms - span.begin_ms) * scale)
            name = span.name[:_LONGEST_NAME]
            lines.append(f'<text x="0" y="{top}">{escape(name)}</text>')
            bar = f'x="{left:.1f}" y="{top - _ROW + 5}" width="{width:.1f}" height="{_ROW - 4}"'
            lines.append(f'<rect {bar} fill="{_COLORS[span.kind]}"/>')
            lines.append(f'<text x="{left + width + 4:.1f}" y="{top}" fill="#777">{span.end_ms:.0f}</text>')
    size = f'width="{_LABEL + _WIDTH + 60}" height="{top + _ROW}"'
    style = 'font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n' + "\n".join(lines) + "\n</svg>\n"
