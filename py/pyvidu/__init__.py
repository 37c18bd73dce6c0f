"""pyvidu: OpenVidu in the browser, in Python. It does not let a call die."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
