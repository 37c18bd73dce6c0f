"""The scripts that pages load: the modules of `web/` in one file, packed once, and again when one of them has changed."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyvidu.server.http.bundle import Form, bundle

MODULES = ("pyvidu.js", "python.js")
"""What pages import. The modules behind them, `lib/`, are served too, to be read."""


@dataclass(frozen=True, slots=True)
class Script:
    """A text in memory, as it is and as gzip."""

    content: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    etag: str


@lru_cache(maxsize=16)
def script(content: bytes) -> Script:
    """Return `content` with what is sent instead to those who accept gzip."""
    return Script(content, gzip.compress(content, mtime=0), hashlib.sha256(content).hexdigest()[:32])


class Scripts:
    """Makes one file of each of `MODULES`, and the classic script."""

    def __init__(self, web: Path) -> None:
        self._web = web
        self._made: dict[tuple[str, Form], tuple[object, Script]] = {}

    def get(self, name: str, form: Form, version: str, manifest: dict[str, Any] | None) -> Script:
        """Return the module `name` in a form, with what a page has to load written into it."""
        sources = [*self._web.glob("*.js"), *self._web.glob("lib/*.js")]
        state = [(path, status.st_mtime_ns, status.st_size) for path, status in ((p, p.stat()) for p in sources)]
        made = self._made.get((name, form))
        if made is None or made[0] != (state, manifest):
            text = bundle(self._web, form, assets="pyvidu-client/", version=version, entry=name, manifest=manifest)
            made = self._made[name, form] = (state, manifest), script(text.encode())
        return made[1]
