"""What a page prints, which errors it has and what it requests."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import Page

# Firefox reports a WebSocket that failed, and one that is open when its page goes, as it reports uncaught exceptions.
_FAILED_SOCKET = re.compile(r"Firefox can.t establish a connection to|The connection to \S+ was interrupted while")


@dataclass
class PageLog:
    """What a page prints, which errors it has and what it requests, from the call of `watch` on.

    Attributes:
        requests: every URL that it requested.

    Example: not run, it needs a page
        log = PageLog.watch(page)
        await page.goto(my_app.url(server))
        assert log.errors == []
        assert log.leaving(server.origin) == []

    Source: pyvidu's own.
    """

    console: list[str] = field(default_factory=list)
    """Every console line, as `type: text`."""
    errors: list[str] = field(default_factory=list)
    """Console errors and warnings, `uncaught:` exceptions, `failed:` requests, and answers of 400 and up."""
    requests: list[str] = field(default_factory=list)

    @classmethod
    def watch(cls, page: Page) -> PageLog:
        """Start to record a page.

        Args:
            page: Playwright's.
        """
        log = cls()
        page.on("console", lambda message: log._said(message.type, message.text))
        page.on("pageerror", lambda error: log._raised(str(error)))
        page.on("request", lambda request: log.requests.append(request.url))
        page.on("response", lambda answer: log._answered(answer.status, answer.url))
        page.on("requestfailed", lambda request: log.errors.append(f"failed: {request.url} {request.failure}"))
        return log

    def leaving(self, *origins: str) -> list[str]:
        """Return the requests that went to none of some origins.

        Args:
            *origins: such as `http://localhost:4443`.
        """
        allowed = {origin.rstrip("/") for origin in origins}
        return [
            url
            for url in self.requests
            if not url.startswith(("data:", "blob:")) and "://".join(urlsplit(url)[:2]) not in allowed
        ]

    def _said(self, kind: str, text: str) -> None:
        self.console.append(f"{kind}: {text}")
        if kind in {"error", "warning"}:
            self.errors.append(f"{kind}: {text}")

    def _raised(self, error: str) -> None:
        self.errors.append(f"{'failed' if _FAILED_SOCKET.match(error) else 'uncaught'}: {error}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.errors.append(f"{status}: {url}")
