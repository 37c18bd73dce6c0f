"""The client's JavaScript, `functions.js`.

Whoever starts Python may load it and register it as `pyvidu_functions`, as boot.js does. Otherwise it is evaluated, which
a Content-Security-Policy must allow by `unsafe-eval`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from pyodide.code import run_js


def _load() -> Any:
    try:
        return import_module("pyvidu_functions").default
    except ImportError:
        pass
    source = Path(__file__).with_suffix(".js").read_text("utf-8")
    return run_js("(() => {" + source.replace("export default", "return") + "})()")


functions = _load()
