"""The picture of a boot."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from benchmarks.waterfall import Span, drawn

SVG = "{http://www.w3.org/2000/svg}"


def test_charts_share_one_time_axis_and_each_bar_says_when_it_ended() -> None:
    short = [Span("a.js", "file", 0, 100)]
    long = [Span("b.wasm", "file", 200, 1000), Span("<Ready>", "step", 1000, 1000)]
    picture = ET.fromstring(drawn({"before": long, "after": short}))
    bars = [(float(bar.get("x", "")), float(bar.get("width", ""))) for bar in picture.iter(f"{SVG}rect")]
    assert bars == [(378.0, 512.0), (890.0, 2.0), (250.0, 64.0)]
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts == ["before", "b.wasm", "1000", "<Ready>", "1000", "after", "a.js", "100"]
