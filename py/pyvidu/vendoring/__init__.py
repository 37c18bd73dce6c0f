"""The browser runtime: fetching it (`pyvidu vendor`) and locating it. Standard library only.

A page needs Pyodide, PyScript and a few pure-Python wheels. They are megabytes of third-party files that change seldom,
so neither the repository nor the wheel contains them: they are fetched once from npm and PyPI, locked by hash.
"""

from __future__ import annotations

from pyvidu.vendoring.errors import VendorError
from pyvidu.vendoring.fetch import is_vendored, vendor
from pyvidu.vendoring.locations import default_vendor_dir, package_dir, static_dir, web_dir

__all__ = ["VendorError", "default_vendor_dir", "is_vendored", "package_dir", "static_dir", "vendor", "web_dir"]
