"""An example that needs a browser, a process or root says so; it is not run, but the names that it uses exist.

mypy checks it with the types of the fixtures that it takes.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.documentation.examples import ALL, Example
from tools.generated import ROOT

NOT_RUN = [example for example in ALL if example.not_run]

TYPES = {
    "network_lab": "NetworkLab",
    "open_browser": "OpenBrowser",
    "pyvidu_server": "StartServer",
    "server": "RunningServer",
    "chromium": "Browser",
    "page": "Page",
    "session": "Session",
    "subscriber": "Subscriber",
    "connection_id": "str",
    "my_app": "Any",
    "start_my_app": "Any",
}
"""What the names are that an example takes for granted, if it does not run."""

HEAD = """\
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page

from pyvidu import Session, Subscriber
from pyvidu.testing import *
from pyvidu.testing.fixtures import OpenBrowser, StartServer
"""


class _Typed(ast.NodeTransformer):
    """Gives the parameters of functions the types of the fixtures that they are."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        if node.arg in TYPES:
            node.annotation = ast.Name(TYPES[node.arg])
        return node


def typed(example: Example, number: int) -> str:
    """Return an example as a function, in which what it takes for granted has a type."""
    body = "\n".join(ast.unparse(_Typed().visit(item)) for item in ast.parse(example.code).body)
    assigned = set(re.findall(r"^(?:async def )?(\w+)(?: = |\()", body, re.MULTILINE))
    given = ", ".join(f"{name}: {kind}" for name, kind in TYPES.items() if name not in assigned)
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"async def example_{number}({given}) -> None:  # {example.where}\n{lines}\n"


def complaints(examples: list[Example], folder: Path) -> list[str]:
    """Return what mypy reports for the examples."""
    file = folder / "examples_not_run.py"
    file.write_text(HEAD + "\n\n".join(typed(item, number) for number, item in enumerate(examples)), "utf-8")
    options = [
        "--check-untyped-defs",
        "--allow-untyped-defs",
        "--no-error-summary",
        "--no-pretty",
        f"--cache-dir={ROOT / '.mypy_cache'}",
    ]
    command = [sys.executable, "-m", "mypy", *options, "--config-file=", "--ignore-missing-imports", str(file)]
    told = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "MYPYPATH": str(ROOT / "py")}
    )
    assert told.stderr == ""
    return [line for line in told.stdout.splitlines() if ": error: " in line]


def test_examples_that_are_not_run_use_names_that_exist(tmp_path: Path) -> None:
    assert complaints(NOT_RUN, tmp_path) == []


def test_misspelt_name_in_an_example_that_is_not_run_is_reported(tmp_path: Path) -> None:
    wrong = [
        Example("a", "async def test_it(network_lab, pyvidu_server):\n    network_lab.droped('silent')"),
        Example("b", "async with server.fault('silnt', connection_id): ..."),
        Example("c", "await wait_for_outage(page, timout=20)"),
    ]
    assert len(complaints(wrong, tmp_path)) == len(wrong)
