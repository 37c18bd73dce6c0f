"""`docs/server.md` lists every setting and every metric, `docs/threats.md` names limits that exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click

from pyvidu.cli.main import main
from pyvidu.server.limits import Limits, MediaLimits, MessageLimits
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


def test_limits_that_the_threat_model_names_exist() -> None:
    threats = (Path(__file__).parents[2] / "docs" / "threats.md").read_text()
    known = {field.name for table in (Limits, MessageLimits, MediaLimits) for field in fields(table)}
    named = set(re.findall(r"`([a-z][a-z_]+)`", threats))
    assert named <= known, named - known
    assert len(named) > 30
