"""What counts as a crash whatever is sent: errors in the log, packets for other machines, memory that grows."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyvidu.server.logs import without_malformed_http

MAX_GROWTH = 64 * 1024 * 1024  # bytes, from the first tenth (router: first fifth) of the inputs to the end
_QUIET = ("pyvidu.server.messages", "pyvidu.server.events")


class Errors(logging.Handler):
    """Keeps every error that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(logging.Formatter().format(record)[:3000])


@contextlib.contextmanager
def watching(crashes: list[str]) -> Iterator[None]:
    """Add to `crashes` every error that is logged and every packet addressed to another machine."""
    errors = Errors()
    logging.getLogger().addHandler(errors)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("aiohttp.server").addFilter(without_malformed_http)
    abroad: list[str] = []
    watch: list[list[str] | None] = [abroad]  # an audit hook cannot be removed, only switched off
    sys.addaudithook(lambda event, arguments: _packets(watch[0], event, arguments))
    try:
        yield
    finally:
        watch[0] = None
        logging.getLogger().removeHandler(errors)
        logging.getLogger("aiohttp.server").removeFilter(without_malformed_http)
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.NOTSET)
        crashes += errors.found + [f"a packet for {address}" for address in abroad]


def resident() -> int:
    """Return the bytes of memory that this process holds, after garbage collection."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc keeps freed memory, which huge offers leave fragmented
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _packets(abroad: list[str] | None, event: str, arguments: tuple[Any, ...]) -> None:
    if abroad is None:
        return
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1")):
            abroad.append(str(address))
    elif event == "socket.getaddrinfo" and arguments[0] not in (None, "localhost", "127.0.0.1", "::1"):
        abroad.append(str(arguments[0]))
