"""`docs/server.md` lists every setting and every metric."""

from __future__ import annotations

import re
from pathlib import Path

import click

from pyvidu.cli.main import main
from tests.server.live_server import LiveServer

PAGE = (Path(__file__).parents[2] / "docs" / "server.md").read_text()


def test_documented_flags_are_those_of_the_command() -> None:
    serve = main.commands["serve"]
    flags = {flag for option in serve.params if isinstance(option, click.Option) for flag in option.opts}
    assert set(re.findall(r"`(--[a-z-]+)`", PAGE)) == {flag for flag in flags if flag.startswith("--")} - {"--help"}


async def test_documented_metrics_are_those_of_the_server(live: LiveServer) -> None:
    async with live.http.get(live.url("/metrics")) as response:
        text = await response.text()
    samples = set(re.findall(r"^# TYPE (pyvidu_\w+) ", text, re.MULTILINE))
    named = set(re.findall(r"pyvidu_\w+", PAGE))
    assert samples - {name for name in samples if name.endswith("_created")} == named
