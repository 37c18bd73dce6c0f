"""The folders of the pages, the static files and the browser runtime, in a checkout and in an installed wheel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyvidu.vendoring.lock import runtime_stamp


def package_dir() -> Path:
    """Return the folder of the running `pyvidu` package."""
    return Path(__file__).resolve().parent.parent


def checkout_root() -> Path | None:
    """Return the top folder of the checkout that the running package belongs to, or None when it was installed."""
    root = package_dir().parent.parent
    return root if package_dir().parent.name == "py" and (root / "pyproject.toml").is_file() else None


def web_dir() -> Path:
    """Return the folder of the pages: `web/` of a checkout, `pyvidu/web/` of an installed wheel."""
    return (checkout_root() or package_dir()) / "web"


def static_dir() -> Path:
    """Return the folder of the files that are served as they are."""
    return (checkout_root() or package_dir()) / "static"


def default_vendor_dir() -> Path:
    """Return the folder that `pyvidu vendor` fills and `pyvidu serve` reads by default.

    In order: the environment variable `PYVIDU_VENDOR_DIR`; `static/vendor/` of a checkout; a folder in the user's
    cache. The last is named after the locked versions, so that an upgraded pyvidu never serves an old runtime, and it
    does not depend on the current directory, so that `pyvidu serve` may be started anywhere.
    """
    if chosen := os.environ.get("PYVIDU_VENDOR_DIR"):
        return Path(chosen).absolute()
    if root := checkout_root():
        return root / "static" / "vendor"
    return _user_cache_dir() / "pyvidu" / f"browser-runtime-{runtime_stamp()[:12]}"


def _user_cache_dir() -> Path:
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
