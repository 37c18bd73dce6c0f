"""What a memory snapshot of Python contains of its own: how it is made ready, and what a page does with it first.

Runs in Pyodide only: `snapshot.mjs` puts it into the snapshot as a module.
"""

from __future__ import annotations

import gc
import importlib
import logging
import pkgutil
import random
import sys
import time
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, PathFinder
from pathlib import Path
from typing import Any

# What the client, asyncio, Pyodide and PyScript import when they need it: a page of pyvidu.js has no archive to import it
# from, in the others the archive comes later.
_LATE = ("datetime", "difflib", "encodings.idna", "html", "linecache", "tokenize", "tracemalloc", "traceback")
_LIBRARY = f"/lib/python{sys.version_info.major}{sys.version_info.minor}.zip"
_IN_LIBRARY = sys.stdlib_module_names | {"_pyodide", "pyodide"}


def prepare(package: str) -> None:
    """Import all of `package`, and leave nothing of this process behind that a page must not have."""
    for name in _LATE:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)
    while "" in sys.path:  # Pyodide puts it there in every page
        sys.path.remove("")
    gc.collect()


def restored(load_library: Callable[[], None] | None) -> None:
    """Take this page's time, time zone and randomness. The archive of the standard library is not there yet.

    `load_library` gets it, and calls `take_library`; None: the page does without.
    """
    random.seed()
    _take_time_zone()
    logging._startTime = time.time_ns()  # type: ignore[attr-defined]  # no public name
    for finder in sys.path_importer_cache.values():
        if isinstance(finder, FileFinder):  # not those of archives, which would read them again
            finder.invalidate_caches()
    sys.path.remove(_LIBRARY)
    if load_library is not None:
        sys.meta_path.insert(sys.meta_path.index(PathFinder), _LateLibrary(load_library))


def take_library(archive: Any) -> None:
    """Put the archive of the standard library, a `Uint8Array`, where modules are looked for in it."""
    Path(_LIBRARY).write_bytes(archive.to_bytes())
    sys.path.insert(sys.path[:1] == [""], _LIBRARY)
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _LateLibrary)]


class _LateLibrary(MetaPathFinder):
    """Finds nothing: it has the archive of the standard library loaded when a module of it is imported before it is there."""

    def __init__(self, load: Callable[[], None]) -> None:
        self._load = load

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name.partition(".")[0] not in _IN_LIBRARY:
            return
        try:
            self._load()
        except Exception as error:  # of JavaScript
            raise ImportError(f"{name} cannot be imported: {error}", name=name) from error


def _take_time_zone() -> None:
    """Replace what `time` read when it was imported; there is no `tzset` here."""
    year = time.localtime().tm_year
    ends = [time.localtime(time.mktime((year, month, 1, 0, 0, 0, 0, 1, -1))) for month in (1, 7)]
    standard, summer = sorted(ends, key=lambda moment: moment.tm_gmtoff)
    time.timezone, time.altzone = -standard.tm_gmtoff, -summer.tm_gmtoff
    time.daylight = int(time.timezone != time.altzone)
    time.tzname = (standard.tm_zone, summer.tm_zone)
