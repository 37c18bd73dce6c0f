"""The pytest plugin. pytest loads it wherever pyvidu is installed, so it must load without the `testing` extra too."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("playwright") and find_spec("pytest_asyncio"):
    from pyvidu.testing.fixtures import (
        browser_path,
        chromium,
        network_lab,
        open_browser,
        playwright_driver,
        pyvidu_server,
    )

    __all__ = ["browser_path", "chromium", "network_lab", "open_browser", "playwright_driver", "pyvidu_server"]
