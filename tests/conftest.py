"""Configuration of all tests. The browser and network fixtures come from pyvidu's own pytest plugin (`pyvidu.testing`).

Tests under `browser/`, `contract/`, `interop/` and `npm/` run in one event loop per module, because one browser serves the
whole module.
Their asynchronous fixtures declare it too: `@pytest_asyncio.fixture(loop_scope="module")`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_asyncio import is_async_test

# How long an example takes says how busy the machine is: some tests run beside others, with what time those leave.
settings.register_profile("pyvidu", deadline=None)
settings.load_profile("pyvidu")

_HERE = Path(__file__).parent
_ONE_LOOP_A_MODULE = (_HERE / "browser", _HERE / "contract", _HERE / "interop", _HERE / "npm")

# These say how soon something is noticed: they come last, when the simulations and linters that run beside have ended.
_TIMED = (_HERE / "browser" / "test_engine.py",)

_PARSES_WHILE_PARSING = sys.version_info >= (3, 12, 2) or (3, 11, 8) <= sys.version_info < (3, 12)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path in _TIMED)
    for item in items:
        if is_async_test(item) and any(folder in item.path.parents for folder in _ONE_LOOP_A_MODULE):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the garbage collector from running where pytest parses the source of a failed test.

    What it collects may log a traceback, and so parse too. Older Pythons then raise SystemError, "AST constructor recursion
    depth mismatch" (CPython issue 106905), which ends the whole run.
    """
    if _PARSES_WHILE_PARSING or not gc.isenabled():
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
