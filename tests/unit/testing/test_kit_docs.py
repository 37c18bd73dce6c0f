"""The test kit's names in three places: functions and fixtures, the server's faults, docs/testing.md."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

import pyvidu.testing
from pyvidu.server.faults.orders import ORDERS
from pyvidu.testing import LabFault, NetworkLab, Router, RunningServer, ServerFault, launch_browser, start_server
from pyvidu.testing.fixtures import OpenBrowser, StartServer

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "testing.md").read_text("utf-8")
OPTIONS = ("--pyvidu-reports", "--pyvidu-require-lab", "--pyvidu-headed")


def parameters(function: object) -> list[inspect.Parameter]:
    assert callable(function)
    return [found for found in inspect.signature(function).parameters.values() if found.name != "self"]


def test_fixture_pyvidu_server_takes_what_start_server_takes() -> None:
    def compared(function: object) -> list[tuple[object, ...]]:
        return [(one.name, one.kind, one.default) for one in parameters(function)]

    assert compared(StartServer.__call__) == compared(start_server)


def test_fixture_open_browser_takes_what_launch_browser_takes() -> None:
    fixture = [(one.name, one.kind) for one in parameters(OpenBrowser.__call__)]
    assert fixture == [(one.name, one.kind) for one in parameters(launch_browser) if one.name != "playwright"]


def test_faults_of_the_type_are_those_of_the_server() -> None:
    assert set(get_args(ServerFault)) == set(ORDERS)


def public(thing: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(thing) if not name.startswith("_")]


@pytest.mark.parametrize(
    "names",
    [
        [one.name for one in parameters(start_server) if one.name != "args"],
        [one.name for one in parameters(launch_browser) if one.name not in ("playwright", "options")],
        [one.name for one in parameters(RunningServer.fault) if one.name not in ("close", "count", "method", "plane")],
        [*get_args(LabFault), *get_args(ServerFault), *OPTIONS],
    ],
)
def test_every_option_is_explained(names: list[str]) -> None:
    assert [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", PAGE)] == []


def test_every_method_of_lab_and_server_is_listed() -> None:
    rarely = {"close", "closed", "lose_address", "gain_address", "link_up", "let_pass", "passed_by_protocol"}
    of_server = {"process", "ended_by_test", "last_output"}
    names = {*public(NetworkLab), *public(Router), *public(RunningServer)} - rarely - of_server
    assert {name for name in names if name not in PAGE} == set()


def test_every_public_name_exists_once() -> None:
    assert len(set(pyvidu.testing.__all__)) == len(pyvidu.testing.__all__)
    assert all(hasattr(pyvidu.testing, name) for name in pyvidu.testing.__all__)
