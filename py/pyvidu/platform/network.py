"""Network and page events of the host, and probes of whether a server can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class NetworkListener(Protocol):
    """Listener for network and page events. Each is evidence, none is a verdict."""

    def network_offline(self) -> None:
        """Handle that the host reports no network (a browser's `offline`)."""

    def network_online(self) -> None:
        """Handle that the host reports a network again (`online`)."""

    def network_changed(self) -> None:
        """Handle that the host reports another network (Network Information's `change`)."""

    def page_woke_up(self) -> None:
        """Handle that a frozen page runs again (Page Lifecycle's `resume`)."""

    def page_unloading(self) -> None:
        """Handle that the page is unloaded: whatever is to be sent must be sent in this call."""


class NetworkMonitor(Protocol):
    """A subscription to network and page events."""

    def close(self) -> None:
        """End the subscription."""


class Reachability(Protocol):
    """Probes whether a server can be reached, outside the signaling WebSocket."""

    async def probe(self, url: str, timeout: float, answers: Sequence[str] = ()) -> str | None:
        """Return the HTTP answer, None when the network refused at once or `timeout` seconds passed.

        With `answers`, no other answer counts, nor one that a page may not read (CORS). Without, any counts, and is not read
        ("").
        """

    async def probe_web_socket(self, url: str, timeout: float) -> bool:
        """Return whether a new WebSocket opened, which is closed as soon as it is.

        It costs more than `probe`, but cannot hang on an old connection in a pool.
        """
