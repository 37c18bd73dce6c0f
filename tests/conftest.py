"""Configuration of all tests. The browser and network fixtures come from pyvidu's own pytest plugin (`pyvidu.testing`).

Tests under `browser/`, `contract/`, `interop/` and `npm/` run in one event loop per module, because one browser serves the
whole module.
Their asynchronous fixtures declare it too: `@pytest_asyncio.fixture(loop_scope="module")`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_asyncio import is_async_test

_HERE = Path(__file__).parent
_ONE_LOOP_A_MODULE = (_HERE / "browser", _HERE / "contract", _HERE / "interop", _HERE / "npm")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_async_test(item) and any(folder in item.path.parents for folder in _ONE_LOOP_A_MODULE):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
