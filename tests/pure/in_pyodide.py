"""Runs in the page: the suite, by pytest, and what became of each test.

Tests of virtual time bring an event loop of their own, which needs nothing of the browser. A loop does not run inside
another one, so the browser's steps aside for the length of the run: nothing of the page runs meanwhile anyway.
"""

import asyncio
import json
import os
import sys
from typing import Any

import pytest


class _Outcomes:
    def __init__(self) -> None:
        self.passed = 0
        self.failed: dict[str, str] = {}
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext
        elif report.skipped:
            self.skipped.append(report.nodeid)
        elif report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed[report.nodeid or "collection"] = report.longreprtext


class _VirtualPolicy(asyncio.DefaultEventLoopPolicy):
    """Asynchronous tests that ask for no loop of their own get a virtual one too: there is no other here."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        from tests.virtual_time import VirtualClockLoop

        return VirtualClockLoop()


def run(arguments: list[str]) -> str:
    """The outcomes as JSON."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    outcomes: Any = _Outcomes()
    browsers = asyncio.get_running_loop()
    asyncio.set_event_loop_policy(_VirtualPolicy())
    asyncio._set_running_loop(None)
    try:
        code = pytest.main(arguments, plugins=[outcomes])
    finally:
        asyncio._set_running_loop(browsers)
    return json.dumps(
        {
            "code": int(code),
            "python": sys.version,
            "passed": outcomes.passed,
            "failed": outcomes.failed,
            "skipped": outcomes.skipped,
        }
    )
