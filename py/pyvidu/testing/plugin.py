"""The pytest plugin. pytest loads it wherever pyvidu is installed, so it must load without the `testing` extra too."""

from __future__ import annotations

from collections.abc import Generator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from pyvidu.testing.options import add_options as pytest_addoption

if TYPE_CHECKING:
    from pyvidu.testing.network import NetworkLab

INSTALLED = all(map(find_spec, ("playwright", "pytest_asyncio", "aiohttp", "aiortc")))

if INSTALLED:
    from pyvidu.testing.fixtures import (
        browser_path,
        chromium,
        network_lab,
        open_browser,
        playwright_driver,
        pyvidu_server,
    )
    from pyvidu.testing.options import recorder_of

    _ASYNCHRONOUS = frozenset({"playwright_driver", "open_browser", "chromium", "pyvidu_server"})

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pycollect_makeitem() -> Generator[None, object, object]:
        """Run tests that use an asynchronous fixture in its event loop.

        Before pytest-asyncio looks at them: so they are asynchronous tests for it also in its strict mode.
        """
        made = yield
        for item in made if isinstance(made, list) else [made]:
            if isinstance(item, pytest.Function) and not _ASYNCHRONOUS.isdisjoint(item.fixturenames):
                marker = item.get_closest_marker("asyncio")
                if marker is None or not {"loop_scope", "scope"} & set(marker.kwargs):
                    options = marker.kwargs if marker is not None else {}
                    item.add_marker(pytest.mark.asyncio(**options, loop_scope="module"), append=False)
        return made

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(item: pytest.Item) -> None:
        """Begin the report of a test."""
        recorder_of(item.config).begin_test()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add to a failed test's report what its pages and servers did."""
        report = yield
        if report.failed and report.when != "teardown":
            report.sections += recorder_of(item.config).report(item.nodeid)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(item: pytest.Item) -> None:
        """End the faults of the lab, so that the next test begins with a network that works."""
        lab: NetworkLab | None = getattr(item, "funcargs", {}).get("network_lab")
        if lab is not None and not lab.closed:
            lab.restore()

    __all__ = [
        "browser_path",
        "chromium",
        "network_lab",
        "open_browser",
        "playwright_driver",
        "pytest_addoption",
        "pytest_pycollect_makeitem",
        "pytest_runtest_makereport",
        "pytest_runtest_setup",
        "pytest_runtest_teardown",
        "pyvidu_server",
    ]
else:

    def _missing() -> None:
        pytest.fail("pyvidu's test kit is not installed completely: pip install 'pyvidu[testing]'", pytrace=False)

    network_lab = pytest.fixture(name="network_lab")(_missing)
    open_browser = pytest.fixture(name="open_browser")(_missing)
    pyvidu_server = pytest.fixture(name="pyvidu_server")(_missing)
    chromium = pytest.fixture(name="chromium")(_missing)
