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
from importlib.machinery import FileFinder

# What the client, asyncio and Pyodide import when they need it: a page of pyvidu.js has no archive to import it from.
_LATE = ("difflib", "encodings.idna", "linecache", "tokenize", "tracemalloc", "traceback")
_LIBRARY = f"python{sys.version_info.major}{sys.version_info.minor}.zip"


def prepare(package: str) -> None:
    """Import all of `package`, and leave nothing of this process behind that a page must not have."""
    for name in _LATE:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)
    while "" in sys.path:  # Pyodide puts it there in every page
        sys.path.remove("")
    gc.collect()


def restored(library: bool) -> None:
    """Take this page's time, time zone and randomness. `library` false: the archive of the standard library is not there."""
    random.seed()
    _take_time_zone()
    logging._startTime = time.time_ns()  # type: ignore[attr-defined]  # no public name
    for finder in sys.path_importer_cache.values():
        if isinstance(finder, FileFinder):  # not those of archives, which would read them again
            finder.invalidate_caches()
    if not library:
        sys.path[:] = [entry for entry in sys.path if not entry.endswith(_LIBRARY)]


def _take_time_zone() -> None:
    """Replace what `time` read when it was imported; there is no `tzset` here."""
    year = time.localtime().tm_year
    ends = [time.localtime(time.mktime((year, month, 1, 0, 0, 0, 0, 1, -1))) for month in (1, 7)]
    standard, summer = sorted(ends, key=lambda moment: moment.tm_gmtoff)
    time.timezone, time.altzone = -standard.tm_gmtoff, -summer.tm_gmtoff
    time.daylight = int(time.timezone != time.altzone)
    time.tzname = (standard.tm_zone, summer.tm_zone)
